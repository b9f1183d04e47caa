// The recipe of docs/guides/keep-the-key.md, with the guide's own snippets: a real nginx holds the key, in front of a stub of the API.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cleanUpAfter } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { eventually, temporaryDirectory } from './support/daemon.mjs';
import { World, fencedUid, needsRoot } from './support/namespaces.mjs';

const KEY = 'sk-ant-the-operators';
const guide = await readFile(fileURLToPath(new URL('../../docs/guides/keep-the-key.md', import.meta.url)), 'utf8');
const snippet = guide.match(/```nginx\n(.*?)```/s)[1];
const list = guide.split('## The allowlist')[1].match(/```\n(.*?)```/s)[1];
const api = fileURLToPath(new URL('./support/stub_model_api.mjs', import.meta.url));

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

function start(owner, prefix, command) {
  const [program, ...rest] = [...prefix, ...command];
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  child.errors = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (child.errors += text));
  const exited = once(child, 'exit');
  cleanUpAfter(owner, async () => {
    child.kill('SIGTERM');
    await exited;
  });
  return child;
}

// Lets the stub end the answers that it has begun.
async function goOn(port) {
  const client = new Client({ host: '127.0.0.1', port });
  await client.get('/continue');
  client.close();
}

// Starts both for `owner`, in a namespace if `prefix` enters one. Answers the proxy's port, the stub's, and what has arrived at the stub.
async function startRecipe(owner, prefix, port) {
  const directory = await temporaryDirectory(owner);
  const at = (name) => join(directory, name);
  const stub = start(owner, prefix, [process.execPath, api]);
  const lines = [];
  createInterface({ input: stub.stdout }).on('line', (line) => lines.push(JSON.parse(line)));
  await eventually('the stub listens', () => lines.length > 0 || (stub.exitCode !== null && assert.fail(stub.errors)));
  const stubPort = lines.shift().port;
  await writeFile(at('anthropic-key.conf'), `proxy_set_header x-api-key "${KEY}";\n`, { mode: 0o600 });
  const server = snippet.replace('127.0.0.1:8089', `127.0.0.1:${port}`).replaceAll('https://api.anthropic.com', `http://127.0.0.1:${stubPort}`)
    .replace('/etc/nginx/anthropic-key.conf', at('anthropic-key.conf'));
  await writeFile(at('nginx.conf'), `daemon off; worker_processes 1; error_log stderr; pid ${at('pid')};
${process.getuid() === 0 ? 'user root;' : ''}
events { }
http {
  access_log off; client_body_temp_path ${at('body')}; proxy_temp_path ${at('proxy')};
  fastcgi_temp_path ${at('fcgi')}; uwsgi_temp_path ${at('uwsgi')}; scgi_temp_path ${at('scgi')};
${server} }
`);
  const nginx = start(owner, prefix, ['nginx', '-c', at('nginx.conf'), '-p', directory, '-e', 'stderr']);
  return { nginx, stubPort, arrived: lines };
}

describe('the key is kept from the agent', () => {
  it('by a proxy that adds it and passes model calls alone', async (t) => {
    const port = await freePort();
    const { nginx, stubPort, arrived } = await startRecipe(t, [], port);
    const agent = new Client({ host: '127.0.0.1', port });
    t.after(() => agent.close());
    await eventually('nginx answers', () => agent.get('/').then(({ status }) => status === 403, () => nginx.exitCode !== null && assert.fail(nginx.errors)));

    const headers = { 'content-type': 'application/json', 'x-api-key': 'sk-ant-the-attackers', authorization: 'Bearer another' };
    const request = http.request({ host: '127.0.0.1', port, method: 'POST', path: '/v1/messages?beta=true', headers });
    request.end('{"model":"m"}');
    const [response] = await once(request, 'response');
    assert.equal(response.statusCode, 200);
    // The stream's first event is here before the stub has sent the second.
    const [first] = await once(response.setEncoding('utf8'), 'data');
    assert.match(first, /message_start/);
    const ended = once(response.resume(), 'end');
    await goOn(stubPort);
    await ended;
    const [asked] = arrived.splice(0);
    assert.deepEqual([asked.method, asked.url, asked.body], ['POST', '/v1/messages?beta=true', '{"model":"m"}']);
    assert.deepEqual([asked.headers['x-api-key'], asked.headers.authorization, asked.headers.host], [KEY, undefined, 'api.anthropic.com']);
    assert.doesNotMatch(JSON.stringify(response.headers), /sk-ant/);

    for (const [method, path] of [['POST', '/v1/files'], ['POST', '/v1/messages/batches'], ['GET', '/v1/messages'], ['GET', '/v1/models'], ['POST', '/v1/messages/'],
      ['POST', '/v1/messages/../files'], ['POST', '/v1/messages/%2e%2e/files'], ['POST', '/V1/messages'], ['DELETE', '/v1/messages/count_tokens']]) {
      assert.equal((await agent.request(method, path, { headers, body: method === 'GET' ? undefined : '{}' })).status, 403, `${method} ${path}`);
    }
    assert.deepEqual(arrived, []);
    // What leads to an allowed path is asked for under its own name alone.
    const counted = agent.request('POST', '/v1/files/../messages/count_tokens', { headers, body: '{}' });
    await eventually('it arrives', () => arrived.length === 1);
    await goOn(stubPort);
    assert.equal((await counted).status, 200);
    assert.equal(arrived[0].url, '/v1/messages/count_tokens');
  });

  it('while the fence lets the agent reach the proxy and no longer the API', { skip: needsRoot }, async (t) => {
    const world = await World.create(t);
    await world.writeList(list);
    await world.startDaemon(t);
    const { nginx, stubPort, arrived } = await startRecipe(t, world.host.prefix, 8089);
    await eventually('nginx answers', () => world.fetchAs(0, 'http://127.0.0.1:8089/').status === 0 || (nginx.exitCode !== null && assert.fail(nginx.errors)));
    const call = world.runAs(fencedUid, ['curl', '-sS', '-d', '{}', 'http://127.0.0.1:8089/v1/messages']);
    await eventually('the call arrives', () => arrived.length === 1);
    assert.equal(arrived[0].headers['x-api-key'], KEY);
    await world.runAs(0, ['curl', '-sS', `http://127.0.0.1:${stubPort}/continue`]);
    assert.match((await call).output, /message_stop/);
    assert.match((await world.runAs(fencedUid, ['dig', 'api.anthropic.com'])).output, /NXDOMAIN.*EDE: 15/s);
    // Another port of another user on loopback stays closed, the stub's own as well.
    assert.notEqual((await world.runAs(fencedUid, ['curl', '-sS', `http://127.0.0.1:${stubPort}/`])).status, 0);
    assert.equal(arrived.length, 1);
  });
});
