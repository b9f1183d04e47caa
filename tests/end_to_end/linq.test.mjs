// Linq's webhooks, signed by a real implementation of Standard Webhooks: stored once whatever happens, rejected if Linq did
// not sign them or not now.
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Webhook } from 'standardwebhooks';
import { cleanUpAfter } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { events } from './support/database.mjs';
import { eventually, startDaemon } from './support/daemon.mjs';
import { RawConnection } from './support/raw.mjs';

const secret = `whsec_${randomBytes(32).toString('base64')}`;
const start = (t, options = {}) => startDaemon(t, { ...options, settings: { PICORTEX_LINQ_SECRET: secret, ...options.settings } });

function clientOf(t, daemon) {
  const client = new Client(daemon.address);
  cleanUpAfter(t, () => client.close());
  return client;
}

function message(text = 'hello', members = {}) {
  return {
    api_version: 'v3', webhook_version: '2026-02-03', event_type: 'message.received', event_id: randomUUID(),
    created_at: '2026-11-17T14:00:00Z', trace_id: 'trace-1', partner_id: 'partner-1',
    data: {
      id: randomUUID(), direction: 'inbound', chat: { id: 'chat-linq', is_group: false, owner_handle: { handle: '+15550001' } },
      sender_handle: { handle: '+15550002' }, parts: [{ type: 'text', value: text }, { type: 'media', url: 'https://x.test/1' }],
      service: 'iMessage', sent_at: '2026-11-17T13:59:59Z',
    },
    ...members,
  };
}

// The headers and body that Linq would send.
function signed(value, { key = secret, id = `msg_${randomUUID()}`, time = new Date() } = {}) {
  const body = typeof value === 'string' ? value : JSON.stringify(value);
  return {
    body,
    headers: {
      'webhook-id': id, 'webhook-timestamp': String(Math.floor(time / 1000)),
      'webhook-signature': new Webhook(key).sign(id, time, body), 'content-type': 'application/json',
    },
  };
}
const post = (client, { body, headers }) => client.post('/webhooks/linq', body, headers);

test('a message becomes linq.inbound with its chat, text, trace and request', async (t) => {
  const daemon = await start(t);
  const client = clientOf(t, daemon);
  const sent = message('hi\nthere');
  const answer = await post(client, signed(sent));
  assert.deepEqual([answer.status, answer.json], [200, { stored: true, duplicate: false, request_id: answer.headers['x-request-id'] }]);
  const [row, ...more] = await events(daemon.dataDir, "event_type LIKE 'linq.%'");
  assert.deepEqual(more, []);
  assert.deepEqual([row.event_type, row.chat_id, row.msg, row.level], ['linq.inbound', 'chat-linq', 'hi\nthere', 'info']);
  assert.equal(row.id, sent.event_id);
  assert.equal(row.request_id, answer.headers['x-request-id']);
  assert.deepEqual(row.data, sent);
  assert.equal((await client.get('/health')).json.metrics.chats_total, 1);
});

test('other types keep their names', async (t) => {
  const daemon = await start(t);
  const client = clientOf(t, daemon);
  assert.equal((await post(client, signed(message('', { event_type: 'message.delivered', data: {} })))).status, 200);
  const [row] = await events(daemon.dataDir, "event_type LIKE 'linq.%'");
  assert.deepEqual([row.event_type, row.chat_id, row.msg], ['linq.message.delivered', null, '']);
});

test('an event is stored once, also when it is sent again after a restart, whatever its id looks like', async (t) => {
  let daemon = await start(t);
  const sent = [message(), message('other', { event_id: 'evt_no-uuid' })];
  for (let round = 0; round < 2; ++round) {
    const client = clientOf(t, daemon);
    for (const event of sent) {
      for (let i = 0; i < 3; ++i) assert.equal((await post(client, signed(event))).status, 200);
    }
    assert.equal((await events(daemon.dataDir, "event_type = 'linq.inbound'")).length, 2);
    await daemon.stop();
    if (round === 0) daemon = await start(t, { dataDir: daemon.dataDir });
  }
});

test('a replay adds nothing', async (t) => {
  const daemon = await start(t);
  const client = clientOf(t, daemon);
  const request = signed(message());
  for (let i = 0; i < 5; ++i) assert.equal((await post(client, request)).status, 200);
  assert.equal((await events(daemon.dataDir, "event_type = 'linq.inbound'")).length, 1);
});

test('the answer names the request under which the event is stored', async (t) => {
  let daemon = await start(t);
  const sent = [message(), message('other', { event_id: 'evt_no-uuid' }), message('by its time', { event_id: '01890a5d-ac96-774b-bcce-b302099a8057' })];
  const stored = new Map();
  for (let round = 0; round < 2; ++round) {
    const client = clientOf(t, daemon);
    for (const event of sent) {
      for (let i = 0; i < 2; ++i) {
        const answer = await post(client, signed(event));
        const isFirst = !stored.has(event.event_id);
        if (isFirst) stored.set(event.event_id, answer.headers['x-request-id']);
        assert.deepEqual(answer.json, { stored: true, duplicate: !isFirst, request_id: stored.get(event.event_id) });
      }
    }
    const rows = await events(daemon.dataDir, "event_type = 'linq.inbound'");
    assert.deepEqual(new Set(rows.map((row) => row.request_id)), new Set(stored.values()));
    await daemon.stop();
    if (round === 0) daemon = await start(t, { dataDir: daemon.dataDir });
  }
});

test('a signature may have a header line of its own for each key', async (t) => {
  const daemon = await start(t);
  const other = signed(message(), { key: `whsec_${randomBytes(32).toString('base64')}` }).headers['webhook-signature'];
  const send = async (lines) => {
    const request = signed(message());
    const right = request.headers['webhook-signature'];
    const fields = Object.entries(request.headers).filter(([name]) => !/^(webhook-signature|host|content-length)$/i.test(name));
    const all = [...fields, ...lines(right).map((line) => ['webhook-signature', line])];
    const connection = await RawConnection.open(daemon.address);
    await connection.send(`POST /webhooks/linq HTTP/1.1\r\nHost: ${daemon.authority}\r\nContent-Length: ${Buffer.byteLength(request.body)}\r\n` +
                          all.map(([name, value]) => `${name}: ${value}\r\n`).join('') + `\r\n${request.body}`);
    const { status } = await connection.response();
    connection.destroy();
    return status;
  };
  assert.equal(await send((right) => [other, right]), 200);
  assert.equal(await send((right) => [right, other]), 200);
  assert.equal(await send((right) => [other, `v1a,abc ${right}`]), 200);
  assert.equal(await send((right) => [`${other}, ${right}`]), 200);
  assert.equal(await send(() => [other, other]), 401);
});

test('one of several signatures will do, while keys are exchanged', async (t) => {
  const daemon = await start(t);
  const request = signed(message());
  const other = signed(message(), { key: `whsec_${randomBytes(32).toString('base64')}` });
  request.headers['webhook-signature'] = `v1a,abc ${other.headers['webhook-signature']} ${request.headers['webhook-signature']}`;
  assert.equal((await post(clientOf(t, daemon), request)).status, 200);
});

const minutes = (n) => new Date(Date.now() + n * 60_000);
const change = (alter) => {
  const request = signed(message());
  alter(request);
  return request;
};
const rejections = {
  'a wrong key': [() => signed(message(), { key: `whsec_${randomBytes(32).toString('base64')}` }), 401, /signature is wrong/],
  'a changed body': [() => change((r) => (r.body = r.body.replace('hello', 'hullo'))), 401, /signature is wrong/],
  'another id': [() => change((r) => (r.headers['webhook-id'] = 'msg_other')), 401, /signature is wrong/],
  'another timestamp': [() => change((r) => (r.headers['webhook-timestamp'] = String(1 + Number(r.headers['webhook-timestamp'])))), 401, /signature is wrong/],
  'an old one': [() => signed(message(), { time: minutes(-6) }), 401, /more than 5 minutes ago/],
  'one ahead of time': [() => signed(message(), { time: minutes(6) }), 401, /ahead of time/],
  'no id': [() => change((r) => delete r.headers['webhook-id']), 401, /webhook-id is missing/],
  'no timestamp': [() => change((r) => delete r.headers['webhook-timestamp']), 401, /webhook-timestamp is missing/],
  'no signature': [() => change((r) => delete r.headers['webhook-signature']), 401, /webhook-signature is missing/],
  'a timestamp that is none': [() => change((r) => (r.headers['webhook-timestamp'] = '1e9')), 401, /not a number of seconds/],
  'a signature cut short': [() => change((r) => (r.headers['webhook-signature'] = r.headers['webhook-signature'].slice(0, -1))), 401, /signature is wrong/],
  'a body that is no JSON': [() => signed('{"event_type":'), 400, /not valid JSON/],
  'no event_id': [() => signed(message('', { event_id: undefined })), 400, /event_id/],
  'no event_type': [() => signed(message('', { event_type: '' })), 400, /event_type/],
  'a chat of a long name': [() => signed(message('', { data: { chat: { id: 'x'.repeat(257) } } })), 400, /chat/],
  'a type with a newline': [() => signed(message('', { event_type: 'a\nb' })), 400, /event_type/],
  'another media type': [() => change((r) => (r.headers['content-type'] = 'text/plain')), 415, /application\/json/],
  'a page of another site': [() => change((r) => (r.headers.origin = 'https://evil.example')), 403, /./],
  'a body over 1 MiB': [() => signed(message('x'.repeat(1 << 20))), 413, /./],
};
test('rejected, and nothing is stored', async (t) => {
  const daemon = await start(t);
  const client = clientOf(t, daemon);
  for (const [name, [make, status, reason]] of Object.entries(rejections)) {
    await t.test(name, async () => {
      const answer = await post(client, make());
      assert.equal(answer.status, status, answer.text);
      assert.match(answer.json.message, reason);
      assert.equal(answer.json.request_id, answer.headers['x-request-id']);
    });
  }
  assert.equal((await events(daemon.dataDir, "event_type LIKE 'linq.%'")).length, 0);
  assert.ok(!daemon.rawLines.join('\n').includes(secret), 'no line shows the secret');
});

test('under a foreign host name it is rejected, even if signed', async (t) => {
  const daemon = await start(t);
  const request = signed(message());
  request.headers.host = 'evil.example';
  assert.equal((await post(clientOf(t, daemon), request)).status, 403);
  assert.equal((await events(daemon.dataDir, "event_type LIKE 'linq.%'")).length, 0);
});

test('503 while it cannot be stored, and once it can it is stored once', async (t) => {
  const daemon = await start(t);
  const client = clientOf(t, daemon);
  const request = signed(message());
  for (const name of readdirSync(daemon.dataDir)) {
    if (name.startsWith('picortex.db')) unlinkSync(join(daemon.dataDir, name));
  }
  await eventually('it is noticed', async () => (await client.get('/health')).status === 503);
  const rejected = await post(client, request);
  assert.equal(rejected.status, 503);
  assert.equal(rejected.headers['retry-after'], '1');
  await eventually('a new one is made', async () => (await client.get('/health')).status === 200, 20_000);
  for (let i = 0; i < 2; ++i) assert.equal((await post(client, request)).status, 200);
  assert.equal((await events(daemon.dataDir, "event_type = 'linq.inbound'")).length, 1);
});

test('just within five minutes it is taken', async (t) => {
  const daemon = await start(t);
  const client = clientOf(t, daemon);
  for (const shift of [-4.9, 4.9]) assert.equal((await post(client, signed(message(), { time: minutes(shift) }))).status, 200);
});

test('without a secret there is no such endpoint, with a wrong one no start', async (t) => {
  const daemon = await startDaemon(t);
  assert.equal((await post(clientOf(t, daemon), signed(message()))).status, 404);
  await assert.rejects(startDaemon(t, { settings: { PICORTEX_LINQ_SECRET: 'whsec_tooshort' } }), (error) => {
    assert.match(error.message, /--linq-secret \(environment variable PICORTEX_LINQ_SECRET\): this secret is not allowed: give whsec_/);
    assert.ok(!error.message.includes('tooshort'));
    return true;
  });
});
