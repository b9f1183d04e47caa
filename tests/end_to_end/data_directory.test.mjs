// The data directory under a daemon: moved away and made again by another, left by one that was killed, on a full disk.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { cleanUpAfter } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { events } from './support/database.mjs';
import { eventually, startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { mounts } from './support/small_disk.mjs';
import { authorization } from './support/token.mjs';

function clientOf(t, daemon) {
  const client = new Client(daemon.address);
  cleanUpAfter(t, () => client.close());
  return client;
}

test('two daemons never write one database, also when its directory is moved and made again', async (t) => {
  const root = await temporaryDirectory(t);
  const [dataDir, moved] = [join(root, 'data'), join(root, 'moved')];
  const first = await startDaemon(t, { dataDir });
  const firstToken = await authorization(dataDir);
  renameSync(dataDir, moved);
  const second = await startDaemon(t, { dataDir });
  const secondToken = await authorization(dataDir);
  const [toFirst, toSecond] = [clientOf(t, first), clientOf(t, second)];
  await eventually('the first one knows', async () => (await toFirst.get('/health')).json.db_ok === false, 20_000, 200);
  await first.line((line) => line.event_type === 'db.degraded');
  const ids = [randomUUID(), randomUUID()];
  assert.equal((await toFirst.post('/api/events', { event_type: 'a', id: ids[0] }, firstToken)).status, 503);
  assert.equal((await toSecond.post('/api/events', { event_type: 'a', id: ids[1] }, secondToken)).status, 200);
  assert.deepEqual((await events(dataDir, "event_type = 'a'")).map((row) => row.id), [ids[1]]);
  // Once the second one has gone the place is the first one's again.
  await second.stop();
  await eventually('the first one takes it', async () => (await toFirst.get('/health')).json.db_ok === true, 20_000, 200);
  assert.equal((await toFirst.post('/api/events', { event_type: 'a', id: ids[0] }, firstToken)).status, 200);
  assert.equal((await events(dataDir, "event_type = 'a'")).length, 2);
});

test('a start right after SIGKILL finds its address free', async (t) => {
  const dataDir = await temporaryDirectory(t);
  const settings = {};
  for (let round = 0; round < 8; ++round) {
    const daemon = await startDaemon(t, { dataDir, settings });
    // The same port from now on, and the Unix socket as well.
    settings.PICORTEX_LISTEN ??= `${daemon.authority},unix:${join(dataDir, 'socket')}`;
    const clients = Array.from({ length: 20 }, () => new Client(daemon.address));
    await Promise.all(clients.map((client) => client.get('/health')));
    daemon.kill('SIGKILL');
    await daemon.exited;
    for (const client of clients) client.close();
  }
});

test('on a full ext4 disk a daemon starts, reports it, and continues once there is room', mounts, async (t) => {
  for (const block of [1024, 2048, 4096]) {
    await t.test(`blocks of ${block} bytes`, async (t) => {
      const root = await temporaryDirectory(t);
      const [image, disk] = [join(root, 'image'), join(root, 'disk')];
      execFileSync('truncate', ['-s', '24M', image]);
      execFileSync('mkfs.ext4', ['-q', '-F', '-m', '0', '-b', String(block), image]);
      execFileSync('mkdir', [disk]);
      execFileSync('mount', ['-o', 'loop', image, disk]);
      cleanUpAfter(t, () => execFileSync('umount', ['-l', disk]));
      const dataDir = join(disk, 'data');
      await (await startDaemon(t, { dataDir })).stop();
      for (const size of ['64k', '512']) {
        execFileSync('sh', ['-c', `dd if=/dev/zero of=${disk}/filler-${size} bs=${size} 2>/dev/null || true`]);
      }
      const daemon = await startDaemon(t, { dataDir });
      const client = clientOf(t, daemon);
      const { status, json } = await client.get('/health');
      assert.equal(status === 200, json.db_ok);
      const bearer = await authorization(dataDir);
      assert.ok([200, 503].includes((await client.post('/api/events', { event_type: 'a', pad: 'x'.repeat(50_000) }, bearer)).status));
      for (const size of ['64k', '512']) rmSync(`${disk}/filler-${size}`);
      await eventually('it stores again', async () => (await client.post('/api/events', { event_type: 'b' }, bearer)).status === 200, 20_000, 200);
      assert.ok(daemon.alive);
    });
  }
});
