'use strict';
// The page: tiles, charts, the events and a request's story. Stored text only ever becomes textContent.

const $ = (id) => document.getElementById(id);
const TOKEN_KEY = 'picortex-token';
const ROWS_MAX = 1000;       // in the list; older ones go when newer come
const HELD_MAX = 1000;       // newer ones that wait while the list is paused
const PAGE_SIZE = 100;
const LEVELS = new Set(['trace', 'debug', 'info', 'warn', 'error', 'fatal']);

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

const sleep = (ms, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, ms);
  signal?.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
});

// --- Asking the daemon ---

let token = sessionStorage.getItem(TOKEN_KEY) ?? '';

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function ask(path, options = {}) {
  const response = await fetch(path, { ...options, cache: 'no-store', headers: { ...options.headers, authorization: `Bearer ${token}` } });
  if (response.ok) return response;
  let message = `${response.status} ${response.statusText}`;
  try {
    message = (await response.json()).message ?? message;
  } catch { /* not one of the daemon's own answers: its status has to do */ }
  if (response.status === 401 && path !== '/api/status') showGate('The token is not valid any more.');
  throw new Refused(response.status, message);
}

const askJson = async (path, options) => (await ask(path, options)).json();

// --- The gate ---

function showGate(error = '') {
  stopEverything();
  token = '';
  sessionStorage.removeItem(TOKEN_KEY);
  $('panels').hidden = true;
  $('forget').hidden = true;
  $('gate').hidden = false;
  if ($('story').open) $('story').close();
  for (const id of ['rows', 'story-steps', 'egress-table', 'tiles', 'charts']) $(id).replaceChildren();
  tiles.clear();
  charts.clear();
  $('token-error').textContent = error;
  $('token-error').hidden = error === '';
  $('token').focus();
}

$('token-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  token = $('token').value.trim();
  const button = event.target.querySelector('button');
  button.disabled = true;
  try {
    // A header takes no other characters.
    if (!/^[\x21-\x7e]+$/.test(token)) throw new Refused(401, '');
    await ask('/api/status');
    sessionStorage.setItem(TOKEN_KEY, token);
    $('token').value = '';
    open();
  } catch (error) {
    token = '';
    $('token-error').textContent = error.status === 401 ? 'That is not the token.' : `The daemon cannot be asked: ${error.message}`;
    $('token-error').hidden = false;
    $('token').select();
  } finally {
    button.disabled = false;
  }
});

$('forget').addEventListener('click', () => showGate());

// --- Tiles ---

const TILES = [
  ['turns_last_24h', 'turns, 24 h'], ['discriminator_skipped_24h', 'skipped, 24 h'], ['errors_last_24h', 'errors, 24 h'],
  ['chats_active_7d', 'chats, 7 days'], ['chats_total', 'chats ever'], ['turns_total', 'turns ever'],
];
const tiles = new Map();
const number = new Intl.NumberFormat();

function makeTiles() {
  for (const [name, label] of TILES) {
    const box = make('div');
    const value = make('dd', '', '–');
    value.dataset.metric = name;
    box.append(make('dt', '', label), value);
    $('tiles').append(box);
    tiles.set(name, value);
  }
}

function span(seconds) {
  const units = [[86_400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
  const at = units.findIndex(([size]) => seconds >= size);
  if (at < 0) return '0 s';
  const [size, unit] = units[at];
  const rest = units[at + 1] ? Math.floor((seconds % size) / units[at + 1][0]) : 0;
  return `${Math.floor(seconds / size)} ${unit}${rest > 0 && at < 2 ? ` ${rest} ${units[at + 1][1]}` : ''}`;
}

async function refreshHealth() {
  const status = $('status');
  try {
    const response = await fetch('/health', { cache: 'no-store' });
    const health = await response.json();
    const ill = [health.db_ok ? '' : 'database down', health.tmux_ok ? '' : 'no tmux server'].filter(Boolean);
    status.textContent = ill.length > 0 ? `degraded: ${ill.join(', ')}` : 'ok';
    status.title = status.textContent;
    status.className = `pill ${health.status}`;
    $('build').textContent = `${health.version} · up ${span(health.uptime_seconds)}`;
    for (const [name, value] of tiles) value.textContent = number.format(health.metrics[name]);
    tiles.get('errors_last_24h')?.parentElement.classList.toggle('alert', health.metrics.errors_last_24h > 0);
  } catch {
    status.textContent = status.title = 'unreachable';
    status.className = 'pill unreachable';
  }
}

// --- Charts ---

const CHARTS = [['turns', 'Turns', '--accent'], ['skipped', 'Skipped', '--quiet'], ['errors', 'Errors', '--error']];
const charts = new Map();
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

function makeChart(name, title) {
  const figure = make('figure', 'card chart');
  figure.dataset.series = name;
  const caption = make('figcaption');
  const value = make('b');
  caption.append(make('span', '', title), value);
  const plot = make('div', 'plot');
  const none = make('div', 'none', 'none in 24 hours');
  plot.append(none);
  figure.append(caption, plot);
  $('charts').append(figure);
  charts.set(name, { plot, value, none, graph: null, data: null, total: 0, step: 0 });
}

function showValue(chart, index) {
  const { data, value, total, step } = chart;
  value.textContent = index === null || index === undefined
    ? number.format(total)
    : `${clock.format(data[0][index] * 1000)}–${clock.format((data[0][index] + step) * 1000)}: ${number.format(data[1][index])}`;
}

function drawChart(chart, colourName) {
  chart.graph?.destroy();
  const bars = uPlot.paths.bars({ size: [0.8, 12, 1], align: 1 });
  const axis = { stroke: colour('--quiet'), font: '11px system-ui, sans-serif', grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
  chart.graph = new uPlot({
    width: chart.plot.clientWidth, height: chart.plot.clientHeight, legend: { show: false }, padding: [8, 18, 0, 0],
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    // A bar stands on its step, the last one too.
    scales: { x: { range: (_, min, max) => [min, max + chart.step] }, y: { range: (_, __, max) => [0, Math.max(4, Math.ceil(max * 1.1))] } },
    axes: [
      { ...axis, size: 22, gap: 3, space: 56, grid: { show: false }, values: (_, splits) => splits.map((at) => clock.format(at * 1000)) },
      { ...axis, size: 34, gap: 4, space: 28, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5, 1e6], values: (_, splits) => splits.map((count) => number.format(count)) },
    ],
    series: [{}, { paths: bars, points: { show: false }, fill: colour(colourName), stroke: colour(colourName), width: 0 }],
    hooks: { setCursor: [(graph) => showValue(chart, graph.cursor.idx)] },
  }, chart.data, chart.plot);
}

// Bars of three steps each: 96 a day are wide enough to be seen.
const STEPS_A_BAR = 3;

function barsOf(counts) {
  const bars = [];
  for (let at = 0; at < counts.length; at += STEPS_A_BAR) {
    bars.push(counts.slice(at, at + STEPS_A_BAR).reduce((sum, count) => sum + count, 0));
  }
  return bars;
}

async function refreshCharts() {
  try {
    const history = await askJson('/api/metrics/history');
    $('charts-error').hidden = true;
    const step = history.step_seconds * STEPS_A_BAR;
    const times = barsOf(history.turns).map((_, index) => history.from + index * step);
    for (const [name, , colourName] of CHARTS) {
      const chart = charts.get(name);
      if (!chart) return;
      chart.data = [times, barsOf(history[name])];
      chart.step = step;
      chart.total = chart.data[1].reduce((sum, count) => sum + count, 0);
      chart.none.hidden = chart.total > 0;
      if (chart.graph) chart.graph.setData(chart.data);
      else drawChart(chart, colourName);
      showValue(chart, null);
    }
  } catch (error) {
    if (error.status === 401) return;
    $('charts-error').textContent = `The counters cannot be read: ${error.message}`;
    $('charts-error').hidden = false;
  }
}

new ResizeObserver(() => {
  for (const { graph, plot } of charts.values()) graph?.setSize({ width: plot.clientWidth, height: plot.clientHeight });
}).observe($('charts'));
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  for (const [name, , colourName] of CHARTS) if (charts.get(name)?.data) drawChart(charts.get(name), colourName);
});

// --- Filters ---

const form = $('filters');
const FILTERS = ['text', 'chat_id', 'event_type', 'level', 'since', 'until', 'request_id'];

// The filters as the daemon takes them; null while one of them is not whole yet.
function parameters() {
  const query = new URLSearchParams();
  for (const name of FILTERS) {
    const field = form.elements[name];
    if (!field.checkValidity()) return null;
    const value = field.value.trim();
    if (value === '') continue;
    query.set(name, name === 'since' || name === 'until' ? String(new Date(value).getTime()) : value);
  }
  return query;
}

function filtersFromAddress() {
  const saved = new URLSearchParams(location.hash.slice(1));
  for (const name of FILTERS) form.elements[name].value = saved.get(name) ?? '';
}

function filtersToAddress() {
  const kept = new URLSearchParams(FILTERS.map((name) => [name, form.elements[name].value.trim()]).filter(([, value]) => value !== ''));
  history.replaceState(null, '', kept.size > 0 ? `#${kept}` : location.pathname);
}

let filterTimer = 0;
function filtersChanged(delayMs) {
  clearTimeout(filterTimer);
  filterTimer = setTimeout(() => (filtersToAddress(), restart()), delayMs);
}
form.addEventListener('input', () => filtersChanged(300));
$('more').addEventListener('click', () => {
  const isOpen = form.classList.toggle('open');
  $('more').setAttribute('aria-expanded', String(isOpen));
  $('more').textContent = isOpen ? 'Fewer filters' : 'More filters';
});
form.addEventListener('reset', () => filtersChanged(0));
form.addEventListener('submit', (event) => (event.preventDefault(), filtersChanged(0)));

// --- The list ---

const list = $('list');
const rows = $('rows');
const clockMs = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hourCycle: 'h23' });
const clockSeconds = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const calendarShort = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });
const calendar = new Intl.DateTimeFormat(undefined, { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' });
let shown = new Set();   // ids of what is in the list or held
let held = [];           // newer ones, the newest last, that wait while the list is paused
let heldLost = 0;        // of these, thrown away since there were too many
let paused = false;
let cursor = null;
let run = null;          // the AbortController of what fills the list

const level = (event) => (LEVELS.has(event.level) ? event.level : 'info');
const dayOf = (time) => calendar.format(time);

function summary(data) {
  if (data === null || typeof data !== 'object') return data === null ? '' : String(data);
  return Object.entries(data).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`).join(' ').slice(0, 400);
}

function makeRow(event) {
  const item = make('li');
  const row = make('button', `row ${level(event)}`);
  row.type = 'button';
  const time = new Date(event.time);
  item.dataset.day = dayOf(time);
  item.dataset.id = event.id;
  const at = make('time', 'time', clockMs.format(time));
  at.dateTime = at.title = event.time;
  const text = make('span', 'text');
  text.append(make('span', 'msg', event.msg), event.msg && event.data ? '  ' : '', make('span', 'data', summary(event.data)));
  row.append(at, make('span', 'level', event.level), make('span', 'type', event.event_type), make('span', 'chat', event.chat_id ?? ''), text);
  row.addEventListener('click', () => openStory(event));
  item.append(row);
  return item;
}

function dayLine(day) {
  const item = make('li', 'day', day);
  item.dataset.day = day;
  return item;
}

function append(events) {
  for (const event of events) {
    if (shown.has(event.id)) continue;
    shown.add(event.id);
    const row = makeRow(event);
    if (rows.lastElementChild?.dataset.day !== row.dataset.day) rows.append(dayLine(row.dataset.day));
    rows.append(row);
  }
}

// Puts events on top, the last of them first. The list shows arrivals; its days are theirs.
function prepend(events) {
  for (const event of events) {
    const row = makeRow(event);
    row.firstElementChild.classList.add('new');
    const top = rows.firstElementChild;
    if (top?.classList.contains('day') && top.dataset.day === row.dataset.day) top.after(row);
    else rows.prepend(dayLine(row.dataset.day), row);
  }
  while (rows.childElementCount > ROWS_MAX) {
    const last = rows.lastElementChild;
    if (last.dataset.id) shown.delete(last.dataset.id);
    last.remove();
    cursor = null;  // what is older is not what comes next any more
    $('older').hidden = true;
  }
}

const isPaused = () => paused || list.scrollTop > 4 || $('story').open;

function arrived(event) {
  if (shown.has(event.id)) return;
  shown.add(event.id);
  held.push(event);
  if (held.length > HELD_MAX) {
    shown.delete(held.shift().id);
    ++heldLost;
  }
  showHeld();
}

let showTimer = 0;
function showHeld() {
  if (showTimer === 0) showTimer = requestAnimationFrame(() => (showTimer = 0, release(false)));
}

function release(forced) {
  if (held.length > 0 && (forced || !isPaused())) {
    if (heldLost > 0) {
      // There is a hole below them: begin anew.
      held = [];
      restart();
      return;
    }
    prepend(held);
    held = [];
    note();
  }
  const fresh = $('fresh');
  fresh.hidden = held.length === 0;
  fresh.textContent = `${number.format(held.length + heldLost)} new ${held.length + heldLost === 1 ? 'event' : 'events'} ↑`;
}

function setPaused(value) {
  paused = value;
  $('pause').setAttribute('aria-pressed', String(paused));
  $('pause').textContent = paused ? 'Resume' : 'Pause';
  showHeld();
}

$('pause').addEventListener('click', () => setPaused(!paused));
$('fresh').addEventListener('click', () => {
  if (paused) setPaused(false);
  list.scrollTop = 0;
  release(true);
});
list.addEventListener('scroll', () => held.length > 0 && showHeld(), { passive: true });

function pasteLine(text) {
  const box = make('div', 'paste');
  const copy = make('button', '', 'Copy');
  copy.type = 'button';
  copy.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text);
      copy.textContent = 'Copied';
    } catch {
      getSelection().selectAllChildren(box.firstElementChild);
      copy.textContent = 'Selected';
    }
  });
  box.append(make('pre', '', text), copy);
  return box;
}

// What stands below the list: nothing found, an error, or nothing.
function note(error) {
  const box = $('list-note');
  box.className = error ? 'notice error' : 'notice';
  box.replaceChildren();
  if (error) {
    box.textContent = error;
  } else if (rows.childElementCount > 0) {
    return;
  } else if (cursor !== null) {
    box.textContent = 'Nothing found so far; older events have not been looked at yet.';
  } else if (parameters()?.size > 0) {
    box.textContent = 'No event fits these filters. New ones that do appear here.';
  } else {
    box.append(
      make('h3', '', 'Nothing has been stored yet'),
      make('p', '', 'Paste this into a terminal on this machine, and watch it arrive here:'),
      pasteLine(`curl -H 'Content-Type: application/json' -d '{"level":"info","message":"hello from a page"}' ${location.origin}/api/frontend-log`),
      make('p', '', 'Then let the bot post what it does, with the token of its data directory:'),
      pasteLine(`curl -H "Authorization: Bearer $(cat var/token)" -H 'Content-Type: application/json' -d '{"event_type":"linq.inbound","chat_id":"chat-1","msg":"hello from a chat"}' ${location.origin}/api/events`));
  }
}

// A page ends when its time is up, even if nothing was found yet: then the next one is asked for.
async function loadPage(query, signal) {
  const page = new URLSearchParams(query);
  page.set('limit', PAGE_SIZE);
  const cost = { rows: 0, ms: 0 };
  let found = 0;
  do {
    if (cursor !== null) page.set('cursor', cursor);
    const answer = await askJson(`/api/events?${page}`, { signal });
    if (signal.aborted) return;
    append(answer.events);
    found += answer.events.length;
    cursor = answer.next_cursor;
    cost.rows += answer.cost.rows_looked_at;
    cost.ms += answer.cost.ms;
    $('cost').textContent = `${number.format(cost.rows)} rows looked at in ${cost.ms.toFixed(1)} ms`;
  } while (found === 0 && cursor !== null);
  $('older').hidden = cursor === null;
  note();
}

$('older').addEventListener('click', async () => {
  $('older').disabled = true;
  try {
    await loadPage(parameters() ?? '', run.signal);
  } catch (error) {
    if (error.name !== 'AbortError') note(`Older events cannot be read: ${error.message}`);
  } finally {
    $('older').disabled = false;
  }
});

// --- The live tail ---

// The events of a server-sent stream (WHATWG HTML, 9.2.6) as { name, data, id }.
async function* serverEvents(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  let fields = {};
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      if (line === '') {
        yield fields;
        fields = {};
      } else if (!line.startsWith(':')) {
        const colon = line.indexOf(': ');
        fields[line.slice(0, colon)] = line.slice(colon + 2);
      }
    }
  }
}

function liveState(text) {
  $('live-state').textContent = text;
}

// Follows the stream, and goes on where it was when it ends, until it is aborted. Calls `opened` once it listens.
async function follow(query, signal, opened) {
  let lastId = '';
  for (let failures = 0; !signal.aborted; ) {
    try {
      const response = await ask(`/api/events/stream?${query}`, { signal, headers: lastId ? { 'last-event-id': lastId } : {} });
      for await (const { event, data, id } of serverEvents(response.body)) {
        if (id) lastId = id;
        if (event === undefined && data !== undefined) arrived(JSON.parse(data));
        if (id || event === 'resync') {
          failures = 0;
          liveState('live');
          opened();
        }
        if (event === 'lagged') break;
      }
    } catch (error) {
      if (signal.aborted || error.status === 401) return;
      if (error.status === 400) {
        if (lastId === '') throw error;
        lastId = '';
      }
    }
    if (signal.aborted) return;
    liveState('reconnecting…');
    await sleep(Math.min(10_000, 500 * 2 ** failures++), signal);
  }
}

async function restart() {
  run?.abort();
  run = null;
  const query = parameters();
  if (query === null || $('panels').hidden) return;
  const { signal } = (run = new AbortController());
  rows.replaceChildren();
  shown = new Set();
  held = [];
  heldLost = 0;
  cursor = null;
  $('fresh').hidden = $('older').hidden = true;
  $('cost').textContent = '';
  $('list-note').className = 'notice';
  $('list-note').textContent = 'Loading…';
  list.scrollTop = 0;
  try {
    // First the stream, then what was before it: nothing falls between the two.
    const begun = new Promise((resolve, reject) => follow(query, signal, resolve).catch(reject));
    await Promise.race([begun, sleep(3000, signal)]);
    if (!signal.aborted) await loadPage(query, signal);
  } catch (error) {
    if (!signal.aborted && error.status !== 401) {
      liveState('');
      note(`The events cannot be read: ${error.message}`);
    }
  }
}

// --- A story ---

function delay(ms) {
  if (ms < 1000) return `${ms} ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : span(Math.round(ms / 1000));
}

function makeStep(event, startMs) {
  const step = make('li', `step ${level(event)}`);
  const offset = Date.parse(event.time) - startMs;
  const at = make('time', 'at', offset === 0 ? clockSeconds.format(startMs) : `+${delay(offset)}`);
  at.dateTime = at.title = event.time;
  const body = make('div', 'body');
  const what = make('div', 'what');
  what.append(make('span', 'type', event.event_type));
  if (level(event) !== 'info') what.append(make('span', ['error', 'fatal'].includes(level(event)) ? 'error' : 'quiet', event.level));
  body.append(what, make('div', 'msg', event.what));
  const details = make('dl');
  for (const [name, value] of Object.entries(event.details)) {
    details.append(make('dt', '', name), make('dd', '', typeof value === 'string' ? value : JSON.stringify(value)));
  }
  if (details.childElementCount > 0) body.append(details);
  step.append(at, body);
  return step;
}

let storyOf = null;
async function openStory(event) {
  storyOf = event.request_id;
  $('story-id').textContent = event.request_id;
  $('story-title').textContent = 'Story';
  $('story-steps').replaceChildren();
  $('story-conclusion').hidden = true;
  $('story-note').textContent = 'Loading…';
  if (!$('story').open) $('story').showModal();
  try {
    const story = await askJson(`/api/story?id=${encodeURIComponent(event.request_id)}`);
    if (storyOf !== event.request_id) return;
    const notes = [];
    if (story.missing.length > 0) notes.push(`The decision event did not say: ${story.missing.join(', ')}.`);
    if (story.cut_short) notes.push('There is more than is shown here.');
    $('story-note').textContent = notes.join(' ');
    $('story-conclusion').textContent = story.conclusion;
    $('story-conclusion').className = `conclusion ${story.outcome}`;
    $('story-conclusion').hidden = false;
    $('story-title').textContent = story.chat_id ? `Story in ${story.chat_id}` : 'Story';
    const startMs = Date.parse(story.steps[0]?.time ?? event.time);
    $('story-steps').replaceChildren(...story.steps.map((one) => makeStep(one, startMs)));
  } catch (error) {
    $('story-note').textContent = `The story cannot be read: ${error.message}`;
  }
}

$('story-close').addEventListener('click', () => $('story').close());
$('story').addEventListener('click', (event) => event.target === $('story') && $('story').close());
$('story').addEventListener('close', showHeld);
$('story-filter').addEventListener('click', () => {
  form.reset();
  form.elements.request_id.value = storyOf;
  if (!form.classList.contains('open')) $('more').click();
  $('story').close();
  filtersChanged(0);
});

// --- Egress: what the fenced user tried to reach ---

const plainHost = /^[\w:][\w.:-]*$/;

// The rule's pattern, as `picortex egress` takes it; empty where no rule can permit it.
function ruleFor({ host, port, protocol }) {
  if (!plainHost.test(host) || (port !== 0 && protocol !== 'tcp')) return '';
  const isV6 = host.includes(':');
  const name = isV6 ? `[${host}]` : host;
  return port === 0 || (port === 443 && !isV6) ? name : `${name}:${port}`;
}

function makeHost(host) {
  const line = make('tr', host.verdict);
  const place = make('td', 'mono', host.port === 0 ? `${host.host} (name)` : `${host.host} ${host.protocol} ${host.port}`);
  const last = make('td');
  const time = make('time', '', `${calendarShort.format(Date.parse(host.last_seen))} ${clock.format(Date.parse(host.last_seen))}`);
  time.dateTime = time.title = host.last_seen;
  last.append(time);
  const turn = make('td');
  if (host.last_request) {
    const open = make('button', 'link mono', `…${host.last_request.slice(-8)}`);
    open.type = 'button';
    open.title = `the story of ${host.last_request}`;
    open.addEventListener('click', () => openStory({ request_id: host.last_request }));
    turn.append(open);
  }
  const allow = make('td');
  const rule = host.verdict === 'allowed' ? '' : ruleFor(host);
  if (rule) allow.append(make('code', 'paste-line', `picortex egress allow ${rule}`));
  line.append(place, make('td', host.verdict === 'refused' ? 'denied' : '', host.verdict), make('td', 'number', number.format(host.attempts)),
              last, turn, allow);
  return line;
}

async function refreshEgress() {
  const { mode, since, allowed, refused, hosts } = await askJson('/api/egress');
  const counts = `${number.format(refused)} refused and ${number.format(allowed)} allowed since ${calendarShort.format(Date.parse(since))} ${clock.format(Date.parse(since))}`;
  $('egress-note').textContent = {
    off: 'The fence is off; these hosts were attempted while it was on.',
    learn: 'Learning: everything passes and is recorded. `picortex egress suggest` prints the list that would have sufficed.',
    enforce: `Enforced: ${counts}.`,
  }[mode];
  if (hosts === null) $('egress-note').textContent += ' The database cannot be read now.';
  else if (hosts.length === 0) $('egress-note').textContent += ' No host was attempted yet.';
  const head = make('tr');
  for (const title of ['Host', 'Verdict', 'Attempts', 'Last', 'Last turn', 'To allow it']) head.append(make('th', title === 'Attempts' ? 'number' : '', title));
  $('egress-table').hidden = !hosts?.length;
  if (!$('egress-table').contains(document.activeElement)) $('egress-table').replaceChildren(head, ...(hosts ?? []).map(makeHost));
  $('egress').hidden = mode === 'off' && !hosts?.length;
}

// --- Keys, time, and the beginning ---

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $('story').open || $('panels').hidden) return;
  if (event.target.matches('input, select')) return;
  const row = document.activeElement?.closest?.('#rows li');
  const step = { j: 'nextElementSibling', ArrowDown: 'nextElementSibling', k: 'previousElementSibling', ArrowUp: 'previousElementSibling' }[event.key];
  if (event.key === '/') form.elements.text.focus();
  else if (event.key === 'p') setPaused(!paused);
  else if (step) {
    let next = row ? row[step] : rows.firstElementChild;
    while (next?.classList.contains('day')) next = next[step];
    (next ?? rows.querySelector('li:not(.day)'))?.firstElementChild.focus();
    if (!next && !rows.querySelector('li:not(.day)')) return;
  } else return;
  event.preventDefault();
});

let timers = [];
function every(ms, work) {
  const attempt = () => document.hidden || work().catch(() => {});
  work().catch(() => {});
  timers.push(setInterval(attempt, ms));
}

function stopEverything() {
  timers.forEach(clearInterval);
  timers = [];
  run?.abort();
  run = null;
}

function open() {
  $('gate').hidden = true;
  $('panels').hidden = false;
  $('forget').hidden = false;
  if (tiles.size === 0) {
    makeTiles();
    for (const [name, title] of CHARTS) makeChart(name, title);
  }
  every(5_000, refreshHealth);
  every(30_000, refreshCharts);
  every(30_000, refreshEgress);
  filtersFromAddress();
  restart();
}

if (token === '') {
  showGate();
  refreshHealth();
} else {
  open();
}
