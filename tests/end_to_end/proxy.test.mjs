// With a real nginx and a real Caddy in front, and the snippets of deploy/: whose request it was comes from X-Forwarded-For, as
// far as the proxy is trusted, and so does the rate limit; a live stream comes through as it is sent.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { cleanUpAfter } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { eventually, startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { EventStream } from './support/event_stream.mjs';
import { authorization } from './support/token.mjs';

const NAME = 'chat.example.org';
const snippet = async (name, port) =>
  (await readFile(fileURLToPath(new URL(`../../deploy/${name}`, import.meta.url)), 'utf8')).replaceAll('127.0.0.1:8787', `127.0.0.1:${port}`);

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

// Starts a proxy and answers a client of it, once it answers anything.
async function startProxy(t, command, port) {
  const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env.PATH, HOME: '/nonexistent' } });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
  const exited = once(child, 'exit');
  cleanUpAfter(t, async () => {
    child.kill('SIGTERM');
    await exited;
  });
  const client = new Client({ host: '127.0.0.1', port }, NAME);
  cleanUpAfter(t, () => client.close());
  await eventually(`${command[0]} answers`, () => client.get('/').then(() => true, () => child.exitCode !== null && assert.fail(errors)));
  return client;
}

const proxies = {
  async nginx(t, daemonPort, more = '') {
    const directory = await temporaryDirectory(t);
    const port = await freePort();
    const at = (name) => join(directory, name);
    await writeFile(at('nginx.conf'), `daemon off; worker_processes 1; error_log stderr; pid ${at('pid')};
${process.getuid() === 0 ? 'user root;' : ''}
events { }
http {
  access_log off; client_body_temp_path ${at('body')}; proxy_temp_path ${at('proxy')};
  fastcgi_temp_path ${at('fcgi')}; uwsgi_temp_path ${at('uwsgi')}; scgi_temp_path ${at('scgi')};
  server { listen 127.0.0.1:${port}; server_name ${NAME};
${await snippet('nginx.conf', daemonPort)}
${more} } }
`);
    return startProxy(t, ['nginx', '-c', at('nginx.conf'), '-p', directory, '-e', 'stderr'], port);
  },
  async caddy(t, daemonPort) {
    const directory = await temporaryDirectory(t);
    const port = await freePort();
    const site = (await snippet('Caddyfile', daemonPort)).replace(`${NAME} {`, `http://${NAME}:${port} {\n\tbind 127.0.0.1`);
    await writeFile(join(directory, 'Caddyfile'), `{\n\tadmin off\n}\n${site}`);
    return startProxy(t, ['caddy', 'run', '--adapter', 'caddyfile', '--config', join(directory, 'Caddyfile')], port);
  },
};

const start = (t, settings) =>
  startDaemon(t, { settings: { PICORTEX_HOSTS: NAME, PICORTEX_TRUSTED_PROXIES: '127.0.0.1/32', ...settings } });
const log = (client, headers = {}) => client.post('/api/frontend-log', { message: 'from a page' }, { origin: `http://${NAME}`, ...headers });

for (const [name, proxy] of Object.entries(proxies)) {
  test(`${name}: a page's error arrives, and nothing else`, async (t) => {
    const daemon = await start(t);
    const client = await proxy(t, daemon.address.port);
    const { status, headers } = await log(client);
    assert.equal(status, 204);
    const line = await daemon.line((one) => one.event_type === 'http.request' && one.request_id === headers['x-request-id']);
    assert.equal(line.status, 204);
    assert.equal((await client.get('/api/events')).headers['x-request-id'], undefined, 'nothing else is let through');
  });

  test(`${name}: what Sentry's SDKs send arrives`, async (t) => {
    const daemon = await start(t, { PICORTEX_SENTRY_INGEST: '1' });
    const client = await proxy(t, daemon.address.port);
    const body = `{"event_id":"${'9'.repeat(32)}"}\n{"type":"event"}\n{"message":"m"}\n`;
    for (const path of ['/api/1/envelope/?sentry_key=public', '/api/1/envelope']) {
      const answer = await client.request('POST', path, { body, headers: { origin: 'https://shop.example' } });
      assert.deepEqual([answer.status, answer.headers['access-control-allow-origin']], [200, '*']);
    }
    for (const path of ['/api/x/envelope/', '/api/1/envelope/x', '/api/1/']) {
      assert.equal((await client.request('POST', path, { body })).headers['x-request-id'], undefined, 'nothing else is let through');
    }
  });

  test(`${name}: a page of another site is rejected`, async (t) => {
    const daemon = await start(t);
    const client = await proxy(t, daemon.address.port);
    assert.equal((await log(client, { origin: 'https://evil.example' })).status, 403);
  });
}

// What a client writes into X-Forwarded-For itself stands before what the proxy adds: it does not count.
test('nginx: the rate limit is each client\'s, and a client cannot pass for another', async (t) => {
  const daemon = await start(t, { PICORTEX_FRONTEND_LOG_RATE: '2' });
  const client = await proxies.nginx(t, daemon.address.port);
  client.target.localAddress = '127.0.0.2';  // not the proxy's own, which is trusted
  const answers = [];
  for (let i = 0; i < 4; ++i) answers.push((await log(client, { 'x-forwarded-for': `198.51.100.${i}` })).status);
  assert.deepEqual(answers, [204, 204, 429, 429]);
});

test('a client that is no trusted proxy is believed nothing', async (t) => {
  const daemon = await startDaemon(t, { settings: { PICORTEX_HOSTS: NAME, PICORTEX_FRONTEND_LOG_RATE: '2' } });
  const client = new Client(daemon.address, NAME);
  cleanUpAfter(t, () => client.close());
  const answers = [];
  for (let i = 0; i < 3; ++i) answers.push((await log(client, { 'x-forwarded-for': `198.51.100.${i}` })).status);
  assert.deepEqual(answers, [204, 204, 429]);
});

test('two clients of one trusted proxy have a limit each', async (t) => {
  const daemon = await start(t, { PICORTEX_FRONTEND_LOG_RATE: '1' });
  const client = new Client(daemon.address, NAME);
  cleanUpAfter(t, () => client.close());
  const answers = [];
  for (const address of ['198.51.100.1', '198.51.100.2', '198.51.100.1']) {
    answers.push((await log(client, { 'x-forwarded-for': address })).status);
  }
  assert.deepEqual(answers, [204, 204, 429]);
});

test('nginx: a live stream passes as it is sent', async (t) => {
  const daemon = await start(t);
  const { port } = daemon.address;
  const client = await proxies.nginx(t, port, `location /api/ { proxy_pass http://127.0.0.1:${port}; proxy_http_version 1.1;
    proxy_set_header Connection ""; proxy_set_header Host $host; }`);
  const headers = { host: NAME, ...(await authorization(daemon.dataDir)) };
  const stream = await EventStream.open({ host: '127.0.0.1', port: client.target.port }, headers);
  cleanUpAfter(t, () => stream.request.destroy());
  assert.equal(stream.status, 200);
  assert.equal((await client.post('/api/events', { event_type: 'a', msg: 'live' }, headers)).status, 200);
  await eventually('it has come', () => stream.texts.includes('live'));
});
