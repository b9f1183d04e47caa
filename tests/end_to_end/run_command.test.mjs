// `picortex run` hands its command the IDs, passes status and signals through, and reports to the daemon.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { testFile } from './support/cleanup.mjs';
import { binary, environment, eventually, startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { events } from './support/database.mjs';
import { assertVersion7 } from './support/request_id.mjs';

const daemon = await startDaemon(testFile);
const settings = { PICORTEX_LISTEN: daemon.authority, PICORTEX_DATA_DIR: daemon.dataDir };

// Runs `picortex WORDS…`; `during` may act on the child once it has written something.
async function picortex(words, { env = {}, input, during } = {}) {
  const child = spawn(binary, words, { env: environment({ ...settings, ...env }), stdio: 'pipe' });
  const result = { stdout: '', stderr: '' };
  let acted = false;
  child.stdout.setEncoding('utf8').on('data', (text) => {
    result.stdout += text;
    if (during && !acted) during(child);
    acted = true;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => (result.stderr += text));
  child.stdin.on('error', () => {}).end(input);
  const [code, signal] = await once(child, 'close');
  return { ...result, code, signal };
}

// The two rows of a run.
function rowsOf(requestId) {
  return eventually(`child.start and child.exit of ${requestId}`, async () => {
    const rows = await events(daemon.dataDir, `request_id = '${requestId}' AND event_type LIKE 'child.%'`);
    const startRow = rows.find((row) => row.event_type === 'child.start');
    const exitRow = rows.find((row) => row.event_type === 'child.exit');
    return startRow && exitRow && { startRow, exitRow, count: rows.length };
  });
}

test('a stranger who listens on the port does not get the token', { skip: process.getuid() === 0 ? false : 'needs root, to be somebody else' }, async (t) => {
  for (const where of ['127.0.0.1', '::', '/stranger.sock']) {
    const directory = await temporaryDirectory(t);
    await chmod(directory, 0o777);
    const stranger = spawn('setpriv', ['--reuid=47002', '--regid=47002', '--clear-groups', process.execPath, '-e', `
      const place = ${JSON.stringify(where)}.startsWith('/') ? [process.argv[1] + '${where}'] : [0, '${where}'];
      const server = require('node:net').createServer((s) => s.on('data', (d) => console.log('SHOWN', String(d))).on('error', () => {}));
      server.listen(...place, () => console.log(JSON.stringify(server.address())));`, directory], { stdio: ['ignore', 'pipe', 'inherit'], cwd: '/' });
    t.after(() => stranger.kill());
    let text = '';
    stranger.stdout.setEncoding('utf8').on('data', (more) => (text += more));
    await eventually('the stranger listens', () => text.includes('\n'));
    const address = JSON.parse(text.split('\n')[0]);
    const listen = address.port ? `127.0.0.1:${address.port}` : `unix:${address}`;
    const { code, stderr } = await picortex(['run', '--listen', listen, '--', 'true']);
    assert.equal(code, 0);
    assert.match(stderr, /belongs to uid 47002, not to root or the token's owner/);
    assert.doesNotMatch(text, /SHOWN/);
  }
});

test('the command gets a request ID and the chat', async () => {
  const { stdout, code } = await picortex(['run', '--chat', 'chat-9', '--', 'sh', '-c', 'echo "$PICORTEX_REQUEST_ID $PICORTEX_CHAT_ID"']);
  assert.equal(code, 0);
  const [requestId, chat] = stdout.trim().split(' ');
  assertVersion7(requestId);
  assert.equal(chat, 'chat-9');
  const { startRow, exitRow, count } = await rowsOf(requestId);
  assert.equal(count, 2);
  assert.deepEqual([startRow.chat_id, exitRow.chat_id], ['chat-9', 'chat-9']);
  assert.match(JSON.stringify(exitRow.data), /"(exit_)?(status|code)":0/);
  assert.match(JSON.stringify(exitRow.data), /"duration_ms":\d+/);
});

test('an inherited request ID is kept', async () => {
  const inherited = '01890000-0000-7000-8000-00000000beef';
  const { stdout } = await picortex(['run', '--', 'printenv', 'PICORTEX_REQUEST_ID'], { env: { PICORTEX_REQUEST_ID: inherited } });
  assert.equal(stdout.trim(), inherited);
  assert.equal((await rowsOf(inherited)).count, 2);
});

test('a request ID that is none is not kept', async () => {
  const { stdout } = await picortex(['run', '--', 'printenv', 'PICORTEX_REQUEST_ID'], { env: { PICORTEX_REQUEST_ID: 'x\ny' } });
  assertVersion7(stdout.trim());
});

test('the exit status is passed on', async () => {
  for (const status of [0, 1, 7, 255]) {
    const { code, stdout } = await picortex(['run', '--', 'sh', '-c', `echo $PICORTEX_REQUEST_ID; exit ${status}`]);
    assert.equal(code, status);
    const { exitRow } = await rowsOf(stdout.trim());
    assert.match(JSON.stringify(exitRow.data), new RegExp(`"(exit_)?(status|code)":${status}\\b`));
  }
});

test('a command killed by a signal is reported as such', async () => {
  const { code, signal, stdout } = await picortex(['run', '--', 'sh', '-c', 'echo $PICORTEX_REQUEST_ID; kill -KILL $$']);
  assert.deepEqual([code, signal], [137, null]);
  assert.match(JSON.stringify((await rowsOf(stdout.trim())).exitRow.data), /"signal":("SIGKILL"|"KILL"|9)/);
});

test('signals reach the command', async () => {
  for (const [name, status] of [['SIGTERM', 41], ['SIGINT', 42], ['SIGHUP', 43], ['SIGUSR1', 44]]) {
    const script = `trap 'exit ${status}' ${name.slice(3)}; echo ready; while :; do sleep 0.05; done`;
    const { code } = await picortex(['run', '--', 'sh', '-c', script], { during: (child) => child.kill(name) });
    assert.equal(code, status, name);
  }
});

test('stdin, stdout and stderr are the command\'s', async () => {
  const { stdout, stderr, code } = await picortex(['run', '--', 'sh', '-c', 'cat; echo err >&2'], { input: 'a\u0000b' });
  assert.deepEqual([stdout, code], ['a\u0000b', 0]);
  assert.match(stderr, /^err$/m);
});

test('a command that is not there fails with one clear line', async () => {
  const { code, stderr } = await picortex(['run', '--', '/no/such/command']);
  assert.equal(code, 127);
  assert.match(stderr, /\/no\/such\/command/);
  assert.equal((await picortex(['run', '--', '/etc/passwd'])).code, 126);
});

test('without a daemon the command runs nevertheless', async (t) => {
  const env = { PICORTEX_LISTEN: '127.0.0.1:1', PICORTEX_DATA_DIR: await temporaryDirectory(t) };
  const { code, stdout } = await picortex(['run', '--', 'sh', '-c', 'echo here; exit 5'], { env });
  assert.deepEqual([code, stdout], [5, 'here\n']);
});

test('a user who cannot read the token gets a warning, and the events are kept until somebody can', { skip: process.getuid() === 0 ? false : 'needs root, to be somebody else' }, async (t) => {
  const state = await temporaryDirectory(t);
  await chmod(state, 0o777);
  const stranger = spawn('setpriv', ['--reuid=47003', '--regid=47003', '--clear-groups', binary, 'run', '--', 'sh', '-c', 'echo $PICORTEX_REQUEST_ID; exit 3'],
    { env: environment({ ...settings, XDG_STATE_HOME: state }), stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' });
  let stdout = '';
  let stderr = '';
  stranger.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
  stranger.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  const [code] = await once(stranger, 'close');
  assert.equal(code, 3);
  assert.match(stderr, /did not store the events: cannot read .*token.*Permission denied; they are kept in .*undelivered\.ndjson/);
  const kept = join(state, 'picortex', 'undelivered.ndjson');
  assert.equal((await readFile(kept, 'utf8')).trim().split('\n').length, 2);
  // Now it is root's, who can.
  await chown(kept, 0, 0);
  assert.equal((await picortex(['run', '--', 'true'], { env: { XDG_STATE_HOME: state } })).code, 0);
  assert.equal((await rowsOf(stdout.trim())).exitRow.data.exit_status, 3);
  assert.equal(await readFile(kept, 'utf8'), '');
});

test('secrets among the arguments are not stored, and none of them with --no-argv', async () => {
  const script = 'echo $PICORTEX_REQUEST_ID; : --password hunter2 "Authorization: Bearer hunter2"';
  for (const [words, expected] of [[[], ['sh', '-c', script.replaceAll('hunter2', '***'), '--token=***', 'x']], [['--no-argv'], undefined]]) {
    const { stdout } = await picortex(['run', ...words, '--', 'sh', '-c', script, '--token=hunter2', 'x']);
    const { startRow } = await rowsOf(stdout.trim());
    assert.deepEqual(startRow.data.argv, expected);
    assert.equal(startRow.data.argc, 5);
  }
});

test('a wrong use is 2, and --help is 0', async () => {
  assert.equal((await picortex(['run'])).code, 2);
  assert.equal((await picortex(['run', '--no-such-option', '--', 'true'])).code, 2);
  assert.equal((await picortex(['no-such-command'])).code, 2);
  for (const words of [['--help'], ['serve', '--help'], ['run', '--help'], ['health', '--help']]) {
    const { code, stdout } = await picortex(words);
    assert.equal(code, 0, words.join(' '));
    assert.match(stdout, /picortex/);
  }
});

test('a wrong value is rejected with one line that names it', async () => {
  for (const [name, value] of [['LOG_LEVEL', 'loud'], ['PICORTEX_LOG_FORMAT', 'xml'], ['FRONTEND_LOG_MAX_BYTES', '-1'],
    ['PICORTEX_FRONTEND_LOG_RATE', 'many'], ['PICORTEX_DURABILITY', 'some'], ['PICORTEX_LISTEN', 'nowhere']]) {
    const { code, stderr } = await picortex(['serve'], { env: { PICORTEX_LISTEN: '127.0.0.1:0', [name]: value } });
    assert.equal(code, 2, `${name}=${value}: ${stderr}`);
    assert.match(stderr, new RegExp(`^[^\\n]*${value}[^\\n]*\\n$`));
  }
});

test('picortex health asks the daemon', async () => {
  const { code, stdout } = await picortex(['health']);
  assert.match(stdout, /degraded/);
  assert.ok([0, 1].includes(code));
  const gone = await picortex(['health'], { env: { PICORTEX_LISTEN: '127.0.0.1:1' } });
  assert.equal(gone.code, 1);
});
