// A file system that does not answer, as under a snapshot (fsfreeze(8)) or a throttled disk, and a reader of the database
// that does not end: the loop goes on, nothing is acknowledged that is not stored, and the log's size has bounds.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { cleanUpAfter } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { events } from './support/database.mjs';
import { eventually, startDaemon } from './support/daemon.mjs';
import { freezableDisk, mounts } from './support/small_disk.mjs';
import { authorization } from './support/token.mjs';

const MIB = 2 ** 20;

// Begins to read the database, says so, and stays.
const reading = `
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN")
database.execute("SELECT count(*) FROM event").fetchone()
print("reads", flush=True)
sys.stdin.read()
`;

// A client of its own for each request, so that one that waits keeps no other waiting.
async function observe(t, daemon) {
  const bearer = await authorization(daemon.dataDir);
  const ask = async (call) => {
    const client = new Client(daemon.address);
    cleanUpAfter(t, () => client.close());
    return call(client);
  };
  return {
    get: (path) => ask((client) => client.get(path, bearer)),
    post: (event) => ask((client) => client.post('/api/events', event, bearer)),
    storage: async () => (await ask((client) => client.get('/api/status', bearer))).json.storage,
  };
}

test('a frozen file system holds back answers and nothing else', mounts, async (t) => {
  const disk = await freezableDisk(t);
  const daemon = await startDaemon(t, { dataDir: disk.dataDir });
  const seen = await observe(t, daemon);
  assert.equal((await seen.post({ event_type: 'a' })).status, 200);
  assert.equal((await seen.get('/api/events')).status, 200);
  disk.freeze();
  const frozenAt = performance.now();
  const ids = Array.from({ length: 20 }, () => randomUUID());
  const answers = [];
  const posts = ids.map((id) => seen.post({ id, event_type: 'b' }).then(({ status }) => answers.push(status)));
  const query = seen.get('/api/events?event_type=b');
  for (let i = 0; i < 20; i += 1) {
    for (const path of ['/livez', '/health', '/api/metrics/history', '/api/status']) {
      assert.equal((await seen.get(path)).status, 200, path);
    }
    await sleep(50);  // the silence of the disk is to last: a second at least
  }
  assert.deepEqual(answers, []);
  const silenceMs = performance.now() - frozenAt;
  disk.thaw();
  await Promise.all(posts);
  assert.equal((await query).status, 200);
  assert.ok(answers.every((status) => status === 200), `${answers}`);
  assert.equal((await events(disk.dataDir, 'event_type = \'b\'')).length, ids.length);
  // The loop was never held for as long as the disk was silent.
  assert.ok((await seen.get('/api/status')).json.loop.longest_iteration_ms < silenceMs / 2);
  assert.equal((await daemon.stop()).code, 0);
});

test('SIGTERM on a frozen file system ends in time, and acknowledges nothing that is not stored', mounts, async (t) => {
  const disk = await freezableDisk(t);
  const daemon = await startDaemon(t, { dataDir: disk.dataDir, settings: { PICORTEX_DRAIN_SECONDS: '1' } });
  const seen = await observe(t, daemon);
  assert.equal((await seen.post({ event_type: 'a' })).status, 200);
  disk.freeze();
  const posts = Array.from({ length: 5 }, () => seen.post({ event_type: 'b' }).then(({ status }) => status, () => 'cut'));
  await eventually('events wait', async () => (await seen.storage()).events_waiting >= 5);
  process.kill(daemon.pid, 'SIGTERM');
  const outcomes = await Promise.all(posts);
  assert.ok(outcomes.every((status) => status === 503 || status === 'cut'), `${outcomes}`);
  await daemon.line((line) => line.event_type === 'serve.disk_silent');
  // The kernel lets a thread that waits for a frozen file system go when it is thawed, and not before.
  disk.thaw();
  assert.equal((await daemon.exited).code, 1);
  const again = await startDaemon(t, { dataDir: disk.dataDir });
  assert.equal((await (await observe(t, again)).post({ event_type: 'c' })).status, 200);
  assert.equal((await events(disk.dataDir, 'event_type = \'a\'')).length, 1);
});

test('a process that reads and does not end is named, bounds the log, and when it has ended the file is small again', async (t) => {
  const daemon = await startDaemon(t, { settings: { PICORTEX_MAX_DB_BYTES: '64M' } });
  const seen = await observe(t, daemon);
  assert.equal((await seen.post({ event_type: 'a' })).status, 200);
  const reader = spawn('python3', ['-c', reading, join(daemon.dataDir, 'picortex.db')], { stdio: ['pipe', 'pipe', 'inherit'] });
  cleanUpAfter(t, () => reader.kill('SIGKILL'));
  await new Promise((resolve) => { reader.stdout.once('data', resolve); });
  process.kill(reader.pid, 'SIGSTOP');
  const size = () => ['picortex.db', 'picortex.db-wal']
    .reduce((sum, name) => sum + statSync(join(daemon.dataDir, name)).size, 0);
  const pad = 'x'.repeat(200_000);
  let status = 200;
  let stored = 0;
  for (; status === 200 && stored < 2_000; stored += 1) ({ status } = await seen.post({ event_type: 'b', pad }));
  assert.equal(status, 503);
  assert.ok(size() < (64 + 32) * MIB, `${size() / MIB} MiB`);
  assert.equal((await seen.get('/readyz')).status, 503);
  assert.equal((await seen.get('/health')).status, 200);
  assert.equal((await seen.get('/api/events')).status, 503);
  const held = await daemon.line((line) => line.event_type === 'db.log_held');
  assert.deepEqual([held.level, held.pid], ['warn', reader.pid]);
  assert.match(held.msg, /python3/);
  assert.equal(daemon.lines.filter((line) => line.event_type === 'db.log_too_long').length, 1);
  const full = await daemon.line((line) => line.event_type === 'db.log_full');
  assert.equal(full.level, 'error');
  process.kill(reader.pid, 'SIGKILL');
  await eventually('events are taken again', async () => (await seen.post({ event_type: 'c' })).status === 200);
  await daemon.line((line) => line.event_type === 'db.log_released');
  await eventually('the log is cut back', async () => {
    const { size_bytes: onDisk, log_is_held: isHeld } = await seen.storage();
    return !isHeld && onDisk < 64 * MIB && size() < 64 * MIB;
  });
  assert.equal((await seen.get('/api/events')).status, 200);
  assert.equal((await daemon.stop()).code, 0);
  assert.equal((await events(daemon.dataDir, 'event_type = \'c\'')).length, 1);
});
