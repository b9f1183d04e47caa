// A wall clock that is set: nothing is deleted by a time that has not proved itself, and the counters follow it back.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { cleanUpAfter } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { eventually, sanitized, startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { query } from './support/database.mjs';
import { authorization } from './support/token.mjs';

const day = 86_400;
const retentionDays = 90;
const support = join(dirname(fileURLToPath(import.meta.url)), 'support');

async function withClock(t) {
  const directory = await temporaryDirectory(t);
  const library = join(directory, 'clock.so');
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, join(support, 'stepped_clock.c')]);
  const file = join(directory, 'offset');
  const step = (seconds) => writeFileSync(file, `${seconds}\n`);
  step(0);
  return { step, settings: { LD_PRELOAD: library, STEPPED_CLOCK_FILE: file, PICORTEX_RETENTION_DAYS: String(retentionDays) } };
}

async function start(t, options) {
  const daemon = await startDaemon(t, options);
  const client = new Client(daemon.address);
  cleanUpAfter(t, () => client.close());
  const bearer = await authorization(daemon.dataDir);
  const storage = async () => (await client.get('/api/status', bearer)).json.storage;
  return { daemon, storage,
    // An event that will be too old in some seconds of a clock that is right. Once it has gone, the daemon has deleted all
    // that it wants to delete.
    postWitness: async () => {
      const time = Date.now() - retentionDays * day * 1000 + 5_000;
      const { status, text } = await client.post('/api/events', { event_type: 'witness', time }, bearer);
      assert.equal(status, 200, text);
    },
    witnessGone: () => eventually('the witness has gone', async () => (await storage()).pruned === 1, 20_000),
    post: async (count) => {
      const { status, text } = await client.post('/api/events', Array.from({ length: count }, () => ({ event_type: 'tmux.turn.start', chat_id: 'c' })), bearer);
      assert.equal(status, 200, text);
    },
    turns: async () => (await client.get('/health')).json.metrics.turns_last_24h };
}

// The clock is stepped by a preloaded library. A sanitized program takes none ahead of the sanitizer's own: it has no
// test here, and the release build has them all.
if (sanitized) process.exit(0);

for (const [name, by] of [['a year', 400 * day], ['a day', day], ['an hour', 3600]]) {
  test(`${name} ahead and back deletes nothing`, async (t) => {
    const { step, settings } = await withClock(t);
    const dataDir = await temporaryDirectory(t);
    const { daemon, post, turns, storage, postWitness, witnessGone } = await start(t, { dataDir, settings });
    await post(1000);
    await postWitness();
    step(by);
    const ahead = await daemon.line((line) => line.event_type === 'clock.jump');
    assert.ok(Math.abs(ahead.by_ms - by * 1000) < 60_000);
    assert.equal((await storage()).deletion_waits, true);
    await post(10);
    await witnessGone();
    step(0);
    await daemon.line((line) => line.event_type === 'clock.jump' && line.by_ms < 0);
    assert.equal((await storage()).deletion_waits, false);
    const [{ n }] = await query(dataDir, 'SELECT count(*) AS n FROM event');
    assert.equal(n, 1010);
    await post(5);
    await eventually('the counters have followed', async () => (await turns()) === 1015);
    assert.equal((await daemon.stop()).code, 0);
    const restarted = await start(t, { dataDir, settings });
    assert.equal(await restarted.turns(), 1015);
    assert.equal((await restarted.daemon.stop()).code, 0);
  });
}

test('a start with a clock that is ahead deletes nothing', async (t) => {
  const { step, settings } = await withClock(t);
  const dataDir = await temporaryDirectory(t);
  const first = await start(t, { dataDir, settings });
  await first.post(100);
  await first.postWitness();
  assert.equal((await first.daemon.stop()).code, 0);
  step(400 * day);
  const second = await start(t, { dataDir, settings });
  await second.daemon.line((line) => line.event_type === 'clock.jump');
  await second.witnessGone();
  const [{ n }] = await query(dataDir, 'SELECT count(*) AS n FROM event');
  assert.equal(n, 100);
  assert.equal((await second.daemon.stop()).code, 0);
});
