// Message bodies and their framing (RFC 9112, sections 6 and 7), each request split at every byte and pipelined.
import assert from 'node:assert/strict';
import test from 'node:test';
import { testFile } from './support/cleanup.mjs';
import { startDaemon } from './support/daemon.mjs';
import { everySplit } from './support/every_split.mjs';
import { RawConnection } from './support/raw.mjs';

const daemon = await startDaemon(testFile, {
  settings: { PICORTEX_FRONTEND_LOG_RATE: '0', PICORTEX_DURABILITY: 'process' },
});
const host = daemon.authority;
const BODY = '{"message":"m"}';
const post = (fields, body, version = 'HTTP/1.1') =>
  `POST /api/frontend-log ${version}\r\nHost: ${host}\r\nContent-Type: application/json\r\n` +
  `${fields.map((field) => `${field}\r\n`).join('')}\r\n${body}`;
const chunked = (body, fields = []) => post(['Transfer-Encoding: chunked', ...fields], body);

const accepted = {
  'a body with Content-Length': post([`Content-Length: ${BODY.length}`], BODY),
  'a length with leading zeros': post([`Content-Length: 000${BODY.length}`], BODY),
  'one chunk': chunked(`f\r\n${BODY}\r\n0\r\n\r\n`),
  'chunks of other sizes': chunked(`1\r\n{\r\n00E\r\n"message":"m"}\r\n0\r\n\r\n`),
  'chunk extensions': chunked(`f;a;b=c\r\n${BODY}\r\n0;last\r\n\r\n`),
  'chunk extensions with quoted pairs': chunked(`f;a="b\\"c;d";e = "\\\\"\r\n${BODY}\r\n0 ; z="\t"\r\n\r\n`),
  'trailers': chunked(`f\r\n${BODY}\r\n0\r\nX-Trailer: a\r\nY: b\r\n\r\n`),
  'Transfer-Encoding in another case': post(['transfer-encoding: Chunked'], `F\r\n${BODY}\r\n0\r\n\r\n`),
  'Expect with its body at once': post([`Content-Length: ${BODY.length}`, 'Expect: 100-continue'], BODY),
};
for (const [what, bytes] of Object.entries(accepted)) {
  test(`${what} is taken`, () => everySplit(daemon, { bytes, methods: ['POST'], statuses: [204], closes: false }));
}

const length = BODY.length;
const rejected = {
  'Transfer-Encoding with Content-Length': post(['Transfer-Encoding: chunked', `Content-Length: ${length}`], `f\r\n${BODY}\r\n0\r\n\r\n`),
  'Content-Length with Transfer-Encoding': post([`Content-Length: ${length}`, 'Transfer-Encoding: chunked'], `f\r\n${BODY}\r\n0\r\n\r\n`),
  'Transfer-Encoding in HTTP/1.0': post(['Transfer-Encoding: chunked'], `f\r\n${BODY}\r\n0\r\n\r\n`, 'HTTP/1.0'),
  'two lengths that differ': post([`Content-Length: ${length}`, 'Content-Length: 3'], BODY),
  'two lengths that agree': post([`Content-Length: ${length}`, `Content-Length: ${length}`], BODY),
  'a list of lengths': post([`Content-Length: ${length}, ${length}`], BODY),
  'a length with a sign': post([`Content-Length: +${length}`], BODY),
  'a negative length': post(['Content-Length: -1'], BODY),
  'a hexadecimal length': post(['Content-Length: 0xf'], BODY),
  'an empty length': post(['Content-Length:'], BODY),
  'a length with a space inside': post(['Content-Length: 1 5'], BODY),
  'a chunk size that is none': chunked(`g\r\n${BODY}\r\n0\r\n\r\n`),
  'an empty chunk size': chunked(`\r\n${BODY}\r\n0\r\n\r\n`),
  'a chunk size with a sign': chunked(`+f\r\n${BODY}\r\n0\r\n\r\n`),
  'a chunk size with 0x': chunked(`0xf\r\n${BODY}\r\n0\r\n\r\n`),
  'a chunk size after a space': chunked(` f\r\n${BODY}\r\n0\r\n\r\n`),
  'a chunk longer than its size': chunked(`e\r\n${BODY}\r\n0\r\n\r\n`),
  'a chunk size ended by a bare LF': chunked(`f\n${BODY}\r\n0\r\n\r\n`),
  'a chunk ended by a bare LF': chunked(`f\r\n${BODY}\n0\r\n\r\n`),
  'a trailer with a space before the colon': chunked(`f\r\n${BODY}\r\n0\r\nX : a\r\n\r\n`),
};
for (const [what, bytes] of Object.entries(rejected)) {
  test(`${what} is 400`, () => everySplit(daemon, { bytes, methods: ['POST'], statuses: [400], closes: true }));
}

const beyond = {
  'a length beyond 64 bits': [post(['Content-Length: 99999999999999999999999'], BODY), [400, 413]],
  'a chunk size beyond 64 bits': [chunked(`fffffffffffffffff\r\n${BODY}\r\n0\r\n\r\n`), [400, 413]],
  'a chunk size beyond the limit': [chunked(`10001\r\n${BODY}`), 413],
  'a length beyond the limit': [post(['Content-Length: 65537'], BODY), 413],
  'gzip as transfer coding': [post(['Transfer-Encoding: gzip'], BODY), [400, 501]],
  'a coding after chunked': [post(['Transfer-Encoding: chunked, gzip'], `f\r\n${BODY}\r\n0\r\n\r\n`), [400, 501]],
  'a coding before chunked': [post(['Transfer-Encoding: gzip, chunked'], `f\r\n${BODY}\r\n0\r\n\r\n`), [400, 501]],
  'chunked twice': [post(['Transfer-Encoding: chunked, chunked'], `f\r\n${BODY}\r\n0\r\n\r\n`), [400, 501]],
  'chunked misspelt': [post(['Transfer-Encoding: xchunked'], `f\r\n${BODY}\r\n0\r\n\r\n`), [400, 501]],
};
for (const [what, [bytes, statuses]] of Object.entries(beyond)) {
  test(`${what} is ${statuses}`, () => everySplit(daemon, { bytes, methods: ['POST'], statuses: [statuses], closes: true }));
}

test('an unknown expectation is 417', async () => {
  await everySplit(daemon, { bytes: post([`Content-Length: ${length}`, 'Expect: coffee'], BODY), methods: ['POST'], statuses: [417] });
});

test('a body of a GET is read and passed over', async () => {
  await everySplit(daemon, {
    bytes: `GET /livez HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 5\r\n\r\nhello`, statuses: [200], closes: false,
  });
});

test('a request within a body is none', async () => {
  const inner = `GET /livez HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  await everySplit(daemon, { bytes: post([`Content-Length: ${inner.length}`], inner), methods: ['POST'], statuses: [400] });
});

const media = [
  ['application/json', 204], ['application/json; charset=utf-8', 204], ['APPLICATION/JSON', 204], ['text/plain;charset=UTF-8', 204],
  ['application/xml', 415], ['text/html', 415], ['application/jsonx', 415], ['multipart/form-data; boundary=x', 415], ['', 415],
];
for (const [type, status] of media) {
  test(`a body of type ${JSON.stringify(type)} is ${status}`, async () => {
    const [response] = await everySplit(daemon, {
      bytes: `POST /api/frontend-log HTTP/1.1\r\nHost: ${host}\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n${BODY}`,
      methods: ['POST'], statuses: [status],
    });
    if (status === 415) assert.equal(JSON.parse(response.body).error, 'Unsupported Media Type');
  });
}

for (const body of ['', '{', 'null', '[]', '"text"', '{"message":1}', '{}', '{"message":"m"}x',
  '{"message":"m","level":"loud"}', '{"message":"m","stack":1}', '{"message":"m","context":[]}', '{"message":"\x01"}']) {
  test(`the body ${JSON.stringify(body)} is 400 with Fastify's shape`, async () => {
    const [response] = await everySplit(daemon, {
      bytes: post([`Content-Length: ${body.length}`], body), methods: ['POST'], statuses: [400], closes: false,
    });
    const { statusCode, error, message, request_id: requestId } = JSON.parse(response.body);
    assert.deepEqual([statusCode, error, typeof message, requestId], [400, 'Bad Request', 'string', '<request id>']);
  });
}

test('100 Continue is sent before the body', async () => {
  for (const expectation of ['100-continue', '100-Continue']) {
    const connection = await RawConnection.open(daemon.address);
    await connection.send(post([`Content-Length: ${length}`, `Expect: ${expectation}`], ''));
    assert.equal((await connection.response()).status, 100);
    await connection.send(BODY);
    assert.equal((await connection.response('POST')).status, 204);
    connection.destroy();
  }
});

test('413 replaces 100 when the body would be too large', async () => {
  const connection = await RawConnection.open(daemon.address);
  await connection.send(post(['Content-Length: 65537', 'Expect: 100-continue'], ''));
  assert.equal((await connection.response('POST')).status, 413);
  connection.destroy();
});

test('HTTP/1.0 gets no 100', async () => {
  const connection = await RawConnection.open(daemon.address);
  await connection.send(post([`Content-Length: ${length}`, 'Expect: 100-continue'], '', 'HTTP/1.0'));
  await assert.rejects(connection.response('POST', 300), /nothing more came/);
  await connection.send(BODY);
  assert.equal((await connection.response('POST')).status, 204);
  connection.destroy();
});

test('a client that keeps sending still reads the 413', async () => {
  for (const fields of [['Content-Length: 50000000'], ['Transfer-Encoding: chunked']]) {
    const connection = await RawConnection.open(daemon.address);
    await connection.send(post(fields, ''));
    const piece = fields[0].startsWith('C') ? 'x'.repeat(100_000) : `186a0\r\n${'x'.repeat(100_000)}\r\n`;
    for (let sent = 0; sent < 20; ++sent) await connection.send(piece);
    const response = await connection.response('POST');
    assert.equal(response.status, 413);
    assert.match(response.headers.connection, /close/i);
    assert.equal(JSON.parse(response.body).error, 'Payload Too Large');
    await connection.closed(10_000);
    connection.destroy();
  }
});

test('bytes after a rejected request are never run', async () => {
  const connection = await RawConnection.open(daemon.address);
  await connection.send(post(['Content-Length: 65537'], '') + `GET /livez HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  assert.equal((await connection.response('POST')).status, 413);
  connection.end();
  await connection.closed();
});
