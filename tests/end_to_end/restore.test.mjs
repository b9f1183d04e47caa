// A database that is replaced: its old log never meets the new file, however it was replaced; and `db restore` does it right.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, readdirSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { cleanUpAfter } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { binary, environment, eventually, startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { mounts, smallDisk } from './support/small_disk.mjs';
import { authorization } from './support/token.mjs';

function db(...words) {
  const { status, stdout, stderr } = spawnSync(binary, ['db', ...words], { env: environment({}), encoding: 'utf8' });
  return { status, stdout, stderr };
}

const sqlite = (file, sql) => execFileSync('sqlite3', [file, sql], { encoding: 'utf8' }).trim();
const count = (dataDir) => Number(sqlite(join(dataDir, 'picortex.db'), 'SELECT count(*) FROM event'));
const isWhole = (dataDir) => assert.equal(sqlite(join(dataDir, 'picortex.db'), 'PRAGMA integrity_check'), 'ok');

async function connect(t, daemon) {
  const client = new Client(daemon.address);
  cleanUpAfter(t, () => client.close());
  const bearer = await authorization(daemon.dataDir);
  return { post: (n) => client.post('/api/events', Array.from({ length: n }, (_, i) => ({ event_type: 'e', chat_id: `c${i}`, pad: 'x'.repeat(300) })), bearer),
    isOk: async () => (await client.get('/health')).json.db_ok };
}

// A daemon with 500 events, a backup of it, and 700 events more in its log.
async function withBackup(t) {
  const directory = await temporaryDirectory(t);
  const dataDir = join(directory, 'data');
  const daemon = await startDaemon(t, { dataDir });
  const seen = await connect(t, daemon);
  assert.equal((await seen.post(500)).status, 200);
  const backup = join(directory, 'backup.db');
  assert.equal(db('backup', '--data-dir', dataDir, backup).status, 0);
  assert.equal((await seen.post(700)).status, 200);
  return { directory, dataDir, daemon, backup, ...seen };
}

async function kill(daemon) {
  daemon.child.kill('SIGKILL');
  await daemon.exited;
}

test('a backup that is renamed over the running database stays whole', async (t) => {
  const { dataDir, daemon, backup, post, isOk } = await withBackup(t);
  renameSync(backup, join(dataDir, 'picortex.db'));
  const aside = await daemon.line((line) => line.event_type === 'db.log_set_aside');
  assert.equal(aside.path, join(dataDir, 'picortex.db-wal.set-aside'));
  assert.ok(statSync(aside.path).size > 0);
  await eventually('the database works', isOk);
  assert.equal((await post(10)).status, 200);
  assert.equal((await daemon.stop()).code, 0);
  assert.equal(count(dataDir), 510);
  isWhole(dataDir);
});

for (const [how, replace] of Object.entries({
  'renamed over': (backup, file) => renameSync(backup, file),
  'copied after a deletion': (backup, file) => { rmSync(file); copyFileSync(backup, file); },
  'renamed after the old one was moved': (backup, file) => { renameSync(file, `${file}.mine`); renameSync(backup, file); },
})) {
  test(`a backup that is ${how} while the daemon is down is not merged with the log that a kill left`, async (t) => {
    const { dataDir, daemon, backup } = await withBackup(t);
    await kill(daemon);
    assert.ok(statSync(join(dataDir, 'picortex.db-wal')).size > 0);
    replace(backup, join(dataDir, 'picortex.db'));
    const restarted = await startDaemon(t, { dataDir });
    assert.equal((await restarted.stop()).code, 0);
    assert.equal(count(dataDir), 500);
    isWhole(dataDir);
  });
}

test('a data directory that is copied with its log keeps what is in the log', async (t) => {
  const { directory, dataDir, daemon } = await withBackup(t);
  await kill(daemon);
  const copy = join(directory, 'copy');
  cpSync(dataDir, copy, { recursive: true });
  const restarted = await startDaemon(t, { dataDir: copy });
  assert.equal((await restarted.stop()).code, 0);
  assert.equal(count(copy), 1200);
});

test('db restore waits for the daemon to end, and keeps what was there', async (t) => {
  const { dataDir, daemon, backup } = await withBackup(t);
  const running = db('restore', '--data-dir', dataDir, backup);
  assert.equal(running.status, 1);
  assert.match(running.stderr, /^picortex: db: another picortex uses the data directory .*\n$/);
  await kill(daemon);
  const restored = db('restore', '--data-dir', dataDir, backup);
  assert.equal(restored.status, 0, restored.stderr);
  assert.match(restored.stdout, /picortex\.db" is in place; the previous database is .*picortex\.db\.old"\n$/);
  assert.ok(existsSync(backup));
  const restarted = await startDaemon(t, { dataDir });
  const { post } = await connect(t, restarted);
  assert.equal((await post(1)).status, 200);
  assert.equal((await restarted.stop()).code, 0);
  assert.equal(count(dataDir), 501);
  isWhole(dataDir);
  // With its log, which has the rest.
  assert.equal(sqlite(join(dataDir, 'picortex.db.old'), 'SELECT count(*) FROM event'), '1200');
});

test('db restore changes nothing for a backup that is none', async (t) => {
  const { directory, dataDir, daemon, backup } = await withBackup(t);
  assert.equal((await daemon.stop()).code, 0);
  const before = readdirSync(dataDir).sort();
  const cut = join(directory, 'cut.db');
  copyFileSync(backup, cut);
  truncateSync(cut, statSync(cut).size / 2);
  const other = join(directory, 'other.db');
  sqlite(other, 'CREATE TABLE t (a)');
  for (const file of [cut, other, join(directory, 'missing.db'), join(dataDir, 'picortex.db'), '/etc/passwd', directory]) {
    const { status, stderr } = db('restore', '--data-dir', dataDir, file);
    assert.equal(status, 1, file);
    assert.match(stderr, /^picortex: db: [^\n]+\n$/);
  }
  assert.deepEqual(readdirSync(dataDir).sort(), before);
  assert.equal(count(dataDir), 1200);
});

test('a backup for which there is no room names its own file and leaves none', mounts, async (t) => {
  const full = await smallDisk(t, 'size=64k');
  const { dataDir, daemon } = await withBackup(t);
  const { status, stderr } = db('backup', '--data-dir', dataDir, join(full, 'b.db'));
  assert.equal(status, 1);
  assert.ok(stderr.includes(join(full, 'b.db')) && !stderr.includes(join(dataDir, 'picortex.db')), stderr);
  assert.deepEqual(readdirSync(full), []);
  assert.equal((await daemon.stop()).code, 0);
});
