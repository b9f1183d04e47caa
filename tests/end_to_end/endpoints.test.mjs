// What each endpoint promises: who may call it, its limits, its answers, its rows and lines.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { testFile } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { countersOfEvents, events, query } from './support/database.mjs';
import { eventually, startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { assertVersion7 } from './support/request_id.mjs';
import { authorization, readToken } from './support/token.mjs';

const daemon = await startDaemon(testFile, { settings: { PICORTEX_FRONTEND_LOG_RATE: '0', LOG_LEVEL: 'debug' } });
const client = new Client(daemon.address);
const bearer = await authorization(daemon.dataDir);
const rowsOf = (requestId) => events(daemon.dataDir, `request_id = '${requestId}'`);
const postEvents = (value, headers = {}) => client.post('/api/events', value, { ...bearer, ...headers });
const ndjson = (values) => postEvents(values.map((value) => JSON.stringify(value)).join('\n'), { 'content-type': 'application/x-ndjson' });

function assertError(response, status, error) {
  assert.equal(response.status, status, response.text);
  assert.deepEqual([response.json.statusCode, response.json.error, response.json.request_id],
                   [status, error, response.headers['x-request-id']]);
  assert.equal(typeof response.json.message, 'string');
}

test('/health has the document\'s fields in its order', async () => {
  const { status, headers, json } = await client.get('/health');
  assert.match(headers['content-type'], /^application\/json/);
  assert.deepEqual(Object.keys(json), ['status', 'version', 'commit', 'uptime_seconds', 'db_ok', 'tmux_ok', 'metrics']);
  assert.deepEqual(Object.keys(json.metrics), ['chats_total', 'chats_active_7d', 'turns_total', 'turns_last_24h',
                                               'discriminator_skipped_24h', 'errors_last_24h']);
  assert.deepEqual([status, json.db_ok, json.tmux_ok, json.status], [200, true, false, 'degraded']);
  assert.ok(Object.values(json.metrics).every(Number.isInteger));
  assert.ok(Number.isInteger(json.uptime_seconds) && json.uptime_seconds < 3600);
  assert.match(json.version, /^\d+\.\d+\.\d+/);
  assert.match(json.commit, /^[0-9a-f]{7,40}|unknown$/);
});

test('/livez and /readyz are for anyone', async () => {
  for (const path of ['/livez', '/readyz', '/health']) {
    const response = await client.get(path, { host: 'elsewhere.example', origin: 'http://evil.example' });
    assert.equal(response.status, 200, path);
    assertVersion7(response.headers['x-request-id']);
  }
});

test('/api/status wants the token', async () => {
  for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: 'Bearer ' }, { authorization: 'Basic abc' },
    { authorization: bearer.authorization.slice(7) }, { authorization: `${bearer.authorization}x` },
    { authorization: bearer.authorization.slice(0, -1) }]) {
    const response = await client.get('/api/status', headers);
    assertError(response, 401, 'Unauthorized');
    assert.match(response.headers['www-authenticate'] ?? 'Bearer', /^Bearer/);
  }
  const { status, json } = await client.get('/api/status?pretty=1', bearer);
  assert.equal(status, 200);
  assert.equal(typeof json, 'object');
});

test('/api/status reports what the loop and the store did', async () => {
  const before = (await client.get('/api/status', bearer)).json;
  for (let i = 0; i < 5; i += 1) assert.equal((await postEvents({ event_type: 'loop.watch' })).status, 200);
  const { loop, storage } = (await client.get('/api/status', bearer)).json;
  // Each post is received, fsynced and sent: its own turns, and a completion at least for each.
  assert.ok(loop.iterations >= before.loop.iterations + 10, `${before.loop.iterations} to ${loop.iterations} iterations`);
  assert.ok(loop.completions >= before.loop.completions + 15, `${before.loop.completions} to ${loop.completions} completions`);
  assert.ok(Math.abs(loop.completions_per_iteration - loop.completions / loop.iterations) < 0.02);
  assert.equal(storage.events, before.storage.events + 5);
  assert.ok(storage.time_in_store_ms > before.storage.time_in_store_ms);
  assert.ok(storage.longest_blocking_ms > 0 && loop.longest_iteration_ms >= storage.longest_blocking_ms);
  assert.ok(loop.longest_iteration_last_minute_ms > 0 && loop.longest_iteration_last_minute_ms <= loop.longest_iteration_ms);
});

test('a frontend log ends as one line and one row', async () => {
  const body = {
    level: 'warn', message: 'it broke', error: 'TypeError: x', stack: 'TypeError: x\n    at y (z.js:1:2)',
    context: { url: 'http://page/', deep: { list: [1, null, 'é'] } }, extra: { pid: 1 },
  };
  const response = await client.post('/api/frontend-log', body);
  assert.deepEqual([response.status, response.text], [204, '']);
  const requestId = response.headers['x-request-id'];
  const [row, ...others] = await rowsOf(requestId);
  assert.equal(others.length, 0);
  assert.deepEqual([row.level, row.event_type, row.msg], ['warn', 'frontend', body.message]);
  assert.deepEqual([row.data.error, row.data.stack, row.data.context.url, row.data.context.deep],
                   [body.error, body.stack, body.context.url, body.context.deep]);
  assert.match(JSON.stringify(row.data), /"extra":\{"pid":1\}/);
  const line = await daemon.line((one) => one.request_id === requestId && one.event_type === 'frontend');
  assert.deepEqual([line.level, line.msg, line.error, line.stack], ['warn', body.message, body.error, body.stack]);
  assert.equal(line.pid, daemon.pid);
  assert.deepEqual(line.extra, { extra: { pid: 1 } });
});

test('a frontend log of the least kind is an error', async () => {
  for (const [type, body] of [['text/plain;charset=UTF-8', '{"message":"beacon"}'],
    ['application/json', '{"message":"","error":null,"stack":null}']]) {
    const response = await client.post('/api/frontend-log', body, { 'content-type': type });
    assert.equal(response.status, 204);
    assert.equal((await rowsOf(response.headers['x-request-id']))[0].level, 'error');
  }
});

test('unknown members cannot forge the line\'s own fields', async () => {
  const forged = { message: 'm', level: 'info', time: '1999-01-01T00:00:00.000Z', pid: 1, hostname: 'h', request_id: randomUUID(),
                   event_type: 'linq.inbound', chat_id: 'c', msg: 'forged' };
  const response = await client.post('/api/frontend-log', forged);
  assert.equal(response.status, 204);
  const requestId = response.headers['x-request-id'];
  const line = await daemon.line((one) => one.request_id === requestId && one.event_type === 'frontend');
  assert.deepEqual([line.pid, line.msg, line.level], [daemon.pid, 'm', 'info']);
  assert.notEqual(line.hostname, 'h');
  assert.notEqual(line.time, forged.time);
  assert.equal('chat_id' in line, false);
  const [row] = await rowsOf(requestId);
  assert.deepEqual([row.event_type, row.msg], ['frontend', 'm']);
  assert.ok(!row.chat_id);
});

test('duplicate keys and invalid UTF-8 leave every line valid', async () => {
  const bodies = ['{"message":"a","message":"b"}', '{"message":"a","context":{"k":1,"k":2}}', '{"message":"\\ud800"}',
    Buffer.from('{"message":"\xff\xfe"}', 'latin1'), Buffer.from('{"message":"a","context":{"\xff":"\xff"}}', 'latin1')];
  for (const body of bodies) {
    const response = await client.post('/api/frontend-log', body);
    assert.ok([204, 400].includes(response.status), response.text);
    const requestId = response.headers['x-request-id'];
    await daemon.line((line) => line.request_id === requestId && line.event_type === 'http.request');
  }
  assert.deepEqual(daemon.lines.filter((line) => line.not_json !== undefined), []);
  for (const raw of daemon.rawLines) assert.equal((raw.match(/"(level|msg)":/g) ?? []).length >= 1, true);
});

test('the limit of a frontend log is 64 KiB', async () => {
  const frame = JSON.stringify({ message: '' }).length;
  assert.equal((await client.post('/api/frontend-log', { message: 'x'.repeat(65_536 - frame) })).status, 204);
  assertError(await client.post('/api/frontend-log', { message: 'x'.repeat(65_537 - frame) }), 413, 'Payload Too Large');
});

test('a frontend log with __proto__ is 400', async () => {
  assertError(await client.post('/api/frontend-log', '{"message":"m","__proto__":{"a":1}}'), 400, 'Bad Request');
});

test('the levels of a frontend log are four', async () => {
  for (const level of ['error', 'warn', 'info', 'debug']) {
    assert.equal((await client.post('/api/frontend-log', { message: 'm', level })).status, 204);
  }
  for (const level of ['fatal', 'trace', 'ERR', '', 50, {}]) {
    const response = await client.post('/api/frontend-log', { message: 'm', level });
    assert.equal(response.status, 400, `level ${JSON.stringify(level)}`);
  }
});

test('the thirty-first frontend log of a minute is 429', async (t) => {
  const limited = await startDaemon(t);
  const page = new Client(limited.address);
  for (let count = 1; count <= 30; ++count) {
    const { status, headers } = await page.post('/api/frontend-log', { message: 'm' });
    assert.deepEqual([status, headers['x-ratelimit-limit'], headers['x-ratelimit-remaining']], [204, '30', String(30 - count)]);
    assert.ok(Number(headers['x-ratelimit-reset']) >= 0 && Number(headers['x-ratelimit-reset']) <= 60);
  }
  const rejected = await page.post('/api/frontend-log', { message: 'm' });
  assertError(rejected, 429, 'Too Many Requests');
  assert.match(rejected.json.message, /^Rate limit exceeded, retry in /);
  assert.deepEqual([rejected.headers['x-ratelimit-limit'], rejected.headers['x-ratelimit-remaining']], ['30', '0']);
  for (const name of ['retry-after', 'x-ratelimit-reset']) {
    assert.ok(Number(rejected.headers[name]) >= 1 && Number(rejected.headers[name]) <= 60, name);
  }
  const other = new Client({ ...limited.address, localAddress: '127.0.0.2' });
  assert.equal((await other.post('/api/frontend-log', { message: 'm' })).status, 429, 'a local user may take any loopback address');
  assert.equal((await page.get('/health')).status, 200, 'the other endpoints have no rate');
  assert.equal((await events(limited.dataDir, 'event_type = \'frontend\'')).length, 30);
  page.close();
  other.close();
});

test('/api/events wants the token', async () => {
  for (const headers of [{}, { authorization: 'Bearer wrong' }]) {
    assertError(await client.post('/api/events', { event_type: 'a' }, headers), 401, 'Unauthorized');
  }
});

test('an event keeps all of its members', async () => {
  const turn = '01890000-0000-7000-8000-0000000000aa';
  const event = { event_type: 'discriminator.decision', time: '2026-01-02T03:04:05.678Z', level: 'warn', chat_id: 'chat-7',
                  request_id: turn, msg: 'skipped', id: randomUUID(), decision: 'skip', score: 0.25, nested: { a: [1, { b: null }] } };
  const response = await postEvents(event);
  assert.equal(response.status, 200, response.text);
  assert.deepEqual(response.json, { accepted: 1, request_id: response.headers['x-request-id'] });
  const [row] = await events(daemon.dataDir, `id = '${event.id}'`);
  assert.deepEqual(row, { id: event.id, time: event.time, level: 'warn', event_type: event.event_type, request_id: turn, chat_id: 'chat-7',
                          msg: 'skipped', data: { decision: 'skip', score: 0.25, nested: event.nested } });
});

test('an event of the least kind gets now, info and this request\'s ID', async () => {
  const before = Date.now();
  const response = await postEvents({ event_type: 'least' });
  const [row] = await rowsOf(response.headers['x-request-id']);
  assert.deepEqual([row.event_type, row.level, row.data], ['least', 'info', {}]);
  assert.ok(Date.parse(row.time) >= before - 5 && Date.parse(row.time) <= Date.now() + 5);
});

test('times and levels come as pino writes them', async () => {
  const given = [
    [{ time: 1767323045678, level: 50 }, ['2026-01-02T03:04:05.678Z', 'error']], [{ time: 0, level: 35 }, ['1970-01-01T00:00:00.000Z', 'info']],
    [{ time: '2026-01-02T04:04:05.678+01:00', level: 'TRACE' }, ['2026-01-02T03:04:05.678Z', 'trace']],
    [{ time: '2026-01-02T03:04:05Z', level: 60 }, ['2026-01-02T03:04:05.000Z', 'fatal']],
  ];
  for (const [fields, expected] of given) {
    const response = await postEvents({ event_type: 'a', ...fields });
    assert.equal(response.status, 200, `${JSON.stringify(fields)}: ${response.text}`);
    const [row] = await rowsOf(response.headers['x-request-id']);
    assert.deepEqual([row.time, row.level], expected);
  }
});

test('an array and NDJSON are taken whole', async () => {
  const three = [{ event_type: 'a' }, { event_type: 'b' }, { event_type: 'c' }];
  for (const response of [await postEvents(three), await ndjson(three),
    await postEvents(`${three.map((one) => JSON.stringify(one)).join('\r\n')}\r\n\n`, { 'content-type': 'application/x-ndjson' })]) {
    assert.deepEqual([response.status, response.json?.accepted], [200, 3], response.text);
    assert.deepEqual((await rowsOf(response.headers['x-request-id'])).map((row) => row.event_type).sort(), ['a', 'b', 'c']);
  }
});

const bad = [
  [{}, /event_type/], [{ event_type: '' }, /event_type/], [{ event_type: 7 }, /event_type/], [{ event_type: 'x'.repeat(129) }, /event_type/],
  [{ event_type: 'a', time: 'yesterday' }, /time/], [{ event_type: 'a', time: -1 }, /time/], [{ event_type: 'a', time: {} }, /time/],
  [{ event_type: 'a', level: 'loud' }, /level/], [{ event_type: 'a', level: 1000 }, /level/], [{ event_type: 'a', id: 'no uuid' }, /id/],
  [{ event_type: 'a', chat_id: {} }, /chat_id/],
  [{ event_type: 'a', chat_id: 'x'.repeat(257) }, /chat_id/], [{ event_type: 'a', msg: [] }, /msg/], [7, /object/], [null, /object/],
];
for (const [event, reason] of bad) {
  test(`the event ${JSON.stringify(event).slice(0, 50)} spoils its request`, async () => {
    for (const response of [await postEvents([{ event_type: 'good' }, event]), await ndjson([{ event_type: 'good' }, event])]) {
      assertError(response, 400, 'Bad Request');
      assert.match(response.json.message, /\b1\b/);
      assert.match(response.json.message, reason);
      assert.deepEqual(await rowsOf(response.headers['x-request-id']), []);
    }
  });
}

test('an event within broken JSON spoils its request', async () => {
  const response = await postEvents('{"event_type":"good"}\n{"event_type":', { 'content-type': 'application/x-ndjson' });
  assertError(response, 400, 'Bad Request');
  assert.deepEqual(await rowsOf(response.headers['x-request-id']), []);
});

test('a repeat of an id is stored once', async () => {
  const event = { event_type: 'a', id: randomUUID(), msg: 'first' };
  assert.equal((await postEvents(event)).status, 200);
  assert.equal((await postEvents({ ...event, msg: 'second' })).status, 200);
  assert.equal((await ndjson([event, event, { event_type: 'b' }])).status, 200);
  const rows = await events(daemon.dataDir, `id = '${event.id}'`);
  assert.deepEqual(rows.map((row) => row.msg), ['first']);
});

test('the limit of /api/events is 1 MiB', async () => {
  const frame = JSON.stringify({ event_type: 'big', pad: '' }).length;
  assert.equal((await postEvents({ event_type: 'big', pad: 'x'.repeat(1_048_576 - frame) })).status, 200);
  assertError(await postEvents({ event_type: 'big', pad: 'x'.repeat(1_048_577 - frame) }), 413, 'Payload Too Large');
});

test('the metrics table agrees with /health', async () => {
  await eventually('the counters flushed', async () => {
    const { json } = await client.get('/health');
    const rows = await query(daemon.dataDir, 'SELECT name, value FROM metrics');
    const table = Object.fromEntries(rows.map((row) => [row.name, row.value]));
    return Object.entries(json.metrics).every(([name, value]) => table[name] === value);
  }, 15_000, 500);
  assert.deepEqual((await client.get('/health')).json.metrics, await countersOfEvents(daemon.dataDir));
});

test('a wrong media type for events is 415', async () => {
  assertError(await postEvents('event_type=a', { 'content-type': 'application/x-www-form-urlencoded' }), 415, 'Unsupported Media Type');
});

test('Host and Origin of the daemon itself are let in, others not', async () => {
  for (const path of ['/api/events', '/api/frontend-log']) {
    const body = path.endsWith('events') ? { event_type: 'a' } : { message: 'm' };
    const ok = await client.post(path, body, { ...bearer, origin: daemon.origin });
    assert.ok([200, 204].includes(ok.status), ok.text);
    assertError(await client.post(path, body, { ...bearer, origin: 'http://evil.example' }), 403, 'Forbidden');
    assertError(await client.post(path, body, { ...bearer, host: 'evil.example' }), 403, 'Forbidden');
  }
});

test('every request is one http.request line', async () => {
  const response = await client.get('/nope?x=1');
  const line = await daemon.line((one) => one.request_id === response.headers['x-request-id'] && one.event_type === 'http.request');
  assert.deepEqual([line.method, line.status, line.level], ['GET', 404, 'info']);
  assert.match(line.path, /^\/nope/);
  assert.ok(line.duration_ms >= 0 && line.bytes >= 0);
  assert.deepEqual(Object.keys(line).slice(0, 6), ['level', 'time', 'pid', 'hostname', 'request_id', 'event_type']);
  assert.equal(Object.keys(line).at(-1), 'msg');
  assert.match(line.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const health = await client.get('/health');
  const poll = await daemon.line((one) => one.request_id === health.headers['x-request-id'] && one.event_type === 'http.request');
  assert.equal(poll.level, 'debug');
});

test('what a client sends as X-Request-ID is at most logged', async () => {
  const response = await client.get('/nope', { 'x-request-id': 'theirs' });
  const line = await daemon.line((one) => one.request_id === response.headers['x-request-id'] && one.event_type === 'http.request');
  assert.ok(line.client_request_id === undefined || line.client_request_id === 'theirs');
});

test('a peer of uid 0 on a Unix socket needs no token', async (t) => {
  const path = join(await temporaryDirectory(t), 'socket');
  const local = await startDaemon(t, { settings: { PICORTEX_LISTEN: `unix:${path}` } });
  assert.deepEqual(local.address, { path });
  const peer = new Client({ path });
  assert.equal((await peer.get('/livez')).status, 200);
  assert.equal((await peer.post('/api/events', { event_type: 'a' })).status, 200);
  assert.equal((await peer.get('/api/status')).status, 200);
  assertError(await peer.post('/api/events', { event_type: 'a' }, { origin: 'http://evil.example' }), 403, 'Forbidden');
  peer.close();
});

test('IPv6 is served', async (t) => {
  const local = await startDaemon(t, { settings: { PICORTEX_LISTEN: '[::1]:0' } });
  const peer = new Client(local.address, local.authority);
  assert.equal((await peer.get('/livez')).status, 200);
  assert.equal((await peer.get('/api/status', await authorization(local.dataDir))).status, 200);
  peer.close();
});

test('the secret and the rows are for their owner alone', async () => {
  assert.equal((await stat(join(daemon.dataDir, 'token'))).mode & 0o777, 0o600);
  assert.ok((await readToken(daemon.dataDir)).length >= 32);
  for (const name of await readdir(daemon.dataDir)) {
    assert.equal((await stat(join(daemon.dataDir, name))).mode & 0o077, 0, `${name} is readable by others`);
  }
});

test('the token stays over a restart', async (t) => {
  const dataDir = await temporaryDirectory(t);
  const first = await startDaemon(t, { dataDir });
  const token = await readToken(dataDir);
  assert.deepEqual(await first.stop(), { code: 0, signal: null });
  await startDaemon(t, { dataDir });
  assert.equal(await readToken(dataDir), token);
});
