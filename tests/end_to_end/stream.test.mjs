// GET /api/events/stream: what comes, in the order of its arrival, and what a reader that comes back is promised.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import test from 'node:test';
import { picortex } from './support/answers.mjs';
import { testFile } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { eventually, sanitized, startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { EventStream } from './support/event_stream.mjs';
import { naughtyTexts } from './support/naughty.mjs';
import { RawConnection } from './support/raw.mjs';
import { authorization } from './support/token.mjs';

const daemon = await startDaemon(testFile);
const client = new Client(daemon.address);
const bearer = await authorization(daemon.dataDir);
const post = async (events) => {
  const response = await client.post('/api/events', events, bearer);
  assert.equal(response.status, 200, response.text);
};
const named = (type, texts) => texts.map((msg) => ({ event_type: type, msg }));
const open = (query = '', lastId = '') => EventStream.open(daemon.address, bearer, query, lastId);
const range = (from, to) => Array.from({ length: to - from }, (_, index) => String(from + index));

test('events come once they are stored, in the order of their arrival', async () => {
  const stream = await open('?event_type=order');
  await post([...named('order', ['first']), { event_type: 'order', msg: 'of old', time: 1000, id: randomUUID() }]);
  await post([{ event_type: 'order', msg: 'of a time to come', time: Date.now() + 3_600_000 }]);
  await post(named('order', ['last']));
  await stream.until(() => stream.texts.length >= 4);
  assert.deepEqual(stream.texts, ['first', 'of old', 'of a time to come', 'last']);
  const page = await client.get('/api/events?event_type=order', bearer);
  const byId = new Map(page.json.events.map((event) => [event.id, event]));
  for (const { data } of stream.messages) assert.deepEqual(data, byId.get(data.id));
  stream.close();
});

test('the filters are those of the query', async () => {
  const chat = randomUUID();
  const requestId = randomUUID();
  const queries = {
    [`?chat_id=${chat}`]: ['a', 'b', 'c'],
    [`?request_id=${requestId}`]: ['b'],
    [`?chat_id=${chat}&event_type=filter.*&level=warn`]: ['c'],
    [`?chat_id=${chat}&text=NEEDLE`]: ['b'],
    [`?chat_id=${chat}&since=2026-01-01T00:00:00Z`]: ['a', 'b'],
    [`?chat_id=${chat}&until=2026-01-01T00:00:00Z`]: ['c'],
  };
  const streams = await Promise.all(Object.keys(queries).map((query) => open(query)));
  await post([
    { event_type: 'filter.a', chat_id: chat, msg: 'a' },
    { event_type: 'filter.b', chat_id: chat, msg: 'b', request_id: requestId, note: 'a needle "here"' },
    { event_type: 'filter.c', chat_id: chat, msg: 'c', level: 'error', time: '2020-01-01T00:00:00Z' },
    { event_type: 'other', msg: 'd' },
  ]);
  // Each filter lets one of these two pass; what it has let pass by then is all.
  const last = { event_type: 'filter.last', chat_id: chat, request_id: requestId, level: 'error', msg: 'needle last' };
  await post([last, { ...last, time: '2020-01-01T00:00:00Z' }]);
  await Promise.all(streams.map((stream) => stream.until(() => stream.texts.includes(last.msg))));
  streams.forEach((stream, index) => {
    assert.deepEqual(stream.texts.slice(0, stream.texts.indexOf(last.msg)), Object.values(queries)[index], Object.keys(queries)[index]);
  });
  for (const stream of streams) stream.close();
});

test('a reader that reconnects finds what arrived meanwhile, without a gap or a duplicate', async () => {
  let stream = await open('?event_type=resume');
  const seen = [];
  let written = 0;
  const writer = (async () => {
    for (; written < 300; ++written) {
      await post([{ event_type: 'resume', msg: String(written), time: written % 3 === 0 ? 1000 + written : Date.now() }]);
    }
  })();
  while (seen.length < 300) {
    await stream.until(() => stream.texts.length >= 10 || seen.length + stream.texts.length === 300);
    stream.close();
    const before = written;
    await eventually('more has come meanwhile', () => written > before + 2 || written === 300, 10_000, 1);
    seen.push(...stream.texts);
    if (seen.length < 300) stream = await open('?event_type=resume', stream.lastId);
    assert.deepEqual(stream.named('resync'), []);
  }
  await writer;
  assert.deepEqual(seen, range(0, 300));
});

test('a client that cannot set a header names the last event in its address', async () => {
  const first = await open('?event_type=address');
  await post(named('address', range(0, 4)));
  await first.until(() => first.texts.length === 4);
  first.close();
  const seen = first.messages.filter(({ event }) => event === 'message');
  const later = await open(`?event_type=address&lastEventId=${seen[1].id}`);
  await later.until(() => later.texts.length === 2);
  assert.deepEqual(later.texts, ['2', '3']);
  later.close();
  // The header is newer: an address stays as it is when its reader connects again.
  const again = await open(`?event_type=address&lastEventId=${seen[1].id}`, seen[2].id);
  await again.until(() => again.texts.length === 1);
  assert.deepEqual(again.texts, ['3']);
  again.close();
  assert.equal((await client.get('/api/events/stream?lastEventId=none', bearer)).status, 400);
});

test('after a restart a stream goes on where it was, with late events and without a gap or a repeat', async (t) => {
  const dataDir = await temporaryDirectory(t);
  const first = await startDaemon(t, { dataDir });
  const headers = await authorization(dataDir);
  const peer = new Client(first.address);
  const before = await EventStream.open(first.address, headers, '?event_type=again');
  await peer.post('/api/events', named('again', ['seen 1', 'seen 2']), headers);
  await before.until(() => before.texts.length === 2);
  before.close();
  await peer.post('/api/events', [...named('again', range(0, 75)), { event_type: 'again', msg: 'late', time: 1000, id: randomUUID() },
    ...named('again', range(75, 150))], headers);
  peer.close();
  assert.deepEqual(await first.stop(), { code: 0, signal: null });

  const second = await startDaemon(t, { dataDir });
  const after = await EventStream.open(second.address, headers, '?event_type=again', before.lastId);
  await after.until(() => after.texts.length >= 151);
  const again = new Client(second.address);
  await again.post('/api/events', named('again', ['live']), headers);
  await after.until(() => after.texts.length >= 152);
  assert.deepEqual(after.texts, [...range(0, 75), 'late', ...range(75, 150), 'live']);
  assert.deepEqual(after.named('resync'), []);
  // The id of an event from the database is as good.
  const middle = after.messages.filter(({ event }) => event === 'message')[101];
  const third = await EventStream.open(second.address, headers, '?event_type=again', middle.id);
  await third.until(() => third.texts.length >= 50);
  assert.deepEqual(third.texts, [...range(101, 150), 'live']);
  third.close();
  again.close();
  after.close();
});

test('a reader of a database that was restored since learns from when on the events follow', async (t) => {
  const dataDir = await temporaryDirectory(t);
  const first = await startDaemon(t, { dataDir });
  const headers = await authorization(dataDir);
  const peer = new Client(first.address);
  await peer.post('/api/events', named('again', ['kept']), headers);
  const backup = `${dataDir}/backup.db`;
  assert.equal((await picortex(dataDir, ['db', 'backup', backup])).code, 0);
  const before = await EventStream.open(first.address, headers, '?event_type=again');
  await peer.post('/api/events', named('again', ['lost']), headers);
  await before.until(() => before.texts.length === 1);
  before.close();
  peer.close();
  await first.stop();
  assert.equal((await picortex(dataDir, ['db', 'restore', backup])).code, 0);

  // The number of the lost event is given again.
  const second = await startDaemon(t, { dataDir });
  const again = new Client(second.address);
  await again.post('/api/events', named('again', ['new']), headers);
  const after = await EventStream.open(second.address, headers, '?event_type=again', before.lastId);
  await after.until(() => after.texts.length >= 1);
  assert.deepEqual(after.texts, ['new']);
  assert.equal(after.named('resync').length, 1);
  assert.ok(Date.parse(after.named('resync')[0].data.after) <= Date.now());
  again.close();
  after.close();
});

test('while it catches up from the database, events that arrive come once', async () => {
  await post(named('catching', range(0, 2000)));
  const stream = await open('?event_type=catching', '0-0-0');
  for (let i = 2000; i < 2040; ++i) await post(named('catching', [String(i)]));
  await stream.until(() => stream.texts.length >= 2040);
  // What would come twice comes before this.
  await post(named('catching', ['2040']));
  await stream.until(() => stream.texts.includes('2040'));
  assert.deepEqual(stream.texts.map(Number).sort((a, b) => a - b).map(String), range(0, 2041));
  stream.close();
});

test('a slow reader gets `lagged`, is dropped, and can resume', async () => {
  const slow = await RawConnection.open(daemon.address);
  slow.socket.pause();
  await slow.send(`GET /api/events/stream?event_type=flood HTTP/1.1\r\nHost: ${daemon.authority}\r\n` +
                  `Authorization: ${bearer.authorization}\r\n\r\n`);
  const pad = 'x'.repeat(9_000);
  const memory = daemon.residentBytes;
  for (let i = 0; i < 40; ++i) await post(Array.from({ length: 100 }, (_, index) => ({ event_type: 'flood', msg: String(i * 100 + index), pad })));
  assert.ok(daemon.residentBytes - memory < (sanitized ? 600e6 : 100e6), `${(daemon.residentBytes - memory) / 1e6} MB more for a reader that does not read`);
  slow.socket.resume();
  await eventually('the end of the lagging stream', () => slow.received.includes('event: lagged') && slow.received.subarray(-5).equals(Buffer.from('0\r\n\r\n')));
  const text = slow.received.toString('utf8');
  const ids = [...text.matchAll(/^id: (\S+)$/gm)].map((match) => match[1]);
  const count = [...text.matchAll(/^data: \{"id"/gm)].length;
  assert.ok(count < 4000, 'it was dropped before the end');
  slow.destroy();
  const rest = await open('?event_type=flood', ids.at(-1));
  await rest.until(() => rest.texts.length >= 4000 - count, 30_000);
  assert.deepEqual(rest.texts, range(count, 4000));
  rest.close();
});

test('stored text cannot forge an event of the stream', async () => {
  const stream = await open('?event_type=naughty');
  await post(naughtyTexts.map((text) => ({ event_type: 'naughty', msg: text, chat_id: 'c', note: text })));
  await stream.until(() => stream.texts.length >= naughtyTexts.length);
  assert.deepEqual(stream.texts, naughtyTexts.map((text) => Buffer.from(text).toString()));
  assert.deepEqual(stream.messages.map(({ data }) => data.data.note), naughtyTexts.map((text) => Buffer.from(text).toString()));
  stream.close();
});

test('an HTTP/1.0 reader gets the stream up to the connection\'s end, and HEAD its head', async () => {
  const old = await RawConnection.open(daemon.address);
  await old.send(`GET /api/events/stream?event_type=old HTTP/1.0\r\nHost: ${daemon.authority}\r\nAuthorization: ${bearer.authorization}\r\n\r\n`);
  await eventually('a position', () => old.received.includes('\nid: '));
  await post(named('old', ['as it is']));
  await eventually('an event', () => old.received.includes('"as it is"'));
  const head = old.received.toString().split('\r\n\r\n')[0];
  assert.match(head, /connection: close/i);
  assert.doesNotMatch(head, /transfer-encoding|content-length/i);
  old.destroy();
  const raw = await RawConnection.open(daemon.address);
  await raw.send(`HEAD /api/events/stream HTTP/1.1\r\nHost: ${daemon.authority}\r\nAuthorization: ${bearer.authorization}\r\n\r\n` +
                 `GET /livez HTTP/1.1\r\nHost: ${daemon.authority}\r\nConnection: close\r\n\r\n`);
  await eventually('both answers', () => raw.ended);
  assert.match(raw.received.toString(), /^HTTP\/1\.1 200 OK\r\n[\s\S]*transfer-encoding: chunked\r\n[\s\S]*?\r\n\r\nHTTP\/1\.1 200 OK\r\n/i);
  raw.destroy();
});

test('without the token there is no stream, and what is wrong is named', async () => {
  for (const headers of [{}, { authorization: 'Bearer wrong' }]) {
    const response = await client.get('/api/events/stream', headers);
    assert.equal(response.status, 401);
  }
  for (const [query, lastId, reason] of [['?level=loud', '', /level/], ['?limit=5', '', /limit/], ['?cursor=1', '', /cursor/], ['', 'yesterday', /Last-Event-ID/]]) {
    const response = await client.get(`/api/events/stream${query}`, { ...bearer, ...(lastId ? { 'last-event-id': lastId } : {}) });
    assert.equal(response.status, 400);
    assert.match(response.json.message, reason);
  }
});

test('the number of streams is bounded, and a reader that disconnects makes room', async () => {
  const streams = await Promise.all(Array.from({ length: 64 }, () => open('?event_type=many')));
  assert.equal((await client.get('/api/events/stream', bearer)).status, 503);
  await post(named('many', ['to all']));
  await Promise.all(streams.map((stream) => stream.until(() => stream.texts.length === 1)));
  for (const stream of streams) stream.close();
  await eventually('room', async () => {
    const stream = await open();
    stream.close();
    return stream.status === 200;
  });
});

test('a quiet stream shows a sign of life', async () => {
  const stream = await open('?event_type=never');
  const before = stream.lastId;
  await post(named('something.else', ['x']));
  await stream.until(() => stream.comments.length > 0, 20_000);
  assert.notEqual(stream.lastId, before, 'its place has moved on');
  stream.close();
});

test('a drain ends the streams', async (t) => {
  const local = await startDaemon(t, { settings: { PICORTEX_DRAIN_SECONDS: '60' } });
  const stream = await EventStream.open(local.address, await authorization(local.dataDir));
  // Which kills it long before the drain's limit.
  assert.deepEqual(await local.stop(), { code: 0, signal: null });
  await stream.until(() => stream.ended);
  assert.ok(stream.response.complete, 'ended as a chunked body should');
});
