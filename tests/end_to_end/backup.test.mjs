// `picortex db`: a backup of a live database loses nothing and delays no client; a check finds damage.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { copyFile, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { cleanUpAfter } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { events } from './support/database.mjs';
import { binary, environment, startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { authorization } from './support/token.mjs';

const db = (dataDir, ...words) => new Promise((resolve) => {
  execFile(binary, ['db', ...words], { env: environment({ PICORTEX_DATA_DIR: dataDir }) },
           (error, output, errors) => resolve({ status: error ? error.code : 0, output, errors }));
});

async function writerOf(t, daemon) {
  const client = new Client(daemon.address);
  cleanUpAfter(t, () => client.close());
  const bearer = await authorization(daemon.dataDir);
  return async (count) => {
    const ids = Array.from({ length: count }, () => randomUUID());
    const { status } = await client.post('/api/events', ids.map((id) => ({ id, event_type: 'a', chat_id: 'c', pad: 'x'.repeat(200) })), bearer);
    assert.equal(status, 200);
    return ids;
  };
}

test('a backup under load has all that was acknowledged before, is whole, and can take the place of the database', async (t) => {
  const daemon = await startDaemon(t);
  const write = await writerOf(t, daemon);
  const before = [];
  for (let i = 0; i < 20; ++i) before.push(...await write(1000));
  let stopped = false;
  const meanwhile = (async () => {
    let written = 0;
    while (!stopped) written += (await write(100)).length;
    return written;
  })();
  const directory = await temporaryDirectory(t);
  const file = join(directory, 'picortex.db');
  const { status, output, errors } = await db(daemon.dataDir, 'backup', file);
  stopped = true;
  const written = await meanwhile;
  assert.deepEqual([status, errors], [0, '']);
  assert.match(output, /picortex\.db": \d+\.\d MB\n$/);
  assert.ok(written > 0, 'writers went on');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.ok(!existsSync(`${file}.part`));
  assert.deepEqual(await db(directory, 'check'), { status: 0, output: 'ok\n', errors: '' });

  const kept = new Set((await events(directory)).map((row) => row.id));
  assert.deepEqual(before.filter((id) => !kept.has(id)), []);
  const restored = await startDaemon(t, { dataDir: directory });
  await (await writerOf(t, restored))(1);
  assert.equal((await events(directory)).length, kept.size + 1);
});

test('a file that is there is not written to', async (t) => {
  const daemon = await startDaemon(t);
  const file = join(daemon.dataDir, 'mine');
  await writeFile(file, 'precious');
  const { status, errors } = await db(daemon.dataDir, 'backup', file);
  assert.equal(status, 1);
  assert.match(errors, /mine: making it failed: File exists/);
  assert.equal(statSync(file).size, 8);
  assert.ok(!existsSync(`${file}.part`));
});

test('damage is found, and a database that is none is named', async (t) => {
  const daemon = await startDaemon(t);
  await (await writerOf(t, daemon))(1000);
  await daemon.stop();
  assert.deepEqual(await db(daemon.dataDir, 'check'), { status: 0, output: 'ok\n', errors: '' });
  const directory = await temporaryDirectory(t);
  const copy = join(directory, 'picortex.db');
  await copyFile(join(daemon.dataDir, 'picortex.db'), copy);
  const file = await open(copy, 'r+');
  // In the middle of the table's pages.
  await file.write(Buffer.alloc(40_000, 0xa5), 0, 40_000, statSync(copy).size / 2);
  await file.close();
  const { status, output, errors } = await db(directory, 'check');
  assert.equal(status, 1);
  assert.match(output + errors, /malformed|damaged/);
  const empty = await db(await temporaryDirectory(t), 'check');
  assert.equal(empty.status, 1);
  assert.equal(empty.errors.trim().split('\n').length, 1);
});
