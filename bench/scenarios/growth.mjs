// How costs grow with the number of events, connections, allowlist rules, names in the DNS cache and chats. Its measurements have a table
// of their own (harness/report.mjs).

import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Picortex, buildDirectory, newFolder } from '../harness/contestants.mjs';
import { output, serverCpu } from '../harness/children.mjs';
import { measure, warmUp } from '../harness/load.mjs';
import { microbench } from './programs.mjs';
import { recordGrowth } from '../harness/report.mjs';
import { firstAnswer, openConnections, sizeOf } from './size.mjs';

// Powers of ten from `first` on, and the last size.
function sizesUpTo(first, last) {
  const sizes = [];
  for (let size = first; size < last; size *= 10) sizes.push(size);
  return [...sizes, last];
}

async function growStore(data, first, last, chats) {
  return JSON.parse(await output(serverCpu, [join(buildDirectory, 'bench/growth_bench'), data, String(first), String(last), String(chats)]));
}

// One store, which grows.
async function events(options) {
  const data = newFolder();
  let stored = 0;
  for (const size of sizesUpTo(10_000, options.growthEvents)) {
    const note = (cost, value, unit) => recordGrowth('events', size, cost, value, unit);
    options.progress(`growth: ${size.toLocaleString('en-US')} events`);
    const costs = await growStore(data, stored, size, 50);
    stored = size;
    note('insert, CPU an event', costs.insert_us, 'us');
    note('building indexes, CPU an event', costs.build_us, 'us');
    note('a round of the checkpoint', costs.checkpoint_ms, 'ms');
    note('first result page', costs.page_ms, 'ms');
    note('first result page of a chat', costs.chat_page_ms, 'ms');
    note('disk an event', sizeOf(data) / size, 'B');
    for (let round = 0; round < Math.max(3, options.rounds); round += 1) {
      // Everything is kept: the events are of the past.
      const { ms, server } = await firstAnswer(data, { LOG_LEVEL: 'warn', PICORTEX_RETENTION_DAYS: '0' });
      note('start to first answer', ms, 'ms');
      await server.stop();
    }
  }
  rmSync(data, { recursive: true });
}

// Stores with as many events, of more chats: each chat has some before the events that are measured.
async function chats(options) {
  const count = 600_000;
  for (const size of sizesUpTo(10, 100_000)) {
    options.progress(`growth: ${size.toLocaleString('en-US')} chats`);
    const data = newFolder();
    const costs = await growStore(data, 0, count, size);
    recordGrowth('chats', size, 'insert, CPU an event', costs.insert_us, 'us');
    // An answer has a bound, which the largest store exceeds.
    if (costs.chats_ms !== undefined) recordGrowth('chats', size, 'the question for all chats', costs.chats_ms, 'ms');
    rmSync(data, { recursive: true });
  }
}

// Descriptors besides those of the idle connections, here and in the daemon.
const otherDescriptors = 500;

// Returns how many descriptors this process may have; the daemon inherits the limit.
function descriptorsFor(connections) {
  const wanted = connections + otherDescriptors;
  try {
    execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${wanted}:${wanted}`], { stdio: 'ignore' });
  } catch {
    // Not permitted: what there is has to do.
  }
  return Number(/Max open files +(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))[1]);
}

// Returns where it ended if that is not where it should have.
async function connections(options) {
  const possible = Math.min(options.growthConnections, descriptorsFor(options.growthConnections) - otherDescriptors);
  const server = await new Picortex({
    env: { LOG_LEVEL: 'warn', PICORTEX_IDLE_TIMEOUT_MS: '3600000', PICORTEX_CONNECTIONS_MAX: String(possible + otherDescriptors) },
  }).answers();
  const load = { load: 'light', path: '/health', connections: 64 };
  await warmUp(server, load);
  const sockets = [];
  for (const size of sizesUpTo(1, possible)) {
    options.progress(`growth: ${size.toLocaleString('en-US')} idle connections`);
    sockets.push(...(await openConnections(server, size - sockets.length, sockets.length)));
    for (let round = 0; round < options.rounds; round += 1) {
      const stats = await measure(server, { ...load, seconds: options.seconds });
      recordGrowth('idle connections', size, 'CPU a request', stats['CPU/request'], 'us');
      recordGrowth('idle connections', size, 'resident', stats.RSS, 'MiB');
    }
    const { http } = await server.status();
    if (http.connections_idle < size) throw new Error(`of ${size} idle connections ${http.connections_idle} are left`);
  }
  for (const socket of sockets) socket.destroy();
  await server.stop();
  return possible < options.growthConnections
    ? `Growth ends at ${possible.toLocaleString('en-US')} connections: no process may have more descriptors.` : undefined;
}

// The costs of microbench --growth: by its name, [by the number of, cost, unit of Google Benchmark].
const tables = {
  growth_rules: ['allowlist rules', 'matching a name'],
  growth_dns_look_up: ['names in the DNS cache', 'look-up'],
  growth_dns_insert: ['names in the DNS cache', 'insert'],
};

async function tablesInMemory(options) {
  options.progress('growth: rules and names');
  const text = await output(serverCpu, [microbench, '--growth', '--benchmark_format=json', `--benchmark_repetitions=${options.rounds}`,
    `--benchmark_min_time=${Math.min(options.seconds, 0.1)}`]);
  for (const run of JSON.parse(text).benchmarks.filter((one) => one.run_type === 'iteration')) {
    const [name, size] = run.run_name.split('/');
    const [of, cost] = tables[name];
    const isTimedByHand = run.run_name.includes('manual_time');
    recordGrowth(of, Number(size), cost, isTimedByHand ? run.real_time : run.cpu_time, run.time_unit);
    if (run.load_ms === undefined) continue;
    recordGrowth(of, Number(size), 'loading, CPU', run.load_ms, 'ms');
    recordGrowth(of, Number(size), 'heap', run.heap_mib, 'MiB');
  }
}

export async function growth(options) {
  await events(options);
  await chats(options);
  await tablesInMemory(options);
  return connections(options);
}
