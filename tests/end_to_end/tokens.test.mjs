// Tokens with a name and scopes, and scopes by the user of a Unix socket: who may do what, and how soon a change counts.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { picortex } from './support/answers.mjs';
import { testFile } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { eventually, startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { authorization } from './support/token.mjs';

const daemon = await startDaemon(testFile);
const client = new Client(daemon.address);
testFile.after(() => client.close());

const token = (...words) => picortex(daemon.dataDir, ['token', ...words]);
const bearer = (secret) => ({ authorization: `Bearer ${secret}` });

async function create(name, scopes) {
  const { stdout, stderr, code } = await token('create', name, '--scope', scopes);
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /^picortex_[\w-]{43}\n$/);
  return stdout.trim();
}

// Each of these needs one scope.
const calls = {
  read: (headers) => client.get('/api/events', headers),
  write: (headers) => client.post('/api/events', { event_type: 'token.test' }, headers),
};

test('a token may do what its scopes say, as soon as it is made', async () => {
  const secrets = {};
  for (const scopes of ['read', 'write', 'telemetry', 'admin', 'read,write']) {
    secrets[scopes] = await create(`may-${scopes.replace(',', '-')}`, scopes);
  }
  await eventually('the daemon knows the last token', async () => (await calls.read(bearer(secrets['read,write']))).status === 200);
  const expected = { read: [200, 403], write: [403, 200], telemetry: [403, 403], admin: [200, 200], 'read,write': [200, 200] };
  for (const [scopes, statuses] of Object.entries(expected)) {
    const answers = [await calls.read(bearer(secrets[scopes])), await calls.write(bearer(secrets[scopes]))];
    assert.deepEqual(answers.map(({ status }) => status), statuses, scopes);
    for (const answer of answers.filter(({ status }) => status === 403)) {
      assert.match(answer.json.message, /lacks the scope (read|write): picortex token create NAME --scope \1$/);
    }
  }
});

test('without a token, and with one that is unknown, the answer says what to do', async () => {
  for (const path of ['/api/events', '/api/events/stream', '/api/story', '/api/metrics/history', '/api/status', '/api/egress']) {
    const none = await client.get(path);
    assert.equal(none.status, 401, path);
    assert.match(none.json.message, /^A token is needed: send Authorization: Bearer/);
    const wrong = await client.get(path, bearer('picortex_wrong'));
    assert.equal(wrong.status, 401, path);
    assert.match(wrong.json.message, /^Unknown token: it is wrong, or was revoked or rotated/);
    assert.equal(wrong.headers['www-authenticate'], 'Bearer');
  }
});

test('a token that was rotated or revoked is unknown at once', async () => {
  const first = await create('short-lived', 'read');
  await eventually('it works', async () => (await calls.read(bearer(first))).status === 200);
  const second = (await token('rotate', 'short-lived')).stdout.trim();
  assert.notEqual(second, first);
  await eventually('the new secret works', async () => (await calls.read(bearer(second))).status === 200);
  assert.equal((await calls.read(bearer(first))).status, 401);
  assert.deepEqual(await token('revoke', 'short-lived'), { stdout: '', stderr: '', code: 0 });
  await eventually('it is gone', async () => (await calls.read(bearer(second))).status === 401);
});

test('the list has names, scopes and times, and no secret', async () => {
  const secret = await create('listed', 'read,telemetry');
  const row = async () => (await token('list')).stdout.split('\n').find((line) => line.startsWith('listed'));
  assert.match(await row(), /^listed +read,telemetry +20\d\d-\d\d-\d\dT[\d:.]{12}Z +never$/);
  await eventually('it works', async () => (await calls.read(bearer(secret))).status === 200);
  await eventually('its use is noted', async () => / 20\d\d-\S+Z +20\d\d-\S+Z$/.test(await row()), 20_000, 500);
  const file = await readFile(join(daemon.dataDir, 'tokens'), 'utf8');
  assert.ok(!file.includes(secret) && !(await token('list')).stdout.includes(secret));
  assert.equal((await stat(join(daemon.dataDir, 'tokens'))).mode & 0o777, 0o600);
});

test('what cannot be done is said in one line', async () => {
  await create('twice', 'read');
  const cases = [
    [['create', 'twice', '--scope', 'read'], 1, /^picortex: token: there is a token "twice" already: rotate it/],
    [['create', 'no/slash', '--scope', 'read'], 2, /the name "no\/slash" is not allowed: give 1 to 64 letters/],
    [['create', 'x', '--scope', 'all'], 2, /--scope .*"all" is not allowed: give read, write, telemetry or admin/],
    [['create', 'x'], 2, /--scope .*is not allowed: give read/],
    [['revoke', 'unknown'], 1, /^picortex: token: there is no token "unknown"/],
    [['rotate', 'unknown'], 1, /^picortex: token: there is no token "unknown"/],
  ];
  for (const [words, status, line] of cases) {
    const { stdout, stderr, code } = await token(...words);
    assert.deepEqual([code, stdout], [status, ''], words.join(' '));
    assert.match(stderr, line);
    assert.equal(stderr.split('\n').length, 2, stderr);
  }
});

test('a damaged file changes nothing, and is reported', async () => {
  const own = await startDaemon(testFile);
  const asked = new Client(own.address);
  const secret = (await picortex(own.dataDir, ['token', 'create', 'kept', '--scope', 'read'])).stdout.trim();
  await eventually('it works', async () => (await asked.get('/api/events', bearer(secret))).status === 200);
  await writeFile(join(own.dataDir, 'tokens'), 'nonsense\n');
  const line = await own.line(({ event_type }) => event_type === 'tokens.unreadable');
  assert.match(line.msg, /tokens:1 is not NAME SCOPES TIME SHA256: .*; the tokens stay as they were$/);
  assert.equal((await asked.get('/api/events', bearer(secret))).status, 200);
  asked.close();
  await own.stop();
  await assert.rejects(startDaemon(testFile, { dataDir: own.dataDir }), /tokens:1 is not NAME SCOPES TIME SHA256/);
});

test('a use survives a restart', async () => {
  const own = await startDaemon(testFile);
  const asked = new Client(own.address);
  const secret = (await picortex(own.dataDir, ['token', 'create', 'used', '--scope', 'read'])).stdout.trim();
  await eventually('it works', async () => (await asked.get('/api/events', bearer(secret))).status === 200);
  asked.close();
  assert.deepEqual(await own.stop(), { code: 0, signal: null });
  const { stdout } = await picortex(own.dataDir, ['token', 'list']);
  assert.match(stdout, /^used +read +20\S+Z +20\S+Z$/m);
});

// --- Unix sockets ---

// Asks over a Unix socket as another user; resolves to the status.
async function asUser(uid, gid, path, method, target, headers = {}) {
  const program = `
    const http = require('node:http');
    const [path, method, target, headers] = JSON.parse(process.argv[1]);
    const request = http.request({ socketPath: path, method, path: target, headers: { host: 'localhost', 'content-type': 'application/json', ...headers } },
      (response) => { console.log(response.statusCode); response.resume(); });
    request.on('error', (error) => console.log(error.code));
    request.end(method === 'POST' ? '{"event_type":"peer.test"}' : undefined);`;
  const child = spawn(process.execPath, ['-e', program, JSON.stringify([path, method, target, headers])],
                      { uid, gid, stdio: ['ignore', 'pipe', 'inherit'], cwd: '/' });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece) => (text += piece));
  await once(child, 'close');
  return Number(text) || text;
}

const isRoot = process.getuid() === 0;

test('PICORTEX_PEERS gives users and groups of a Unix socket their scopes', { skip: !isRoot && 'needs root, to be other users' }, async () => {
  const directory = await temporaryDirectory(testFile);
  await chmod(directory, 0o755);
  const path = join(directory, 'socket');
  const own = await startDaemon(testFile, {
    settings: { PICORTEX_LISTEN: `unix:${path}`, PICORTEX_PEERS: '4001:write, @4100:read, 4002:read+telemetry' },
  });
  const statuses = async (uid, gid, headers) => [await asUser(uid, gid, path, 'GET', '/api/events', headers),
                                                 await asUser(uid, gid, path, 'POST', '/api/events', headers)];
  assert.deepEqual(await statuses(4001, 4001), [403, 200]);
  assert.deepEqual(await statuses(4001, 4100), [200, 200]);
  assert.deepEqual(await statuses(4003, 4100), [200, 403]);
  assert.deepEqual(await statuses(4002, 4002), [200, 403]);
  assert.deepEqual(await statuses(4003, 4003), [401, 401]);
  assert.deepEqual(await statuses(0, 0), [200, 200]);
  // A token that is known decides alone.
  const secret = (await picortex(own.dataDir, ['token', 'create', 'reader', '--scope', 'read'])).stdout.trim();
  await own.line(({ event_type }) => event_type === 'tokens.changed');
  assert.deepEqual(await statuses(0, 0, bearer(secret)), [200, 403]);
  assert.deepEqual(await statuses(4003, 4003, await authorization(own.dataDir)), [200, 200]);
  // One that is unknown is rejected, also from root.
  assert.deepEqual(await statuses(0, 0, bearer('picortex_wrong')), [401, 401]);
  assert.deepEqual(await statuses(4001, 4100, bearer('picortex_wrong')), [401, 401]);
});

test('a wrong grant is rejected at the start with its reason', async () => {
  for (const [grant, reason] of [['bot', 'it has no scope'], ['no-such-user:read', 'this host has no such user'],
                                 ['root:everything', 'its scope is none of']]) {
    await assert.rejects(startDaemon(testFile, { settings: { PICORTEX_PEERS: grant } }), (error) => {
      assert.match(error.message, new RegExp(`PICORTEX_PEERS.*is not allowed, since ${reason}`));
      return true;
    });
  }
});
