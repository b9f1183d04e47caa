// `picortex emit` posts an event, or lines from stdin, and loses none of them silently.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { testFile } from './support/cleanup.mjs';
import { binary, environment, eventually, startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { events } from './support/database.mjs';

const daemon = await startDaemon(testFile);
const settings = { PICORTEX_LISTEN: daemon.authority, PICORTEX_DATA_DIR: daemon.dataDir };
const rowsOf = (type) => events(daemon.dataDir, `event_type = '${type}' ORDER BY time, id`);

function start(words, { env = {} } = {}) {
  const child = spawn(binary, ['emit', ...words], { env: environment({ ...settings, ...env }), stdio: 'pipe' });
  const result = { child, stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (text) => (result[name] += text));
  child.stdin.on('error', () => {});
  result.ended = once(child, 'close').then(([code]) => ({ code, stdout: result.stdout, stderr: result.stderr }));
  return result;
}

function emit(words, { input, env } = {}) {
  const started = start(words, { env });
  started.child.stdin.end(input);
  return started.ended;
}

test('an event is stored with its members, and nothing is printed', async () => {
  const request = '01890000-0000-7000-8000-00000000e417';
  const end = await emit(['deploy.done', '--chat', 'chat-1', '--request', request, '--level', 'warn', '--msg', 'it "works"\n',
    'version=1.10', 'n:=1', 'list:=[1,{"a":null}]', 'text=a=b']);
  assert.deepEqual(end, { code: 0, stdout: '', stderr: '' });
  const [row] = await rowsOf('deploy.done');
  assert.deepEqual([row.chat_id, row.request_id, row.level, row.msg], ['chat-1', request, 'warn', 'it "works"\n']);
  assert.deepEqual(row.data, { version: '1.10', n: 1, list: [1, { a: null }], text: 'a=b' });
  assert.ok(Math.abs(Date.parse(row.time) - Date.now()) < 60_000);
});

test('the IDs come from the environment that run and turns set', async () => {
  const env = { PICORTEX_REQUEST_ID: '01890000-0000-7000-8000-00000000e418', PICORTEX_CHAT_ID: 'chat-env' };
  assert.equal((await emit(['in.turn'], { env })).code, 0);
  assert.equal((await emit([], { env, input: '{"event_type":"in.turn"}\n{"event_type":"in.turn","chat_id":"own"}\n' })).code, 0);
  const rows = await rowsOf('in.turn');
  assert.deepEqual(rows.map((row) => row.request_id), Array(3).fill(env.PICORTEX_REQUEST_ID));
  assert.deepEqual(rows.map((row) => row.chat_id).sort(), ['chat-env', 'chat-env', 'own']);
});

test('lines from stdin are stored, also the last one without a newline and those of many batches', async () => {
  const lines = Array.from({ length: 5_000 }, (_, n) => `{"event_type":"stdin.line","n":${n},"filler":"${'x'.repeat(100)}"}`);
  assert.deepEqual(await emit(['-'], { input: `${lines.slice(0, 2).join('\r\n')}\n\n${lines.slice(2).join('\n')}` }), { code: 0, stdout: '', stderr: '' });
  assert.deepEqual((await rowsOf('stdin.line')).map((row) => row.data.n).sort((a, b) => a - b), lines.map((_, n) => n));
});

test('a line is stored while the writer is still there, and what was read is stored at SIGTERM', async () => {
  const started = start([]);
  started.child.stdin.write('{"event_type":"early"}\n');
  await eventually('the first line is stored', async () => (await rowsOf('early')).length === 1);
  // Without its newline, so that it is handed over at the end alone.
  await new Promise((resolve) => started.child.stdin.write('{"event_type":"late"}', resolve));
  started.child.kill('SIGTERM');
  assert.equal((await started.ended).code, 0);
  assert.equal((await rowsOf('late')).length, 1);
});

test('an event that the daemon rejects is named with the reason, and the others are stored', async () => {
  const one = await emit(['x'.repeat(200)]);
  assert.equal(one.code, 1);
  assert.match(one.stderr, /^picortex: emit: the daemon rejected it: .*event_type.*\n$/);
  const some = await emit([], { input: 'not JSON\n{"event_type":"fine"}\n[1]\n' });
  assert.equal(some.code, 1);
  assert.match(some.stderr, /event 1 of stdin: the daemon rejected it: /);
  assert.match(some.stderr, /event 3 of stdin: the daemon rejected it: /);
  assert.equal((await rowsOf('fine')).length, 1);
  const many = await emit([], { input: 'no\n'.repeat(50) });
  assert.match(many.stderr, /40 more events rejected/);
});

test('a line that is too long is named and not sent', async () => {
  const { code, stderr } = await emit([], { input: `{"event_type":"big","x":"${'x'.repeat(1_000_000)}"}\n{"event_type":"after.big"}\n` });
  assert.equal(code, 1);
  assert.match(stderr, /line 1 is longer than 900 KiB and was not sent/);
  assert.equal((await rowsOf('after.big')).length, 1);
});

test('without a daemon the event is kept, reported, and delivered by the next command', async (t) => {
  const state = await temporaryDirectory(t);
  const gone = { PICORTEX_LISTEN: '127.0.0.1:1', XDG_STATE_HOME: state };
  const kept = await emit(['kept.one', 'n:=1'], { env: gone });
  assert.equal(kept.code, 1);
  assert.match(kept.stderr, /^picortex: emit: the daemon did not store 1 event: nothing listens on 127\.0\.0\.1:1.*; it is kept in ".*undelivered\.ndjson" for the next try\n$/);
  const lines = await emit([], { env: gone, input: '{"event_type":"kept.two"}\n{"event_type":"kept.two"}\n' });
  assert.match(lines.stderr, /did not store 2 events: .*they are kept in/);
  assert.equal(readFileSync(join(state, 'picortex/undelivered.ndjson'), 'utf8').trim().split('\n').length, 3);
  assert.deepEqual(await emit(['next'], { env: { XDG_STATE_HOME: state } }), { code: 0, stdout: '', stderr: '' });
  assert.deepEqual([(await rowsOf('kept.one')).length, (await rowsOf('kept.two')).length], [1, 2]);
});

test('what cannot be kept either is reported as lost', async () => {
  const { code, stderr } = await emit(['lost'], { env: { PICORTEX_LISTEN: '127.0.0.1:1' } });
  assert.equal(code, 1);
  assert.match(stderr, /it is lost: cannot use/);
  const full = await emit([], { env: { PICORTEX_DATA_DIR: '/nonexistent' }, input: '{"event_type":"lost"}\n' });
  assert.match(full.stderr, /cannot read "\/nonexistent\/token".*it is lost/);
});

test('a wrong use is 2 and says how to do it', async () => {
  for (const [words, expected] of [[['t', 'nonsense'], /field "nonsense" is not allowed: give NAME=TEXT, or NAME:=JSON/],
    [['t', 'n:=[1'], /field "n": its value is not valid JSON/], [['t', '--level', 'loud'], /loud/], [['t', '--no-such'], /no-such/]]) {
    const { code, stderr } = await emit(words);
    assert.equal(code, 2, stderr);
    assert.match(stderr, expected);
    assert.match(stderr, /^[^\n]*\n$/);
  }
});
