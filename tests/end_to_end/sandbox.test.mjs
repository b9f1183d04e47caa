// The daemon as its systemd unit runs it: a user of its own with three capabilities and no way to more. The fence, what it
// reports, the tmux probe and the alert command work; what the daemon starts gets no capability.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, chown, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cleanUpAfter, testFile } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { binary, eventually } from './support/daemon.mjs';
import { World, fencedUid, needsRoot } from './support/namespaces.mjs';

const execute = promisify(execFile);
const daemonUid = 47003;
const tmuxUid = 47004;
const unit = await readFile(fileURLToPath(new URL('../../deploy/picortex.service', import.meta.url)), 'utf8');

// What the unit's line of that name gives, in setpriv's words.
function capabilities(name) {
  const [, list] = new RegExp(`^${name}=(.+)$`, 'm').exec(unit);
  return ['-all', ...list.split(' ').map((capability) => '+' + capability.replace(/^CAP_/, '').toLowerCase())].join(',');
}

describe('in the sandbox of its unit', { skip: needsRoot }, async () => {
  if (needsRoot) return;
  delete process.env.PICORTEX_TEST_IPTABLES;  // the unit is for iptables-nft, as one test below shows
  const world = await World.create(testFile);
  const at = (name) => join(world.directory, name);
  const dataDir = at('state');
  await mkdir(dataDir);
  await chown(dataDir, daemonUid, daemonUid);
  await copyFile(binary, at('picortex'));
  await chmod(at('picortex'), 0o755);
  await writeFile(at('alert'), `#!/bin/sh\ncat > ${dataDir}/alert.json\ngrep Cap /proc/self/status > ${dataDir}/alert.caps\n`);
  await chmod(at('alert'), 0o755);
  // tmux knows by name which users may connect.
  await writeFile(at('passwd'), `root:x:0:0::/root:/bin/sh\npicortex:x:${daemonUid}:${daemonUid}::/:/bin/sh\nbot:x:${tmuxUid}:${tmuxUid}::/:/bin/sh\n`);
  await chmod(at('passwd'), 0o644);
  world.host.run('mount', '--bind', at('passwd'), '/etc/passwd');
  await mkdir(at('bot'), { mode: 0o755 });
  await chown(at('bot'), tmuxUid, tmuxUid);
  const tmux = (...words) => world.runAs(tmuxUid, ['tmux', '-f', '/dev/null', '-S', at('bot/tmux'), ...words]);
  for (const words of [['new-session', '-d', 'sleep 300'], ['server-access', '-a', 'picortex']]) {
    const { status, errors } = await tmux(...words);
    assert.equal(status, 0, errors);
  }
  cleanUpAfter(testFile, () => tmux('kill-server'));
  await chmod(at('bot/tmux'), 0o666);

  const ambient = capabilities('AmbientCapabilities');
  const inSandbox = [...world.host.prefix, 'setpriv', `--reuid=${daemonUid}`, `--regid=${daemonUid}`, '--clear-groups', '--no-new-privs',
    `--bounding-set=${capabilities('CapabilityBoundingSet')}`, `--inh-caps=${ambient}`, `--ambient-caps=${ambient}`, '--'];
  // Before the other daemon, which takes the queue.
  const withLegacy = await execute(inSandbox[0], [...inSandbox.slice(1), binary, 'serve'], {
    timeout: 20_000,
    env: {
      PATH: await world.legacyPath(), PICORTEX_DATA_DIR: dataDir, PICORTEX_LISTEN: `unix:${dataDir}/api.sock`, PICORTEX_EGRESS_MODE: 'enforce',
      PICORTEX_EGRESS_USER: String(fencedUid),
    },
  }).catch((error) => error);
  const daemon = await world.startDaemon(testFile, {
    PICORTEX_LISTEN: `127.0.0.1:8787,unix:${dataDir}/api.sock`, PICORTEX_TMUX_SOCKET: at('bot/tmux'), PICORTEX_ALERT_COMMAND: at('alert'),
  }, { dataDir, prefix: inSandbox });
  const api = new Client({ path: join(dataDir, 'api.sock') }, '127.0.0.1:8787');
  testFile.after(() => api.close());

  it('the older iptables, which needs more than the unit gives, is named with its remedy', () => {
    assert.equal(withLegacy.code, 1, withLegacy.stderr);
    // Which of the two it lacks first depends on whether root has used it before.
    assert.match(withLegacy.stderr, /(initialize table|lock file).*CAP_NET_RAW and \/run\/xtables\.lock: run update-alternatives --set iptables/);
  });

  it('it runs as no other user', async () => {
    const status = await readFile(`/proc/${daemon.pid}/status`, 'utf8');
    assert.match(status, new RegExp(`^Uid:\\s+${daemonUid}\\s+${daemonUid}`, 'm'));
    assert.match(status, /^NoNewPrivs:\s+1$/m);
  });

  it('the fence lets an allowed host pass', async () => {
    const { status, output, errors } = await world.runAs(fencedUid, ['curl', '-sS', 'https://allowed.test/']);
    assert.deepEqual([status, output], [0, 'hello allowed.test\n'], errors);
  });

  it('a denial is reported with the process of another user', async () => {
    const requestId = randomUUID();
    await world.runAs(fencedUid, ['env', `PICORTEX_REQUEST_ID=${requestId}`, 'PICORTEX_CHAT_ID=chat-1', '/usr/bin/python3', '-c', `
import socket, time
try: socket.getaddrinfo('sandbox.test', 443, socket.AF_INET)
except OSError: time.sleep(1)  # a process that ends at once may be reported without its name`]);
    const line = await daemon.line((one) => one.event_type === 'egress.rejected' && one.request_id === requestId);
    assert.equal(line.host, 'sandbox.test');
    assert.match(line.executable, /\/python3/);
    assert.deepEqual([line.uid, line.chat_id, line.id_source], [fencedUid, 'chat-1', 'claimed']);
  });

  it('the alert command runs, without any capability', async () => {
    const alert = JSON.parse(await eventually('the alert', () => readFile(join(dataDir, 'alert.json'), 'utf8').catch(() => '')));
    assert.equal(alert.event_type, 'egress.new_host');
    const caps = await eventually('its capabilities', () => readFile(join(dataDir, 'alert.caps'), 'utf8').catch(() => ''));
    for (const name of ['CapPrm', 'CapEff', 'CapAmb']) {
      assert.match(caps, new RegExp(`^${name}:\\s+0+$`, 'm'));
    }
  });

  it('tmux answers a user that its owner lets in', async () => {
    await daemon.line((line) => line.event_type === 'tmux.up' || line.event_type === 'tmux.down').then((line) => assert.equal(line.event_type, 'tmux.up', line.reason));
    assert.equal((await api.get('/health')).json.tmux_ok, true);
  });
});
