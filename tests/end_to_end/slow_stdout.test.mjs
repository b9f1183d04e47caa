// The reader of stdout stops for 30 s under load: the loop goes on, memory stays bounded, and what was dropped is
// counted and reported once there is room.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { cleanUpAfter } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { eventually, sanitized, startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { RawConnection } from './support/raw.mjs';

const STOP_MS = 30_000;
const MIB = 1024 * 1024;

// A pipe to a `cat` that can be stopped, as a hung log collector.
async function stoppableReader(t) {
  const fifo = join(await temporaryDirectory(t), 'stdout');
  execFileSync('mkfifo', [fifo]);
  const reader = spawn('cat', [fifo], { stdio: ['ignore', 'pipe', 'inherit'] });
  cleanUpAfter(t, () => reader.kill('SIGKILL'));
  const descriptor = openSync(fifo, 'w');
  return { reader, descriptor, stream: reader.stdout };
}

// Asks for /health without pause on one connection; keeps the request IDs of all answers.
async function load(daemon, ids, until) {
  const connection = await RawConnection.open(daemon.address);
  const some = `GET /health HTTP/1.1\r\nHost: ${daemon.authority}\r\n\r\n`.repeat(20);
  while (Date.now() < until) {
    await connection.send(some);
    for (let count = 0; count < 20; ++count) ids.push((await connection.response()).headers['x-request-id']);
    await sleep(10);  // so that the load lasts as long as the silence, and fills the buffer without filling the processor
  }
  connection.destroy();
}

test('a reader of stdout that stops for 30 s stops nothing else', async (t) => {
  const { reader, descriptor, stream } = await stoppableReader(t);
  const daemon = await startDaemon(t, { stdout: { descriptor, stream }, settings: { LOG_LEVEL: 'debug' } });
  closeSync(descriptor);
  const before = daemon.residentBytes;
  const ids = [];
  reader.kill('SIGSTOP');
  const until = Date.now() + STOP_MS;
  const loads = [load(daemon, ids, until), load(daemon, ids, until)];
  const poller = new Client(daemon.address);
  let slowest = 0;
  let largest = 0;
  while (Date.now() < until) {
    const start = performance.now();
    const { status, headers } = await poller.request('GET', '/health', { timeoutMs: 5_000 });
    assert.equal(status, 200);
    ids.push(headers['x-request-id']);
    slowest = Math.max(slowest, performance.now() - start);
    largest = Math.max(largest, daemon.residentBytes);
    await sleep(100);  // a poll every now and then, as long as the silence lasts
  }
  await Promise.all(loads);
  // An error is dropped last: it must come through.
  const failure = await poller.post('/api/frontend-log', { message: 'in the silence' });
  ids.push(failure.headers['x-request-id']);
  reader.kill('SIGCONT');
  await daemon.line((line) => line.event_type === 'log.dropped', 10_000);
  await daemon.line((line) => line.event_type === 'frontend', 10_000);
  poller.close();
  await daemon.stop();
  await eventually('the end of the lines', () => daemon.outputEnded);

  assert.deepEqual(daemon.lines.filter((line) => line.not_json !== undefined).slice(0, 3), [], 'torn lines');
  const reported = daemon.lines.filter((line) => line.event_type === 'log.dropped').reduce((sum, line) => sum + line.count, 0);
  const seen = new Set(daemon.lines.filter((line) => line.event_type === 'http.request').map((line) => line.request_id));
  const missing = ids.filter((id) => !seen.has(id)).length;
  const unseenProbes = STOP_MS / 10_000 * 4;  // lines that no request of ours caused: the tmux probe's
  t.diagnostic(`${ids.length} requests, ${missing} lines missing, ${reported} reported; slowest /health ${slowest.toFixed(1)} ms; ` +
               `${((largest - before) / MIB).toFixed(1)} MiB more`);
  assert.ok(missing > 0, 'the load did not fill the buffer');
  assert.ok(reported >= missing && reported <= missing + unseenProbes, `${reported} reported, ${missing} missing`);
  assert.ok(largest - before < 32 * MIB * (sanitized ? 4 : 1), `${largest - before} bytes more`);
});
