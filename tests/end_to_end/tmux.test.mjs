// tmux_ok is the outcome of a real tmux: there, gone, back.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { cleanUpAfter } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { environment, eventually, startDaemon, temporaryDirectory } from './support/daemon.mjs';

const PROBE_MS = 10_000;

test('tmux_ok follows the tmux server', async (t) => {
  const socket = join(await temporaryDirectory(t), 'tmux');
  const tmux = (...words) => execFileSync('tmux', ['-f', '/dev/null', '-S', socket, ...words], { env: environment({}), stdio: 'pipe' });
  const begin = () => tmux('new-session', '-d', '-s', 'test', 'sleep 300');
  begin();
  cleanUpAfter(t, () => {
    try {
      tmux('kill-server');
    } catch {
      // already gone
    }
  });
  const daemon = await startDaemon(t, { settings: { PICORTEX_TMUX_SOCKET: socket } });
  const client = new Client(daemon.address);
  cleanUpAfter(t, () => client.close());
  const health = async () => (await client.get('/health')).json;
  const becomes = (tmuxOk) => eventually(`tmux_ok ${tmuxOk}`, async () => (await health()).tmux_ok === tmuxOk, PROBE_MS + 5_000, 200);

  await eventually('tmux_ok soon after the start', async () => (await health()).tmux_ok, 3_000);
  assert.equal((await health()).status, 'ok');
  tmux('kill-server');
  await becomes(false);
  const { status, json } = await client.get('/health');
  assert.deepEqual([status, json.status, json.db_ok], [200, 'degraded', true]);
  begin();
  await becomes(true);
  assert.equal((await health()).status, 'ok');
});

test('none means that there is no tmux, until a reload names a socket', async (t) => {
  const folder = await temporaryDirectory(t);
  const config = join(folder, 'picortex.conf');
  await writeFile(config, 'PICORTEX_TMUX_SOCKET=none\n');
  const daemon = await startDaemon(t, { settings: { PICORTEX_CONFIG: config, PICORTEX_TMUX_SOCKET: '' } });
  const client = new Client(daemon.address);
  cleanUpAfter(t, () => client.close());
  const health = async () => (await client.get('/health')).json;
  assert.deepEqual([(await health()).status, (await health()).tmux_ok], ['ok', true]);
  assert.deepEqual((await daemon.status()).health, { status: 'ok', problems: [] });
  await writeFile(config, `PICORTEX_TMUX_SOCKET=${join(folder, "it's gone")}\n`);
  daemon.kill('SIGHUP');
  await daemon.line((line) => line.event_type === 'tmux.down', PROBE_MS + 5_000);
  assert.deepEqual([(await health()).status, (await health()).tmux_ok], ['degraded', false]);
  const { status, problems } = (await daemon.status()).health;
  assert.deepEqual([status, problems.map(({ part }) => part)], ['degraded', ['tmux']]);
  assert.match(problems[0].reason, /it's gone/);
  assert.equal(problems[0].fix, `tmux -S '${join(folder, "it'\\''s gone")}' new-session -d`);
});
