// What the daemon and a service manager say to each other: ready, reloading, stopping, the watchdog, sockets handed over.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { cleanUpAfter } from './support/cleanup.mjs';
import { binary, environment, eventually, startDaemon, temporaryDirectory } from './support/daemon.mjs';

const program = fileURLToPath(new URL('./support/service_manager.py', import.meta.url));
const asRoot = process.getuid() === 0 ? {} : { skip: 'needs root, to mount a file system and stop it' };
const WATCHDOG_MS = 400;

class ServiceManager {
  static async start(t, settings = {}) {
    const manager = new ServiceManager();
    manager.directory = await temporaryDirectory(t);
    manager.dataDir = settings.PICORTEX_DATA_DIR ?? join(manager.directory, 'data');
    const env = environment({ PICORTEX_LISTEN: '127.0.0.1:1', PICORTEX_DATA_DIR: manager.dataDir, PICORTEX_LOG_FORMAT: 'json',
                              PICORTEX_TMUX_SOCKET: join(manager.directory, 'no-tmux'), ...settings });
    manager.child = spawn('python3', [program, manager.directory, String(WATCHDOG_MS * 1000)],
                          { env, stdio: ['pipe', 'pipe', 'pipe'] });
    manager.heard = [];
    manager.output = '';
    manager.child.stderr.setEncoding('utf8').on('data', (text) => (manager.output += text));
    createInterface({ input: manager.child.stdout }).on('line', (line) => manager.heard.push(JSON.parse(line)));
    const exited = once(manager.child, 'exit');
    cleanUpAfter(t, async () => {
      manager.child.stdin.end();
      await exited;
    });
    manager.port = (await manager.hears((event) => event.port)).port;
    return manager;
  }

  async hears(matches, from = 0) {
    const found = () => this.heard.slice(from).find(matches);
    try {
      return await eventually('the service manager hears it', found);
    } catch (error) {
      throw new Error(`${error.message}: ${JSON.stringify(this.heard)}; ${this.output}`);
    }
  }

  says(text, from = 0) {
    return this.hears((event) => event.notify?.split('\n').includes(text), from);
  }

  count(text) {
    return this.heard.filter((event) => event.notify === text).length;
  }

  // Starts the daemon on the socket and waits until it is ready; answers its process id.
  async startDaemon() {
    const from = this.heard.length;
    this.child.stdin.write(JSON.stringify([binary, 'serve']) + '\n');
    const { started } = await this.hears((event) => event.started, from);
    await this.says('READY=1', from);
    return started;
  }
}

function get(port, path, agent = false) {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, agent }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    }).on('error', reject).end();
  });
}

// Waits until no ping has come in the time of several, which only time can show; returns how many have come so far.
async function noMorePings(manager) {
  let before = -1;
  await eventually('no more pings', async () => {
    const now = manager.count('WATCHDOG=1');
    const silent = now === before;
    before = now;
    if (!silent) await sleep(3 * WATCHDOG_MS);
    return silent;
  }, 30_000);
  return before;
}

test('ready, alive, reloading, stopping', async (t) => {
  const manager = await ServiceManager.start(t);
  const pid = await manager.startDaemon();
  await manager.says(`STATUS=listening on 127.0.0.1:${manager.port}`);
  assert.equal(await get(manager.port, '/livez'), 200, 'it serves the socket that it was given');
  await eventually('pings', () => manager.count('WATCHDOG=1') >= 4);
  let from = manager.heard.length;
  process.kill(pid, 'SIGHUP');
  const { notify } = await manager.says('RELOADING=1', from);
  assert.match(notify, /^RELOADING=1\nMONOTONIC_USEC=\d+$/);
  await manager.says('READY=1', from);
  from = manager.heard.length;
  process.kill(pid, 'SIGTERM');
  await manager.says('STOPPING=1', from);
  assert.equal((await manager.hears((event) => 'exited' in event)).exited, 0);
});

test('a loop that hangs is not alive', async (t) => {
  const manager = await ServiceManager.start(t);
  const pid = await manager.startDaemon();
  process.kill(pid, 'SIGSTOP');
  const before = await noMorePings(manager);
  process.kill(pid, 'SIGCONT');
  await eventually('pings again', () => manager.count('WATCHDOG=1') > before);
});

test('a disk that has stopped is not alive, and nothing is acknowledged meanwhile', asRoot, async (t) => {
  const directory = await temporaryDirectory(t);
  const disk = join(directory, 'disk');
  const dataDir = join(directory, 'data');
  await mkdir(dataDir);
  execFileSync('truncate', ['-s', '64M', disk]);
  execFileSync('mkfs.ext4', ['-q', disk]);
  execFileSync('mount', ['-o', 'loop', disk, dataDir]);
  cleanUpAfter(t, () => execFileSync('umount', [dataDir]));
  const manager = await ServiceManager.start(t, { PICORTEX_DATA_DIR: dataDir });
  const pid = await manager.startDaemon();
  const token = (await readFile(join(dataDir, 'token'), 'utf8')).trim();
  execFileSync('fsfreeze', ['--freeze', dataDir]);
  let frozen = true;
  const thaw = () => {
    if (!frozen) return;
    frozen = false;
    execFileSync('fsfreeze', ['--unfreeze', dataDir]);
  };
  cleanUpAfter(t, thaw);
  let answered = false;
  const answer = fetch(`http://127.0.0.1:${manager.port}/api/events`, {
    method: 'POST', body: '{"event_type":"a"}',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  }).then((response) => {
    answered = true;
    return response.status;
  });
  const before = await noMorePings(manager);
  assert.equal(answered, false);
  thaw();
  assert.equal(await answer, 200);
  await eventually('pings again', () => manager.count('WATCHDOG=1') > before);
  process.kill(pid, 'SIGTERM');
  await manager.hears((event) => 'exited' in event);
});

test('an upgrade drops no request', async (t) => {
  const manager = await ServiceManager.start(t);
  let pid = await manager.startDaemon();
  let stopped = false;
  const failures = [];
  let answers = 0;
  const clients = Array.from({ length: 8 }, async () => {
    while (!stopped) {
      try {
        assert.equal(await get(manager.port, '/livez'), 200);
        ++answers;
      } catch (error) {
        failures.push(error.code ?? error.message);
      }
    }
  });
  for (let upgrade = 0; upgrade < 5; ++upgrade) {
    const before = answers;
    await eventually('answers', () => answers >= before + 20);
    const from = manager.heard.length;
    process.kill(pid, 'SIGTERM');
    assert.equal((await manager.hears((event) => 'exited' in event, from)).exited, 0);
    pid = await manager.startDaemon();
  }
  stopped = true;
  await Promise.all(clients);
  assert.deepEqual(failures, []);
  assert.ok(answers > 100, `${answers} answers`);
});

test('what systemd says is not handed on to children', async (t) => {
  const directory = await temporaryDirectory(t);
  const seen = join(directory, 'seen');
  await writeFile(join(directory, 'tmux'), `#!/bin/sh\nenv > ${seen}\n`);
  await chmod(join(directory, 'tmux'), 0o755);
  const manager = await ServiceManager.start(t, { PATH: `${directory}:${process.env.PATH}` });
  await manager.startDaemon();
  const text = await eventually('the probe ran', () => readFile(seen, 'utf8').catch(() => ''));
  assert.match(text, /^PICORTEX_REQUEST_ID=/m);
  assert.doesNotMatch(text, /^(NOTIFY_SOCKET|WATCHDOG_|LISTEN_)/m);
});

test('systemd-socket-activate starts it on a socket', async (t) => {
  const socket = join(await temporaryDirectory(t), 'socket');
  const dataDir = await temporaryDirectory(t);
  const env = environment({ PICORTEX_DATA_DIR: dataDir, PICORTEX_LOG_FORMAT: 'json' });
  const names = ['PICORTEX_DATA_DIR', 'PICORTEX_LOG_FORMAT'].flatMap((name) => ['-E', `${name}=${env[name]}`]);
  const child = spawn('systemd-socket-activate', ['-l', socket, ...names, binary, 'serve'], { env, stdio: 'ignore' });
  const exited = once(child, 'exit');
  cleanUpAfter(t, async () => {
    child.kill('SIGTERM');
    await exited;
  });
  const answer = await eventually('an answer', () => new Promise((resolve) => {
    request({ socketPath: socket, path: '/livez', agent: false }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    }).on('error', () => resolve(0)).end();
  }));
  assert.equal(answer, 200);
});

const wrong = [
  ['a socket that does not listen', { LISTEN_FDS: '1' }, /is not a stream socket that listens/],
  ['too many sockets', { LISTEN_FDS: '9999999999' }, /LISTEN_FDS=9999999999 is not allowed/],
  ['a relative address', { NOTIFY_SOCKET: 'run/notify' }, /NOTIFY_SOCKET=run\/notify is not allowed/],
  ['an address without a listener', { NOTIFY_SOCKET: '/nonexistent/notify' }, /cannot reach systemd at NOTIFY_SOCKET/],
  ['no number', { WATCHDOG_USEC: 'soon' }, /WATCHDOG_USEC=soon is not allowed/],
];
for (const [name, settings, message] of wrong) {
  test(`rejected in one line: ${name}`, async (t) => {
    const dataDir = await temporaryDirectory(t);
    const child = spawn('sh', ['-c', 'LISTEN_PID=$$ exec "$0" serve 3</dev/null', binary],
                        { env: environment({ PICORTEX_DATA_DIR: dataDir, PICORTEX_LISTEN: '127.0.0.1:0', ...settings }),
                          stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
    const [code] = await once(child, 'exit');
    assert.equal(code, 1);
    assert.match(errors, message);
    assert.equal(errors.trim().split('\n').length, 1);
  });
}

test('variables that are meant for another process are not heeded', async (t) => {
  const daemon = await startDaemon(t, { settings: { LISTEN_PID: '1', LISTEN_FDS: '1', WATCHDOG_PID: '1', WATCHDOG_USEC: 'x' } });
  assert.equal(await get(daemon.address.port, '/livez'), 200);
});
