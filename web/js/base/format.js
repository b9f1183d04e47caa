// How numbers, times and amounts read.

import { timeZone } from './times.js';

const LEVELS = new Set(['trace', 'debug', 'info', 'warn', 'error', 'fatal']);
const whole = new Intl.NumberFormat();
const short = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });

export const number = (value) => whole.format(value);
// 1.2M: for places where a whole number would not fit.
export const compact = (value) => (value < 10_000 ? whole.format(value) : short.format(value));
export const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

// Levels become class names, so an unknown one is info.
export const levelOf = (event) => (LEVELS.has(event.level) ? event.level : 'info');

const formatters = new Map();
function format(kind, options) {
  return (time) => {
    const key = `${kind} ${timeZone()}`;
    if (!formatters.has(key)) formatters.set(key, new Intl.DateTimeFormat(undefined, { ...options, timeZone: timeZone() }));
    return formatters.get(key).format(time);
  };
}

const HOURS = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
export const clock = format('clock', HOURS);
export const clockSeconds = format('seconds', { ...HOURS, second: '2-digit' });
export const clockMs = format('ms', { ...HOURS, second: '2-digit', fractionalSecondDigits: 3 });
export const day = format('day', { month: 'short', day: 'numeric' });
export const dateTime = format('date', { ...HOURS, year: 'numeric', month: 'short', day: 'numeric', weekday: 'short', second: '2-digit', fractionalSecondDigits: 3 });
export const dayAndClock = (ms) => `${day(ms)} ${clock(ms)}`;

// 3 d 4 h
export function span(seconds) {
  const units = [[86_400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
  const at = units.findIndex(([size]) => seconds >= size);
  if (at < 0) return '0 s';
  const [size, unit] = units[at];
  const rest = units[at + 1] ? Math.floor((seconds % size) / units[at + 1][0]) : 0;
  return `${Math.floor(seconds / size)} ${unit}${rest > 0 && at < 3 ? ` ${rest} ${units[at + 1][1]}` : ''}`;
}

export function delay(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : span(Math.round(ms / 1000));
}

export function ago(iso, now = Date.now()) {
  const seconds = Math.round((now - Date.parse(iso)) / 1000);
  if (seconds < 5) return 'just now';
  return `${span(seconds).replace(/ (\d+ \w+)$/, (rest) => (seconds < 36_000 ? rest : ''))} ago`;
}

export function bytes(count) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const at = count < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(count) / 10));
  return `${at === 0 ? count : (count / 1024 ** at).toFixed(1)} ${units[at]}`;
}

// An unknown cost is "unknown", never 0.
export function cost(usd) {
  if (usd === null || usd === undefined) return 'unknown';
  return `$${usd !== 0 && usd < 0.1 ? usd.toFixed(4) : usd.toFixed(2)}`;
}
