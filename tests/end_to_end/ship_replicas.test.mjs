// Two shards with two replicas, made with the statements of the guide, have every event exactly once.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { picortex } from './support/answers.mjs';
import { testFile } from './support/cleanup.mjs';
import { startCluster } from './support/clickhouse_cluster.mjs';
import { cuttingProxy } from './support/cutting_proxy.mjs';
import { eventually } from './support/daemon.mjs';
import { exportedEvents, shipSource, someEvents } from './support/ship_source.mjs';
import { allShipped, shipStatus, startShipper } from './support/shipper.mjs';

const guide = readFileSync(join(import.meta.dirname, '../../docs/guides/many-hosts.md'), 'utf8');
const shards = await startCluster(testFile, { shards: 2, replicas: 2 });
const servers = shards.flat();
const target = (table, port = servers[0].port) => `clickhouse+http://127.0.0.1:${port}/default?table=${table}`;

// Makes the tables of the guide under this name.
async function makeTables(table) {
  const { stdout } = await picortex('/nonexistent', ['ship', 'init', '--to', target(table)]);
  const [, columns] = /^\(\n([\s\S]*?)\n\)$/m.exec(stdout);
  const [, sql] = /## Two shards, two replicas[\s\S]*?```sql\n([\s\S]*?)```/.exec(guide);
  const whole = sql.replace(/\/\* the columns .*? \*\//, columns).replaceAll('picortex_events', table);
  for (const statement of whole.split(';').map((text) => text.trim()).filter(Boolean)) await servers[0].query(statement);
}

const idsIn = async (server, table) => (await server.rows(`SELECT event_id FROM ${table} FINAL`)).map((row) => row.event_id).sort();

// Each server answers with each event once, and the replicas of a shard hold the same.
async function assertOnceEverywhere(dataDir, table) {
  const ids = [...(await exportedEvents(dataDir)).keys()].sort();
  for (const server of servers) assert.deepEqual(await idsIn(server, table), ids);
  const local = await Promise.all(shards.map(([first]) => idsIn(first, `${table}_local`)));
  assert.ok(local.every((part) => part.length > 0));
  assert.deepEqual(local.flat().sort(), ids);
  for (const [i, [, second]] of shards.entries()) {
    await eventually('the second replica has what the first has', async () => JSON.stringify(await idsIn(second, `${table}_local`)) === JSON.stringify(local[i]), 30_000);
  }
}

test('a Distributed table over replicas has each event once, although answers are cut off', async (t) => {
  const { dataDir, store } = await shipSource(t);
  await makeTables('cut');
  const proxy = await cuttingProxy(t, servers[0].port);
  proxy.cutAnswers = true;
  await store(someEvents(2000));
  startShipper(t, dataDir, target('cut', proxy.port));
  await eventually('the batch is sent again', () => proxy.bodies.length >= 3);
  proxy.cutAnswers = false;
  await allShipped(dataDir);
  await assertOnceEverywhere(dataDir, 'cut');
  // The same question has the same answer as on the host.
  const words = ['stats', '--by', 'type', '--by', 'chat', '--type', 'type.*'];
  assert.deepEqual(await picortex('/nonexistent', [...words, '--from', target('cut', servers[3].port)]), await picortex(dataDir, words));
});

test('a replica that is killed has everything after its return', async (t) => {
  const { dataDir, store } = await shipSource(t);
  await makeTables('killed');
  startShipper(t, dataDir, target('killed'));
  await store(someEvents(300));
  await allShipped(dataDir);
  await shards[1][1].end();
  await store(someEvents(300));
  await allShipped(dataDir);
  await shards[1][1].start();
  await assertOnceEverywhere(dataDir, 'killed');
});

test('with insert_quorum=2 a shard waits for its second replica, and nothing is there twice', async (t) => {
  const { dataDir, store } = await shipSource(t);
  await makeTables('quorum');
  const shipper = startShipper(t, dataDir, `${target('quorum')}&insert_quorum=2&insert_quorum_timeout=2000`);
  await store(someEvents(300));
  await allShipped(dataDir);
  await shards[1][1].end();
  await store(someEvents(300));
  await eventually('the missing replica is reported', async () => (await shipStatus(dataDir))[0].retries > 1, 30_000);
  await shards[1][1].start();
  await allShipped(dataDir);
  assert.match(shipper.errors, /[Qq]uorum|replica[\s\S]*shipping again/);
  await assertOnceEverywhere(dataDir, 'quorum');
});
