// What the daemon knows of the targets of `picortex ship`: their lag, alerts on it, and what retention takes before they have it.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Client } from './support/client.mjs';
import { cleanUpAfter } from './support/cleanup.mjs';
import { events } from './support/database.mjs';
import { eventually } from './support/daemon.mjs';
import { shipReceiver } from './support/ship_receiver.mjs';
import { shipSource, someEvents } from './support/ship_source.mjs';
import { allShipped, shipStatus, startShipper } from './support/shipper.mjs';
import { authorization } from './support/token.mjs';

const statusOf = async (t, { daemon, dataDir }) => {
  const client = new Client(daemon.address);
  cleanUpAfter(t, () => client.close());
  const bearer = await authorization(dataDir);
  return async () => (await client.get('/api/status', bearer)).json;
};
const url = ({ port }) => `ndjson+http://127.0.0.1:${port}/lines`;

test('/api/status says of each target what ship status says', async (t) => {
  const source = await shipSource(t);
  const status = await statusOf(t, source);
  assert.deepEqual((await status()).ship, []);
  const receiver = await shipReceiver(t);
  await source.store(someEvents(300));
  startShipper(t, source.dataDir, url(receiver));
  await allShipped(source.dataDir);
  const seen = await eventually('the daemon knows that everything is shipped', async () => {
    const [target] = (await status()).ship;
    return target?.lag_events === 0 && target.shipped >= 300 && target;
  });
  const [said] = await shipStatus(source.dataDir);
  assert.deepEqual(Object.keys(seen).sort(), Object.keys(said).sort());
  assert.equal(seen.target, said.target);
  receiver.answer = () => ({ status: 503, body: 'the disk is full' });
  await source.store(someEvents(40));
  const late = await eventually('the daemon knows that the target is late', async () => {
    const [target] = (await status()).ship;
    return target.lag_events >= 40 && target.retries > 0 && target;
  });
  assert.match(late.error, /503/);
  receiver.answer = () => ({ status: 200 });
  await eventually('the lag is gone', async () => (await status()).ship[0].lag_events === 0, 30_000);
});

// The files below the directory, the database and its log with their sizes, and the daemon's threads.
const filesOf = (directory) => readdirSync(directory, { recursive: true }).map((name) => [name, statSync(join(directory, name))])
  .filter(([, stat]) => stat.isFile()).map(([name, { size }]) => (/^picortex\.db(-wal)?$/.test(name) ? `${name}: ${size}` : name)).sort();
const threadsOf = ({ pid }) => readdirSync(`/proc/${pid}/task`).length;

test('without a target the same bytes are in the same files, and nothing is done for shipping', async (t) => {
  const without = await shipSource(t);
  const targeted = await shipSource(t);
  const threads = threadsOf(without.daemon);
  assert.equal(threadsOf(targeted.daemon), threads);
  const shipper = startShipper(t, targeted.dataDir, 'ndjson+http://127.0.0.1:1/lines');
  await eventually('the target has its directory', () => existsSync(join(targeted.dataDir, 'ship')));
  await shipper.end();
  const stored = someEvents(500).map((event, i) => ({ ...event, id: `8c1f2a3b-4d5e-4f60-8a7b-${String(i).padStart(12, '0')}`, time: Date.parse('2026-11-17T00:00:00Z') + 7 * i }));
  for (const { store } of [without, targeted]) await store(stored);
  // The one without a target was started first, so that it has looked for targets when the other one has.
  await eventually('the daemon knows the target', async () => (await targeted.daemon.status()).ship.length === 1);
  assert.deepEqual((await without.daemon.status()).ship, []);
  assert.equal(threadsOf(without.daemon), threads);
  assert.equal(threadsOf(targeted.daemon), threads + 1);
  assert.doesNotMatch(readFileSync(`/proc/${without.daemon.pid}/maps`, 'utf8'), /libcurl/);
  for (const { daemon } of [without, targeted]) await daemon.stop();
  assert.ok(!existsSync(join(without.dataDir, 'ship')));
  assert.ok(filesOf(targeted.dataDir).some((file) => file.startsWith('ship/')));
  assert.deepEqual(filesOf(without.dataDir), filesOf(targeted.dataDir).filter((file) => !file.startsWith('ship/')));
});

test('a target that is late, and one that never had anything, cause an alert', async (t) => {
  const source = await shipSource(t, { PICORTEX_ALERT_ON: 'ship.lag>10s cooldown=1d' });
  await source.store(someEvents(20));
  startShipper(t, source.dataDir, 'ndjson+http://127.0.0.1:1/lines');
  const line = await source.daemon.line((one) => one.event_type === 'alert.ship_lag', 40_000);
  assert.deepEqual([line.level, line.rule, line.target], ['warn', 'ship.lag>10s cooldown=1d', 'ndjson+http://127.0.0.1:1/lines']);
  assert.ok(line.lag_events >= 20 && line.lag_seconds >= 10, JSON.stringify(line));
  await eventually('the alert is an event', async () => (await events(source.dataDir)).some((one) => one.event_type === 'alert.ship_lag'));
});

test('ship.lapsed counts what retention deletes before a target has it', async (t) => {
  const source = await shipSource(t, { PICORTEX_MAX_DB_BYTES: '64M' });
  const receiver = await shipReceiver(t);
  receiver.answer = () => ({ status: 503 });
  await source.store(someEvents(10));
  startShipper(t, source.dataDir, url(receiver));
  const status = await statusOf(t, source);
  await eventually('the daemon knows the target', async () => (await status()).ship.length === 1);
  const filler = 'x'.repeat(18_000);
  let stored = 0;
  await eventually('retention has deleted something', async () => {
    await source.store(Array.from({ length: 50 }, (_, i) => ({ event_type: 'large', msg: `${stored + i}`, filler })));
    stored += 50;
    return (await status()).storage.pruned > 100;
  }, 60_000, 1);
  const line = await source.daemon.line((one) => one.event_type === 'ship.lapsed', 20_000);
  assert.equal(line.target, url(receiver));
  assert.ok(line.events > 0 && line.events <= stored + 20, JSON.stringify(line));
  receiver.answer = () => ({ status: 200 });
  await eventually('the rest is shipped', async () => {
    const [target] = await shipStatus(source.dataDir);
    return target.lag_events === 0 && target.shipped > 0;
  }, 60_000);
  const [{ lapsed }] = await shipStatus(source.dataDir);
  const larges = new Set(receiver.lines().filter((one) => one.event_type === 'large').map((one) => one.id));
  // The batch that was frozen before the deletion is shipped although it is gone.
  assert.ok(larges.size + lapsed >= stored, `${larges.size} shipped, ${lapsed} lapsed of ${stored}`);
  assert.ok(lapsed > 0);
});
