// A chart of bars by time, with uPlot. The axis of time is in the zone that is chosen.

import { colour } from '../base/dom.js';
import { clock, clockSeconds, compact, day, dayAndClock } from '../base/format.js';

const DAY_MS = 86_400_000;

// Returns how the beginning of a step reads: as precise as the steps are.
function stepLabel(ms, stepMs) {
  if (stepMs >= DAY_MS) return day(ms);
  return stepMs < 60_000 ? clockSeconds(ms) : clock(ms);
}

// Returns from when to when a step is, with its day where the times shown are of more than one.
export function stepSpan(times, index, stepMs) {
  const ms = times[index] * 1000;
  const isOfDays = stepMs < DAY_MS && (times.at(-1) - times[0]) * 1000 > DAY_MS * 1.5;
  return `${isOfDays ? `${day(ms)} ` : ''}${stepLabel(ms, stepMs)} – ${stepLabel(ms + stepMs, stepMs)}`;
}

function axisLabel(ms, stepMs, rangeMs) {
  if (stepMs >= DAY_MS / 2) return day(ms);
  if (rangeMs > DAY_MS * 1.5) return dayAndClock(ms);
  return stepMs < 60_000 ? clockSeconds(ms) : clock(ms);
}

export class Bars {
  #graph = null;
  #data = null;
  #stepMs = 1;

  // `series` is [[colour name]…], each drawn over the ones before; onCursor(index or null) and onSelect(sinceMs, untilMs) are optional.
  constructor(plot, series, { onCursor, onSelect } = {}) {
    Object.assign(this, { plot, series, onCursor, onSelect });
    new ResizeObserver(() => this.#graph?.setSize({ width: plot.clientWidth, height: plot.clientHeight })).observe(plot);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.redraw());
  }

  // `data` is [times in seconds, a list of counts for each series].
  show(data, stepMs) {
    // Selections and axes depend on the step.
    const isSame = this.#graph !== null && stepMs === this.#stepMs;
    this.#data = data;
    this.#stepMs = stepMs;
    if (isSame) this.#graph.setData(data);
    else this.redraw();
  }

  clear() {
    this.#graph?.destroy();
    this.#graph = null;
    this.#data = null;
  }

  redraw() {
    if (this.#data === null) return;
    this.#graph?.destroy();
    const bars = uPlot.paths.bars({ size: [0.84, 40, 1], align: 1 });
    const quiet = colour('--quiet');
    const axis = { stroke: quiet, font: '11px system-ui, sans-serif', ticks: { show: false } };
    const stepMs = this.#stepMs;
    this.#graph = new uPlot({
      width: this.plot.clientWidth, height: this.plot.clientHeight, legend: { show: false }, padding: [6, 12, 0, 0],
      cursor: { y: false, points: { show: false }, drag: { x: Boolean(this.onSelect), y: false, setScale: false } },
      // A bar covers its step, including the last one.
      scales: { x: { range: (_, min, max) => [min, max + stepMs / 1000] }, y: { range: (_, __, max) => [0, Math.max(2, max * 1.08)] } },
      axes: [
        { ...axis, size: 20, gap: 3, space: 84, grid: { show: false },
          values: (graph, splits) => splits.map((at) => axisLabel(at * 1000, stepMs, (graph.scales.x.max - graph.scales.x.min) * 1000)) },
        { ...axis, size: 40, gap: 4, space: 26, grid: { stroke: colour('--line'), width: 1 }, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6, 1e7],
          values: (_, splits) => splits.map((count) => compact(count)) },
      ],
      series: [{}, ...this.series.map((name) => ({ paths: bars, points: { show: false }, fill: colour(name), stroke: colour(name), width: 0 }))],
      hooks: {
        setCursor: [(graph) => this.onCursor?.(graph.cursor.idx ?? null)],
        setSelect: [(graph) => this.#select(graph)],
      },
    }, this.#data, this.plot);
  }

  #select(graph) {
    const { left, width } = graph.select;
    if (width < 2) return;
    const [from, to] = [left, left + width].map((at) => graph.posToVal(at, 'x') * 1000);
    graph.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    // Whole steps: what looks selected is.
    const first = this.#data[0][0] * 1000;
    const whole = (ms, round) => first + round((ms - first) / this.#stepMs) * this.#stepMs;
    this.onSelect?.(whole(from, Math.floor), whole(to, Math.ceil));
  }
}
