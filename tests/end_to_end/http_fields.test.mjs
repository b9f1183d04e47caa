// Header fields (RFC 9112, section 5; RFC 9110, 7.2), each request split at every byte and pipelined.
import assert from 'node:assert/strict';
import test from 'node:test';
import { testFile } from './support/cleanup.mjs';
import { startDaemon } from './support/daemon.mjs';
import { everySplit } from './support/every_split.mjs';
import { exchange } from './support/raw.mjs';
import { assertVersion7 } from './support/request_id.mjs';

const daemon = await startDaemon(testFile);
const host = daemon.authority;
const get = (target, ...fields) => `GET ${target} HTTP/1.1\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`;

const rejected = {
  'no Host': get('/livez'),
  'Host twice': get('/livez', `Host: ${host}`, `Host: ${host}`),
  'Host twice, in another case': get('/livez', `Host: ${host}`, `HOST: other.example`),
  'a Host with a space': get('/livez', 'Host: a b'),
  'a Host with a path': get('/livez', 'Host: a/b'),
  'a Host with a user': get('/livez', 'Host: user@a'),
  'a bare LF after a field': `GET /livez HTTP/1.1\r\nHost: ${host}\nX: y\r\n\r\n`,
  'a bare LF at the end': `GET /livez HTTP/1.1\r\nHost: ${host}\r\n\n`,
  'a bare CR within a value': get('/livez', `Host: ${host}`, 'X: a\rb'),
  'a folded line': get('/livez', `Host: ${host}`, 'X: a', ' folded'),
  'a folded line with a tab': get('/livez', `Host: ${host}`, 'X: a', '\tfolded'),
  'a space before the colon': get('/livez', `Host: ${host}`, 'X : a'),
  'a space before the first field': get('/livez', ` Host: ${host}`),
  'a field without a colon': get('/livez', `Host: ${host}`, 'X'),
  'a field without a name': get('/livez', `Host: ${host}`, ': a'),
  'a control in a name': get('/livez', `Host: ${host}`, 'X\x01: a'),
  'a bracket in a name': get('/livez', `Host: ${host}`, 'X(: a'),
  'a byte beyond ASCII in a name': get('/livez', `Host: ${host}`, 'X\xe9: a'),
  'NUL in a value': get('/livez', `Host: ${host}`, 'X: a\x00b'),
  'a control in a value': get('/livez', `Host: ${host}`, 'X: a\x01b'),
};
for (const [what, bytes] of Object.entries(rejected)) {
  test(`${what} is 400`, async () => {
    const [response] = await everySplit(daemon, { bytes, statuses: [400] });
    assert.equal(JSON.parse(response.body).error, 'Bad Request');
  });
}

const accepted = {
  'a Host in another case of letters': get('/livez', `hOsT: ${host}`),
  'white space around a value': get('/livez', `Host:\t ${host} \t`, 'X:   '),
  'a value of bytes beyond ASCII': get('/livez', `Host: ${host}`, 'X: \xe9\xff'),
  'a foreign Host at a health endpoint': get('/livez', 'Host: elsewhere.example'),
  'HTTP/1.0 without Host': 'GET /livez HTTP/1.0\r\n\r\n',
};
for (const [what, bytes] of Object.entries(accepted)) {
  test(`${what} is taken`, () => everySplit(daemon, { bytes, statuses: [200] }));
}

test('an empty Host is rejected where Host counts', async () => {
  await everySplit(daemon, { bytes: get('/api/status', 'Host:'), statuses: [[400, 403]] });
});

test('a foreign Host is 403 beyond the health endpoints', async () => {
  for (const foreign of ['evil.example', `evil.example:${daemon.address.port}`, '127.0.0.1.evil.example', `127.0.0.1:1`]) {
    const [response] = await everySplit(daemon, { bytes: get('/api/status', `Host: ${foreign}`), statuses: [403] });
    assert.equal(JSON.parse(response.body).error, 'Forbidden');
  }
});

test('a foreign Origin is 403 beyond the health endpoints', async () => {
  for (const foreign of ['http://evil.example', 'null', `https://evil.example:${daemon.address.port}`]) {
    await everySplit(daemon, { bytes: get('/api/status', `Host: ${host}`, `Origin: ${foreign}`), statuses: [403] });
    await everySplit(daemon, { bytes: get('/livez', `Host: ${host}`, `Origin: ${foreign}`), statuses: [200] });
  }
});

test('a request ID is never taken from the client', async () => {
  const theirs = '01890000-0000-7000-8000-000000000000';
  const response = await exchange(daemon.address, get('/livez', `Host: ${host}`, `X-Request-ID: ${theirs}`));
  assertVersion7(response.headers['x-request-id']);
  assert.notEqual(response.headers['x-request-id'], theirs);
});

test('one field beyond every limit is 431', async () => {
  await everySplit(daemon, { bytes: get('/livez', `Host: ${host}`, `X: ${'x'.repeat(100_000)}`), statuses: [431], closes: true });
  await everySplit(daemon, { bytes: get('/livez', `Host: ${host}`, `${'X'.repeat(100_000)}: x`), statuses: [431], closes: true });
});

test('too many fields are 431', async () => {
  const fields = Array.from({ length: 10_000 }, (_, index) => `X-${index}: y`);
  await everySplit(daemon, { bytes: get('/livez', `Host: ${host}`, ...fields), statuses: [431], closes: true });
});

test('Upgrade is ignored', async () => {
  const websocket = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='];
  await everySplit(daemon, { bytes: get('/livez', `Host: ${host}`, ...websocket), statuses: [200], closes: false });
  const h2c = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'];
  await everySplit(daemon, { bytes: get('/livez', `Host: ${host}`, ...h2c), statuses: [200], closes: false });
});

test('Connection: close closes', async () => {
  await everySplit(daemon, { bytes: get('/livez', `Host: ${host}`, 'Connection: close'), statuses: [200], closes: true });
  await everySplit(daemon, { bytes: get('/livez', `Host: ${host}`, 'Connection: foo, Close'), statuses: [200], closes: true });
});

test('HTTP/1.0 keeps the connection only when asked', async () => {
  await everySplit(daemon, { bytes: 'GET /livez HTTP/1.0\r\n\r\n', statuses: [200], closes: true });
  const [kept] = await everySplit(daemon, {
    bytes: `GET /livez HTTP/1.0\r\nHost: ${host}\r\nConnection: keep-alive\r\n\r\n`, statuses: [200], closes: false,
  });
  assert.match(kept.headers.connection, /^keep-alive$/i);
});
