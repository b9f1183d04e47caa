// The histogram above the list: events by time, stacked by level. A part of it that is dragged over becomes the time that is shown; by
// keyboard, the arrow keys move over the steps, with Shift they select, and Enter zooms.

import { $, make } from '../base/dom.js';
import { askJson, Latest } from '../base/ask.js';
import { number } from '../base/format.js';
import { zoneOffset } from '../base/times.js';
import { eventsQuery } from '../shell/address.js';
import { current, navigate } from '../shell/state.js';
import { Bars, stepSpan } from './bars.js';
import { STACK, stepsOf } from './steps.js';

const OLDEST_ROUNDS_MAX = 6;

const latest = new Latest();
const box = $('histogram');
let shown = null;
let cursor = null;  // of the keyboard: { at, from }

const bars = new Bars($('histogram-plot'), STACK.map(([, colourName]) => colourName).reverse(), {
  onCursor: (index) => shown && cursor === null && say(index),
  onSelect: (sinceMs, untilMs) => navigate({ range: { sinceMs, untilMs } }),
});

// Asks for the time from the oldest event on where no beginning is set: each answer says more precisely when that was.
async function askSteps(query, signal) {
  const zone = zoneOffset(Date.now());
  query.set('zone', zone);
  if (query.has('since')) return askJson(`/api/histogram?${query}`, { signal });
  query.set('since', 1);
  for (let round = 0; ; ++round) {
    const answer = await askJson(`/api/histogram?${query}`, { signal });
    const first = Math.max(1, Date.parse(answer.steps[0]?.time ?? answer.since));
    const isTight = Date.parse(answer.until) - first > (Date.parse(answer.until) - Date.parse(answer.since)) * 0.6;
    if (answer.steps.length === 0 || isTight || round === OLDEST_ROUNDS_MAX) return answer;
    query.set('since', first);
  }
}

function say(index) {
  const legend = $('histogram-legend');
  const sum = (counts) => counts.reduce((all, one) => all + one, 0);
  const countOf = (counts) => (index === null ? sum(counts) : counts[index]);
  legend.replaceChildren(...STACK.map(([name, colourName], level) => {
    const swatch = make('i', 'swatch');
    swatch.style.background = `var(${colourName})`;
    return make('span', '', swatch, `${name} `, make('b', '', number(countOf(shown.counts[level]))));
  }));
  const when = index === null ? '' : stepSpan(shown.times, index, shown.stepMs);
  $('histogram-when').textContent = when;
  $('histogram-total').textContent = `${number(index === null ? shown.total : sum(shown.counts.map((counts) => counts[index])))} events`;
}

export async function refreshHistogram() {
  const state = current();
  if (state.problem !== '') return;
  try {
    const answer = await latest.run((signal) => askSteps(eventsQuery(state, Date.now()), signal));
    if (answer === undefined) return;
    shown = stepsOf(answer);
    $('histogram-problem').hidden = true;
    bars.show([shown.times, ...shown.sums.toReversed()], shown.stepMs);
    say(cursor?.at ?? null);
  } catch (error) {
    $('histogram-problem').textContent = `The counts cannot be read: ${error.message}`;
    $('histogram-problem').hidden = false;
  }
}

export function clearHistogram() {
  latest.cancel();
  bars.clear();
  shown = cursor = null;
  for (const id of ['histogram-legend', 'histogram-when', 'histogram-total']) $(id).replaceChildren();
}

export const redrawHistogram = () => bars.redraw();

function move(step, isSelecting) {
  const { length } = shown.times;
  const at = Math.max(0, Math.min(length - 1, (cursor?.at ?? (step > 0 ? -1 : length)) + step));
  cursor = { at, from: isSelecting ? cursor?.from ?? at : at };
  const plot = $('histogram-plot').querySelector('.u-over');
  const mark = $('histogram-cursor');
  const width = plot.clientWidth / length;
  const [low, high] = [Math.min(at, cursor.from), Math.max(at, cursor.from)];
  mark.style.left = `${plot.offsetLeft + low * width}px`;
  mark.style.width = `${(high - low + 1) * width}px`;
  mark.hidden = false;
  say(at);
}

box.addEventListener('keydown', (event) => {
  if (shown === null || shown.times.length === 0 || event.target !== box) return;
  const step = { ArrowRight: 1, ArrowLeft: -1, PageDown: 10, PageUp: -10 }[event.key];
  if (step !== undefined) {
    move(step, event.shiftKey);
  } else if (event.key === 'Enter' && cursor !== null) {
    const [low, high] = [Math.min(cursor.at, cursor.from), Math.max(cursor.at, cursor.from)];
    const { times, stepMs } = shown;
    leave();
    navigate({ range: { sinceMs: times[low] * 1000, untilMs: times[high] * 1000 + stepMs } });
  } else {
    return;
  }
  event.preventDefault();
});

function leave() {
  cursor = null;
  $('histogram-cursor').hidden = true;
  if (shown) say(null);
}
box.addEventListener('blur', leave);
