// picortex claude install, status and remove: a settings file of its own, and no other user's.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { picortex } from './support/answers.mjs';
import { cleanUpAfter, testFile } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { binary, environment, startDaemon } from './support/daemon.mjs';
import { golden } from './support/golden.mjs';
import { authorization } from './support/token.mjs';

const daemon = await startDaemon(testFile);
// The home directory is the password file's, so the test needs one that it may write to.
const settingsFile = join(userInfo().homedir, '.claude', 'settings.json');
const isThere = await stat(settingsFile).then(() => true, () => false);
const claude = (verb) => picortex(daemon.dataDir, ['claude', verb, '--user', userInfo().username], { PICORTEX_LISTEN: '127.0.0.1:8787' });

test('settings are installed, seen and removed', { skip: isThere && `${settingsFile} is somebody's` }, async () => {
  assert.match((await claude('status')).stdout, /^hooks {6}not installed/);
  assert.deepEqual([(await claude('install')).code, (await claude('install')).code], [0, 0]);
  const settings = JSON.parse(await readFile(settingsFile, 'utf8'));
  assert.deepEqual(Object.keys(settings.hooks), ['UserPromptSubmit', 'Stop', 'StopFailure', 'PostToolUseFailure', 'Notification', 'SubagentStop', 'SessionEnd', 'SessionStart']);
  assert.deepEqual(settings.hooks.SessionStart[0].hooks[0], { type: 'command', timeout: 3, command: 'picortex claude hook --listen 127.0.0.1:8787' });
  const [{ hooks: [hook] }] = settings.hooks.Stop;
  assert.deepEqual([hook.type, hook.url, hook.timeout], ['http', 'http://127.0.0.1:8787/hooks/claude', 2]);
  for (const value of Object.values(hook.headers)) {
    const name = /\$(\w+)$/.exec(value)[1];
    assert.ok(hook.allowedEnvVars.includes(name), name);
  }
  assert.match((await claude('status')).stdout, /^hooks {6}installed .*\ntelemetry {2}none has come yet\n$/s);
  assert.equal((await claude('remove')).code, 0);
  await assert.rejects(stat(settingsFile));
  assert.match((await claude('remove')).stdout, /nothing to remove/);
});

test('settings of others are left alone', { skip: isThere && `${settingsFile} is somebody's` }, async (t) => {
  await mkdir(join(userInfo().homedir, '.claude'), { recursive: true });
  await writeFile(settingsFile, '{"model":"opus"}');
  t.after(() => rm(settingsFile));
  for (const verb of ['install', 'remove']) {
    const { code, stderr } = await claude(verb);
    assert.equal(code, 1);
    assert.match(stderr, /holds settings of others: merge these into it by hand/);
  }
  assert.equal(await readFile(settingsFile, 'utf8'), '{"model":"opus"}');
});

test('a hook that the client runs as a command reaches the daemon with the chat of its run', async (t) => {
  const own = await startDaemon(t);
  const hook = JSON.parse(await golden('hooks_stdin.json'))['SessionStart.startup'];
  const send = (words, input, listen = own.authority) => spawnSync(binary, words,
    { env: environment({ PICORTEX_DATA_DIR: own.dataDir, PICORTEX_LISTEN: listen }), input, encoding: 'utf8' });
  const sent = send(['run', '--chat', 'chat-é', '--', binary, 'claude', 'hook'], JSON.stringify(hook));
  assert.deepEqual([sent.status, sent.stdout], [0, ''], sent.stderr);
  const client = new Client(own.address);
  cleanUpAfter(t, () => client.close());
  const { json, text } = await client.get('/api/events?event_type=claude.session_start', await authorization(own.dataDir));
  assert.equal(json.events?.length, 1, text);
  const [event] = json.events;
  assert.deepEqual([event.chat_id, event.data.session_id ?? event.data['session.id'], event.data.claimed], ['chat-é', hook.session_id, true]);
  // What cannot be stored says why, and never on stdout, which the client gives its model.
  for (const [words, input, listen, why] of [
    [['claude', 'hook'], JSON.stringify(hook), own.authority, /the hook was not stored: .* answered 401: start the client with picortex run$/m],
    [['run', '--chat', 'chat-1', '--', binary, 'claude', 'hook'], 'no JSON', own.authority, /not stored: .* answered 400$/m],
    [['claude', 'hook'], JSON.stringify(hook), '127.0.0.1:1', /nothing listens on 127.0.0.1:1/],
    [['claude', 'hook'], 'x'.repeat(1024 * 1024 + 1), own.authority, /the hook on stdin is larger than 1 MiB/]]) {
    const { status, stdout, stderr } = send(words, input, listen);
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(stderr, why);
  }
});

test('status and turns say when the client\'s metric of cost disagrees with its model calls', async (t) => {
  const own = await startDaemon(t);
  const client = new Client(own.address);
  cleanUpAfter(t, () => client.close());
  const bearer = await authorization(own.dataDir);
  const send = async (signal, name) => assert.equal((await client.post(`/v1/${signal}`, await golden(`${name}.json`), bearer)).status, 200, name);
  const cost = async () => /^cost {7}(.*)$/m.exec((await picortex(own.dataDir, ['claude', 'status'])).stdout)?.[1];
  await send('logs', 'logs_bash_1');
  await send('logs', 'logs_bash_2');
  assert.equal(await cost(), undefined);
  await send('metrics', 'metrics_bash_1');
  const less = '$0.0029 by model calls, $0.0014 by the client\'s own metric, of 1 process; it says less for 1: a part of the metric was lost';
  assert.equal(await cost(), less);
  assert.equal((await picortex(own.dataDir, ['turns'])).stderr, `picortex: turns: cost: ${less}\n`);
  await send('metrics', 'metrics_bash_2');
  await send('metrics', 'metrics_bash_2');
  assert.equal(await cost(), '$0.0029 by model calls, $0.0029 by the client\'s own metric, of 1 process: they agree');
  assert.equal((await picortex(own.dataDir, ['turns'])).stderr, '');
  // The metric knows calls that were interrupted, of which there is no record.
  await send('metrics', 'metrics_cut_1');
  assert.match(await cost(), /of 2 processes; the metric says more for 1: calls that were interrupted are in no turn$/);
});
