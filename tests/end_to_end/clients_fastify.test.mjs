// The Fastify plugin, the middleware and turns of clients/node: one request ID through asynchronous code, child processes,
// tmux panes and `picortex run`.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { Webhook } from 'standardwebhooks';
import { picortex } from './support/answers.mjs';
import { Client } from './support/client.mjs';
import { cleanUpAfter, testFile } from './support/cleanup.mjs';
import { applicationFolder } from './support/client_package.mjs';
import { binary, environment, eventually, startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { events } from './support/database.mjs';
import { assertVersion7 } from './support/request_id.mjs';

const SECRET = `whsec_${Buffer.from('the secret of these tests').toString('base64')}`;
const application = await applicationFolder(testFile);
const daemon = await startDaemon(testFile, { settings: { PICORTEX_LINQ_SECRET: SECRET } });
const state = await temporaryDirectory(testFile);
const settings = {
  PICORTEX_LISTEN: daemon.authority, PICORTEX_DATA_DIR: daemon.dataDir, XDG_STATE_HOME: state,
  PATH: `${dirname(binary)}:${process.env.PATH}`,
};

let servers = 0;

// Runs a server program, which writes its port in a line of its own; returns a client for it.
async function startServer(owner, source) {
  const file = join(application, `server-${++servers}.mjs`);
  writeFileSync(file, source);
  const child = spawn(process.execPath, [file], { env: environment(settings), stdio: ['ignore', 'pipe', 'pipe'], cwd: application });
  let text = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (more) => (text += more));
  child.stderr.setEncoding('utf8').on('data', (more) => (errors += more));
  const ended = once(child, 'close');
  const port = await eventually('the server listens', () => {
    assert.equal(child.exitCode, null, errors);
    return /^PORT (\d+)$/m.exec(text)?.[1];
  }, 20_000);
  const client = new Client({ host: '127.0.0.1', port: Number(port) });
  // Ends the server, and resolves to its lines once all of them are delivered.
  const stop = async () => {
    client.close();
    child.kill('SIGTERM');
    await ended;
    return text.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  };
  cleanUpAfter(owner, () => {
    client.close();
    child.kill('SIGKILL');
  });
  return { client, stop };
}

const SERVE = `
  await app.listen({ port: 0, host: '127.0.0.1' });
  console.log('PORT ' + app.server.address().port);
  process.once('SIGTERM', async () => { await app.close(); process.exit(0); });`;

// An application that knows nothing of picortex, but for the lines marked with +.
const ordinary = `
  import Fastify from 'fastify';
  import { setTimeout as sleep } from 'node:timers/promises';
  import picortex, { loggerOptions } from 'picortex/fastify';               // +
  const app = Fastify({ logger: loggerOptions() });                         // + (was: logger: true)
  app.register(picortex);                                                   // +
  async function deep(n) {
    await sleep(1);
    await Promise.all([new Promise((resolve) => setImmediate(resolve)), null]);
    if (n > 0) return deep(n - 1);
    app.log.info('deep inside');
  }
  app.post('/message', async (request) => {
    request.chatId = request.body.chat;
    await deep(5);
    request.log.warn({ n: request.body.n }, 'in the handler');
    return { id: request.requestId };
  });
  app.get('/fails', async () => { throw new Error('it broke'); });
  ${SERVE}`;

test('an ordinary Fastify application becomes observable by two lines and an option', async (t) => {
  const { client, stop } = await startServer(t, ordinary);
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => client.post('/message', { chat: `chat-${n}`, n }, { 'x-request-id': 'from the client' })));
  const failed = await client.get('/fails');
  const missing = await client.get('/missing');
  const lines = await stop();
  const ids = [...answers, failed, missing].map((answer) => answer.headers['x-request-id']);
  ids.forEach(assertVersion7);
  assert.equal(new Set(ids).size, 22);
  assert.deepEqual(answers.map((answer) => answer.json.id), ids.slice(0, 20));
  for (const [n, id] of ids.slice(0, 20).entries()) {
    const own = lines.filter((line) => line.request_id === id);
    assert.deepEqual(own.map((line) => line.msg), ['incoming request', 'deep inside', 'in the handler', 'request completed']);
    assert.deepEqual(own.map((line) => line.chat_id), [undefined, `chat-${n}`, `chat-${n}`, `chat-${n}`]);
    const rows = await events(daemon.dataDir, `request_id = '${id}'`);
    assert.deepEqual(rows.map((row) => row.msg).sort(), own.map((line) => line.msg).sort());
  }
  const [error] = await events(daemon.dataDir, `request_id = '${failed.headers['x-request-id']}' AND level = 'error'`);
  assert.match(JSON.stringify(error.data), /it broke/);
});

test('a logger with a mixin of its own keeps it, and a plain child logger gets the IDs too', async (t) => {
  const { client, stop } = await startServer(t, `
    import Fastify from 'fastify';
    import picortex from 'picortex/fastify';
    const app = Fastify({ logger: { mixin: () => ({ own: 'mixin' }) } });
    await app.register(picortex);
    const module = app.log.child({ module: 'm' });
    app.get('/', async (request) => { request.chatId = 'c'; module.info('from a module'); return {}; });
    ${SERVE}`);
  const id = (await client.get('/')).headers['x-request-id'];
  const [line] = (await stop()).filter(({ msg }) => msg === 'from a module');
  assert.deepEqual([line.request_id, line.chat_id, line.own, line.module], [id, 'c', 'mixin', 'm']);
});

test('a webhook that the daemon has stored gives its request ID to the request that brought it', async (t) => {
  const { client, stop } = await startServer(t, `
    import Fastify from 'fastify';
    import picortex, { loggerOptions } from 'picortex/fastify';
    const app = Fastify({ logger: loggerOptions() });
    await app.register(picortex, { linq: true });
    app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => done(null, body));
    app.post('/webhook', async (request, reply) => {
      const answer = await request.forwardLinqWebhook(request.body);
      if (answer.status === 200) request.log.info({ event_type: 'bot.took' }, 'taken over');
      return reply.code(answer.status).send(answer);
    });
    ${SERVE}`);
  const body = JSON.stringify({ event_type: 'message.received', event_id: 'e-1', trace_id: 't-1', created_at: new Date().toISOString(),
    data: { id: 'm-1', direction: 'inbound', chat: { id: 'chat-linq' }, parts: [{ type: 'text', value: 'hello' }] } });
  const now = new Date();
  const signed = { 'webhook-id': 'e-1', 'webhook-timestamp': String(Math.floor(now / 1000)), 'webhook-signature': new Webhook(SECRET).sign('e-1', now, body) };
  const first = await client.post('/webhook', body, signed);
  const again = await client.post('/webhook', body, signed);
  const forged = await client.post('/webhook', body.replace('hello', 'other'), signed);
  await stop();
  assert.deepEqual([first.status, first.json.stored, first.json.duplicate], [200, true, false]);
  assert.deepEqual([again.status, again.json.duplicate, again.json.requestId], [200, true, first.json.requestId]);
  assert.deepEqual([forged.status, forged.json.stored], [401, false]);
  assert.equal(first.headers['x-request-id'], first.json.requestId);
  const rows = await events(daemon.dataDir, `request_id = '${first.json.requestId}'`);
  const types = rows.map((row) => row.event_type);
  assert.equal(types.filter((type) => type === 'linq.inbound').length, 1);
  assert.equal(types.filter((type) => type === 'bot.took').length, 2);
});

test('Express and node:http get the same from the middleware', async (t) => {
  for (const [create, listen] of [
    ['import express from "express"; const app = express(); app.use(observe); app.get("/", handle);', 'app.listen'],
    ['import http from "node:http"; const app = http.createServer((q, s) => observe(q, s, () => handle(q, s)));', 'app.listen'],
  ]) {
    const { client, stop } = await startServer(t, `
      import pino from 'pino';
      import picortex from 'picortex/express';
      import { childEnvironment } from 'picortex/context';
      const log = pino({ transport: { targets: [{ target: 'picortex/pino' }, { target: 'pino/file', options: { destination: 1 } }] } });
      const observe = picortex({ logger: log });
      const handle = async (request, response) => {
        request.chatId = 'chat-e';
        await new Promise((resolve) => setTimeout(resolve, 2));
        log.info('handled');
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(childEnvironment({ KEPT: '1' })));
      };
      ${create}
      const server = ${listen}(0, '127.0.0.1', () => console.log('PORT ' + server.address().port));
      process.once('SIGTERM', () => { server.close(); server.closeAllConnections?.(); setTimeout(() => process.exit(0), 300); });`);
    const answer = await client.get('/');
    const id = answer.headers['x-request-id'];
    assertVersion7(id);
    assert.deepEqual(answer.json, { KEPT: '1', PICORTEX_REQUEST_ID: id, PICORTEX_CHAT_ID: 'chat-e' });
    const [line] = (await stop()).filter(({ msg }) => msg === 'handled');
    assert.deepEqual([line.request_id, line.chat_id], [id, 'chat-e']);
  }
});

test('one request ID goes through a request, its child process, a new tmux pane and a pane that was there', async (t) => {
  const socket = join(await temporaryDirectory(t), 'tmux');
  const tmux = (...words) => spawn('tmux', ['-S', socket, ...words], { env: environment({ ...settings, SHELL: '/bin/sh' }), stdio: 'ignore' });
  await once(tmux('-f', '/dev/null', 'new-session', '-d', '-s', 'base', 'sh'), 'close');
  cleanUpAfter(t, () => once(tmux('kill-server'), 'close'));
  const outputs = await temporaryDirectory(t);
  const { client, stop } = await startServer(t, `
    import Fastify from 'fastify';
    import { execFileSync } from 'node:child_process';
    import picortex, { loggerOptions } from 'picortex/fastify';
    import { childEnvironment } from 'picortex/context';
    import { startTurn } from 'picortex/turn';
    const app = Fastify({ logger: loggerOptions() });
    await app.register(picortex);
    const tmux = (...words) => execFileSync('tmux', ['-S', ${JSON.stringify(socket)}, ...words]);
    const write = (name) => ['sh', '-c', 'echo "$PICORTEX_REQUEST_ID $PICORTEX_CHAT_ID" > ' + ${JSON.stringify(outputs)} + '/' + name];
    app.post('/turn', async (request) => {
      request.chatId = "it's chat 1";
      const turn = startTurn({ log: request.log, model: 'stand-in' });
      execFileSync('sh', write('child').slice(1), { env: childEnvironment() });
      tmux('new-session', '-d', '-s', 'own', ...turn.tmuxArguments, ...turn.command(write('new')));
      tmux('send-keys', '-t', 'base', '-l', turn.shellLine(write('old')));
      tmux('send-keys', '-t', 'base', 'Enter');
      turn.run(() => app.log.info('within the turn'));
      turn.end({ outcome: 'answered' });
      turn.end({ outcome: 'twice' });
      return { id: turn.requestId };
    });
    ${SERVE}`);
  const answer = await client.post('/turn', {});
  const id = answer.headers['x-request-id'];
  assert.equal(answer.json.id, id);
  for (const name of ['child', 'new', 'old']) {
    const text = await eventually(`the file of ${name}`, () => {
      try { return readFileSync(join(outputs, name), 'utf8'); } catch { return ''; }
    });
    assert.equal(text, `${id} it's chat 1\n`, name);
  }
  await stop();
  const rows = await eventually('both commands are reported', async () => {
    const all = await events(daemon.dataDir, `request_id = '${id}'`);
    return all.filter((row) => row.event_type === 'child.exit').length === 2 && all;
  });
  assert.equal(rows.filter((row) => row.event_type === 'child.start').length, 2);
  const [begin] = rows.filter((row) => row.event_type === 'tmux.turn.start');
  assert.deepEqual([begin.chat_id, begin.data.model], ['it\'s chat 1', 'stand-in']);
  const ends = rows.filter((row) => row.event_type === 'tmux.turn.end');
  assert.deepEqual(ends.map((row) => row.data.outcome), ['answered']);
  assert.ok(ends[0].data.duration_ms >= 0);
  assert.ok(rows.some((row) => row.msg === 'within the turn'));
});

// What Claude Code does in the pane: its hooks call the daemon with the headers that `picortex claude install` sets, and a tool
// that it starts reports a step.
const scriptedAgent = `
hook() {
  curl -sS -o /dev/null -H 'Content-Type: application/json' -H "Authorization: Bearer $PICORTEX_HOOK_TOKEN" -H "X-Picortex-Chat: $PICORTEX_HOOK_CHAT" \\
    -H "X-Picortex-Chat-Key: $PICORTEX_HOOK_KEY" -H "X-Picortex-Request: $PICORTEX_REQUEST_ID" -H "X-Picortex-Run: $PICORTEX_RUN_ID" \\
    -d "{\\"session_id\\":\\"s-1\\",\\"prompt_id\\":\\"p-1\\",\\"hook_event_name\\":\\"$1\\"$2}" ${daemon.origin}/hooks/claude
}
hook UserPromptSubmit ',"prompt":"build it"'
sh -c 'picortex emit tool.step --msg "a tool of the agent"'
hook PostToolUseFailure ',"tool_name":"Bash","tool_use_id":"t-1","error":"exit status 2"'
hook Stop ''
`;

test('why answers with one request ID: request, asynchronous code, child process, tmux pane, hooks of the agent', async (t) => {
  const socket = join(await temporaryDirectory(t), 'tmux');
  cleanUpAfter(t, () => once(spawn('tmux', ['-S', socket, 'kill-server'], { stdio: 'ignore' }), 'close'));
  const agent = join(await temporaryDirectory(t), 'agent.sh');
  writeFileSync(agent, scriptedAgent);
  const { client, stop } = await startServer(t, `
    import Fastify from 'fastify';
    import { execFileSync } from 'node:child_process';
    import { setTimeout as sleep } from 'node:timers/promises';
    import picortex, { loggerOptions } from 'picortex/fastify';
    import { childEnvironment } from 'picortex/context';
    import { startTurn } from 'picortex/turn';
    const app = Fastify({ logger: loggerOptions() });
    await app.register(picortex);
    async function decide() {
      await sleep(1);
      app.log.info({ event_type: 'discriminator.decision', decision: 'answer', rule: 'asks', reason: 'a task' }, 'for the agent');
    }
    app.post('/message', async (request) => {
      request.chatId = 'chat-chain';
      request.log.info({ event_type: 'linq.inbound' }, 'please build it');
      await decide();
      execFileSync('picortex', ['emit', 'child.step', '--msg', 'a child process'], { env: childEnvironment() });
      const turn = startTurn({ log: request.log });
      execFileSync('tmux', ['-f', '/dev/null', '-S', ${JSON.stringify(socket)}, 'new-session', '-d', ...turn.tmuxArguments, ...turn.command(['sh', ${JSON.stringify(agent)}])]);
      return { id: turn.requestId };
    });
    ${SERVE}`);
  const answer = await client.post('/message', {});
  const id = answer.headers['x-request-id'];
  await eventually('the agent has ended', async () =>
    (await events(daemon.dataDir, `request_id = '${id}' AND event_type = 'child.exit'`)).length === 1, 20_000);
  await stop();
  const rows = await events(daemon.dataDir, `request_id = '${id}'`);
  const wanted = ['linq.inbound', 'discriminator.decision', 'child.step', 'tmux.turn.start', 'child.start', 'claude.prompt_submitted', 'tool.step', 'claude.tool_failure', 'claude.stop', 'child.exit'];
  assert.deepEqual(wanted.filter((type) => !rows.some((row) => row.event_type === type)), [], JSON.stringify(rows.map((row) => row.event_type)));
  assert.deepEqual([...new Set(rows.filter((row) => wanted.includes(row.event_type)).map((row) => row.chat_id))], ['chat-chain']);
  // By its beginning, as a log line shows it, and as the chat's last message.
  for (const words of [[id], [id.slice(0, 18)], ['--chat', 'chat-chain', '--last']]) {
    const { code, stdout } = await picortex(daemon.dataDir, ['why', ...words]);
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^request ${id} {2}chat chat-chain `, 'm'));
    for (const type of wanted) assert.match(stdout, new RegExp(`^ {2}[0-9:.]{12} ${type}( |$)`, 'm'));
  }
});

test('turns and events without a logger are delivered by the process\'s own client, also at process.exit()', async () => {
  const file = join(application, 'events.mjs');
  writeFileSync(file, `
    import { inheritedTurn, startTurn } from 'picortex/turn';
    import { EventClient, defaultClient } from 'picortex/client';
    const turn = startTurn({ chat: 'chat-t', requestId: '01890000-0000-7000-8000-00000000aaaa' });
    turn.end();
    defaultClient().emit({ event_type: 'bot.outside' });
    await defaultClient().flush();
    const inherited = inheritedTurn({ environment: turn.env });
    if (inherited.requestId !== turn.requestId || inherited.chat !== 'chat-t' || inheritedTurn({ environment: {} })) process.exit(3);
    const client = new EventClient();
    try { client.emit({}); process.exit(4); } catch (error) { if (!/needs an event_type/.test(error.message)) process.exit(5); }
    client.emit({ event_type: 'bot.late' });
    process.exit(0);`);
  const runOnce = async () => {
    const child = spawn(process.execPath, [file], { env: environment(settings), stdio: ['ignore', 'inherit', 'inherit'] });
    assert.deepEqual(await once(child, 'close'), [0, null]);
  };
  await runOnce();
  const rows = await events(daemon.dataDir, 'request_id = \'01890000-0000-7000-8000-00000000aaaa\'');
  assert.deepEqual(rows.map((row) => [row.event_type, row.chat_id]), [['tmux.turn.start', 'chat-t'], ['tmux.turn.end', 'chat-t']]);
  assert.equal((await events(daemon.dataDir, 'event_type = \'bot.outside\'')).length, 1);
  await runOnce();  // delivers what process.exit() left in the spool
  assert.equal((await events(daemon.dataDir, 'event_type = \'bot.late\'')).length, 1);
});
