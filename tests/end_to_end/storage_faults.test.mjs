// What can happen to a database: a newer schema, a corrupt file, a full or read-only disk, the file gone. Each time a
// clear line, /health 503 and degraded, 503 to writers, and recovery by itself when the cause goes.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { cleanUpAfter } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { events } from './support/database.mjs';
import { mounts, smallDisk } from './support/small_disk.mjs';
import { eventually, startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { authorization } from './support/token.mjs';

const RECOVERY_MS = 20_000;

// A daemon's client that looks at storage from outside.
async function observe(t, daemon) {
  const client = new Client(daemon.address);
  cleanUpAfter(t, () => client.close());
  const bearer = await authorization(daemon.dataDir);
  return {
    health: async () => client.get('/health'),
    ready: async () => (await client.get('/readyz')).status,
    alive: async () => (await client.get('/livez')).status,
    post: (event, bytes = 0) => client.post('/api/events', { event_type: 'a', ...event, pad: 'x'.repeat(bytes) }, bearer),
  };
}

async function assertDegraded(daemon, seen, reason) {
  const { status, json } = await eventually('db_ok false', async () => {
    const answer = await seen.health();
    return answer.json.db_ok === false && answer;
  });
  assert.deepEqual([status, json.status], [503, 'degraded']);
  const rejected = await seen.post({});
  assert.equal(rejected.status, 503, rejected.text);
  assert.equal(rejected.json.error, 'Service Unavailable');
  assert.deepEqual([await seen.ready(), await seen.alive()], [503, 200]);
  await daemon.line((line) => ['warn', 'error', 'fatal'].includes(line.level) && reason.test(JSON.stringify(line)));
}

// Writers are accepted again, and their answers are true.
async function assertRecovers(daemon, seen) {
  await eventually('db_ok again', async () => (await seen.health()).json.db_ok, RECOVERY_MS, 200);
  const id = randomUUID();
  await eventually('a writer let in', async () => (await seen.post({ id })).status === 200, RECOVERY_MS, 200);
  assert.equal((await events(daemon.dataDir, `id = '${id}'`)).length, 1);
  assert.equal((await seen.health()).status, 200);
  assert.equal(await seen.ready(), 200);
}

// A data directory that a daemon has used and left.
async function usedDirectory(t, dataDir) {
  const daemon = await startDaemon(t, { dataDir });
  const seen = await observe(t, daemon);
  const id = randomUUID();
  assert.equal((await seen.post({ id })).status, 200);
  assert.equal((await daemon.stop()).code, 0);
  return id;
}

const sqlite = (dataDir, sql) => execFileSync('sqlite3', [join(dataDir, 'picortex.db'), sql], { encoding: 'utf8' }).trim();

test('a database of a newer version is left alone until it is gone', async (t) => {
  const dataDir = await temporaryDirectory(t);
  const id = await usedDirectory(t, dataDir);
  const version = sqlite(dataDir, 'PRAGMA user_version');
  sqlite(dataDir, 'PRAGMA user_version = 9999');
  const daemon = await startDaemon(t, { dataDir });
  const seen = await observe(t, daemon);
  await assertDegraded(daemon, seen, /version|newer|9999/i);
  const [{ part, reason, fix }] = (await daemon.status()).health.problems;
  assert.deepEqual([part, fix], ['database', 'apt install --only-upgrade picortex']);
  assert.match(reason, /schema is version 9999/);
  sqlite(dataDir, `PRAGMA user_version = ${version}`);
  await assertRecovers(daemon, seen);
  assert.equal((await events(dataDir, `id = '${id}'`)).length, 1);
});

test('a corrupt database is reported, and a new one taken when it is moved away', async (t) => {
  const dataDir = await temporaryDirectory(t);
  await usedDirectory(t, dataDir);
  const file = await open(join(dataDir, 'picortex.db'), 'r+');
  await file.write(Buffer.alloc(8_192, 'not a database '), 0, 8_192, 0);
  await file.close();
  const daemon = await startDaemon(t, { dataDir });
  const seen = await observe(t, daemon);
  await assertDegraded(daemon, seen, /corrupt|malformed|not a database/i);
  for (const name of readdirSync(dataDir)) {
    if (name.startsWith('picortex.db')) rmSync(join(dataDir, name));
  }
  await assertRecovers(daemon, seen);
});

test('a full disk degrades until there is room', mounts, async (t) => {
  const dataDir = await smallDisk(t, 'size=6m');
  const daemon = await startDaemon(t, { dataDir });
  const seen = await observe(t, daemon);
  const acknowledged = [];
  const write = async () => {
    const id = randomUUID();
    const { status } = await seen.post({ id }, 20_000);
    assert.ok([200, 503].includes(status), `${status}`);
    if (status === 200) acknowledged.push(id);
    return status;
  };
  assert.equal(await write(), 200);
  const filler = join(dataDir, 'filler');
  execFileSync('sh', ['-c', 'dd if=/dev/zero of="$1" bs=64k count=16 2>/dev/null; true', 'sh', filler]);
  for (let count = 0; count < 1_000 && (await write()) === 200; ++count);
  await assertDegraded(daemon, seen, /full|space/i);
  unlinkSync(filler);
  await assertRecovers(daemon, seen);
  const rows = new Set((await events(dataDir, 'event_type = \'a\'')).map((row) => row.id));
  assert.deepEqual(acknowledged.filter((id) => !rows.has(id)), [], 'acknowledged and lost');
});

test('a read-only disk degrades until it is writable', mounts, async (t) => {
  const dataDir = await smallDisk(t, 'size=16m');
  const id = await usedDirectory(t, dataDir);
  execFileSync('mount', ['-o', 'remount,ro', dataDir]);
  const daemon = await startDaemon(t, { dataDir });
  const seen = await observe(t, daemon);
  await assertDegraded(daemon, seen, /read-?only/i);
  execFileSync('mount', ['-o', 'remount,rw', dataDir]);
  await assertRecovers(daemon, seen);
  assert.equal((await events(dataDir, `id = '${id}'`)).length, 1);
});

test('a database deleted under it is noticed before anything is acknowledged into nothing', async (t) => {
  const daemon = await startDaemon(t);
  const seen = await observe(t, daemon);
  assert.equal((await seen.post({})).status, 200);
  for (const name of readdirSync(daemon.dataDir)) {
    if (name.startsWith('picortex.db')) unlinkSync(join(daemon.dataDir, name));
  }
  await eventually('the loss noticed', async () => {
    const id = randomUUID();
    const { status } = await seen.post({ id });
    assert.ok([200, 503].includes(status), `${status}`);
    if (status !== 200) return false;
    try {
      return (await events(daemon.dataDir, `id = '${id}'`)).length === 1;
    } catch {
      return false;  // no such file yet
    }
  }, RECOVERY_MS, 200);
  await assertRecovers(daemon, seen);
});

test('a data directory that cannot be is one clear line and exit 1', async (t) => {
  const path = join(await temporaryDirectory(t), 'file');
  writeFileSync(path, '');
  await assert.rejects(startDaemon(t, { dataDir: join(path, 'below') }), /exit 1; stderr: [^\n]*below[^\n]*\n;/);
});
