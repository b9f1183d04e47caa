#!/usr/bin/env node
// How long the store holds the loop up: posts events at a fixed rate, whether or not the answers keep up (an open loop), and
// prints what /api/status says of the store's holds on a turn: p50, p99, p99.9 and the longest, checkpoints included.
//
//   stall_bench.mjs RATE SECONDS [--json FILE]   (events a second; needs node and taskset)
//
// Up to 5,000 events/s each is a request of its own, beyond that they go in NDJSON requests of 20; over 16 connections. The
// server runs on CPU 0, this client on the others. PICORTEX_BINARY: build/release/picortex. BENCH_DIR: where the data go, on a
// real disk (/var/tmp).
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const port = 18703;
const connectionCount = 16;
const data =
  '"method":"POST","path":"/webhooks/linq","status":200,"bytes":1834,"duration_ms":12.4,' +
  '"trace_id":"b7d1f3a09c5e4d2f8a6b1c3e5f709182","service":"iMessage","direction":"inbound",' +
  '"handle":"+15551234567","parts":[{"type":"text","value":"could you look at the build?"}],' +
  '"sent_at":"2026-11-17T14:00:00.000Z"';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'string' } } });
const [rate, seconds] = positionals.map(Number);
if (!(rate >= 1 && rate <= 1e6 && seconds >= 1 && seconds <= 3600)) {
  console.error('usage: stall_bench.mjs RATE SECONDS [--json FILE]');
  process.exit(2);
}
const eventsPerRequest = rate <= 5000 ? 1 : 20;

const directory = mkdtempSync(join(process.env.BENCH_DIR ?? '/var/tmp', 'picortex-stall.'));
const binary =
  process.env.PICORTEX_BINARY ?? join(dirname(fileURLToPath(import.meta.url)), '../build/release/picortex');
const server = spawn(
  'taskset',
  ['-c', '0', binary, 'serve', '--listen', `127.0.0.1:${port}`, '--data-dir', directory],
  { env: { ...process.env, LOG_LEVEL: 'warn' }, stdio: ['ignore', 'inherit', 'inherit'] },
);
const serverEnded = new Promise((resolve) => server.on('exit', resolve));

let made = 0;
function event() {
  made += 1;
  const type = made % 4 === 0 ? 'tmux.turn.start' : 'linq.inbound';
  return (
    `{"event_type":"${type}","chat_id":"chat-${(made * 7919) % 50}",` +
    `"msg":"a message of the usual length, some 40 bytes",${data}}`
  );
}

function request(token) {
  const lines = [];
  for (let i = 0; i < eventsPerRequest; i += 1) lines.push(event());
  const body = lines.join('\n');
  const type = eventsPerRequest === 1 ? 'application/json' : 'application/x-ndjson';
  return (
    `POST /api/events HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\nContent-Type: ${type}\r\n` +
    `Content-Length: ${body.length}\r\n\r\n${body}`
  );
}

// Counts answers by their status lines; anything but 2xx makes the bench fail.
class Connection {
  constructor(socket) {
    this.socket = socket;
    this.answers = 0;
    this.rest = '';
    socket.setNoDelay(true);
    socket.setEncoding('latin1').on('data', (text) => this.take(text));
  }

  static open() {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new Connection(socket)));
      socket.once('error', reject);
    });
  }

  take(text) {
    const received = this.rest + text;
    let end = 0;
    for (const match of received.matchAll(/HTTP\/1\.1 (\d{3})/g)) {
      end = match.index + match[0].length;
      if (match[1].startsWith('2')) this.answers += 1;
      else this.refusal ??= match[0];
    }
    this.rest = received.slice(Math.max(end, received.length - 'HTTP/1.1 20'.length));
  }
}

async function untilReady() {
  for (let i = 0; i < 200; i += 1) {
    const answer = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(25);
  }
  throw new Error('the server does not answer');
}

async function run() {
  await untilReady();
  const token = readFileSync(join(directory, 'token'), 'utf8').trim();
  const connections = await Promise.all(Array.from({ length: connectionCount }, Connection.open));
  const begin = performance.now();
  let sent = 0;
  for (let elapsed = 0; elapsed < seconds; elapsed = (performance.now() - begin) / 1000) {
    const due = Math.floor((elapsed * rate) / eventsPerRequest);
    for (; sent < due; sent += 1) connections[sent % connectionCount].socket.write(request(token));
    await sleep(1);
  }
  const answered = () => connections.reduce((sum, connection) => sum + connection.answers, 0);
  for (let i = 0; i < 500 && answered() < sent && !connections.some((connection) => connection.refusal); i += 1) await sleep(10);
  const refused = connections.find((connection) => connection.refusal);
  if (refused) throw new Error(`answered: ${refused.refusal}`);
  if (answered() < sent) throw new Error(`${sent - answered()} requests were not answered`);
  const took = (performance.now() - begin) / 1000;
  const status = await fetch(`http://127.0.0.1:${port}/api/status`, { headers: { Authorization: `Bearer ${token}` } });
  for (const connection of connections) connection.socket.destroy();
  return { took, status: await status.json() };
}

try {
  execFileSync('taskset', ['-pc', '1-1023', String(process.pid)], { stdio: 'ignore' });
  const { took, status } = await run();
  const { storage, loop } = status;
  const result = {
    rate,
    seconds,
    events: storage.events,
    events_per_second: Math.round(storage.events / took),
    events_per_commit: storage.events_per_commit,
    checkpoints: storage.checkpoints,
    hold_p50_ms: storage.hold_p50_ms,
    hold_p99_ms: storage.hold_p99_ms,
    hold_p999_ms: storage.hold_p999_ms,
    longest_hold_ms: storage.longest_hold_ms,
    longest_turn_ms: loop.longest_turn_ms,
  };
  console.log(
    `${result.events} events, ${result.events_per_second}/s, ${result.events_per_commit} a commit, ` +
      `${result.checkpoints} checkpoints\n` +
      `hold of the store, ms: p50 ${result.hold_p50_ms}, p99 ${result.hold_p99_ms}, ` +
      `p99.9 ${result.hold_p999_ms}, longest ${result.longest_hold_ms}; longest turn ${result.longest_turn_ms}`,
  );
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result)}\n`);
} finally {
  server.kill('SIGTERM');
  await serverEnded;
  rmSync(directory, { recursive: true, force: true });
}
