// A long run near the size limit: events, queries, live streams, backups, and a reader with an open transaction. Disk and memory use must
// stay level, and no iteration of the loop may be long.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Picortex } from '../harness/contestants.mjs';
import { loadCpus, sleep, start } from '../harness/children.mjs';
import { residentKib } from '../harness/proc.mjs';
import { record } from '../harness/report.mjs';

const rate = 3000; // events a second
const limitBytes = 64 << 20;
const settleSeconds = 60; // until memory and the database have reached their size
const readerSeconds = 60;
const questions = ['limit=100', 'chat_id=chat-7', 'event_type=linq.*', 'level=error', 'text=nowhere%20to%20be%20found'];

const diskBytes = (data) => readdirSync(data).reduce((sum, name) => {
  try {
    return sum + (name.startsWith('picortex.db') ? statSync(join(data, name)).size : 0);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error; // SQLite removes its files
    return sum;
  }
}, 0);

async function ask(server, signal) {
  for (let i = 0; !signal.aborted; i += 1) {
    const answer = await fetch(`${server.url}/api/events?${questions[i % questions.length]}`, {
      headers: { authorization: `Bearer ${server.token}` },
    });
    await answer.arrayBuffer();
    await sleep(100);
  }
}

async function follow(server, signal) {
  while (!signal.aborted) {
    try {
      const answer = await fetch(`${server.url}/api/events/stream`, { headers: { authorization: `Bearer ${server.token}` }, signal });
      for await (const piece of answer.body) void piece;
    } catch (error) {
      if (error.name !== 'AbortError') throw error;
    }
  }
}

async function backUp(server, signal, binary) {
  const copy = join(server.data, 'copy.db');
  while (!signal.aborted) {
    execFileSync(binary, ['db', 'backup', '--data-dir', server.data, copy], { stdio: ['ignore', 'ignore', 'inherit'] });
    rmSync(copy);
    for (let waited = 0; waited < 30 && !signal.aborted; waited += 1) await sleep(1000);
  }
}

// Starts another process that keeps a read transaction open.
async function readFor(server, seconds) {
  const reader = spawn('sqlite3', ['-readonly', join(server.data, 'picortex.db')], { stdio: ['pipe', 'pipe', 'inherit'] });
  reader.stdin.write('BEGIN; SELECT count(*) FROM event;\n');
  await once(reader.stdout, 'data');
  await sleep(1000 * seconds);
  reader.stdin.end();
  await once(reader, 'exit');
}

export async function soak(options) {
  const seconds = options.soakSeconds;
  const scenario = `soak, ${rate.toLocaleString('en-US')} events/s, ${seconds} s`;
  const server = await new Picortex({ env: { LOG_LEVEL: 'warn', PICORTEX_MAX_DB_BYTES: String(limitBytes) } }).answers();
  const stopping = new AbortController();
  const { signal } = stopping;
  const binary = process.env.PICORTEX_BINARY ?? 'build/release/picortex';
  const company = [ask(server, signal), follow(server, signal), follow(server, signal), backUp(server, signal, binary)];
  // Events are rejected while the reader holds a log that is full, which is all that the sender's exit status reports.
  const sender = start(loadCpus,
    ['node', join(import.meta.dirname, '../paced_events.mjs'), new URL(server.url).port, String(rate), String(seconds)],
    { env: { TOKEN: server.token } });
  let sent = '';
  sender.stdout.on('data', (piece) => (sent += piece));
  const reading = sleep(1000 * Math.floor(seconds / 2)).then(() => readFor(server, Math.min(readerSeconds, Math.floor(seconds / 4))));

  const memory = [];
  let disk = 0;
  for (let second = 1; second <= seconds; second += 1) {
    await sleep(1000);
    disk = Math.max(disk, diskBytes(server.data));
    if (second > settleSeconds || second > seconds / 2) memory.push(residentKib(server.pid) / 1024);
    if (second % 10 === 0) options.progress(`${scenario}: ${second} s, ${(disk / 2 ** 20).toFixed(0)} MiB of disk at most`);
  }
  await sender.ended;
  const counts = JSON.parse(sent);
  await reading;
  stopping.abort();
  await Promise.all(company);
  const { loop } = await server.status();
  const part = Math.max(1, Math.floor(memory.length / 4));
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const note = (metric, value, unit) => record(scenario, 'picortex', metric, value, unit);
  note('events stored', (100 * counts.acknowledged) / counts.sent, '%');
  note('events rejected while the reader stayed', (100 * counts.rejected) / counts.sent, '%');
  note('events without an answer', counts.sent - counts.acknowledged - counts.rejected, '');
  note('disk, most', disk / 2 ** 20, 'MiB');
  note('disk over the limit, most', (disk - limitBytes) / 2 ** 20, 'MiB');
  note('RSS, most', Math.max(...memory), 'MiB');
  note('RSS, last quarter less first', mean(memory.slice(-part)) - mean(memory.slice(0, part)), 'MiB');
  note('longest iteration', loop.longest_iteration_ms, 'ms');
  await server.stop();
}
