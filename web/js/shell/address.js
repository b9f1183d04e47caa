// What the screen shows, as a value and as an address. The address holds all of it, with times in UTC, so that a link shows the same
// elsewhere.

import { addressTime, startOfDay } from '../base/times.js';
import { addParameters, problemOf, problemOfText, readParameters } from './filter.js';

export const VIEWS = ['events', 'turns', 'errors', 'egress', 'health'];
export const TABS = ['event', 'story', 'around'];
export const SORTS = ['start', 'cost', 'duration', 'tokens', 'errors'];

const MINUTE_MS = 60_000;
export const PRESETS = {
  '15m': 15 * MINUTE_MS, '1h': 60 * MINUTE_MS, today: 0, '24h': 1440 * MINUTE_MS, '7d': 7 * 1440 * MINUTE_MS, '30d': 30 * 1440 * MINUTE_MS, all: 0,
};
export const PRESET_LABELS = { '15m': '15 min', '1h': '1 h', today: 'Today', '24h': '24 h', '7d': '7 d', '30d': '30 d', all: 'All' };

// range    { preset }, or { sinceMs, untilMs }, where null is open
// event    the ID of the event whose details are open; story: of the request, if no event of it was selected
// problem  what is wrong with the filter or the range; empty if the daemon can be asked
export const BEGINNING = Object.freeze({
  view: 'events', range: Object.freeze({ preset: '24h' }), text: '', conditions: Object.freeze([]), event: '', story: '', tab: 'event', sort: 'start', problem: '',
});

const oneOf = (values, value) => (values.includes(value) ? value : values[0]);
const isId = (text) => /^[0-9a-f-]{36}$/i.test(text ?? '');

function readRange(query) {
  const [since, until] = ['since', 'until'].map((name) => query.get(name)?.trim() ?? '');
  if (since === '' && until === '') {
    const preset = query.get('range') ?? '24h';
    return Object.hasOwn(PRESETS, preset) ? { range: { preset } } : { range: { preset: '24h' }, problem: `Range "${preset.slice(0, 60)}" in the address is invalid` };
  }
  const times = { since: addressTime(since), until: addressTime(until) };
  for (const [name, text] of [['Since', since], ['Until', until]]) {
    if (text !== '' && Number.isNaN(times[name.toLowerCase()])) {
      return { range: { preset: '24h' }, problem: `${name} "${text.slice(0, 60)}" in the address is invalid` };
    }
  }
  return { range: { sinceMs: since === '' ? null : times.since, untilMs: until === '' ? null : times.until } };
}

// Returns the first problem of a state.
export function problemIn({ range, text, conditions }) {
  if (range.sinceMs !== undefined && range.sinceMs !== null && range.untilMs !== null && range.sinceMs >= range.untilMs) return 'Since is not before Until';
  for (const condition of conditions) {
    const problem = problemOf(condition);
    if (problem !== '') return problem;
  }
  return problemOfText(text);
}

// `hash` begins with # or is empty.
export function readAddress(hash) {
  const query = new URLSearchParams(hash.slice(1));
  const { range, problem = '' } = readRange(query);
  const state = {
    ...BEGINNING, range, ...readParameters(query), view: oneOf(VIEWS, query.get('view')),
    event: isId(query.get('event')) ? query.get('event') : '', story: isId(query.get('story')) ? query.get('story') : '',
    sort: oneOf(SORTS, query.get('sort')),
  };
  state.tab = state.event === '' && state.story !== '' ? 'story' : oneOf(TABS, query.get('tab'));
  return { ...state, problem: problem || problemIn(state) };
}

// Returns the hash, empty for the beginning.
export function formatAddress(state) {
  const query = new URLSearchParams();
  const add = (name, value) => value !== BEGINNING[name] && query.set(name, value);
  add('view', state.view);
  const { preset, sinceMs, untilMs } = state.range;
  if (preset === undefined) {
    if (sinceMs !== null) query.set('since', new Date(sinceMs).toISOString());
    if (untilMs !== null) query.set('until', new Date(untilMs).toISOString());
    if (sinceMs === null && untilMs === null) query.set('range', 'all');
  } else if (preset !== '24h') {
    query.set('range', preset);
  }
  addParameters(query, state);
  add('sort', state.sort);
  add('event', state.event);
  if (state.event === '') add('story', state.story);
  if (state.event !== '') add('tab', state.tab);
  return query.size > 0 ? `#${query}` : '';
}

// Returns { sinceMs, untilMs } of a range at an instant; null: no limit.
export function rangeTimes({ preset, sinceMs, untilMs }, nowMs) {
  if (preset === undefined) return { sinceMs, untilMs };
  if (preset === 'all') return { sinceMs: null, untilMs: null };
  return { sinceMs: preset === 'today' ? startOfDay(nowMs) : nowMs - PRESETS[preset], untilMs: null };
}

// Returns the daemon's query for the filter and the range.
export function eventsQuery(state, nowMs) {
  const query = new URLSearchParams();
  addParameters(query, state);
  const { sinceMs, untilMs } = rangeTimes(state.range, nowMs);
  if (sinceMs !== null) query.set('since', sinceMs);
  if (untilMs !== null) query.set('until', untilMs);
  return query;
}

// True if the list leaves out events that arrive now.
export const isFiltered = ({ range, text, conditions }) => text !== '' || conditions.length > 0 || range.preset === undefined;
