// The types of clients/node, as an application's author sees them: what is right compiles, and what is wrong does not.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { testFile } from './support/cleanup.mjs';
import { applicationFolder, repository } from './support/client_package.mjs';

const run = promisify(execFile);
const application = await applicationFolder(testFile);

// What the compiler says of modules, whose sources are given by name; empty when they are right.
async function compile(sources) {
  const files = Object.entries(sources).map(([name, source]) => {
    const file = join(application, name);
    writeFileSync(file, source);
    return file;
  });
  const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', '--moduleResolution', 'nodenext', '--types', 'node'];
  try {
    await run(process.execPath, [join(application, 'node_modules/typescript/bin/tsc'), ...options, ...files], { cwd: application });
    return '';
  } catch (error) {
    return error.stdout;
  }
}

const right = `
  import Fastify from 'fastify';
  import express from 'picortex/express';
  import http from 'node:http';
  import picortex, { loggerOptions } from 'picortex/fastify';
  import transport from 'picortex/pino';
  import { EventClient, defaultClient, type Event } from 'picortex/client';
  import { Context, childEnvironment, currentContext, instrument, mixin, runInContext } from 'picortex/context';
  import { inheritedTurn, startTurn } from 'picortex/turn';

  const app = Fastify({ logger: loggerOptions({ level: 'debug', stdout: false, url: 'unix:/run/x.sock' }) });
  await app.register(picortex, { linq: true });
  app.post('/', async (request) => {
    request.chatId = 'c';
    const id: string = request.requestId;
    request.requestId = id;
    const { stored, duplicate } = await request.forwardLinqWebhook('{}');
    const turn = startTurn({ chat: 'c', log: request.log, model: 'm' });
    const words: string[] = [...turn.command(['claude']), ...turn.tmuxArguments, turn.shellLine(['a'])];
    turn.end({ outcome: 'answered', tokens: 3 });
    return { id, stored, duplicate, words, chat: request.picortex.chatId, env: turn.env.PICORTEX_REQUEST_ID };
  });
  const event: Event = { event_type: 't', level: 'warn', chat_id: 'c', more: [1] };
  const client = new EventClient({ spoolMaxBytes: 1, token: 't' });
  client.emit(event);
  defaultClient().emit(event);
  await client.flush(10);
  const stored: number = client.counts.stored;
  const middleware = express({ logger: app.log });
  http.createServer((request, response) => middleware(request, response, () => response.end()));
  const value: number = runInContext(new Context({ chatId: 1 }), (n: number) => n + stored, 1);
  const maybe: string | undefined = currentContext()?.chatId ?? inheritedTurn()?.chat;
  console.log(value, maybe, mixin().request_id, childEnvironment().PATH, instrument({}), transport({ delayMs: 0 }).writable);
`;

const wrong = [
  ['import transport from "picortex/pino"; transport({ urll: "x" });', /urll/],
  ['import { EventClient } from "picortex/client"; new EventClient().emit({ msg: "no type" });', /type 'Event'/],
  ['import { EventClient } from "picortex/client"; new EventClient().emit({ event_type: "t", level: "loud" });', /Level/],
  ['import { startTurn } from "picortex/turn"; startTurn().command("claude");', /string\[\]/],
  ['import { Context } from "picortex/context"; new Context().requestId = 1;', /number/],
  ['import nothing from "picortex/src/uuid.js";', /Cannot find module/],
];
const said = await compile({ 'right.mts': right, ...Object.fromEntries(wrong.map(([source], i) => [`wrong-${i}.mts`, source])) });
const errors = said.split('\n').filter((line) => line.includes('error TS'));

test('a program that uses everything compiles', () => {
  assert.deepEqual(errors.filter((line) => !line.startsWith('wrong-')), []);
});

test('what the package would reject does not compile', () => {
  for (const [i, [source, expected]] of wrong.entries()) {
    const line = errors.find((one) => one.startsWith(`wrong-${i}.mts`));
    assert.match(line ?? '', expected, source);
  }
});

test('each path that the package exports has code and types', () => {
  const folder = join(repository, 'clients/node');
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  for (const [name, target] of Object.entries(exports)) {
    if (name === './package.json') continue;
    for (const file of [target.types, target.default]) assert.ok(readFileSync(join(folder, file)).length > 0, file);
  }
});
