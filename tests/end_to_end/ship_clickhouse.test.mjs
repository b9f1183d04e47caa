// Every event is in ClickHouse exactly once, whatever is killed, paused or cut off meanwhile.
import assert from 'node:assert/strict';
import { randomInt, randomUUID } from 'node:crypto';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { picortex } from './support/answers.mjs';
import { cleanUpAfter, testFile } from './support/cleanup.mjs';
import { startClickHouse } from './support/clickhouse.mjs';
import { Client } from './support/client.mjs';
import { cuttingProxy } from './support/cutting_proxy.mjs';
import { eventually, startDaemon } from './support/daemon.mjs';
import { naughtyTexts } from './support/naughty.mjs';
import { exportedEvents, shipSource, someEvents } from './support/ship_source.mjs';
import { allShipped, shipStatus, startShipper } from './support/shipper.mjs';
import { authorization } from './support/token.mjs';

const clickhouse = await startClickHouse(testFile);
const target = (table, port = clickhouse.port) => `clickhouse+http://127.0.0.1:${port}/default?table=${table}`;

async function init(dataDir, url) {
  const { code, stderr, stdout } = await picortex(dataDir, ['ship', 'init', '--to', url, '--apply']);
  assert.equal(code, 0, stderr);
  return stdout;
}

async function inEngine(table) {
  return clickhouse.rows(`SELECT * FROM ${table} FINAL`);
}

async function assertEqualSets(dataDir, table) {
  const events = await exportedEvents(dataDir);
  const rows = await inEngine(table);
  assert.equal(rows.length, events.size);
  for (const row of rows) {
    const event = events.get(row.event_id);
    assert.ok(event, row.event_id);
    const { time, level, event_type, request_id, chat_id, msg, data } = event;
    assert.deepEqual(
      { time: new Date(Number(row.time_ms)).toISOString(), level: row.level, event_type: row.event_type,
        request_id: row.request_id, chat_id: row.chat_id || null, msg: row.msg, data: row.data ? JSON.parse(row.data) : null },
      { time, level, event_type, request_id, chat_id, msg, data });
    assert.equal(row.host, 'host-a');
  }
}

test('ships events as they are, whatever their texts hold', async (t) => {
  const { dataDir, store } = await shipSource(t);
  await init(dataDir, target('texts'));
  await store(naughtyTexts.map((text) => ({ event_type: 'naughty', msg: text, chat_id: 'c', [`key ${text}`]: text, nested: { text } })));
  await store(someEvents(500));
  startShipper(t, dataDir, target('texts'));
  await allShipped(dataDir);
  await assertEqualSets(dataDir, 'texts');
});

test('prints the table that it would make, and makes it only with --apply', async (t) => {
  const { dataDir } = await shipSource(t);
  const printed = await picortex(dataDir, ['ship', 'init', '--to', target('printed')]);
  assert.match(printed.stdout, /^CREATE TABLE IF NOT EXISTS `default`\.`printed`/);
  assert.deepEqual(await clickhouse.rows("SELECT name FROM system.tables WHERE name = 'printed'"), []);
  await clickhouse.query(printed.stdout.replace(/;\s*$/, ''));
  await init(dataDir, target('printed'));
});

test('sends no request with events of two partitions', async (t) => {
  const { dataDir, store } = await shipSource(t);
  await init(dataDir, target('months'));
  const months = ['2026-07', '2026-08', '2026-09', '2026-10'];
  await store(Array.from({ length: 400 }, (_, i) => ({ event_type: 'month', time: `${months[i % 4]}-${String(1 + (i % 28)).padStart(2, '0')}T00:00:00Z`, i })));
  const proxy = await cuttingProxy(t, clickhouse.port);
  startShipper(t, dataDir, target('months', proxy.port));
  await allShipped(dataDir);
  await assertEqualSets(dataDir, 'months');
  const partitions = proxy.bodies.map((body) => new Set(body.trim().split('\n').map((line) => new Date(JSON.parse(line).time_ms).toISOString().slice(0, 7))));
  assert.ok(partitions.length >= 4);
  assert.ok(partitions.every((set) => set.size === 1));
});

test('ships everything exactly once while its process is killed', async (t) => {
  const { dataDir, store } = await shipSource(t);
  await init(dataDir, target('killed'));
  const proxy = await cuttingProxy(t, clickhouse.port);
  let ends = false;
  const writing = (async () => {
    for (let i = 0; !ends; ++i) {
      await store(someEvents(40, { round: i, id: undefined }));
      await sleep(5);
    }
  })();
  for (let i = 0; i < 20; ++i) {
    const before = proxy.bodies.length;
    const shipper = startShipper(t, dataDir, target('killed', proxy.port), {});
    await eventually('a batch is on its way', () => proxy.bodies.length > before);
    await sleep(randomInt(30));
    await shipper.end('SIGKILL');
  }
  ends = true;
  await writing;
  startShipper(t, dataDir, target('killed', proxy.port));
  await allShipped(dataDir);
  await assertEqualSets(dataDir, 'killed');
});

test('sends again what was cut off, byte for byte', async (t) => {
  const { dataDir, store } = await shipSource(t);
  await init(dataDir, target('cut'));
  const proxy = await cuttingProxy(t, clickhouse.port);
  await store(someEvents(2000));
  // The server has the rows, but its answer never arrives.
  proxy.cutAnswers = true;
  const shipper = startShipper(t, dataDir, target('cut', proxy.port));
  await eventually('the same batch is sent again', () => proxy.bodies.length >= 3);
  await store(someEvents(300));
  await shipper.end('SIGKILL');
  const again = startShipper(t, dataDir, target('cut', proxy.port));
  const sent = proxy.bodies.length;
  await eventually('the next process sends it', () => proxy.bodies.length > sent + 1);
  assert.equal(new Set(proxy.bodies).size, 1);
  assert.match((await shipStatus(dataDir))[0].error, /no answer/);
  proxy.cutAnswers = false;
  await allShipped(dataDir);
  await assertEqualSets(dataDir, 'cut');
  assert.deepEqual(await again.end(), { code: 0, signal: null });
});

test('waits for a server that is paused, killed and away', async (t) => {
  const { dataDir, store } = await shipSource(t);
  const server = await startClickHouse(t);
  const url = target('away', server.port);
  await init(dataDir, url);
  const shipper = startShipper(t, dataDir, url);
  await store(someEvents(100));
  await allShipped(dataDir);
  server.child.kill('SIGSTOP');
  await store(someEvents(100));
  await sleep(500);
  server.child.kill('SIGCONT');
  await allShipped(dataDir);
  await server.end('SIGKILL');
  await store(someEvents(1000));
  await eventually('the failure is reported', async () => (await shipStatus(dataDir))[0].state === 'retrying');
  const [status] = await shipStatus(dataDir);
  assert.ok(status.lag_events >= 1000 && status.retries >= 1 && /no answer/.test(status.error), JSON.stringify(status));
  await server.start();
  await allShipped(dataDir);
  assert.equal((await server.rows('SELECT count() AS n FROM away FINAL'))[0].n, String((await exportedEvents(dataDir)).size));
  assert.match(shipper.errors, /no answer[\s\S]*shipping again/);
});

test('goes on after its table was made', async (t) => {
  const { dataDir, store } = await shipSource(t);
  await store(someEvents(50));
  startShipper(t, dataDir, target('late'));
  await eventually('the missing table is reported', async () => /late/.test((await shipStatus(dataDir))[0]?.error ?? ''));
  await init(dataDir, target('late'));
  await allShipped(dataDir);
  await assertEqualSets(dataDir, 'late');
});

test('ships to several targets at once, each at its own pace', async (t) => {
  const { dataDir, store } = await shipSource(t);
  await init(dataDir, target('first'));
  await init(dataDir, target('second'));
  await store(someEvents(500));
  const dead = await cuttingProxy(t, clickhouse.port);
  dead.cutAnswers = true;
  startShipper(t, dataDir, [target('first'), target('second', dead.port)]);
  await eventually('the first has everything', async () => (await shipStatus(dataDir)).find((each) => /first/.test(each.target))?.lag_events === 0);
  assert.ok((await shipStatus(dataDir)).find((each) => /second/.test(each.target)).lag_events > 0);
  dead.cutAnswers = false;
  await allShipped(dataDir);
  await assertEqualSets(dataDir, 'second');
});

test('does not ship twice to one target', async (t) => {
  const { dataDir, store } = await shipSource(t);
  await init(dataDir, target('twice'));
  await store(someEvents(1));
  startShipper(t, dataDir, target('twice'));
  await allShipped(dataDir);
  const second = startShipper(t, dataDir, target('twice'));
  assert.equal((await second.exited).code, 1);
  assert.match(second.errors, /another process ships to/);
});

test('ships a restored database again, and the engine still has each event once', async (t) => {
  const { daemon, dataDir, store } = await shipSource(t);
  await init(dataDir, target('restored'));
  await store(someEvents(200, { part: 1 }));
  const backup = `${dataDir}/backup.db`;
  assert.equal((await picortex(dataDir, ['db', 'backup', backup])).code, 0);
  startShipper(t, dataDir, target('restored'));
  await allShipped(dataDir);
  await daemon.stop();
  assert.equal((await picortex(dataDir, ['db', 'restore', backup])).code, 0);
  const next = await startDaemon(t, { dataDir });
  const client = new Client(next.address);
  cleanUpAfter(t, () => client.close());
  const marker = randomUUID();
  await client.post('/api/events', { event_type: 'after.restore', id: marker }, await authorization(dataDir));
  await eventually('the new event is there', async () => (await clickhouse.rows(`SELECT event_id FROM restored WHERE event_id = '${marker}'`)).length === 1, 30_000);
  await allShipped(dataDir);
  await assertEqualSets(dataDir, 'restored');
});
