// docs/reference/openapi.yaml says what the daemon does: the same routes, access and answers.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { Webhook } from 'standardwebhooks';
import { parse } from 'yaml';
import { Client } from './support/client.mjs';
import { cleanUpAfter, testFile } from './support/cleanup.mjs';
import { repository } from './support/client_package.mjs';
import { startDaemon } from './support/daemon.mjs';
import { EventStream } from './support/event_stream.mjs';
import { authorization } from './support/token.mjs';

const api = parse(readFileSync(join(repository, 'docs/reference/openapi.yaml'), 'utf8'));
const SECRET = `whsec_${Buffer.from('the secret of these tests').toString('base64')}`;
const daemon = await startDaemon(testFile, { settings: { PICORTEX_LINQ_SECRET: SECRET, PICORTEX_SENTRY_INGEST: 'true', LOG_LEVEL: 'debug' } });
const client = new Client(daemon.address);
cleanUpAfter(testFile, () => client.close());
const bearer = await authorization(daemon.dataDir);

const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats(ajv);
ajv.addSchema(api, 'openapi');

const METHODS = ['get', 'post', 'put', 'delete', 'patch', 'options'];
const operations = Object.entries(api.paths).flatMap(([path, item]) =>
  Object.keys(item).filter((name) => METHODS.includes(name)).map((method) => ({ path, method, operation: item[method] })));

// What a response of the file stands for, with its references followed.
const follow = (value) => (value?.$ref ? value.$ref.slice(2).split('/').reduce((at, name) => at[name], api) : value);

function validate(schema, value, what) {
  const check = ajv.compile(schema.$ref ? { $ref: `openapi${schema.$ref}` } : JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"openapi#/')));
  assert.ok(check(value), `${what}: ${ajv.errorsText(check.errors)}\n${JSON.stringify(value).slice(0, 500)}`);
}

// An answer is one that the file describes, in its media type and shape.
function assertDescribed(answer, path, method) {
  const { operation } = operations.find((one) => one.path === path && one.method === method);
  const described = follow(operation.responses[answer.status]);
  assert.ok(described, `${method} ${path} answered ${answer.status}, which is not described: ${answer.text}`);
  assert.match(answer.headers['x-request-id'], /^[0-9a-f-]{36}$/);
  if (!described.content) return assert.equal(answer.text, '');
  const media = answer.headers['content-type'].split(';')[0];
  assert.ok(described.content[media], `${method} ${path}: ${media} is not described`);
  const { schema } = described.content[media];
  return validate(schema, media === 'application/json' ? answer.json : answer.text, `${method} ${path} ${answer.status}`);
}

test('the routes of the daemon are those of the file, and callers need what the file says', async () => {
  const routes = daemon.lines.filter((line) => line.event_type === 'serve.route');
  const served = routes.map(({ method, path }) => `${method} ${path}`).sort();
  const described = operations.map(({ method, path }) => `${method.toUpperCase()} ${path.replace('{project}', '*')}`).sort();
  assert.deepEqual(described, served);
  for (const { method, path, operation } of operations) {
    const { access } = routes.find((route) => route.method === method.toUpperCase() && route.path === path.replace('{project}', '*'));
    const security = operation.security ?? api.security;
    const isOptional = security.some((one) => Object.keys(one).length === 0);
    assert.equal(access === 'any_scope', isOptional, `${method} ${path}: access ${access}`);
    const needsToken = security.length > 0 && !isOptional;
    assert.equal(['read', 'write', 'telemetry', 'admin'].includes(access), needsToken, `${method} ${path}: access ${access}`);
  }
});

test('each schema is valid, and each reference leads somewhere', () => {
  for (const name of Object.keys(api.components.schemas)) ajv.compile({ $ref: `openapi#/components/schemas/${name}` });
  const references = JSON.stringify(api).match(/"#\/[^"]+"/g).map((text) => JSON.parse(text));
  for (const reference of references) assert.ok(follow({ $ref: reference }), reference);
  const ids = operations.map(({ operation }) => operation.operationId);
  assert.equal(new Set(ids).size, ids.length);
});

test('answers of success have the shape that the file gives', async () => {
  const event = { event_type: 'linq.inbound', chat_id: 'chat-1', msg: 'hello', request_id: '01890000-0000-7000-8000-000000000001', more: [1] };
  const decision = { event_type: 'discriminator.decision', chat_id: 'chat-1', request_id: event.request_id, decision: 'skip', rule: 'r', reason: 'x' };
  assertDescribed(await client.post('/api/events', [event, decision], bearer), '/api/events', 'post');
  assertDescribed(await client.post('/api/events?partial=1', [event, { no: 'type' }], bearer), '/api/events', 'post');
  assertDescribed(await client.post('/api/frontend-log', { message: 'm' }), '/api/frontend-log', 'post');
  for (const path of ['/health', '/livez', '/readyz', '/', '/picortex.js', '/api/status', '/api/egress', '/api/egress/why?host=a.test', '/api/metrics/history', '/api/events', '/api/turns',
    '/api/stats?by=type,chat&sum=n&p95=n', '/api/histogram', '/api/facets', '/api/chats', '/api/errors']) {
    const answer = await client.get(path, path.startsWith('/api/') ? bearer : {});
    assert.equal(answer.status, 200, path);
    assertDescribed(answer, path.split('?')[0], 'get');
  }
  for (const path of ['/v1/logs', '/v1/traces', '/v1/metrics']) assertDescribed(await client.post(path, {}, bearer), path, 'post');
  assertDescribed(await client.post('/hooks/claude', { hook_event_name: 'PreToolUse', session_id: 's' }, bearer), '/hooks/claude', 'post');
  const page = (await client.get('/api/events?limit=1', bearer)).json;
  assert.equal(typeof page.next_cursor, 'string');
  const story = await client.get(`/api/story?id=${event.request_id}`, bearer);
  assert.equal(story.status, 200);
  assertDescribed(story, '/api/story', 'get');
  const body = JSON.stringify({ event_type: 'message.received', event_id: 'e-1', data: { id: 'm', chat: { id: 'c' }, parts: [] } });
  const now = new Date();
  const signed = { 'webhook-id': 'e-1', 'webhook-timestamp': String(Math.floor(now / 1000)), 'webhook-signature': new Webhook(SECRET).sign('e-1', now, body) };
  for (let i = 0; i < 2; ++i) {
    const answer = await client.post('/webhooks/linq', body, signed);
    assert.equal(answer.status, 200, answer.text);
    assertDescribed(answer, '/webhooks/linq', 'post');
  }
  const envelope = `{"event_id":"${'ab'.repeat(16)}"}\n{"type":"event"}\n{"message":"m"}\n`;
  for (const ending of ['/', '']) {
    const answer = await client.post(`/api/1/envelope${ending}`, envelope, { 'content-type': 'application/x-sentry-envelope' });
    assert.equal(answer.status, 200, answer.text);
    assertDescribed(answer, `/api/{project}/envelope${ending}`, 'post');
    assertDescribed(await client.request('OPTIONS', `/api/1/envelope${ending}`, { headers: { origin: 'https://example.org', 'access-control-request-method': 'POST' } }),
      `/api/{project}/envelope${ending}`, 'options');
  }
});

test('errors have the shape that the file gives, for every endpoint that can be called wrongly', async () => {
  for (const { path, method, operation } of operations) {
    const place = path.replace('{project}', '1');
    const call = (headers, body) => client.request(method.toUpperCase(), place, { headers, body: method === 'post' ? body : undefined });
    if (operation.responses['401']) assertDescribed(await call({}, '{}'), path, method);
    if (operation.responses['403'] && !path.includes('{project}')) {
      const answer = await call({ ...bearer, host: 'elsewhere.example' }, '{}');
      assert.equal(answer.status, 403, path);
      assertDescribed(answer, path, method);
    }
    if (operation.responses['415']) {
      const answer = await call({ ...bearer, 'content-type': 'application/xml' }, '<a/>');
      assert.ok([401, 415].includes(answer.status), path);
      assertDescribed(answer, path, method);
    }
    if (operation.responses['400'] && method === 'get' && path !== '/api/status') {
      const answer = await client.get(`${place}?no_such_parameter=1`, bearer);
      assert.equal(answer.status, 400, path);
      assertDescribed(answer, path, method);
    }
    if (operation.responses['413']) {
      const answer = await call({ ...bearer, 'content-type': 'application/json' }, Buffer.alloc((path.startsWith('/v1/') ? 9 : 4) * 1024 * 1024, 0x20));
      assert.ok([401, 413].includes(answer.status), `${path} ${answer.status}`);
      assertDescribed(answer, path, method);
    }
  }
  assertDescribed(await client.post('/api/events', { no: 'type' }, bearer), '/api/events', 'post');
  assertDescribed(await client.post('/api/frontend-log', { no: 'message' }), '/api/frontend-log', 'post');
  const missing = await client.get('/api/story?id=01890000-0000-7000-8000-00000000dead', bearer);
  assert.equal(missing.status, 404);
  assertDescribed(missing, '/api/story', 'get');
});

test('each parameter that the file names is known, and one beyond its bounds is rejected', async () => {
  const good = { chat_id: 'c', request_id: '01890000-0000-7000-8000-000000000001', event_type: 'linq.*', level: 'warn', since: '2026-01-01T00:00:00Z',
    until: '1795000000000', text: 't', limit: '1000' };
  const { operation } = operations.find(({ path, method }) => path === '/api/events' && method === 'get');
  const names = operation.parameters.map((one) => follow(one).name).filter((name) => name !== 'cursor');
  assert.deepEqual(names.sort(), Object.keys(good).sort());
  for (const [name, value] of Object.entries(good)) {
    const answer = await client.get(`/api/events?${new URLSearchParams({ [name]: value })}`, bearer);
    assert.equal(answer.status, 200, `${name}: ${answer.text}`);
  }
  for (const [name, value] of Object.entries({ request_id: 'x', level: 'loud', since: 'once', until: 'then', limit: '1001', chat_id: 'x'.repeat(257) })) {
    assert.equal((await client.get(`/api/events?${new URLSearchParams({ [name]: value })}`, bearer)).status, 400, name);
  }
});

test('the stream sends events of the schema Event', async (t) => {
  const stream = await EventStream.open(daemon.address, { host: daemon.authority, ...bearer });
  cleanUpAfter(t, () => stream.close());
  await client.post('/api/events', { event_type: 'on.stream', chat_id: 'c', a: 1 }, bearer);
  const isWanted = ({ data }) => data.event_type === 'on.stream';
  await stream.until(() => stream.messages.some(isWanted));
  validate({ $ref: '#/components/schemas/Event' }, stream.messages.find(isWanted).data, 'an event of the stream');
});
