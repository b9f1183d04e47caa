// The Egress view: the hosts that the fenced user tried to reach, and the rules. Each list scrolls for itself, so that no number of denied
// hosts pushes anything else out of sight.

import { $, make, makeButton, makeCopyButton, makeTime, showNotice } from '../base/dom.js';
import { askJson, Latest } from '../base/ask.js';
import { ago, bytes, dayAndClock, number, plural } from '../base/format.js';
import { eventsQuery, rangeTimes } from '../shell/address.js';
import { current, navigate, onChange } from '../shell/state.js';
import { addCondition } from '../shell/value_menu.js';
import { patternPermits, patternsOf, ruleFor } from './egress_rules.js';
import { makeHead, makeOpener, replaceRows } from './table.js';

const HOSTS_SHOWN = 200;  // the newest, which /api/egress has

const latest = new Latest();
let report = null;
let wanted = 'all';  // verdict of the hosts that are shown
let search = '';

const placeOf = (host) => (host.port === 0 ? `${host.host} (name)` : `${host.host} ${host.protocol} ${host.port}`);

// `patterns` are those of the current rules; the host's verdict is that of its last attempt.
function describe(host, patterns) {
  const pattern = patterns.find((one) => patternPermits(one, host));
  const isAllowedNow = host.verdict !== 'allowed' && pattern !== undefined;
  return { host, isAllowedNow, rule: pattern?.rule ?? '', kind: host.verdict === 'denied' && !isAllowedNow ? 'denied' : 'allowed',
    command: host.verdict === 'allowed' || pattern ? '' : ruleFor(host) };
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

function show() {
  const { mode, since, allowed, denied, hosts, rules, rules_left_out: leftOut } = report;
  const patterns = rules.filter(({ expired }) => !expired).flatMap((rule) => patternsOf([rule]).map((pattern) => ({ ...pattern, rule: rule.rule })));
  const { sinceMs, untilMs } = rangeTimes(current().range, Date.now());
  const inTime = (hosts ?? []).filter(({ last_seen: seen }) => Date.parse(seen) >= (sinceMs ?? -Infinity) && Date.parse(seen) < (untilMs ?? Infinity));
  const all = [...inTime, ...report.others].map((host) => describe(host, patterns));
  const shown = all.filter(({ kind, host }) => (wanted === 'all' || kind === wanted) && placeOf(host).toLowerCase().includes(search));
  const beginning = dayAndClock(Date.parse(since));
  $('egress-note').textContent = {
    off: hosts?.length > 0 ? 'The fence is off; these hosts were attempted while it was on.' : 'The fence is off.',
    learn: 'Learning: everything passes and is recorded. `picortex egress suggest` prints the list that would have sufficed.',
    enforce: `Enforced: ${number(denied)} denied and ${number(allowed)} allowed since ${beginning}.`,
  }[mode] + (hosts === null ? ' The database cannot be read now.' : '');
  for (const button of $('egress-verdicts').children) {
    const { verdict } = button.dataset;
    button.setAttribute('aria-pressed', String(verdict === wanted));
    button.lastElementChild.textContent = number(verdict === 'all' ? all.length : all.filter(({ kind }) => kind === verdict).length);
  }
  replaceRows($('egress-table'), makeHead([['Host'], ['Verdict'], ['Attempts', 'number'], ['Sent', 'number'], ['Last'], ['Turn'], ['Current rule, or the command to allow it']]), make('tbody', '', ...shown.map(makeHost)));
  $('egress-table').parentElement.hidden = shown.length === 0;
  if (shown.length > 0) showNotice($('egress-none'), '');
  else showNotice($('egress-none'), '', make('h2', '', hosts?.length > 0 ? 'No such host in this time' : 'No host was attempted yet'),
                  make('p', '', mode === 'off' ? 'docs/start/fence-in-ten-minutes.md shows how to turn the fence on.' : 'Hosts that the fenced user tries to reach appear here.'));
  replaceRows($('rules-table'), makeHead([['Rule'], ['Source'], ['Uses', 'number'], ['Last']]), make('tbody', '', ...rules.map(makeRule)));
  $('rules-table').parentElement.hidden = rules.length === 0;
  $('rules-count').textContent = rules.length === 0 ? 'There are no rules.' : `${plural(rules.length + leftOut, 'rule')}${leftOut > 0 ? `, of which ${number(rules.length)} are shown` : ''}`;
}

// When denied hosts fill the newest ones, those that were allowed are read from their events.
async function readAllowed(hosts, signal) {
  if ((hosts?.length ?? 0) < HOSTS_SHOWN) return [];
  const query = eventsQuery({ ...current(), text: '', conditions: ['type=egress.allowed'] }, Date.now());
  query.set('by', 'host,port');
  query.set('limit', HOSTS_SHOWN);
  const known = new Set(hosts.map(({ host, port }) => `${host} ${port}`));
  const { groups } = await askJson(`/api/stats?${query}`, { signal });
  return groups.map(({ by, count }) => ({ host: by.host ?? '', port: Number(by.port ?? 0), protocol: 'tcp', verdict: 'allowed', attempts: count, last_seen: null, last_request: null }))
    .filter(({ host, port }) => host !== '' && !known.has(`${host} ${port}`));
}

export async function refreshEgress() {
  if (current().view !== 'egress') return;
  try {
    const answer = await latest.run(async (signal) => {
      const read = await askJson('/api/egress', { signal });
      return { ...read, others: await readAllowed(read.hosts, signal).catch(() => []) };
    });
    if (answer === undefined) return;
    report = answer;
    showNotice($('egress-problem'), '');
    show();
  } catch (error) {
    showNotice($('egress-problem'), 'error', `This cannot be read now, and may have changed: ${error.message}`);
    if (report === null) showNotice($('egress-none'), '');
  }
}

export function clearEgress() {
  latest.cancel();
  report = null;
  for (const id of ['egress-table', 'rules-table', 'egress-note', 'rules-count', 'egress-none', 'egress-problem']) $(id).replaceChildren();
}

for (const [verdict, label] of [['all', 'All'], ['denied', 'Denied'], ['allowed', 'Allowed']]) {
  const button = makeButton('', '', () => {
    wanted = verdict;
    if (report) show();
  });
  button.dataset.verdict = verdict;
  button.append(label, ' ', make('span', 'quiet', '0'));
  $('egress-verdicts').append(button);
}
$('egress-search').addEventListener('input', ({ target }) => {
  search = target.value.trim().toLowerCase();
  if (report) show();
});

onChange((state, before) => {
  if (state.view !== 'egress') return;
  if (before.view !== 'egress') {
    showNotice($('egress-none'), 'loading', 'Loading…');
    refreshEgress();
  } else if (state.range !== before.range) {
    refreshEgress();
  }
});
