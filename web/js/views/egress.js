// The Egress view: the hosts that the fenced user tried to reach, and the rules. Each list scrolls for itself, and the daemon filters the
// hosts by text and verdict, so that no number of denied hosts pushes anything else out of sight.

import { $, make, makeButton, makeCopyButton, makeTime, showNotice } from '../base/dom.js';
import { askJson, Latest } from '../base/ask.js';
import { ago, bytes, dayAndClock, number, plural } from '../base/format.js';
import { rangeTimes } from '../shell/address.js';
import { current, navigate, onChange } from '../shell/state.js';
import { addCondition } from '../shell/value_menu.js';
import { patternPermits, patternsOf, ruleFor } from './egress_rules.js';
import { makeHead, makeOpener, replaceRows } from './table.js';

const PAGE_SIZE = 200;    // hosts that are read at once
const LIMIT_MAX = 1000;   // of a result page of the daemon
const HOSTS_MAX = 2000;   // in the table; a text finds the others
const TYPING_MS = 200;    // a pause in typing that begins a search

const latest = new Latest();
let report = null;        // the newest answer
let hosts = [];           // of one or more result pages
let cursor = null;        // where the next one begins; null: there is none
let wanted = 'any';       // verdict of the hosts that are shown
let search = '';

// A place is searched in the form in which it is shown, and as NAME:PORT.
const asAsked = (text) => text.trim().replace(/ \(name\)$/, ':0').replace(/ [a-z0-9]+ (\d+)$/, ':$1');
const keyOf = ({ host, port }) => `${port} ${host}`;
const placeOf = (host) => (host.port === 0 ? `${host.host} (name)` : `${host.host} ${host.protocol} ${host.port}`);

// `patterns` are those of the current rules; the host's verdict is that of its last attempt.
function describe(host, patterns) {
  const pattern = patterns.find((one) => patternPermits(one, host));
  const isAllowedNow = host.verdict !== 'allowed' && pattern !== undefined;
  return { host, isAllowedNow, rule: pattern?.rule ?? '', command: host.verdict === 'allowed' || pattern ? '' : ruleFor(host) };
}

// By connections that have ended; the kernel reports that minutes after a close.
function makeSent({ connections_ended: ended, bytes_up: up, bytes_down: down }) {
  if (!ended) return make('td', 'number', make('span', 'quiet', '–'));
  const cell = make('td', 'number nowrap', bytes(up));
  cell.title = `${bytes(up)} sent and ${bytes(down)} received by ${plural(ended, 'connection')} that ended`;
  return cell;
}

function makeHost({ host, isAllowedNow, rule, command }) {
  const place = make('td', 'mono cut');
  // An event names the host itself, whatever its port.
  place.append(makeOpener('', placeOf(host), () => addCondition(`host=${host.host}`)));
  place.title = `Show the events of ${placeOf(host)}`;
  const verdict = make('td', 'nowrap', make('span', `badge verdict-${isAllowedNow ? 'allowed' : host.verdict}`, isAllowedNow ? 'allowed now' : host.verdict));
  if (isAllowedNow) verdict.title = `its last attempt was ${host.verdict}; a rule permits it by now`;
  const turn = make('td');
  if (host.last_request) {
    const opener = makeOpener('mono', `…${host.last_request.slice(-8)}`, () => navigate({ event: '', story: host.last_request, tab: 'story' }));
    opener.title = `the story of ${host.last_request}`;
    turn.append(opener);
  }
  const allow = make('td', 'allow');
  if (rule) allow.append(make('code', 'quiet', rule));
  if (command) {
    const code = make('code', 'command', `picortex egress allow ${command}`);
    allow.append(code, makeCopyButton('copy', 'Copy', () => code.textContent, code));
  }
  const last = make('td', 'nowrap', host.last_seen === null ? make('span', 'quiet', '–') : makeTime(host.last_seen, ago(host.last_seen)));
  return make('tr', isAllowedNow ? 'allowed-now' : host.verdict, place, verdict, make('td', 'number', number(host.attempts)), makeSent(host), last, turn, allow);
}

function makeRule(rule) {
  const used = rule.last_used === null ? make('span', 'quiet', 'never') : makeTime(rule.last_used, ago(rule.last_used));
  const text = make('td', 'mono cut', rule.rule);
  text.title = rule.rule;
  return make('tr', rule.expired ? 'expired' : '', text, make('td', 'quiet nowrap', rule.expired ? 'expired' : `${rule.source}${rule.line > 0 ? `, line ${rule.line}` : ''}`),
              make('td', 'number', number(rule.hits)), make('td', 'nowrap', used));
}

function noteOf({ mode, since, allowed, denied, hosts: readable, hosts_total: total }) {
  const text = {
    off: total > 0 ? 'The fence is off; these hosts were attempted while it was on.' : 'The fence is off.',
    learn: 'Learning: everything passes and is recorded. `picortex egress suggest` prints the list that would have sufficed.',
    enforce: `Enforced: ${number(denied)} denied and ${number(allowed)} allowed since ${dayAndClock(Date.parse(since))}.`,
  }[mode];
  return text + (readable === null ? ' The database cannot be read now.' : '');
}

function showCounts() {
  const { hosts_matching: matching = 0, hosts_evicted: evicted = 0, hosts_by_verdict: byVerdict = {} } = report;
  for (const button of $('egress-verdicts').children) {
    const { verdict } = button.dataset;
    button.setAttribute('aria-pressed', String(verdict === wanted));
    button.lastElementChild.textContent = number(byVerdict[verdict] ?? 0);
  }
  const place = $('hosts-count');
  place.textContent = `${number(hosts.length)} of ${number(matching)}${evicted > 0 ? `; ${number(evicted)} made room for others` : ''}`;
  place.title = evicted > 0 ? 'The table of hosts was full. Allowed hosts, those that were there first, and the newest ones stay; the events of each attempt remain.' : '';
  const isFull = hosts.length >= HOSTS_MAX;
  $('hosts-more').hidden = cursor === null || isFull;
  $('hosts-more').textContent = `Show ${number(Math.min(PAGE_SIZE, matching - hosts.length))} more`;
  $('hosts-full').hidden = cursor === null || !isFull;
}

function show() {
  const { mode, rules, rules_left_out: leftOut, hosts_total: total = 0 } = report;
  const patterns = rules.filter(({ expired }) => !expired).flatMap((rule) => patternsOf([rule]).map((pattern) => ({ ...pattern, rule: rule.rule })));
  const shown = hosts.map((host) => describe(host, patterns));
  $('egress-note').textContent = noteOf(report);
  showCounts();
  replaceRows($('egress-table'), makeHead([['Host'], ['Verdict'], ['Attempts', 'number'], ['Sent', 'number'], ['Last'], ['Turn'], ['Current rule, or the command to allow it']]), make('tbody', '', ...shown.map(makeHost)));
  $('egress-table').parentElement.hidden = shown.length === 0;
  if (shown.length > 0) showNotice($('egress-none'), '');
  else showNotice($('egress-none'), '', make('h2', '', total > 0 ? 'No such host in this time' : 'No host was attempted yet'),
                  make('p', '', mode === 'off' ? 'docs/start/fence-in-ten-minutes.md shows how to turn the fence on.' : 'Hosts that the fenced user tries to reach appear here.'));
  replaceRows($('rules-table'), makeHead([['Rule'], ['Source'], ['Uses', 'number'], ['Last']]), make('tbody', '', ...rules.map(makeRule)));
  $('rules-table').parentElement.hidden = rules.length === 0;
  $('rules-count').textContent = rules.length === 0 ? 'There are no rules.' : `${plural(rules.length + leftOut, 'rule')}${leftOut > 0 ? `, of which ${number(rules.length)} are shown` : ''}`;
}

function readPage(signal, parameters) {
  const { sinceMs, untilMs } = rangeTimes(current().range, Date.now());
  const query = new URLSearchParams({ verdict: wanted, text: search, ...parameters });
  if (sinceMs !== null) query.set('since', sinceMs);
  if (untilMs !== null) query.set('until', untilMs);
  return askJson(`/api/egress?${query}`, { signal });
}

// Reads the hosts that are shown again. Those beyond what the daemon gives at once stay as they were read.
function takeAgain(answer) {
  const first = answer.hosts ?? [];
  const known = new Set(first.map(keyOf));
  const rest = answer.next_cursor ? hosts.slice(first.length).filter((host) => !known.has(keyOf(host))) : [];
  hosts = [...first, ...rest];
  if (rest.length === 0) cursor = answer.next_cursor ?? null;
}

function takeMore(answer) {
  const known = new Set(hosts.map(keyOf));
  hosts = [...hosts, ...(answer.hosts ?? []).filter((host) => !known.has(keyOf(host)))];
  cursor = answer.next_cursor ?? null;
}

async function read(parameters, take) {
  if (current().view !== 'egress') return;
  try {
    const answer = await latest.run((signal) => readPage(signal, parameters));
    if (answer === undefined) return;
    report = answer;
    take(answer);
    showNotice($('egress-problem'), '');
    show();
  } catch (error) {
    showNotice($('egress-problem'), 'error', `This cannot be read now, and may have changed: ${error.message}`);
    if (report === null) showNotice($('egress-none'), '');
  }
}

export const refreshEgress = () => read({ limit: Math.min(LIMIT_MAX, Math.max(PAGE_SIZE, hosts.length)) }, takeAgain);

// After a change of what is asked for: from the first page on.
function readFirst() {
  hosts = [];
  cursor = null;
  $('egress-table').parentElement.scrollTop = 0;
  return refreshEgress();
}

export function clearEgress() {
  latest.cancel();
  report = null;
  hosts = [];
  cursor = null;
  for (const id of ['egress-table', 'rules-table', 'egress-note', 'rules-count', 'hosts-count', 'egress-none', 'egress-problem']) $(id).replaceChildren();
  $('hosts-more').hidden = $('hosts-full').hidden = true;
}

for (const [verdict, label, title] of [['any', 'All', ''], ['denied', 'Denied', 'the last attempt was denied'], ['allowed', 'Allowed', 'an attempt was allowed']]) {
  const button = makeButton('', '', () => {
    wanted = verdict;
    readFirst();
  });
  button.dataset.verdict = verdict;
  button.title = title;
  button.append(label, ' ', make('span', 'quiet', '0'));
  $('egress-verdicts').append(button);
}
let typing;
$('egress-search').addEventListener('input', ({ target }) => {
  clearTimeout(typing);
  typing = setTimeout(() => {
    search = asAsked(target.value);
    readFirst();
  }, TYPING_MS);
});
$('hosts-more').addEventListener('click', () => {
  // It is null while hosts of another filter are being read.
  if (cursor !== null) read({ limit: PAGE_SIZE, cursor }, takeMore);
});

onChange((state, before) => {
  if (state.view !== 'egress') return;
  if (before.view !== 'egress') {
    showNotice($('egress-none'), 'loading', 'Loading…');
    refreshEgress();
  } else if (state.range !== before.range) {
    readFirst();
  }
});
