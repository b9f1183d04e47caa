// What is kept, and for how long: events go by age and by size while others come, and a disk that fills up turns clients
// away before it is full.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { cleanUpAfter } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { events } from './support/database.mjs';
import { eventually, startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { mounts, smallDisk } from './support/small_disk.mjs';
import { authorization } from './support/token.mjs';

const dayMs = 86_400_000;

async function connect(t, daemon) {
  const client = new Client(daemon.address);
  cleanUpAfter(t, () => client.close());
  const bearer = await authorization(daemon.dataDir);
  return {
    get: (path) => client.get(path, bearer),
    storage: async () => (await client.get('/api/status', bearer)).json.storage,
    post: (lines, query = '') => client.post(`/api/events${query}`, lines.map((line) => JSON.stringify(line)).join('\n'),
      { ...bearer, 'content-type': 'application/x-ndjson' }),
    frontend: (message) => client.post('/api/frontend-log', { message }),
  };
}

const fileSize = (dataDir, name) => statSync(join(dataDir, name), { throwIfNoEntry: false })?.size ?? 0;
const databaseSize = (dataDir) => ['picortex.db', 'picortex.db-wal'].reduce((sum, name) => sum + fileSize(dataDir, name), 0);

test('events older than the days that are kept go, younger ones and the totals stay', async (t) => {
  const dataDir = await temporaryDirectory(t);
  const before = await startDaemon(t, { dataDir });
  const now = Date.now();
  const old = Array.from({ length: 500 }, (_, i) => ({ event_type: 'tmux.turn.start', chat_id: 'old', time: now - 31 * dayMs - i }));
  const young = Array.from({ length: 50 }, (_, i) => ({ event_type: 'tmux.turn.start', chat_id: 'young', time: now - 29 * dayMs - i }));
  assert.equal((await (await connect(t, before)).post([...old, ...young])).status, 200);
  assert.equal((await before.stop()).code, 0);
  const daemon = await startDaemon(t, { dataDir, settings: { PICORTEX_RETENTION_DAYS: '30' } });
  const seen = await connect(t, daemon);
  await eventually('the old have gone', async () => (await seen.storage()).pruned === 500, 20_000, 50);
  const left = await events(daemon.dataDir);
  assert.equal(left.length, 50);
  assert.ok(left.every((event) => event.chat_id === 'young'));
  const { metrics } = (await seen.get('/health')).json;
  assert.equal(metrics.turns_total, 550);
  assert.equal(metrics.chats_total, 2);
  assert.equal((await seen.get('/api/events?chat_id=old')).json.events.length, 0);
  assert.equal((await daemon.stop()).code, 0);
  const reported = daemon.lines.find((line) => line.event_type === 'db.retention');
  assert.equal(reported.events, 500);
});

test('what would be deleted at once is rejected, or stays when it is wanted', async (t) => {
  const daemon = await startDaemon(t, { settings: { PICORTEX_RETENTION_DAYS: '30' } });
  const seen = await connect(t, daemon);
  const now = Date.now();
  for (const [time, reason] of [[now - 31 * dayMs, /older than what is kept: events since 20.*\?keep=any/], [0, /older than/], [1_500_000_000, /older than/],
    ['2020-01-01T00:00:00Z', /older than/], [now + 2 * dayMs, /more than a day in the future/], [Math.floor(now / 1000) + 200_000, /in the future/]]) {
    const { status, json } = await seen.post([{ event_type: 'fine' }, { event_type: 'odd', time }]);
    assert.equal(status, 400);
    assert.match(json.message, /^event 1: time /);
    assert.match(json.message, reason);
  }
  assert.equal((await events(daemon.dataDir)).length, 0);
  const wanted = await seen.post([{ event_type: 'old', time: '2020-01-01T00:00:00Z' }, { event_type: 'ahead', time: now + 40 * dayMs }], '?keep=any');
  assert.equal(wanted.status, 200, wanted.text);
  // A witness that is too old in a moment: once it has gone, the others would have gone as well.
  assert.equal((await seen.post([{ event_type: 'witness', time: Date.now() - 30 * dayMs + 3_000 }])).status, 200);
  await eventually('the witness has gone', async () => (await seen.storage()).pruned === 1, 20_000);
  assert.deepEqual((await events(daemon.dataDir)).map((event) => event.event_type), ['old', 'ahead']);
  assert.equal((await daemon.stop()).code, 0);
});

test('the size that is allowed is held while events come without a pause', async (t) => {
  const limit = 64 * 2 ** 20;
  const daemon = await startDaemon(t, { settings: { PICORTEX_MAX_DB_BYTES: '64M' } });
  const seen = await connect(t, daemon);
  const pad = 'x'.repeat(1500);
  let number = 0;
  let largest = 0;
  for (let request = 0; request < 250; request += 1) {
    const lines = Array.from({ length: 400 }, () => ({ event_type: 'load', chat_id: `chat-${number % 50}`, number: number++, pad }));
    assert.equal((await seen.post(lines)).status, 200);
    largest = Math.max(largest, databaseSize(daemon.dataDir));
  }
  const { pruned, size_bytes: size } = await seen.storage();
  assert.ok(pruned > 60_000 && pruned < number, `${pruned} of ${number} have gone`);
  assert.ok(largest <= limit, `${largest} bytes at most`);
  assert.ok(size < limit, `${size} bytes in use`);
  // What is left is the youngest, without a hole.
  const left = await events(daemon.dataDir, "event_type = 'load'");
  assert.equal(left.length, number - pruned);
  assert.deepEqual(left.map((event) => event.data.number),
    Array.from({ length: left.length }, (_, i) => pruned + i));
  assert.equal((await daemon.stop()).code, 0);
  assert.equal(execFileSync('sqlite3', [join(daemon.dataDir, 'picortex.db'), 'PRAGMA integrity_check'], { encoding: 'utf8' }).trim(), 'ok');
});

test('with little room left on the disk clients wait, and nothing is deleted', mounts, async (t) => {
  const dataDir = await smallDisk(t, 'size=64m');
  const daemon = await startDaemon(t, { dataDir, settings: { PICORTEX_MIN_FREE_BYTES: '16M' } });
  const seen = await connect(t, daemon);
  assert.equal((await seen.post([{ event_type: 'before' }])).status, 200);
  writeFileSync(join(dataDir, 'filler'), Buffer.alloc(50 * 2 ** 20));
  const low = await daemon.line((line) => line.event_type === 'db.disk_low');
  assert.equal(low.level, 'error');
  assert.equal(low.min_free_bytes, 16 * 2 ** 20);
  const rejected = await seen.post([{ event_type: 'meanwhile' }]);
  assert.equal(rejected.status, 503);
  assert.equal(rejected.headers['retry-after'], '1');
  assert.equal((await seen.frontend('meanwhile')).status, 503);
  assert.equal((await seen.get('/readyz')).status, 503);
  assert.equal((await seen.get('/health')).status, 200);
  assert.equal((await seen.storage()).disk_is_low, true);
  unlinkSync(join(dataDir, 'filler'));
  await daemon.line((line) => line.event_type === 'db.disk_recovered');
  assert.equal((await seen.post([{ event_type: 'after' }])).status, 200);
  assert.deepEqual((await events(dataDir, "event_type IN ('before', 'meanwhile', 'after')")).map((event) => event.event_type),
    ['before', 'after']);
});

test('invalid sizes are rejected at start', async (t) => {
  for (const [name, value] of [['PICORTEX_MAX_DB_BYTES', '1M'], ['PICORTEX_MAX_DB_BYTES', '10Q'], ['PICORTEX_MIN_FREE_BYTES', '-1'],
    ['PICORTEX_MIN_FREE_BYTES', '9999999999T'], ['PICORTEX_RETENTION_DAYS', '1.5'], ['PICORTEX_RETENTION_DAYS', '36501']]) {
    await assert.rejects(startDaemon(t, { settings: { [name]: value } }), /is not allowed: give/);
  }
});
