// Methods, targets and versions (RFC 9112, sections 2 and 3), each request split at every byte and pipelined.
import assert from 'node:assert/strict';
import test from 'node:test';
import { testFile } from './support/cleanup.mjs';
import { startDaemon } from './support/daemon.mjs';
import { everySplit } from './support/every_split.mjs';
import { exchange } from './support/raw.mjs';

const daemon = await startDaemon(testFile);
const host = daemon.authority;

test('GET answers and keeps the connection', async () => {
  const [response] = await everySplit(daemon, {
    bytes: `GET /livez HTTP/1.1\r\nHost: ${host}\r\n\r\n`, statuses: [200], closes: false,
  });
  assert.equal(Number(response.headers['content-length']), Buffer.byteLength(response.body));
});

test('HEAD has the length of GET and no body', async () => {
  const get = await exchange(daemon.address, `GET /livez HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  const [head] = await everySplit(daemon, {
    bytes: `HEAD /livez HTTP/1.1\r\nHost: ${host}\r\n\r\n`, methods: ['HEAD'], statuses: [200], closes: false,
  });
  assert.equal(head.headers['content-length'], get.headers['content-length']);
  assert.equal(head.headers['content-type'], get.headers['content-type']);
});

test('HEAD of what is not there has the length of the 404', async () => {
  await everySplit(daemon, {
    bytes: `HEAD /nope HTTP/1.1\r\nHost: ${host}\r\n\r\n`, methods: ['HEAD'], statuses: [404], closes: false,
  });
});

test('404 has Fastify\'s body and the request ID', async () => {
  const response = await exchange(daemon.address, `GET /nope HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  assert.equal(response.status, 404);
  assert.match(response.headers['content-type'], /^application\/json/);
  assert.deepEqual(JSON.parse(response.body), {
    statusCode: 404, error: 'Not Found', message: 'Route GET:/nope not found', request_id: response.headers['x-request-id'],
  });
  assert.deepEqual(Object.keys(JSON.parse(response.body)), ['statusCode', 'error', 'message', 'request_id']);
  await everySplit(daemon, { bytes: `GET /nope HTTP/1.1\r\nHost: ${host}\r\n\r\n`, statuses: [404], closes: false });
});

for (const [method, target, allowed] of [
  ['PUT', '/livez', /^GET, HEAD$|^HEAD, GET$/], ['DELETE', '/api/status', /^GET, HEAD$|^HEAD, GET$/],
  ['GET', '/api/frontend-log', /^POST$/],
]) {
  test(`${method} ${target} is 405 with Allow`, async () => {
    const [response] = await everySplit(daemon, {
      bytes: `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, methods: [method], statuses: [405],
    });
    assert.match(response.headers.allow, allowed);
    assert.equal(JSON.parse(response.body).error, 'Method Not Allowed');
  });
}

for (const method of ['FOO', 'get', 'G', 'XGET']) {
  test(`the unknown method ${method} is 501`, async () => {
    const [response] = await everySplit(daemon, {
      bytes: `${method} /livez HTTP/1.1\r\nHost: ${host}\r\n\r\n`, statuses: [501],
    });
    assert.equal(JSON.parse(response.body).error, 'Not Implemented');
  });
}

test('CONNECT is rejected and the connection closed', async () => {
  await everySplit(daemon, {
    bytes: `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, methods: ['CONNECT'],
    statuses: [[400, 404, 405, 501]], closes: true,
  });
});

const okTargets = ['/livez?', '/livez?x=1&y=%20', `http://${host}/livez`, `http://${host}/livez?a=b`, `http://${host}`, `http://${host}?a=b`];
for (const target of okTargets) {
  test(`the target ${target.replace(host, 'HOST')} is /livez`, async () => {
    await everySplit(daemon, { bytes: `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, statuses: [200], closes: false });
  });
}

const otherTargets = [
  ['/livez/', 404], ['/livezz', 404], ['//livez', 404], ['*', [400, 404]],
  ['livez', 400], ['', 400], ['/li vez', 400], ['/li\x01vez', 400], ['/li\x7fvez', [400, 404]],
];
for (const [target, statuses] of otherTargets) {
  test(`the target ${JSON.stringify(target.replace(host, 'HOST'))} is ${statuses}`, async () => {
    await everySplit(daemon, { bytes: `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, statuses: [statuses] });
  });
}

test('the authority of an absolute target takes precedence over Host', async () => {
  await everySplit(daemon, {
    bytes: `GET http://evil.example/api/status HTTP/1.1\r\nHost: ${host}\r\n\r\n`, statuses: [[400, 403, 421]],
  });
});

test('OPTIONS * is answered', async () => {
  await everySplit(daemon, {
    bytes: `OPTIONS * HTTP/1.1\r\nHost: ${host}\r\n\r\n`, methods: ['OPTIONS'], statuses: [[200, 204, 404, 405, 501]],
  });
});

const versions = [
  ['HTTP/1.0', 200], ['HTTP/2.0', [400, 505]], ['HTTP/3.0', [400, 505]], ['HTTP/0.9', [400, 505]], ['HTTP/1.2', [400, 505]],
  ['HTTP/1.10', 400], ['HTTP/01.1', 400], ['http/1.1', 400], ['HTTP/1', 400], ['HTTP/1.1 ', 400], ['ICE/1.1', 400],
];
for (const [version, statuses] of versions) {
  test(`the version ${JSON.stringify(version)} is ${statuses}`, async () => {
    await everySplit(daemon, { bytes: `GET /livez ${version}\r\nHost: ${host}\r\n\r\n`, statuses: [statuses], closes: true });
  });
}

test('a request without a version is rejected', async () => {
  await everySplit(daemon, { bytes: 'GET /livez\r\n\r\n', statuses: [[400, 505]], closes: true });
});

test('the HTTP/2 preface is rejected', async () => {
  await everySplit(daemon, { bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', statuses: [[400, 505]], closes: true });
});

test('a TLS hello is rejected', async () => {
  await everySplit(daemon, { bytes: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', statuses: [400], closes: true });
});

test('empty lines before a request are skipped', async () => {
  await everySplit(daemon, { bytes: `\r\n\r\nGET /livez HTTP/1.1\r\nHost: ${host}\r\n\r\n`, statuses: [200], closes: false });
});

test('a request line ended by a bare LF is rejected', async () => {
  await everySplit(daemon, { bytes: `GET /livez HTTP/1.1\nHost: ${host}\r\n\r\n`, statuses: [400], closes: true });
});

test('a target beyond every limit is 414', async () => {
  await everySplit(daemon, {
    bytes: `GET /${'x'.repeat(100_000)} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, statuses: [414], closes: true,
  });
});

test('a request followed by junk gets its answer, then 400', async () => {
  await everySplit(daemon, {
    bytes: `GET /livez HTTP/1.1\r\nHost: ${host}\r\n\r\n\x00junk\r\n\r\n`, methods: ['GET', 'GET'], statuses: [200, 400], closes: true,
  });
});
