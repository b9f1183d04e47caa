// The Errors view: kinds of errors with their counts over time. To mute or resolve one posts an event, `error.state`, as `picortex errors`
// does, so that every reader sees it.

import { $, make, makeButton, makeTime, showNotice } from '../base/dom.js';
import { askJson, Latest, postJson } from '../base/ask.js';
import { ago, compact, dayAndClock, number, plural } from '../base/format.js';
import { rangeTimes } from '../shell/address.js';
import { current, navigate, onChange } from '../shell/state.js';
import { makeValueButton } from '../shell/value_menu.js';
import { makeOpener, openOnClick } from './table.js';
import { makeSparkline } from './sparkline.js';

const KINDS_MAX = 200;
const WINDOWS = 16;      // of a sparkline
const AT_A_TIME = 4;     // the daemon answers eight at most
const CHATS_SHOWN = 3;

const latest = new Latest();
let showsAll = false;    // the muted and resolved ones too
let shownKinds = [];
let series = new Map();  // fingerprint → counts

const hidden = ({ state }) => state === 'muted' || state === 'resolved';
const openEvent = (kind) => navigate({ event: kind.last_event, story: '', tab: 'event' });

async function setState(kind, state, button) {
  button.disabled = true;
  try {
    await postJson('/api/events', { event_type: 'error.state', msg: `${state}: ${kind.title}`.slice(0, 500), fingerprint: kind.fingerprint, state });
    await refreshErrors();
  } catch (error) {
    button.disabled = false;
    showNotice($('errors-problem'), 'error', error.status === 403 ? 'This token may read only: it takes one with the scope write to change the state.' : `Not changed: ${error.message}`);
  }
}

function makeActions(kind) {
  const act = (label, state) => {
    const button = makeButton('', label, () => setState(kind, state, button));
    button.setAttribute('aria-label', `${label}: ${kind.title.slice(0, 80)}`);
    return button;
  };
  return make('div', 'kind-actions', ...(hidden(kind) ? [act('Reopen', 'open')] : [act('Resolve', 'resolved'), act('Mute', 'muted')]));
}

function makeKind(kind) {
  const title = makeOpener('kind-title', kind.title.split('\n')[0] || '(no message)', () => openEvent(kind));
  const facts = make('div', 'kind-facts', makeValueButton('type', kind.event_type));
  if (kind.state !== 'open') facts.append(make('span', `badge kind-${kind.state}`, kind.state));
  if (kind.release) facts.append(make('span', 'quiet', `release ${kind.release}`));
  for (const chat of kind.chats.slice(0, CHATS_SHOWN)) facts.append(makeValueButton('chat', chat));
  if (kind.chats.length > CHATS_SHOWN) facts.append(make('span', 'quiet', `and ${plural(kind.chats.length - CHATS_SHOWN, 'chat')} more`));
  const counts = series.get(kind.fingerprint) ?? Array(WINDOWS).fill(0);
  const seen = make('div', 'kind-seen', make('span', '', 'last ', makeTime(kind.last_seen, ago(kind.last_seen))), make('span', 'quiet', 'first ', makeTime(kind.first_seen, dayAndClock(Date.parse(kind.first_seen)))));
  const count = make('div', 'kind-count', make('b', '', compact(kind.count)), make('span', 'quiet', kind.count === 1 ? 'event' : 'events'));
  count.title = number(kind.count);
  const item = make('li', `kind ${hidden(kind) ? 'is-hidden' : ''} ${kind.level === 'fatal' ? 'fatal' : ''}`.trim(), make('div', 'kind-what', title, facts),
                    makeSparkline(counts, `${plural(kind.count, 'event')} over time`), count, seen, makeActions(kind));
  openOnClick(item, () => openEvent(kind));
  return item;
}

function show() {
  const { errors, errors_left_out: leftOut } = shownKinds;
  const visible = errors.filter((kind) => showsAll || !hidden(kind));
  const hiddenCount = errors.filter(hidden).length;
  const list = $('errors-list');
  const focused = list.contains(document.activeElement) ? document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent : null;
  list.replaceChildren(...visible.map(makeKind));
  if (focused) [...list.querySelectorAll('button')].find((button) => (button.getAttribute('aria-label') ?? button.textContent) === focused)?.focus();
  list.hidden = visible.length === 0;
  const events = visible.reduce((sum, { count }) => sum + count, 0);
  $('errors-summary').textContent = `${plural(visible.length, 'kind of error', 'kinds of errors')}, ${plural(events, 'event')}${leftOut > 0 ? `; ${number(leftOut)} more kinds, shorten the time to see them` : ''}`;
  $('errors-all').textContent = showsAll ? 'Hide muted and resolved' : `Show muted and resolved (${hiddenCount})`;
  $('errors-all').setAttribute('aria-pressed', String(showsAll));
  $('errors-all').hidden = hiddenCount === 0 && !showsAll;
  if (visible.length > 0) showNotice($('errors-note'), '');
  else showNotice($('errors-note'), '', make('h2', '', hiddenCount > 0 ? 'Nothing is open' : 'No errors in this time'), make('p', '', hiddenCount > 0
    ? `${plural(hiddenCount, 'kind of error', 'kinds of errors')} ${hiddenCount === 1 ? 'is' : 'are'} muted or resolved.` : 'Events of level error and above appear here, grouped by kind.'));
}

// Counts each kind in equal parts of the time, with a request for each.
async function readSeries(errors, query, signal) {
  if (errors.length === 0) return new Map();
  const first = Math.max(Number(query.get('since') ?? 0), Math.min(...errors.map((kind) => Date.parse(kind.first_seen))));
  const last = Math.max(...errors.map((kind) => Date.parse(kind.last_seen))) + 1;
  const from = query.has('since') ? Number(query.get('since')) : first;
  const until = query.has('since') ? Number(query.get('until') ?? Date.now()) : last;
  const width = Math.max(1, Math.ceil((Math.max(until, last) - from) / WINDOWS));
  const counts = new Map(errors.map(({ fingerprint }) => [fingerprint, Array(WINDOWS).fill(0)]));
  const windows = [...Array(WINDOWS).keys()].filter((at) => from + (at + 1) * width > first && from + at * width <= last);
  const work = async () => {
    for (let at = windows.shift(); at !== undefined && !signal.aborted; at = windows.shift()) {
      const part = new URLSearchParams({ since: from + at * width, until: from + (at + 1) * width, limit: 1000 });
      for (const { fingerprint, count } of (await askJson(`/api/errors?${part}`, { signal })).errors) {
        if (counts.has(fingerprint)) counts.get(fingerprint)[at] = count;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  return counts;
}

export async function refreshErrors() {
  const state = current();
  if (state.view !== 'errors') return;
  const { sinceMs, untilMs } = rangeTimes(state.range, Date.now());
  const query = new URLSearchParams({ limit: KINDS_MAX });
  if (sinceMs !== null) query.set('since', sinceMs);
  if (untilMs !== null) query.set('until', untilMs);
  try {
    const isRead = await latest.run(async (signal) => {
      shownKinds = await askJson(`/api/errors?${query}`, { signal });
      show();
      series = await readSeries(shownKinds.errors, query, signal);
      return true;
    });
    if (!isRead) return;
    showNotice($('errors-problem'), '');
    show();
  } catch (error) {
    showNotice($('errors-problem'), 'error', `The errors cannot be read: ${error.message}`);
    showNotice($('errors-note'), '');
  }
}

export function clearErrors() {
  latest.cancel();
  shownKinds = [];
  series = new Map();
  for (const id of ['errors-list', 'errors-summary', 'errors-note', 'errors-problem']) $(id).replaceChildren();
}

$('errors-all').addEventListener('click', () => {
  showsAll = !showsAll;
  show();
});

onChange((state, before) => {
  if (state.view !== 'errors') return;
  if (before.view !== 'errors') showNotice($('errors-note'), 'loading', 'Loading…');
  if (before.view !== 'errors' || state.range !== before.range) refreshErrors();
});
