// The Health view, and the mark of the daemon's health that every view shows.

import { $, make, makePasteLine, showNotice } from '../base/dom.js';
import { askJson, hasToken, Latest } from '../base/ask.js';
import { bytes, number, span } from '../base/format.js';
import { zoneOffset } from '../base/times.js';
import { eventsQuery } from '../shell/address.js';
import { current, onChange } from '../shell/state.js';
import { Bars, stepSpan } from '../events/bars.js';
import { stepsOf } from '../events/steps.js';
import { problemsOf } from './health_problems.js';
import { makeTile } from './table.js';

const TILES = [
  ['turns_last_24h', 'turns, 24 h'], ['discriminator_skipped_24h', 'skipped, 24 h'], ['errors_last_24h', 'errors, 24 h'],
  ['chats_active_7d', 'chats, 7 days'], ['chats_total', 'chats ever'], ['turns_total', 'turns ever'],
];
const CHARTS = [
  ['turns', 'Turns', '--accent', { event_type: 'tmux.turn.start' }],
  ['skipped', 'Skipped', '--quiet', { event_type: 'discriminator.decision', where: 'decision=skip' }],
  ['errors', 'Errors', '--level-error', { level: 'error' }],
];
const STATUS_MS_MIN = 60_000;  // each request for the status is a line in the daemon's log

const latest = new Latest();
const charts = new Map();
let status = { askedAt: -Infinity, answer: null };

async function readStatus(isWanted) {
  if (!hasToken()) return null;
  if (!isWanted && performance.now() - status.askedAt < STATUS_MS_MIN) return status.answer;
  status.askedAt = performance.now();
  try {
    status.answer = await askJson('/api/status');
  } catch { /* the list says why the daemon does not answer */ }
  return status.answer;
}

// Shows the health in the bar, and in the view if it is open.
export async function refreshHealth() {
  const mark = $('status');
  const isView = current().view === 'health' && hasToken();
  try {
    const response = await fetch('/health', { cache: 'no-store' });
    const health = await response.json();
    const answer = await readStatus(isView);
    const problems = problemsOf(health, answer);
    const short = [health.db_ok ? '' : 'database down', health.tmux_ok ? '' : 'no tmux server',
                   answer && !answer.log.writable ? `stdout cannot be written: ${answer.log.error}` : ''].filter(Boolean);
    mark.textContent = short.length > 0 ? `degraded: ${short.join(', ')}` : 'ok';
    mark.className = `pill ${short.length > 0 ? 'degraded' : health.status}`;
    mark.title = `${mark.textContent}. Version ${health.version}, up ${span(health.uptime_seconds)}`;
    if (isView) show(health, answer, problems);
  } catch {
    mark.textContent = mark.title = 'unreachable';
    mark.className = 'pill unreachable';
    if (isView) {
      $('health-state').textContent = 'The daemon does not answer';
      $('health-state').className = 'health-state bad';
    }
  }
}

function show(health, answer, problems) {
  const isOk = problems.length === 0;
  $('health-state').textContent = isOk ? 'Everything works' : problems.length === 1 ? 'One thing needs attention' : `${problems.length} things need attention`;
  $('health-state').className = `health-state ${isOk ? 'good' : 'warn'}`;
  $('build').textContent = `picortex ${health.version} (${health.commit}), up ${span(health.uptime_seconds)}`;
  const box = $('health-problems');
  const text = JSON.stringify(problems);
  if (box.dataset.shown !== text) {
    box.dataset.shown = text;
    box.replaceChildren(...problems.map(({ what, fix, command }) => make('li', '', make('b', '', what), make('p', '', fix), makePasteLine(command))));
  }
  $('tiles').replaceChildren(...TILES.map(([name, label]) => {
    const tile = makeTile(label, number(health.metrics[name]), name === 'errors_last_24h' && health.metrics[name] > 0 ? 'bad' : '');
    tile.lastElementChild.dataset.metric = name;
    return tile;
  }));
  $('sections').replaceChildren(...(answer ? sections(answer) : []));
}

function makeSection(title, facts) {
  return make('section', 'card section', make('h3', '', title), make('dl', '', ...facts.map(([name, value, isBad]) => make('div', isBad ? 'bad' : '', make('dt', '', name), make('dd', '', value)))));
}

const ms = (value) => `${value < 10 ? value.toFixed(2) : number(Math.round(value))} ms`;

function sections({ loop, http, storage, log, egress, alerts }) {
  const all = [
    makeSection('Event loop', [['Longest, last minute', ms(loop.longest_iteration_last_minute_ms)], ['Longest ever', ms(loop.longest_iteration_ms)],
      ['Iterations', number(loop.iterations)], ['Completions an iteration', number(loop.completions_per_iteration)]]),
    makeSection('Storage', [['On disk', bytes(storage.size_bytes)], ['In use', bytes(storage.used_bytes)], ['Log', bytes(storage.log_bytes), storage.log_is_held],
      ['Events stored', number(storage.events)], ['Waiting', number(storage.events_waiting)], ['Expired', number(storage.pruned)], ['Faults', number(storage.faults), storage.faults > 0]]),
    makeSection('Time to store', [['Median', ms(storage.job_p50_ms)], ['99 %', ms(storage.job_p99_ms)], ['99.9 %', ms(storage.job_p999_ms)], ['Longest', ms(storage.longest_job_ms)],
      ['Of it on the loop, longest', ms(storage.longest_blocking_ms)]]),
    makeSection('HTTP', [['Connections', number(http.connections)], ['Requests', number(http.requests)], ['Evicted', number(http.evicted), http.evicted > 0], ['Turned away', number(http.turned_away), http.turned_away > 0],
      ['Waiting to be read', bytes(http.answer_bytes)]]),
    makeSection('Log', [['Writable', log.writable ? 'yes' : `no: ${log.error}`, !log.writable], ['Lines dropped', number(log.lines_dropped), log.lines_dropped > 0]]),
  ];
  if (alerts) all.push(makeSection('Alerts', [['Rules', number(alerts.rules)], ['Raised', number(alerts.raised)], ['Commands that failed', number(alerts.failed), alerts.failed > 0]]));
  if (egress) {
    all.push(makeSection('Fence', egress.mode === 'off' ? [['Mode', 'off']] : [['Mode', egress.mode], ['Allowed', number(egress.connections_allowed)], ['Packets denied', number(egress.denied)], ['Flows', number(egress.flows)],
      ['Names denied', number(egress.dns_denied)], ['Overrun', number(egress.overrun), egress.overrun > 0]]));
  }
  return all;
}

// --- Charts of the chosen time ---

function makeChart([name, title, colourName]) {
  const value = make('b', '', '–');
  const none = make('div', 'none', 'none');
  const plot = make('div', 'plot', none);
  const figure = make('figure', 'card chart', make('figcaption', '', title, value), plot);
  figure.dataset.series = name;
  $('charts').append(figure);
  const chart = { value, none, steps: null };
  chart.bars = new Bars(plot, [colourName], { onCursor: (index) => chart.steps && sayValue(chart, index) });
  charts.set(name, chart);
  return chart;
}

function sayValue({ value, steps }, index) {
  const { times, stepMs, sums, total } = steps;
  if (index === null) value.textContent = number(total);
  else value.textContent = `${stepSpan(times, index, stepMs)}: ${number(sums.at(-1)[index])}`;
}

export async function refreshCharts() {
  const state = current();
  if (state.view !== 'health' || state.problem !== '') return;
  try {
    const answers = await latest.run((signal) => Promise.all(CHARTS.map(([, , , filter]) => {
      const query = eventsQuery({ ...state, text: '', conditions: [] }, Date.now());
      for (const [name, value] of Object.entries(filter)) query.set(name, value);
      // Without a beginning: the last 30 days.
      if (!query.has('since')) query.set('since', Date.now() - 30 * 86_400_000);
      query.set('zone', zoneOffset(Date.now()));
      return askJson(`/api/histogram?${query}`, { signal });
    })));
    if (answers === undefined) return;
    showNotice($('charts-problem'), '');
    CHARTS.forEach((description, index) => {
      const chart = charts.get(description[0]) ?? makeChart(description);
      chart.steps = stepsOf(answers[index]);
      chart.none.hidden = chart.steps.total > 0;
      chart.bars.show([chart.steps.times, chart.steps.sums.at(-1)], chart.steps.stepMs);
      sayValue(chart, null);
    });
  } catch (error) {
    showNotice($('charts-problem'), 'error', `The counters cannot be read: ${error.message}`);
  }
}

export function clearHealth() {
  latest.cancel();
  status = { askedAt: -Infinity, answer: null };
  for (const chart of charts.values()) chart.bars.clear();
  charts.clear();
  for (const id of ['tiles', 'charts', 'sections', 'health-problems', 'build']) $(id).replaceChildren();
  delete $('health-problems').dataset.shown;
}

export function redrawCharts() {
  for (const { bars } of charts.values()) bars.redraw();
}

onChange((state, before) => {
  if (state.view !== 'health') return;
  if (before.view !== 'health') refreshHealth();
  if (before.view !== 'health' || state.range !== before.range) refreshCharts();
});
