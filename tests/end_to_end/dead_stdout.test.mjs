// A stdout that cannot be written: the daemon stays idle, counts what is lost once, says so elsewhere, and ends as fast as
// ever. And no line is longer than a collector takes, whatever a visitor sends.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { cleanUpAfter } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { events } from './support/database.mjs';
import { binary, environment, eventually, startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { authorization } from './support/token.mjs';

// The most that the daemon spends on closing, what it has left to write included.
const CLOSING_MS = 2_000;

// A daemon on a Unix socket, whose log cannot report where it listens. `redirection` is the shell's.
async function startMute(t, redirection, settings = {}) {
  const dataDir = await temporaryDirectory(t);
  const path = join(dataDir, 'socket');
  const env = environment({
    PICORTEX_LISTEN: `unix:${path}`, PICORTEX_DATA_DIR: dataDir, PICORTEX_LOG_FORMAT: 'json', PICORTEX_TMUX_SOCKET: join(dataDir, 'none'), ...settings,
  });
  const child = spawn('sh', ['-c', `exec "$0" serve ${redirection}`, binary], { env, stdio: ['ignore', 'ignore', 'ignore'], cwd: tmpdir() });
  cleanUpAfter(t, () => child.kill('SIGKILL'));
  await eventually('it listens', () => {
    try { return statSync(path).isSocket(); } catch { return false; }
  });
  const client = new Client({ path });
  cleanUpAfter(t, () => client.close());
  await eventually('it answers', async () => { try { return (await client.get('/livez')).status === 200; } catch { return false; } });
  return { child, client, dataDir, path, bearer: await authorization(dataDir) };
}

const cpuMs = (pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
};
const statusOf = async ({ client, bearer }) => (await client.get('/api/status', bearer)).json;

const dead = {
  'a full disk': ['>/dev/full', /No space left on device/],
  'a descriptor for reading': ['1</dev/null', /Bad file descriptor/],
  'a pipe without a reader': ['| true', null],
  'a directory': [`1<${tmpdir()}`, /Bad file descriptor/],
};
test('a stdout that cannot be written costs nothing', async (t) => {
  for (const [name, [redirection, reason]] of Object.entries(dead)) {
    await t.test(name, async (t) => {
      // `exec` of a pipeline would be the shell's: a FIFO whose reader has gone is the same to the daemon.
      let to = redirection;
      if (reason === null) {
        const fifo = join(await temporaryDirectory(t), 'fifo');
        execFileSync('mkfifo', [fifo]);
        to = `>${fifo}`;
        spawn('head', ['-n', '1', fifo], { stdio: 'ignore' });
      }
      const daemon = await startMute(t, to);
      for (let i = 0; i < 5; ++i) await daemon.client.get(`/${i}`);
      const status = await eventually('it is known', async () => {
        await daemon.client.get('/x');
        const now = await statusOf(daemon);
        return now.log.writable === false && now;
      });
      assert.match(status.log.error, reason ?? /Broken pipe/);
      const [cpu, turns, since] = [cpuMs(daemon.child.pid), (await statusOf(daemon)).loop.iterations, performance.now()];
      await sleep(1_500);  // only time shows that nothing happens
      const later = await statusOf(daemon);
      const seconds = (performance.now() - since) / 1_000;
      assert.ok(cpuMs(daemon.child.pid) - cpu <= 200 * seconds, 'idle');
      assert.ok(later.loop.iterations - turns < 60 * seconds, `${later.loop.iterations - turns} iterations`);
      // One attempt a second, and those that this test's requests may have caused.
      assert.ok(later.log.errors >= 1 && later.log.errors <= status.log.errors + seconds + 4, `${later.log.errors} errors`);
      assert.ok(later.log.lines_dropped < 50, `${later.log.lines_dropped} lines`);
      const exited = once(daemon.child, 'exit');
      daemon.client.close();
      const start = performance.now();
      daemon.child.kill('SIGTERM');
      assert.deepEqual(await exited, [0, null]);
      assert.ok(performance.now() - start < CLOSING_MS, 'it does not wait for stdout');
    });
  }
});

test('closed descriptors are /dev/null, and no file of the daemon gets a log line', async (t) => {
  for (const redirection of ['<&- >&- 2>&-', '>&-', '<&- 2>&-', '>&- 2>&-']) {
    const daemon = await startMute(t, redirection);
    await daemon.client.get('/x');
    for (const [number, closed] of [[0, '<&-'], [1, ' >&-'], [2, '2>&-']]) {
      if (` ${redirection}`.includes(closed)) assert.equal(readlinkSync(`/proc/${daemon.child.pid}/fd/${number}`), '/dev/null');
    }
    assert.equal(statSync(join(daemon.dataDir, 'lock')).size, 0);
    daemon.child.kill('SIGTERM');
  }
  // In any other command as well.
  for (const command of ['--version', 'health --url http://127.0.0.1:1/', 'db check', 'egress list']) {
    const dir = await temporaryDirectory(t);
    const { status } = await new Promise((resolve) => {
      const child = spawn('sh', ['-c', `exec "$0" ${command} <&- >&- 2>&-`, binary], { env: environment({ PICORTEX_DATA_DIR: dir }), stdio: 'ignore' });
      child.on('exit', (code, signal) => resolve({ status: signal ?? code }));
    });
    assert.equal(typeof status, 'number', `${command} ended by ${status}`);
  }
});

test('a disk that has room again gets every line', async (t) => {
  if (process.getuid() !== 0) return t.skip('needs root to mount a small file system');
  const { smallDisk } = await import('./support/small_disk.mjs');
  const disk = await smallDisk(t, 'size=64k');
  execFileSync('dd', ['if=/dev/zero', `of=${disk}/filler`, 'bs=4k', 'count=15', 'status=none']);
  const daemon = await startMute(t, `>>${disk}/log`);
  for (let i = 0; i < 40; ++i) await daemon.client.get(`/request-${i}-${'x'.repeat(200)}`);
  await eventually('it is full', async () => (await statusOf(daemon)).log.writable === false);
  execFileSync('rm', [`${disk}/filler`]);
  await eventually('it is written again', async () => (await statusOf(daemon)).log.writable === true);
  const lines = await eventually('the report is written', () => {
    const all = readFileSync(`${disk}/log`, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
    return all.some((line) => line.event_type === 'log.dropped') && all;
  });
  for (let i = 0; i < 40; ++i) assert.ok(lines.some((line) => line.path?.startsWith(`/request-${i}-`)), `request ${i}`);
  const report = lines.find((line) => line.event_type === 'log.dropped');
  assert.deepEqual([report.count, report.error], [0, 'No space left on device']);
});

const FILLINGS = ['x', '\n', '"', '\u0001', '😀', '\\', '{"level":"fatal","msg":"forged"}\n'];
test('whatever a visitor sends, no line exceeds 16 KiB and the row keeps everything', async (t) => {
  const sizes = { stack: 12_000, message: 7_000, url: 2_000 };
  for (const format of ['json', 'pretty']) {
    const daemon = await startDaemon(t, { settings: { PICORTEX_LOG_FORMAT: format, FRONTEND_LOG_MAX_BYTES: '262144' } });
    const client = new Client(daemon.address);
    cleanUpAfter(t, () => client.close());
    for (const filling of FILLINGS) {
      const fill = (size) => filling.repeat(Math.ceil(size / filling.length)).slice(0, size);
      const body = Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, fill(size)]));
      const { status } = await client.post('/api/frontend-log', body);
      assert.equal(status, 204);
    }
    await client.get('/last');
    await daemon.line((line) => JSON.stringify(line).includes('/last'));
    for (const line of daemon.rawLines) assert.ok(Buffer.byteLength(line) < 16 * 1024, `${Buffer.byteLength(line)} bytes`);
    if (format === 'json') assert.ok(daemon.lines.every((line) => !('not_json' in line)));
    assert.ok(!daemon.lines.some((line) => line.msg === 'forged'));
    const rows = await events(daemon.dataDir, "event_type = 'frontend'");
    assert.equal(rows.length, FILLINGS.length);
    assert.ok(rows.some((row) => JSON.stringify(row).length > 16 * 1024), 'the row is longer than its line');
  }
});
