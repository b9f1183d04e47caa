// GET /api/events, /api/story and /api/metrics/history: what is asked for is what the database holds.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { rename } from 'node:fs/promises';
import test from 'node:test';
import { testFile } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { events as storedEvents } from './support/database.mjs';
import { eventually, startDaemon } from './support/daemon.mjs';
import { naughtyTexts } from './support/naughty.mjs';
import { exchange, RawConnection, requestBytes } from './support/raw.mjs';
import { authorization } from './support/token.mjs';

const daemon = await startDaemon(testFile);
const client = new Client(daemon.address);
const bearer = await authorization(daemon.dataDir);
const NOW = Date.now();
const DAY = 86_400_000;

// Three chats over three weeks: 1,200 events.
const seeded = Array.from({ length: 1200 }, (_, index) => ({
  id: randomUUID(),
  time: new Date(NOW - Math.floor((index * 21 * DAY) / 1200) - 1000).toISOString(),
  level: ['debug', 'info', 'info', 'warn', 'error'][index % 5],
  event_type: ['linq.inbound', 'linq.sent', 'tmux.turn.start', 'discriminator.decision'][index % 4],
  request_id: `00000000-0000-7000-8000-${String(Math.floor(index / 4)).padStart(12, '0')}`,
  chat_id: index % 7 === 0 ? null : `chat-${index % 3}`,
  msg: index % 50 === 0 ? `Needle "${index}"` : `message ${index}`,
  data: { index, note: index % 90 === 0 ? 'a línea\nwith NEEDLE' : 'hay' },
}));
for (let at = 0; at < seeded.length; at += 400) {
  const batch = seeded.slice(at, at + 400).map(({ data, ...event }) => ({ ...event, ...data }));
  assert.equal((await client.post('/api/events', batch, bearer)).status, 200);
}

const ask = (query) => client.get(`/api/events?${new URLSearchParams(query)}`, bearer);
// A page has as many events as were asked for, unless it is the last one or has used up its time.
const timeUsedUpMs = 40;
async function pages(query) {
  const found = [];
  for (let cursor = ''; cursor !== null; ) {
    const { status, json, text } = await ask({ ...query, ...(cursor ? { cursor } : {}) });
    assert.equal(status, 200, text);
    found.push(json.events);
    assert.ok(json.cost.rows_looked_at >= json.events.length && json.cost.slices >= 1 && json.cost.ms >= 0);
    cursor = json.next_cursor;
    assert.ok(cursor === null || json.events.length === Number(query.limit) || json.cost.ms > timeUsedUpMs,
      `${json.events.length} events in ${json.cost.ms} ms`);
  }
  return found;
}

const time = (event) => Date.parse(event.time);
const questions = [
  ['nothing in particular', { }, () => true],
  ['a chat', { chat_id: 'chat-1' }, (event) => event.chat_id === 'chat-1'],
  ['a chat that is none', { chat_id: 'chat-9' }, () => false],
  ['a request', { request_id: seeded[8].request_id.toUpperCase() }, (event) => event.request_id === seeded[8].request_id],
  ['a type', { event_type: 'tmux.turn.start' }, (event) => event.event_type === 'tmux.turn.start'],
  ['a prefix of types', { event_type: 'linq.*' }, (event) => event.event_type.startsWith('linq.')],
  ['a level', { level: 'info' }, (event) => event.level !== 'debug'],
  ['a level that has an index', { level: 'WARN' }, (event) => ['warn', 'error'].includes(event.level)],
  ['a week, in ISO', { since: seeded[800].time, until: seeded[400].time }, (event) => time(event) >= time(seeded[800]) && time(event) < time(seeded[400])],
  ['a week, in milliseconds', { since: String(time(seeded[800])), until: String(time(seeded[400])) }, (event) => time(event) >= time(seeded[800]) && time(event) < time(seeded[400])],
  ['a text', { text: 'needle' }, (event) => /needle/i.test(event.msg + event.data.note)],
  ['a text that JSON escapes', { text: 'línea\nwith' }, (event) => event.data.note.includes('\n')],
  ['a text with quotes', { text: 'needle "50"' }, (event) => event.msg === 'Needle "50"'],
  ['all at once', { chat_id: 'chat-2', event_type: 'linq.*', level: 'info', since: seeded[900].time, text: 'message' },
    (event) => event.chat_id === 'chat-2' && event.event_type.startsWith('linq.') && event.level !== 'debug' &&
               time(event) >= time(seeded[900]) && event.msg.includes('message')],
];
for (const [what, query, fits] of questions) {
  test(`asked for ${what}, it answers that and nothing else, the newest first`, async () => {
    const expected = seeded.filter(fits);
    for (const limit of [7, 100, 1000]) {
      const found = await pages({ ...query, limit: String(limit) });
      assert.deepEqual(found.flat(), expected);
    }
  });
}

test('a result page has 100 events by default', async () => {
  assert.equal((await ask({})).json.events.length, 100);
});

test('an empty parameter counts as absent', async () => {
  const { json } = await client.get('/api/events?chat_id=&level=&text=&limit=3&', bearer);
  assert.deepEqual(json.events, seeded.slice(0, 3));
});

const wrong = [
  ['level=loud', /^level /], ['limit=0', /^limit /], ['limit=1001', /^limit /], ['limit=1e3', /^limit /], ['since=yesterday', /^since /],
  ['until=-1', /^until /], ['until=99999999999999999999', /^until /], ['request_id=7', /^request_id /], ['cursor=x%20y', /^cursor /],
  ['cursor=-1', /^cursor /], ['event_type=a*b', /^event_type /], [`chat_id=${'x'.repeat(257)}`, /^chat_id /], [`text=${'x'.repeat(257)}`, /^text /],
  ['level=info&level=warn', /^level .*twice/], ['colour=red', /^colour /], ['text=%zz', /escape/], ['text=%4', /escape/],
  [Array.from({ length: 33 }, (_, index) => `p${index}=`).join('&'), /^p0 |32/],
];
for (const [query, reason] of wrong) {
  test(`?${query.slice(0, 40)} is rejected by name`, async () => {
    const response = await client.get(`/api/events?${query}`, bearer);
    assert.equal(response.status, 400, response.text);
    assert.match(response.json.message, reason);
  });
}

test('without the token nothing is learnt', async () => {
  const expected = new Map();
  for (const path of ['/api/events', '/api/events?level=loud', '/api/story?id=x', `/api/story?id=${seeded[0].request_id}`, '/api/metrics/history']) {
    for (const headers of [{}, { authorization: 'Bearer wrong' }]) {
      const { status, json } = await client.get(path, headers);
      assert.equal(status, 401);
      // The same for every path: only the token is spoken of.
      const message = expected.get(headers.authorization) ?? json.message;
      expected.set(headers.authorization, message);
      assert.equal(json.message, message);
      assert.doesNotMatch(message, /chat|message/i);
    }
  }
  assert.equal((await client.get('/api/events', { ...bearer, host: 'evil.example' })).status, 403);
  assert.equal((await client.get('/api/events', { ...bearer, origin: 'http://evil.example' })).status, 403);
});

test('naughty texts come back as they were', async () => {
  const batch = naughtyTexts.map((text, index) => ({ event_type: `naughty.${index}`, chat_id: 'naughty', msg: text, note: text, [`k${text.slice(0, 20)}`]: index }));
  assert.equal((await client.post('/api/events', batch, bearer)).status, 200);
  const { json, text } = await ask({ chat_id: 'naughty' });
  assert.deepEqual(json.events.map(({ msg, data }) => [msg, data.note]).reverse(),
                   naughtyTexts.map((one) => Array(2).fill(Buffer.from(one).toString())));
  assert.doesNotMatch(text, /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]/);
});

test('HEAD answers as GET, without the body', async () => {
  const headers = [['Host', daemon.authority], ['Authorization', bearer.authorization]];
  for (const target of ['/api/events?limit=1', `/api/story?id=${seeded[0].id}`]) {
    const [head, whole] = [await exchange(daemon.address, requestBytes('HEAD', target, headers), { method: 'HEAD' }),
      await exchange(daemon.address, requestBytes('GET', target, headers))];
    assert.deepEqual([head.status, whole.status, head.body], [200, 200, '']);
    assert.ok(whole.body.length > 100);
  }
});

test('many queries at a time are answered one slice after the other, and rejected beyond their bound', async () => {
  const answers = await Promise.all(Array.from({ length: 40 }, async () => {
    const own = new Client(daemon.address);
    const { status } = await own.get('/api/events?text=nowhere&limit=1000', bearer);
    own.close();
    return status;
  }));
  assert.ok(answers.every((status) => status === 200 || status === 503), answers.join());
  assert.ok(answers.filter((status) => status === 200).length >= 16);
});

test('pipelined queries are answered in their order', async () => {
  const connection = await RawConnection.open(daemon.address);
  const request = (limit) => `GET /api/events?limit=${limit} HTTP/1.1\r\nHost: ${daemon.authority}\r\nAuthorization: ${bearer.authorization}\r\n\r\n`;
  await connection.send([1, 2, 3, 4, 5].map(request).join(''));
  for (const limit of [1, 2, 3, 4, 5]) {
    assert.equal(JSON.parse((await connection.finalResponse()).body).events.length, limit);
  }
  connection.destroy();
});

test('a client that disconnects during its query leaves nothing open', async () => {
  for (let i = 0; i < 100; ++i) {
    const connection = await RawConnection.open(daemon.address);
    await connection.send(`GET /api/events?text=nowhere HTTP/1.1\r\nHost: ${daemon.authority}\r\nAuthorization: ${bearer.authorization}\r\n\r\n`);
    connection.destroy();
  }
  await eventually('no connection but this one', async () => (await client.get('/api/status', bearer)).json.http.connections <= 2);
  assert.equal((await ask({ limit: '1' })).status, 200);
});

test('a story is found by its request and by any of its events', async () => {
  const of = seeded.slice(8, 12);
  const byRequest = await client.get(`/api/story?id=${of[0].request_id}`, bearer);
  assert.equal(byRequest.status, 200, byRequest.text);
  assert.equal(byRequest.json.request_id, of[0].request_id);
  assert.deepEqual(byRequest.json.steps.map(({ id }) => id), of.map(({ id }) => id).reverse());
  assert.equal(typeof byRequest.json.conclusion, 'string');
  for (const event of of) {
    assert.deepEqual((await client.get(`/api/story?id=${event.id}`, bearer)).json, byRequest.json);
  }
  assert.equal((await client.get(`/api/story?id=${randomUUID()}`, bearer)).status, 404);
  for (const query of ['', 'id=', 'id=7', `id=${of[0].id}&x=1`]) {
    assert.equal((await client.get(`/api/story?${query}`, bearer)).status, 400, query);
  }
});

test('the day\'s counters add up to those of /health and lie where they happened', async () => {
  const { json } = await client.get('/api/metrics/history', bearer);
  const { metrics } = (await client.get('/health')).json;
  const sum = (counts) => counts.reduce((total, count) => total + count, 0);
  assert.deepEqual([json.step_seconds, json.turns.length, json.skipped.length, json.errors.length], [300, 288, 288, 288]);
  assert.equal(json.from % 300, 0);
  for (const query of ['hours=48', 'from=0', 'step=60', 'x']) {
    const rejected = await client.get(`/api/metrics/history?${query}`, bearer);
    assert.deepEqual([rejected.status, rejected.json.message],
                     [400, `${query.split('=')[0]} is not a parameter of this endpoint, which has none`]);
  }
  // The last step is under way: the first minutes of the day's 1,440 may lie before the first step.
  const rows = await storedEvents(daemon.dataDir);
  const at = (event) => Math.floor((time(event) / 1000 - json.from) / 300);
  for (const [name, fits, total] of [['turns', (row) => row.event_type === 'tmux.turn.start', metrics.turns_last_24h],
    ['errors', (row) => row.level === 'error', metrics.errors_last_24h]]) {
    const expected = Array(288).fill(0);
    for (const row of rows.filter(fits)) if (at(row) >= 0 && at(row) < 288) ++expected[at(row)];
    assert.deepEqual(json[name], expected);
    assert.ok(sum(json[name]) > 0 && sum(json[name]) <= total);
  }
});

test('a database that cannot be read is 503, and is read again once it can be', async (t) => {
  const local = await startDaemon(t);
  const peer = new Client(local.address);
  const headers = await authorization(local.dataDir);
  await peer.post('/api/events', { event_type: 'kept' }, headers);
  assert.equal((await peer.get('/api/events', headers)).json.events.length, 1);
  for (const name of ['picortex.db', 'picortex.db-wal', 'picortex.db-shm']) await rename(`${local.dataDir}/${name}`, `${local.dataDir}/away-${name}`);
  // The writer finds out, and makes a new one.
  await local.line((line) => line.event_type === 'db.recovered', 20_000);
  await eventually('the new database is read', async () => (await peer.get('/api/events', headers)).json.events?.length === 0);
  await peer.post('/api/events', { event_type: 'new' }, headers);
  assert.deepEqual((await peer.get('/api/events', headers)).json.events.map((event) => event.event_type), ['new']);
  peer.close();
});
