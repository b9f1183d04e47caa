// Every example of docs/start/connect-your-bot.md and of the clients' README files runs, in its order, as its reader runs it.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { Webhook } from 'standardwebhooks';
import { Client } from './support/client.mjs';
import { cleanUpAfter, testFile } from './support/cleanup.mjs';
import { applicationFolder, repository } from './support/client_package.mjs';
import { binary, environment, eventually, startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { events } from './support/database.mjs';

const SECRET = `whsec_${Buffer.from('the secret of these tests').toString('base64')}`;
const daemon = await startDaemon(testFile, { settings: { PICORTEX_LINQ_SECRET: SECRET } });
const application = await applicationFolder(testFile);
const sockets = await temporaryDirectory(testFile);
writeFileSync(join(application, 'package.json'), '{"type":"module"}');
const env = environment({
  PICORTEX_LISTEN: daemon.authority, PICORTEX_DATA_DIR: daemon.dataDir, XDG_STATE_HOME: await temporaryDirectory(testFile),
  PATH: `${dirname(binary)}${delimiter}${process.env.PATH}`, TMUX_TMPDIR: sockets, PYTHONPATH: join(repository, 'clients/python'),
  PYTHONDONTWRITEBYTECODE: '1',
});
cleanUpAfter(testFile, () => promisify(execFile)('tmux', ['kill-server'], { env }).catch(() => {}));

// The examples of a file: { language, name, text }.
function examplesOf(path) {
  const found = [];
  for (const [, language, name = '', text] of readFileSync(join(repository, path), 'utf8').matchAll(/^```(\w+)(?: ([\w.]+))?\n(.*?)^```$/gms)) {
    found.push({ language, name, text });
  }
  return found;
}

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

// Runs a command to its end, which must be good; its output.
async function run(command, words, more = {}) {
  const child = spawn(command, words, { cwd: application, env: { ...env, ...more }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const [code] = await once(child, 'close');
  assert.equal(code, 0, `${command} ${words.join(' ')}\n${output}`);
  return output;
}

const shell = (text, port) => run('bash', ['-euo', 'pipefail', '-c', text.replaceAll('127.0.0.1:3000', `127.0.0.1:${port}`).replaceAll('127.0.0.1:8787', daemon.authority)]);

// Starts a server of an example, and ends it after `use`.
async function withServer(t, example, use) {
  const port = await freePort();
  writeFileSync(join(application, example.name), example.text);
  const child = spawn(process.execPath, [example.name], { cwd: application, env: { ...env, PORT: String(port) }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  cleanUpAfter(t, () => child.kill('SIGKILL'));
  const client = new Client({ host: '127.0.0.1', port });
  await eventually(`${example.name} listens`, async () => {
    assert.equal(child.exitCode, null, output);
    return client.get('/').catch(() => undefined);
  }, 20_000);
  await use(client, port);
  client.close();
  child.kill('SIGTERM');
  await once(child, 'exit');
}

const guide = examplesOf('docs/start/connect-your-bot.md');
const named = (name) => guide.find((one) => one.name === name);
const eventsOf = (where) => eventually(where, async () => {
  const rows = await events(daemon.dataDir, where);
  return rows.length > 0 && rows;
});

test('the guide has the examples that this file runs, and no others', () => {
  assert.deepEqual(guide.map(({ language, name }) => [language, name].filter(Boolean).join(' ')), [
    'sh setting', 'sh install', 'js bot.js', 'sh', 'js webhook.js', 'js turn.js', 'js express.js', 'js events.js', 'html', 'sh install', 'python bot.py',
    'sh', 'sh']);
  for (const { text } of guide.filter(({ name }) => name === 'install')) {
    const [, path] = /^(?:npm install --install-links|pip install) \/path\/to\/picortex\/(\S+)\n$/.exec(text);
    assert.ok(existsSync(join(repository, path, path.endsWith('python') ? 'pyproject.toml' : 'package.json')), path);
  }
  assert.equal(named('setting').text, 'export PICORTEX_DATA_DIR=/path/to/picortex/var\n');
});

test('the Fastify bot\'s message has a story', async (t) => {
  const [first] = guide.filter(({ language, name }) => language === 'sh' && name === '');
  await withServer(t, named('bot.js'), async (_client, port) => {
    const output = await shell(first.text, port);
    assert.match(output, /\{"received":true\}/);
    assert.match(output, /The discriminator skipped this message: rule small-talk, score 0\.31 below the threshold 0\.5/);
    assert.match(output, /linq\.inbound\s+arrived: ok thanks/);
  });
});

test('the webhook\'s bot takes over the ID of a signed webhook, and rejects another', async (t) => {
  await withServer(t, named('webhook.js'), async (client) => {
    const body = JSON.stringify({ event_type: 'message.received', event_id: 'e-doc', data: { id: 'm', chat: { id: 'chat-doc' }, parts: [{ type: 'text', value: 'hi' }] } });
    const now = new Date();
    const signed = { 'webhook-id': 'e-doc', 'webhook-timestamp': String(Math.floor(now / 1000)), 'webhook-signature': new Webhook(SECRET).sign('e-doc', now, body) };
    const answer = await client.post('/webhook', body, signed);
    assert.equal(answer.status, 200, answer.text);
    assert.equal((await client.post('/webhook', body, { ...signed, 'webhook-id': 'other' })).status, 401);
    const [inbound] = await eventsOf('event_type = \'linq.inbound\' AND chat_id = \'chat-doc\'');
    assert.equal(inbound.request_id, answer.headers['x-request-id']);
    const [took] = await eventsOf('event_type = \'bot.took\'');
    assert.deepEqual([took.request_id, took.chat_id], [inbound.request_id, 'chat-doc']);
  });
});

test('the turn\'s command in tmux reports itself under the turn\'s request ID', async () => {
  const { name, text } = named('turn.js');
  writeFileSync(join(application, name), text);
  await run(process.execPath, [name]);
  const [start] = await eventsOf('event_type = \'tmux.turn.start\' AND chat_id = \'chat-1\'');
  const [exit] = await eventsOf(`event_type = 'child.exit' AND request_id = '${start.request_id}'`);
  assert.deepEqual([exit.chat_id, exit.data.exit_status], ['chat-1', 0]);
  assert.equal((await eventsOf(`event_type = 'tmux.turn.end' AND request_id = '${start.request_id}'`))[0].data.outcome, 'answered');
});

test('the Express application logs under its request\'s ID', async (t) => {
  await withServer(t, named('express.js'), async (client) => {
    const answer = await client.get('/');
    assert.equal(answer.text, answer.headers['x-request-id']);
    const [line] = await eventsOf(`request_id = '${answer.text}'`);
    assert.deepEqual([line.msg, line.chat_id], ['a request', 'chat-1']);
  });
});

test('the other programs store what they say', async () => {
  const { name, text } = named('events.js');
  writeFileSync(join(application, name), text);
  await run(process.execPath, [name]);
  assert.equal((await eventsOf('event_type = \'job.done\''))[0].data.duration_ms, 41);
  const python = named('bot.py');
  writeFileSync(join(application, python.name), python.text);
  await run('python3', [python.name]);
  const [turn, warning] = await events(daemon.dataDir, 'msg IN (\'a turn began\', \'something to look at\') AND json_extract(data, \'$.logger\') = \'root\' ORDER BY time, id');
  assert.deepEqual([turn.event_type, turn.chat_id, warning.level, warning.data.score], ['tmux.turn.start', 'chat-1', 'warn', 0.31]);
  assert.equal(turn.request_id, warning.request_id);
});

test('the shell\'s lines store what they say', async () => {
  const [, ours, curl] = guide.filter(({ language, name }) => language === 'sh' && name === '');
  await shell(ours.text);
  const [step] = await events(daemon.dataDir, 'event_type = \'job.step\'');
  const [start] = await events(daemon.dataDir, `event_type = 'child.start' AND request_id = '${step.request_id}'`);
  assert.deepEqual([step.msg, step.data.percent, step.chat_id, start.chat_id], ['half done', 50, 'chat-1', 'chat-1']);
  const [deploy] = await events(daemon.dataDir, 'event_type = \'deploy.done\'');
  assert.deepEqual([deploy.data.version, deploy.data.duration_ms], ['1.10', 5400]);
  assert.equal((await events(daemon.dataDir, 'event_type IN (\'job.start\', \'job.end\')')).length, 2);
  assert.match(await shell(curl.text), /\{"accepted":1,"duplicates":0,"rejected":\[\]\}/);
});

test('the examples of clients/shell/README.md run', async () => {
  const examples = examplesOf('clients/shell/README.md');
  assert.equal(examples.length, 3);
  for (const { text } of examples) await shell(text);
  assert.equal((await events(daemon.dataDir, 'event_type = \'backup.done\'')).length, 1);
  assert.equal((await events(daemon.dataDir, 'event_type = \'import.row\'')).length, 1);
});
