// Collects the measurements of every round, their medians, the tables, and whether the machine was quiet.

import { targets } from './targets.mjs';

export const units = {
  'requests/s': '1/s', p50: 'us', p99: 'us', 'p99.9': 'us', 'CPU/request': 'us', busy: '%', RSS: 'MiB',
};
const columns = Object.keys(units);

const growthPrefix = 'growth, ';
const rounds = new Map(); // "scenario\0contestant\0metric" → { unit, values }

export function record(scenario, contestant, metric, value, unit = units[metric] ?? '') {
  const key = [scenario, contestant, metric].join('\0');
  if (!rounds.has(key)) rounds.set(key, { unit, values: [] });
  rounds.get(key).values.push(value);
}

// Records what something costs while there are `size` of something.
export function recordGrowth(of, size, cost, value, unit) {
  record(`${growthPrefix}${of}`, String(size), cost, value, unit);
}

export function recordAll(scenario, contestant, stats) {
  for (const [metric, value] of Object.entries(stats)) record(scenario, contestant, metric, value);
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export const valuesOf = (scenario, contestant, metric) => rounds.get([scenario, contestant, metric].join('\0'))?.values ?? [];

// Returns the median, or undefined if nothing was measured.
export function measurement(scenario, contestant, metric) {
  const entry = rounds.get([scenario, contestant, metric].join('\0'));
  return entry && median(entry.values);
}

// Returns the ratio of two measurements: the median of the ratios of their rounds, since adjacent rounds share the machine's other load.
export function ratio([scenario, contestant, metric], [otherScenario, otherContestant, otherMetric = metric]) {
  const values = rounds.get([scenario, contestant, metric].join('\0'))?.values;
  const others = rounds.get([otherScenario, otherContestant, otherMetric].join('\0'))?.values;
  if (values === undefined || others === undefined) return undefined;
  return median(values.slice(0, others.length).map((value, round) => value / others[round]));
}

// How much of the server's CPU went to other processes during the measurements.
export const noise = {
  shares: [],
  add(share) {
    this.shares.push(share);
  },
  // Returns how far the rounds of the null server, whose work never changes, lie apart.
  spread() {
    const costs = [...rounds].filter(([key]) => key.includes('\0null server\0CPU/request')).map(([, { values }]) => values);
    const spreads = costs.filter((values) => values.length > 1)
      .map((values) => (Math.max(...values) - Math.min(...values)) / median(values));
    return spreads.length > 0 ? Math.max(...spreads) : undefined;
  },
  // Returns one sentence.
  verdict() {
    if (this.shares.length === 0) return '';
    const others = median(this.shares.map((one) => one.others));
    const stolen = median(this.shares.map((one) => one.stolen));
    const spread = this.spread();
    const percent = (share) => `${(100 * share).toFixed(1)} %`;
    const facts = `other processes had ${percent(others)} of the server's CPU, the hypervisor took ${percent(stolen)}` +
      (spread === undefined ? '' : `, and the null server's rounds lie up to ${percent(spread)} apart`);
    return others > 0.05 || stolen > 0.02 || (spread ?? 0) > 0.15
      ? `**A noisy machine**: ${facts}. Trust the ratios of CPU time more than anything else here.`
      : `The machine was quiet: ${facts}.`;
  },
};

export function shown(value) {
  if (value === undefined) return '';
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

function markdownTable(heads, rows) {
  const all = [heads, ...rows];
  const widths = heads.map((_, column) => Math.max(3, ...all.map((row) => row[column].length)));
  const line = (row, isText) => `| ${row.map((cell, i) =>
    isText[i] ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join(' | ')} |`;
  const isText = heads.map((_, column) => rows.some((row) => /^[/a-z-]/i.test(row[column])));
  const rule = `|${widths.map((width, i) => (isText[i] ? `${'-'.repeat(width + 2)}` : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(heads, isText), rule, ...rows.map((row) => line(row, isText))].join('\n');
}

export function records() {
  return [...rounds].map(([key, { unit, values }]) => {
    const [scenario, contestant, metric] = key.split('\0');
    return { scenario, contestant, metric, value: median(values), unit, rounds: values };
  });
}

function loadTable(all) {
  const rows = new Map();
  for (const { scenario, contestant, metric, value } of all) {
    if (!columns.includes(metric)) continue;
    const key = `${scenario}\0${contestant}`;
    if (!rows.has(key)) rows.set(key, {});
    rows.get(key)[metric] = value;
  }
  const heads = ['scenario', 'contestant', ...columns.map((one) => `${one}${/\/s$/.test(one) ? '' : `, ${units[one]}`}`)];
  return rows.size === 0 ? '' : markdownTable(heads, [...rows].map(([key, stats]) =>
    [...key.split('\0'), ...columns.map((metric) => shown(stats[metric]))]));
}

function otherTable(all) {
  const rows = all.filter(({ metric, scenario }) => !columns.includes(metric) && !scenario.startsWith(growthPrefix))
    .map(({ scenario, contestant, metric, value, unit }) => [scenario, contestant, metric, `${shown(value)} ${unit}`.trim()]);
  return rows.length === 0 ? '' : markdownTable(['scenario', 'contestant', 'measurement', 'value'], rows);
}

// Returns how a cost grows from the smallest size to the largest. Ends that are 1.3 times apart count as equal, since rounds are. A
// logarithmic one grows no faster than the number of digits.
function growthOf(sizes, values) {
  const tolerance = 1.3;
  const [from, to] = [sizes[0], sizes.at(-1)];
  const times = values.at(-1) / values[0];
  const digits = (size) => 1 + Math.log10(size);
  if (times <= tolerance) return 'flat';
  if (times <= (tolerance * digits(to)) / digits(from)) return 'logarithmic';
  return `${shown(times)} × for ${shown(to / from)} ×`;
}

function growthTable(all) {
  const rows = new Map();
  for (const { scenario, contestant, metric, value, unit } of all.filter((one) => one.scenario.startsWith(growthPrefix))) {
    const key = `${scenario.slice(growthPrefix.length)}\0${metric}, ${unit}`;
    if (!rows.has(key)) rows.set(key, []);
    rows.get(key).push([Number(contestant), value]);
  }
  const cells = [...rows].map(([key, points]) => {
    const measured = points.map(([size, value]) => `${size.toLocaleString('en-US')}: ${shown(value)}`).join(' · ');
    return [...key.split('\0'), measured, growthOf(...[0, 1].map((part) => points.map((point) => point[part])))];
  });
  return cells.length === 0 ? '' : markdownTable(['by the number of', 'cost', 'measured', 'growth'], cells);
}

function targetTable() {
  const rows = [];
  for (const { what, peer, value, most, least, unit } of targets) {
    const measured = value(measurement, ratio);
    if (measured === undefined) continue;
    const isMet = most === undefined ? measured >= least : measured <= most;
    rows.push([what, peer, `${most === undefined ? '≥' : '≤'} ${most ?? least} ${unit}`, `${shown(measured)} ${unit}`,
      isMet ? 'yes' : 'NO']);
  }
  return rows.length === 0 ? '' : markdownTable(['what', 'compared with', 'wanted', 'measured', 'met'], rows);
}

// `limits`: what the machine itself takes, as [what, value, unit].
export function markdown(heading, limits) {
  const all = records();
  const limitTable = markdownTable(['the machine itself', 'median'], limits.map(([what, value, unit]) => [what, `${shown(value)} ${unit}`]));
  return [heading, limitTable, loadTable(all), otherTable(all), growthTable(all), targetTable(), noise.verdict()].filter(Boolean).join('\n\n');
}
