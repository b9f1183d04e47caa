// Storing events: how many, what it costs the loop, and how it affects clients that poll meanwhile.

import { join } from 'node:path';
import { DurableNullServer, Fastify, Picortex } from '../harness/contestants.mjs';
import { loadCpus, output } from '../harness/children.mjs';
import { measure, warmUp } from '../harness/load.mjs';
import { cpuTime } from '../harness/proc.mjs';
import { measurement, record, recordAll } from '../harness/report.mjs';
import { interleave, stopAll } from './http.mjs';
import { grownDatabase } from './size.mjs';

const oneByOne = { load: 'event', path: '/api/events', connections: 64, events: 1 };
const quiet = { LOG_LEVEL: 'warn' }; // at info each request of both writes a line

export async function events(options) {
  const picortex = await new Picortex({ env: quiet }).answers();
  const fastify = await new Fastify({ env: quiet }).answers();
  await interleave('events', [
    { server: picortex, name: 'picortex, one by one', load: oneByOne },
    { server: picortex, name: 'picortex, batches of 100', load: { ...oneByOne, load: 'batch', events: 100 } },
    { server: fastify, name: 'Fastify app, frontend-log', load: { ...oneByOne, load: 'frontend', path: '/api/frontend-log' } },
  ], options);
  await stopAll([picortex, fastify]);
}

// Measures durable events compared with what the disk and the ring allow, at each number of connections.
export async function durable(options) {
  const picortex = await new Picortex({ env: quiet }).answers();
  const limits = [new DurableNullServer('append'), new DurableNullServer('in-place')];
  for (const server of limits) await server.answers();
  for (const connections of [1, 16, 64, 512]) {
    await interleave(`durable events, ${connections} connection${connections > 1 ? 's' : ''}`,
      [picortex, ...limits].map((server) => ({ server, load: { ...oneByOne, connections } })), options);
  }
  await stopAll([picortex, ...limits]);
}

// Telemetry as the OpenTelemetry SDKs send it, in bodies of 512 records: picortex answers once they are on the disk, the app once they are
// in its log. Each record that picortex acknowledged must be there in the end.
export async function otlp(options) {
  const records = 512;
  for (const coding of ['json', 'protobuf']) {
    const picortex = await new Picortex({ env: quiet }).answers();
    const fastify = await new Fastify({ env: quiet }).answers();
    const load = { load: 'otlp', coding, connections: 4, events: records };
    await interleave(`otlp, ${coding}`, [{ server: picortex, load }, { server: fastify, load }], options);
    const { total } = await picortex.ask('/api/stats?event_type=claude.api_request');
    if (total !== picortex.otlpRequests * records) throw new Error(`of ${picortex.otlpRequests * records} records ${total} are stored`);
    await stopAll([picortex, fastify]);
    for (const server of [picortex, fastify]) {
      const scenario = `otlp, ${coding}`;
      record(scenario, server.name, 'CPU a record', measurement(scenario, server.name, 'CPU/request') / records, 'us');
    }
  }
}

// Sends events at a steady rate. Returns how many were acknowledged.
export async function post(server, rate, seconds) {
  const text = await output(loadCpus,
    ['node', join(import.meta.dirname, '../paced_events.mjs'), new URL(server.url).port, String(rate), String(seconds)],
    { env: { TOKEN: server.token } });
  return JSON.parse(text);
}

// Measures how long storing blocks an iteration of the loop, checkpoints included.
export async function stall(options) {
  for (const rate of [5000, 20_000]) {
    const scenario = `stall, ${rate.toLocaleString('en-US')} events/s`;
    options.progress(`${scenario}, ${options.stallSeconds} s`);
    const server = await new Picortex({ env: quiet }).answers();
    const before = cpuTime(server.pid);
    const { acknowledged, inTime } = await post(server, rate, options.stallSeconds);
    const cpu = cpuTime(server.pid) - before;
    const { loop, storage } = await server.status();
    const note = (metric, value, unit) => value !== undefined && record(scenario, 'picortex', metric, value, unit);
    note('events stored in time', (100 * inTime) / acknowledged, '%');
    note('CPU an event', cpu / acknowledged, 'us');
    note('blocking time p99.9', storage.blocking_p999_ms, 'ms');
    note('longest blocking time', storage.longest_blocking_ms, 'ms');
    note('longest iteration', loop.longest_iteration_ms, 'ms');
    note('time in the store for an event', (1000 * storage.time_in_store_ms) / acknowledged, 'us');
    note('events a commit', storage.events_per_commit, '');
    note('checkpoints', storage.checkpoints, '');
    await server.stop();
  }
}

// Measures how many events a second the server accepts at most, one by one.
async function mostEvents(server) {
  const known = measurement('events', 'picortex, one by one', 'requests/s');
  if (known !== undefined) return known;
  await warmUp(server, oneByOne);
  return (await measure(server, { ...oneByOne, seconds: 2 }))['requests/s'];
}

// The poller takes precedence over the events' sender if permitted, so that its own CPU does not make it wait.
const ahead = process.getuid() === 0 ? ['chrt', '-f', '10'] : [];
const poll = { load: 'health', path: '/health', connections: 1, prefix: ahead };

export async function healthDuringIngest(options) {
  const scenario = 'health during ingest';
  const server = await new Picortex({ env: quiet }).answers();
  const rate = Math.round((await mostEvents(server)) / 2);
  record(scenario, 'picortex, events coming', 'events sent a second', rate, '1/s');
  for (let round = 1; round <= options.rounds; round += 1) {
    options.progress(`${scenario}: round ${round} of ${options.rounds}, at ${rate} events/s`);
    recordAll(scenario, 'picortex, idle', await measure(server, { ...poll, seconds: options.seconds }));
    const posting = post(server, rate, options.seconds + 1);
    recordAll(scenario, 'picortex, events coming', await measure(server, { ...poll, seconds: options.seconds }));
    await posting;
  }
  await server.stop();
}

// First result pages as a person requests them, one after the other.
const questions = [
  'limit=100', 'chat_id=chat-7', 'event_type=linq.*', 'level=error', 'event_type=tmux.turn.start&chat_id=chat-3',
  'text=the%20build', 'text=nowhere%20to%20be%20found', `since=${Date.now() - 86_400_000}&level=warn`,
];

async function ask(server, signal) {
  const cost = {};
  for (let i = 0; !signal.aborted; i += 1) {
    const question = questions[i % questions.length];
    const answer = await fetch(`${server.url}/api/events?${question}`, { headers: { authorization: `Bearer ${server.token}` } });
    cost[question] ??= [];
    cost[question].push((await answer.json()).cost.ms);
  }
  return cost;
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

// Measures what queries cost on a database that has grown, and what they cost clients that store events meanwhile.
export async function questionsDuringIngest(options) {
  const { data, count } = await grownDatabase(options);
  const scenario = `questions during ingest, ${count.toLocaleString('en-US')} events`;
  const server = await new Picortex({ env: quiet, data }).answers();
  await warmUp(server, oneByOne);
  const costs = {};
  for (let round = 1; round <= options.rounds; round += 1) {
    options.progress(`${scenario}: round ${round} of ${options.rounds}`);
    recordAll(scenario, 'picortex, events alone', await measure(server, { ...oneByOne, seconds: options.seconds }));
    const stopping = new AbortController();
    const asking = ask(server, stopping.signal);
    recordAll(scenario, 'picortex, asked meanwhile', await measure(server, { ...oneByOne, seconds: options.seconds }));
    stopping.abort();
    for (const [question, values] of Object.entries(await asking)) {
      costs[question] ??= [];
      costs[question].push(...values);
    }
  }
  for (const [question, values] of Object.entries(costs)) {
    record(scenario, 'picortex, asked meanwhile', `SQLite's time, ${decodeURIComponent(question.replace(/\d{13}/, 'yesterday'))}`, median(values), 'ms');
  }
  const { loop } = await server.status();
  record(scenario, 'picortex, asked meanwhile', 'longest iteration', loop.longest_iteration_ms, 'ms');
  await server.stop();
}

// Reads the live stream and counts the events in it.
async function tail(server) {
  const stopping = new AbortController();
  const answer = await fetch(`${server.url}/api/events/stream`, {
    headers: { authorization: `Bearer ${server.token}` }, signal: stopping.signal,
  });
  const state = { seen: 0, lagged: false, stop: () => stopping.abort() };
  const read = async () => {
    let rest = '';
    for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + piece).split('\n');
      rest = lines.pop();
      for (const line of lines) {
        if (line.startsWith('data: {"id"')) state.seen += 1;
        else if (line === 'event: lagged') state.lagged = true;
      }
    }
  };
  state.ended = read().catch(() => {});
  return state;
}

// Measures polls, events and a live stream at once.
export async function mixed(options) {
  const scenario = 'mixed: polls, 2,000 events/s, a live tail';
  const server = await new Picortex({ env: quiet }).answers();
  for (let round = 1; round <= options.rounds; round += 1) {
    options.progress(`${scenario}: round ${round} of ${options.rounds}`);
    const live = await tail(server);
    const posting = post(server, 2000, options.seconds + 1);
    recordAll(scenario, 'picortex', await measure(server, { ...poll, connections: 8, prefix: [], seconds: options.seconds }));
    const { acknowledged } = await posting;
    for (let tries = 0; tries < 100 && live.seen < acknowledged && !live.lagged; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    live.stop();
    await live.ended;
    record(scenario, 'picortex', 'events that the tail saw', (100 * live.seen) / acknowledged, '%');
  }
  await server.stop();
}
