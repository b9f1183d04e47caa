// Telemetry while the disk does not answer: what is in hand has a bound, hooks are answered all the same, and what a SIGKILL takes
// was acknowledged to no client.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { cleanUpAfter } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { query } from './support/database.mjs';
import { eventually, startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { authorization } from './support/token.mjs';

// An ext4 of its own in a file, which can be frozen (fsfreeze(8)). Whatever happens to the test, it ends thawed and unmounted.
async function freezableDisk(t) {
  const directory = await temporaryDirectory(t);
  const [image, mountPoint] = [join(directory, 'image'), join(directory, 'mounted')];
  mkdirSync(mountPoint);
  execFileSync('truncate', ['-s', '512M', image]);
  execFileSync('mkfs.ext4', ['-q', '-F', image]);
  execFileSync('mount', ['-o', 'loop,noatime', image, mountPoint]);
  const thaw = () => execFileSync('sh', ['-c', 'fsfreeze -u "$1" 2>/dev/null || true', 'sh', mountPoint]);
  process.on('exit', thaw);
  cleanUpAfter(t, () => execFileSync('sh', ['-c', 'fsfreeze -u "$1" 2>/dev/null; umount -l "$1" || true', 'sh', mountPoint]));
  const dataDir = join(mountPoint, 'data');
  mkdirSync(dataDir, { mode: 0o700 });
  return { dataDir, freeze: () => execFileSync('fsfreeze', ['-f', mountPoint]), thaw };
}

// About 7 MiB of records.
const large = (number) => ({
  resourceLogs: [{ scopeLogs: [{ logRecords: Array.from({ length: 240 }, (_, i) => ({
    timeUnixNano: `${Date.now()}000000`, body: { stringValue: `${number} ${i} ${'x'.repeat(30_000)}` } })) }] }],
});
const stored = async (dataDir) => (await query(dataDir, "SELECT count(*) AS n FROM events WHERE event_type = 'otel.log'"))[0].n;

async function start(t) {
  const disk = await freezableDisk(t);
  const daemon = await startDaemon(t, { dataDir: disk.dataDir });
  cleanUpAfter(t, disk.thaw);
  const bearer = await authorization(disk.dataDir);
  const connect = (to = daemon) => {
    const client = new Client(to.address);
    cleanUpAfter(t, () => client.close());
    return client;
  };
  return { disk, daemon, bearer, connect };
}

test('bodies in hand have a bound; beyond it 503 with Retry-After, and the loop goes on', { timeout: 120_000 }, async (t) => {
  const { disk, bearer, connect } = await start(t);
  const bodies = Array.from({ length: 12 }, (_, number) => JSON.stringify(large(number)));
  disk.freeze();
  const answers = [];
  const posts = bodies.map((body) => connect().post('/v1/logs', body, bearer).then((answer) => {
    answers.push(answer);
    return answer;
  }));
  const rejected = await eventually('some are rejected', () => answers.length >= 3 && [...answers], 30_000);
  for (const answer of rejected) assert.deepEqual([answer.status, answer.headers['retry-after']], [503, '1']);
  const inHand = await eventually('the others are decoded', async () => {
    const { telemetry } = (await connect().get('/api/status', bearer)).json;
    return telemetry.bytes_in_hand > 40 * 2 ** 20 && telemetry.bytes_in_hand;
  }, 30_000);
  assert.ok(inHand <= 64 * 2 ** 20, `${inHand} bytes`);
  // The agent does not wait for the disk: its hook is answered though it is not stored yet.
  const hook = await connect().post('/hooks/claude', { hook_event_name: 'Stop', session_id: 's', prompt_id: 'p' }, bearer);
  assert.ok([200, 503].includes(hook.status), hook.text);
  assert.ok([200, 503].includes((await connect().get('/health')).status));
  disk.thaw();
  const ended = await Promise.all(posts);
  const accepted = ended.filter(({ status }) => status === 200).length;
  assert.ok(accepted >= 5, `${accepted} were stored`);
  assert.equal(accepted + ended.filter(({ status }) => status === 503).length, bodies.length);
  assert.equal(await stored(disk.dataDir), accepted * 240);
  // All of them again, as the client does after a 503: each once.
  for (const body of bodies) assert.equal((await connect().post('/v1/logs', body, bearer)).status, 200);
  assert.equal(await stored(disk.dataDir), bodies.length * 240);
});

test('what a SIGKILL takes was not acknowledged, and is stored once when it is sent again', { timeout: 120_000 }, async (t) => {
  const { disk, daemon, bearer, connect } = await start(t);
  const bodies = Array.from({ length: 4 }, (_, number) => JSON.stringify(large(number)));
  assert.equal((await connect().post('/v1/logs', bodies[0], bearer)).status, 200);
  disk.freeze();
  const posts = bodies.slice(1).map((body) => connect().post('/v1/logs', body, bearer).then(({ status }) => status, () => 'reset'));
  await eventually('they are in hand', async () => (await connect().get('/api/status', bearer)).json.telemetry.bytes_in_hand > 10 * 2 ** 20, 30_000);
  daemon.kill('SIGKILL');
  disk.thaw();
  assert.deepEqual(await Promise.all(posts), ['reset', 'reset', 'reset']);
  await daemon.exited;
  const again = await startDaemon(t, { dataDir: disk.dataDir });
  for (const body of bodies) assert.equal((await connect(again).post('/v1/logs', body, bearer)).status, 200);
  assert.equal(await stored(disk.dataDir), bodies.length * 240);
});
