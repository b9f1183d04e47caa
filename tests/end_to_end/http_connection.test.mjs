// The life of a connection: half-close, order of pipelined answers, deadlines.
import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { testFile } from './support/cleanup.mjs';
import { startDaemon } from './support/daemon.mjs';
import { everySplit } from './support/every_split.mjs';
import { RawConnection, requestBytes } from './support/raw.mjs';
import { assertIncreasing, assertVersion7 } from './support/request_id.mjs';

const HEADER_MS = 800;
const BODY_MS = 1_000;
const daemon = await startDaemon(testFile, {
  settings: {
    PICORTEX_FRONTEND_LOG_RATE: '0',
    PICORTEX_HEADER_TIMEOUT_MS: String(HEADER_MS), PICORTEX_BODY_TIMEOUT_MS: String(BODY_MS),
  },
});
const host = daemon.authority;
const livez = `GET /livez HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
const log = requestBytes('POST', '/api/frontend-log', [['Host', host], ['Content-Type', 'application/json']], '{"message":"m"}');

test('a client that closes its half still gets the answer', async () => {
  await everySplit(daemon, { bytes: livez, statuses: [200], halfClose: true });
  await everySplit(daemon, { bytes: log.toString('latin1'), methods: ['POST'], statuses: [204], halfClose: true });
  await everySplit(daemon, { bytes: livez + livez + livez, methods: ['GET', 'GET', 'GET'], statuses: [200, 200, 200], halfClose: true });
});

test('a client that leaves within a request gets no answer and does no harm', async () => {
  for (const cut of [1, 10, livez.length - 1]) {
    const connection = await RawConnection.open(daemon.address);
    await connection.send(livez.slice(0, cut));
    connection.end();
    const response = await connection.response();
    if (response !== null) assert.equal(response.status, 400);
    connection.destroy();
  }
});

test('pipelined answers come in order, their IDs increasing', async () => {
  const connection = await RawConnection.open(daemon.address);
  const targets = Array.from({ length: 500 }, (_, index) => `/nope-${index}`);
  await connection.send(targets.map((target) => `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`).join(''));
  const ids = [];
  for (const target of targets) {
    const response = await connection.response();
    assert.equal(JSON.parse(response.body).message, `Route GET:${target} not found`);
    ids.push(response.headers['x-request-id']);
  }
  ids.forEach(assertVersion7);
  assertIncreasing(ids);
  connection.destroy();
});

test('an answer that waits for the disk keeps its place', async () => {
  const connection = await RawConnection.open(daemon.address);
  await connection.send(Buffer.concat(Array.from({ length: 50 }, () => Buffer.concat([log, Buffer.from(livez)]))));
  for (let pair = 0; pair < 50; ++pair) {
    assert.equal((await connection.response('POST')).status, 204);
    assert.equal((await connection.response()).status, 200);
  }
  connection.destroy();
});

// Sends `first` at once and `rest` byte by byte, as a slow client, until the answer is there. Returns it, how long it took
// from the first byte, and how long from the last one.
async function trickle(first, rest, method) {
  const connection = await RawConnection.open(daemon.address);
  const start = Date.now();
  let lastByte = start;
  let trickling = true;
  await connection.send(first);
  const writer = (async () => {
    for (const byte of rest) {
      if (!trickling) break;
      lastByte = Date.now();
      await connection.send(Buffer.from([byte]));
      await sleep(100);  // the slow client is what is tested
    }
  })();
  const response = await connection.response(method);
  const end = Date.now();
  const sinceLastMs = end - lastByte;
  trickling = false;
  await writer;
  connection.end();
  await connection.closed();
  connection.destroy();
  return { response, tookMs: end - start, sinceLastMs };
}

test('a header that trickles in is 408 when its time is up', async () => {
  const { response, tookMs, sinceLastMs } = await trickle('', Buffer.from(livez), 'GET');
  assert.equal(response.status, 408);
  assert.equal(JSON.parse(response.body).error, 'Request Timeout');
  assert.match(response.headers.connection, /close/i);
  assertVersion7(response.headers['x-request-id']);
  assert.ok(tookMs > HEADER_MS - 100, `${tookMs} ms`);
  assert.ok(sinceLastMs < HEADER_MS - 100, `the time does not begin again with a byte: ${sinceLastMs} ms`);
});

test('a body that trickles in is 408 when its time is up', async () => {
  const headEnd = log.indexOf('\r\n\r\n') + 4;
  const { response, tookMs, sinceLastMs } = await trickle(log.subarray(0, headEnd), log.subarray(headEnd, -1), 'POST');
  assert.equal(response.status, 408);
  assert.ok(tookMs > BODY_MS - 100, `${tookMs} ms`);
  assert.ok(sinceLastMs < BODY_MS - 100, `the time does not begin again with a byte: ${sinceLastMs} ms`);
});

test('the deadline of a second header begins with its first byte', async () => {
  const connection = await RawConnection.open(daemon.address);
  await connection.send(livez);
  assert.equal((await connection.response()).status, 200);
  await sleep(HEADER_MS / 2);  // a pause between two requests is what is tested
  const start = Date.now();
  await connection.send('GET /livez HT');
  const response = await connection.response();
  assert.equal(response.status, 408);
  assert.ok(Date.now() - start > HEADER_MS - 200);
  connection.destroy();
});

test('a request within its time is answered though it arrives in slow pieces', async () => {
  const connection = await RawConnection.open(daemon.address);
  for (let at = 0; at < livez.length; at += 20) {
    await connection.send(livez.slice(at, at + 20));
    await sleep(50);  // the slow client is what is tested
  }
  assert.equal((await connection.response()).status, 200);
  connection.destroy();
});
