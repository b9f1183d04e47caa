// The list of events: what is in it, events that wait, and older result pages. list_state.js decides what it may claim.

import { $, make, makePasteLine, showNotice } from '../base/dom.js';
import { plural } from '../base/format.js';
import { askJson } from '../base/ask.js';
import { current, navigate } from '../shell/state.js';
import { openValueMenu } from '../shell/value_menu.js';
import { EventBuffer } from './event_buffer.js';
import { makeEventRow } from './event_row.js';
import { LIST_BEGINNING, listStateText, nextListState } from './list_state.js';
import { VirtualList } from './virtual_list.js';

const HELD_MAX = 1000;         // newer events that wait while the list is paused
const FIRST_PAGE_SIZE = 100;
const PAGE_SIZE = 500;         // of older events
const NEAR_END_PX = 400;       // older events are read when the reader is this near to the end
const ARRIVALS_A_SECOND_MAX = 5;  // above this, rows arrive without an animation
const PREPEND_MS = 100;        // rows are put on top no more often: each time, all that are in sight are drawn again

let buffer = new EventBuffer();
let held = [];           // newer events, newest last, that wait while the list is not live
let heldIds = new Set();
let heldLost = 0;        // how many of these were discarded because there were too many
let paused = false;      // by the button or its key
// Where older events begin: after a cursor of the daemon, before the time of rows that were dropped, or both.
let older = { hasMore: false, cursor: null, untilMs: null };
let isReadingOlder = false;
let source = null;       // { query, signal } of the run that fills the list
let onOverflow = () => {};
let listState = LIST_BEGINNING;
let arrivals = { second: 0, count: 0 };

const view = new VirtualList($('list'), $('rows'), {
  source: buffer,
  makeRow: makeEventRow,
  onOpen: (event, cause) => {
    if (cause.target.closest?.('.value') && cause.type === 'click') openValueMenu(cause.target.closest('.value'));
    else open(event);
  },
  onActive: (event) => current().event !== '' && event !== null && open(event),
});

export const eventList = view;
export const eventOf = (id) => (buffer.has(id) ? buffer.at(buffer.indexOf(id)) : held.find((event) => event.id === id) ?? null);

function open(event) {
  const { event: id, tab } = current();
  // Once more: on to the details.
  if (id === event.id) return $('drawer-panel').focus();
  navigate({ event: event.id, story: '', tab: id === '' ? 'event' : tab }, { isReplaced: id !== '' });
}

// `work` is called when events that waited had to be discarded, and the list has to be loaded again.
export function whenListOverflows(work) {
  onOverflow = work;
}

export function setSource(run) {
  source = run;
}

export const stateOfList = () => listState;

// Clears the list; events that wait are kept if `isKept`.
export function clearList({ keepsHeld = false } = {}) {
  buffer = new EventBuffer();
  if (!keepsHeld) {
    held = [];
    heldIds = new Set();
    heldLost = 0;
  }
  older = { hasMore: false, cursor: null, untilMs: null };
  $('fresh').hidden = true;
  showOlder();
  $('cost').textContent = '';
  view.reset(buffer);
}

export function dispatch(input) {
  listState = nextListState(listState, input);
  const said = $('live-state');
  said.textContent = said.title = listStateText(listState);
  said.dataset.state = listState.name;
  $('filter-mark').hidden = listState.name !== 'filtered';
  showHeld();
}

// Call it when one of these may have changed: new rows at the top would move what is being read.
export function syncHeld() {
  const { event, story } = current();
  const isHeld = paused || $('list').scrollTop > 4 || event !== '' || story !== '';
  if (isHeld !== listState.isHeld) dispatch({ type: isHeld ? 'held' : 'released' });
}

export function arrived(event) {
  if (buffer.has(event.id) || heldIds.has(event.id)) return;
  heldIds.add(event.id);
  held.push(event);
  if (held.length > HELD_MAX) {
    heldIds.delete(held.shift().id);
    ++heldLost;
  }
  showHeld();
}

let isShowing = false;
let prependedAt = -Infinity;
function showHeld() {
  if (isShowing) return;
  isShowing = true;
  const show = () => requestAnimationFrame(() => {
    isShowing = false;
    release(false);
  });
  const waitMs = prependedAt + PREPEND_MS - performance.now();
  if (waitMs > 0) setTimeout(show, waitMs);
  else show();
}

function release(forced) {
  const isShown = listState.name === 'live' || listState.name === 'filtered';
  if (held.length > 0 && (forced || isShown)) {
    if (heldLost > 0) {
      // Events below them were discarded, so the list is loaded again.
      held = [];
      onOverflow();
      return;
    }
    prepend();
    note();
  }
  const fresh = $('fresh');
  fresh.hidden = held.length === 0 || listState.name !== 'paused';
  fresh.textContent = `${plural(held.length + heldLost, 'new event')} ↑`;
}

// Puts the events that wait on top. The list is in the order of arrival.
function prepend() {
  prependedAt = performance.now();
  const second = Math.floor(prependedAt / 1000);
  arrivals = { second, count: (arrivals.second === second ? arrivals.count : 0) + held.length };
  $('rows').classList.toggle('arriving', arrivals.count <= ARRIVALS_A_SECOND_MAX);
  const added = buffer.prepend(held);
  held = [];
  heldIds = new Set();
  // The result page that is being read is appended after the rows that are there.
  if (!isReadingOlder) remember(buffer.trim());
  view.shifted(added);
}

// Older events begin with the dropped ones again.
function remember(dropped) {
  if (dropped.length === 0) return;
  // `until` is exclusive. A late event may be below newer ones; rows that are still there are skipped when they arrive again.
  let untilMs = older.cursor === null ? older.untilMs ?? 0 : 0;
  for (const { time } of dropped) untilMs = Math.max(untilMs, Date.parse(time) + 1);
  older = { hasMore: true, cursor: null, untilMs };
  showOlder();
}

export function setPaused(value) {
  paused = value;
  $('pause').setAttribute('aria-pressed', String(paused));
  $('pause').textContent = paused ? 'Resume' : 'Pause';
  syncHeld();
}
export const isPaused = () => paused;

// Shows what belongs below the list: that nothing was found, an error, or nothing.
export function note(error) {
  const box = $('list-note');
  if (error) {
    showNotice(box, 'error', error);
  } else if (buffer.length > 0) {
    showNotice(box, '');
  } else if (older.hasMore) {
    showNotice(box, '', 'Nothing found so far; older events have not been searched yet.');
  } else if (listState.isFiltered) {
    showNotice(box, '', make('h3', '', 'No event matches these filters'), make('p', '', 'Widen the time, or remove a filter above. New matches appear here.'));
  } else {
    showNotice(box, '', ...beginningNote());
  }
}

function beginningNote() {
  const { range } = current();
  if (range.preset !== 'all') {
    const all = make('button', '', 'Show all times');
    all.type = 'button';
    all.addEventListener('click', () => navigate({ range: { preset: 'all' } }));
    return [make('h3', '', 'Nothing has been stored in this time'), make('p', '', 'New events appear here. Older ones may exist.'), all, make('hr'), ...firstSteps()];
  }
  return [make('h3', '', 'Nothing has been stored yet'), ...firstSteps()];
}

function firstSteps() {
  return [
    make('p', '', 'Paste this into a terminal on this machine, and watch it arrive here:'),
    makePasteLine(`curl -H 'Content-Type: application/json' -d '{"level":"info","message":"hello from a page"}' ${location.origin}/api/frontend-log`),
    make('p', '', 'Then let the bot post what it does, with the token of its data directory:'),
    makePasteLine(`curl -H "Authorization: Bearer $(cat var/token)" -H 'Content-Type: application/json' -d '{"event_type":"linq.inbound","chat_id":"chat-1","msg":"hello from a chat"}' ${location.origin}/api/events`),
  ];
}

// Reads the next result page below the list. A result page ends when it timed out, even if nothing was found yet; then the next one is
// requested.
export async function loadPage(query, signal, size = FIRST_PAGE_SIZE) {
  const page = new URLSearchParams(query);
  page.set('limit', size);
  if (older.untilMs !== null) page.set('until', Math.min(Number(page.get('until') ?? Infinity), older.untilMs));
  const { untilMs } = older;
  const cost = { rows: 0, ms: 0 };
  let found = 0;
  do {
    if (older.cursor !== null) page.set('cursor', older.cursor);
    const answer = await askJson(`/api/events?${page}`, { signal });
    if (signal.aborted) return;
    found += buffer.append(answer.events);
    held = held.filter(({ id }) => !buffer.has(id));
    older = { hasMore: answer.next_cursor !== null, cursor: answer.next_cursor, untilMs };
    cost.rows += answer.cost.rows_looked_at;
    cost.ms += answer.cost.ms;
    $('cost').textContent = `${plural(cost.rows, 'row')} looked at in ${cost.ms.toFixed(1)} ms`;
  } while (found === 0 && older.hasMore);
  showOlder();
  view.refresh();
  note();
}

function showOlder() {
  const button = $('older');
  button.hidden = !older.hasMore;
  button.textContent = isReadingOlder ? 'Loading…' : 'Older events';
}

async function loadOlder() {
  if (isReadingOlder || source === null || !older.hasMore) return;
  const { signal, query } = source;
  isReadingOlder = true;
  showOlder();
  try {
    await loadPage(query, signal, PAGE_SIZE);
  } catch (error) {
    if (!signal.aborted) note(`Older events cannot be read: ${error.message}`);
  } finally {
    isReadingOlder = false;
    showOlder();
  }
}

$('pause').addEventListener('click', () => setPaused(!paused));
$('older').addEventListener('click', loadOlder);
$('fresh').addEventListener('click', () => {
  if (paused) setPaused(false);
  $('list').scrollTop = 0;
  release(true);
  syncHeld();
});
$('list').addEventListener('scroll', () => {
  syncHeld();
  const list = $('list');
  if (buffer.length > 0 && list.scrollTop > 0 && list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_END_PX) loadOlder();
}, { passive: true });
