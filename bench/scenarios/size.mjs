// Memory of idle connections, and the time of a start on a database that has grown.

import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Nginx, Picortex, healthAnswer } from '../harness/contestants.mjs';
import { sleep } from '../harness/children.mjs';
import { measure, warmUp } from '../harness/load.mjs';
import { residentKib } from '../harness/proc.mjs';
import { record } from '../harness/report.mjs';

const request = 'GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';

// A connection that was answered once and stays open.
function idleConnection(server, localAddress) {
  return new Promise((done, failed) => {
    const socket = connect({ port: Number(new URL(server.url).port), host: '127.0.0.1', localAddress });
    socket.on('error', failed);
    socket.once('data', () => done(socket));
    socket.write(request);
  });
}

// As many ports as an address is asked for: there are 28,000 (ip_local_port_range).
const portsOfAddress = 20_000;

// Opens connections next to `open` others, from as many addresses of loopback as that takes.
export async function openConnections(server, count, open = 0) {
  const sockets = [];
  while (sockets.length < count) {
    const some = Math.min(100, count - sockets.length);
    const address = `127.0.0.${1 + Math.floor((open + sockets.length) / portsOfAddress)}`;
    sockets.push(...(await Promise.all(Array.from({ length: some }, () => idleConnection(server, address)))));
  }
  return sockets;
}

// nginx allocates its connections at start: it gets as many as it needs, and an instance that needs none is the baseline.
async function residentWith(server, count) {
  await server.answers();
  const sockets = await openConnections(server, count);
  await sleep(300);
  const resident = residentKib(server.pid);
  for (const socket of sockets) socket.destroy();
  await server.stop();
  return resident;
}

export async function idle(options) {
  const first = await new Picortex().answers();
  const answer = await healthAnswer();
  await first.stop();
  const contestants = [
    ['picortex', () => new Picortex()], ['nginx', (count) => new Nginx(answer, { connections: count + 64 })],
  ];
  const empty = {};
  for (const count of [0, 1000, 10_000]) {
    const scenario = `idle, ${count.toLocaleString('en-US')} connections`;
    for (const [name, make] of contestants) {
      options.progress(`${scenario}: ${name}`);
      const resident = await residentWith(make(count), count);
      record(scenario, name, 'resident', resident / 1024, 'MiB');
      if (count === 0) empty[name] = resident;
      else record(scenario, name, 'a connection', ((resident - empty[name]) * 1024) / count, 'B');
    }
  }
}

// Posts batches of a hundred events until there are `count`.
async function seed(server, count, progress) {
  const batches = { load: 'batch', path: '/api/events', connections: 16 };
  await warmUp(server, batches);
  for (;;) {
    const { storage } = await server.status();
    progress(`seeding: ${storage.events.toLocaleString('en-US')} of ${count.toLocaleString('en-US')} events are in the database`);
    if (storage.events >= count) return storage.events;
    await measure(server, { ...batches, seconds: count - storage.events > 1_000_000 ? 5 : 1 });
  }
}

export const sizeOf = (folder) => readdirSync(folder).filter((name) => name.startsWith('picortex.db'))
  .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);

// Measures from the start of the process to the last byte of the first answer.
export async function firstAnswer(data, env = {}) {
  const startedAt = performance.now();
  const server = new Picortex({ data, env });
  for (;;) {
    try {
      (await idleConnection(server)).destroy();
      return { ms: performance.now() - startedAt, server };
    } catch {
      if (performance.now() - startedAt > 60_000) throw new Error('picortex does not answer within a minute of its start');
      await sleep(1);
    }
  }
}

// A directory with a database of the requested size, made once for all scenarios: { data, count }.
let grown;
export async function grownDatabase(options) {
  if (grown === undefined) {
    const server = await new Picortex({ env: { LOG_LEVEL: 'warn' } }).answers();
    const count = await seed(server, options.events, options.progress);
    await server.stop();
    grown = { data: server.data, count };
  }
  return grown;
}

export async function start(options) {
  const { data, count } = await grownDatabase(options);
  record('start', 'picortex', 'events in the database', count, '');
  record('start', 'picortex', 'disk an event', sizeOf(data) / count, 'B');
  for (const [metric, prepare] of [
    ['first answer', () => {}],
    // Drops the database's pages from the kernel's cache (posix_fadvise(2)), as after a boot.
    ['first answer, database not in memory', () => execFileSync('dd',
      [`if=${join(data, 'picortex.db')}`, 'iflag=nocache', 'count=0', 'status=none'])],
  ]) {
    for (let round = 0; round < Math.max(3, options.rounds); round += 1) {
      options.progress(`start: ${metric}`);
      prepare();
      const started = await firstAnswer(data);
      record('start', 'picortex', metric, started.ms, 'ms');
      await started.server.stop();
    }
  }
}
