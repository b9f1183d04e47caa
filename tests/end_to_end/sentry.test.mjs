// What the real SDKs of Sentry send, from a program and from a page of another origin, ends as events; and what a
// stranger may send to that endpoint does not harm.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { picortex } from './support/answers.mjs';
import { startBrowser } from './support/browser.mjs';
import { cleanUpAfter, testFile } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { events } from './support/database.mjs';
import { startDaemon, temporaryDirectory } from './support/daemon.mjs';

const run = promisify(execFile);
const start = (t, settings = {}, options = {}) => startDaemon(t, { ...options, settings: { PICORTEX_SENTRY_INGEST: '1', ...settings } });
const dsnOf = (daemon) => `http://public@${daemon.authority}/42`;
const stored = (daemon) => events(daemon.dataDir, "event_type = 'sentry.error'");
const PATH = '/api/42/envelope/';

function clientOf(t, daemon, authority) {
  const client = new Client(daemon.address, authority);
  cleanUpAfter(t, () => client.close());
  return client;
}

const newId = () => randomUUID().replaceAll('-', '');
const dashed = (id) => id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
const envelope = (event = { message: 'hello' }, id = newId()) =>
  `{"event_id":"${id}"}\n{"type":"event"}\n${JSON.stringify(event)}\n`;
const post = (client, body, headers = {}) => client.request('POST', PATH, { body, headers });

test('what a program reports with @sentry/node is kept', async (t) => {
  const daemon = await start(t);
  const program = fileURLToPath(new URL('./support/sentry_program.mjs', import.meta.url));
  const { stdout } = await run(process.execPath, [program], { env: { ...process.env, SENTRY_DSN: dsnOf(daemon) }, timeout: 60_000 });
  const ids = JSON.parse(stdout);
  const rows = Object.fromEntries((await stored(daemon)).map((row) => [row.id, row]));
  assert.deepEqual(Object.keys(rows).sort(), Object.values(ids).map(dashed).sort());
  const { exception, again, message, large } = Object.fromEntries(Object.entries(ids).map(([name, id]) => [name, rows[dashed(id)]]));

  assert.deepEqual([exception.level, exception.msg], ['error', 'TypeError: the bot broke']);
  assert.deepEqual(exception.data.exception, { type: 'TypeError', value: 'the bot broke' });
  assert.match(exception.data.stack, /^TypeError: the bot broke\n {4}at innermost \(.*sentry_program\.mjs:\d+:\d+\)\n/);
  assert.match(exception.data.stack, /\nCaused by: RangeError: too far\n {4}at innermost \(/);
  assert.deepEqual(exception.data.tags, { component: 'bot', attempt: 3 });
  assert.deepEqual([exception.data.release, exception.data.environment, exception.data.platform, exception.data.project, exception.data.event_id],
                   ['bot@1.2', 'test', 'node', '42', ids.exception]);
  assert.match(exception.data.sdk, /^sentry\.javascript\.node\/\d+\.\d+\.\d+$/);
  assert.match(exception.data.trace_id, /^[0-9a-f]{32}$/);
  assert.match(exception.data.fingerprint[0], /^[0-9a-f]{16}$/);
  assert.deepEqual(again.data.fingerprint, exception.data.fingerprint, 'the same error is one group');

  assert.deepEqual([message.level, message.msg, message.data.tags], ['warn', 'only a message', { component: 'bot' }]);
  assert.deepEqual([large.msg, large.data.fingerprint[1]], ['Error: large', 'large']);
  assert.equal(new Set([exception, message, large].map((row) => row.data.fingerprint[0])).size, 3);

  const line = await daemon.line((one) => one.event_type === 'sentry.error' && one.event_id === ids.exception);
  assert.deepEqual([line.level, line.msg, line.stack, line.request_id], ['error', exception.msg, exception.data.stack, exception.request_id]);

  const told = await picortex(daemon.dataDir, ['logs', '--json', '--type', 'sentry.error', '--text', exception.data.fingerprint[0]]);
  assert.deepEqual(told.stdout.trim().split('\n').map((one) => JSON.parse(one).id).sort(), [exception.id, again.id].sort());
});

// The files of the SDK as npm has them, for the page's imports.
const specifiers = ['@sentry/browser', '@sentry/browser-utils', '@sentry/core', '@sentry/core/browser', '@sentry/conventions/attributes',
                    '@sentry/feedback', '@sentry/replay', '@sentry/replay-canvas'];
const modules = new URL('./node_modules/', import.meta.url).href;
const imports = Object.fromEntries(specifiers.map((name) => [name, import.meta.resolve(name).replace(modules, '/node_modules/')]));

const pageOf = (dsn) => `<!doctype html><title>page</title>
<script type="importmap">${JSON.stringify({ imports })}</script>
<script type="module">
import * as Sentry from '@sentry/browser';
Sentry.init({ dsn: ${JSON.stringify(dsn)}, release: 'page@3', environment: 'test' });
Sentry.setTag('component', 'page');
document.body.dataset.ready = '1';
</script><script>
function innermost() { return undefined.property_of_nothing; }
function breakThePage() { innermost(); }
</script><button onclick="breakThePage()">break</button>`;

// One context keeps the many files of the SDK; the page is made for the daemon of the test that runs.
const browser = await startBrowser(testFile, '--host-resolver-rules=MAP pages.test 127.0.0.1');
const context = await browser.newContext();
let dsnOfPage = '';
const pageServer = http.createServer(async (request, response) => {
  if (!/^\/node_modules\/@sentry\/[\w./-]+\.m?js$/.test(request.url)) {
    return response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(pageOf(dsnOfPage));
  }
  const file = await readFile(fileURLToPath(new URL(`.${request.url}`, import.meta.url)));
  return response.writeHead(200, { 'content-type': 'text/javascript', 'cache-control': 'max-age=3600' }).end(file);
}).listen(0, '127.0.0.1');
await once(pageServer, 'listening');
cleanUpAfter(testFile, () => {
  pageServer.closeAllConnections();
  pageServer.close();
});
const pageUrl = `http://pages.test:${pageServer.address().port}/index.html`;

async function openPage(t, daemon) {
  dsnOfPage = dsnOf(daemon);
  const tab = await context.newPage();
  cleanUpAfter(t, () => tab.close());
  await tab.goto(pageUrl);
  await tab.waitForSelector('body[data-ready]');
  return tab;
}

test('what a page of another origin reports with @sentry/browser is kept', async (t) => {
  const daemon = await start(t);
  const tab = await openPage(t, daemon);
  const answered = tab.waitForResponse((one) => one.url().includes(PATH) && one.request().postData()?.includes('"type":"event"'));
  await tab.click('button');
  const response = await answered;
  assert.equal(response.status(), 200);
  const { event_id: id } = JSON.parse(response.request().postData().split('\n')[0]);
  const [row, ...more] = await stored(daemon);
  assert.deepEqual(more, []);
  assert.equal(row.id, dashed(id));
  assert.equal(row.request_id, (await response.allHeaders())['x-request-id']);
  assert.equal(row.level, 'error');
  assert.match(row.msg, /^TypeError: Cannot read properties of undefined/);
  assert.match(row.data.stack, new RegExp(`at innermost \\(${pageUrl}:\\d+:\\d+\\)\\n {4}at breakThePage`));
  assert.deepEqual(row.data.tags, { component: 'page' });
  assert.deepEqual([row.data.release, row.data.platform, row.data.url], ['page@3', 'javascript', pageUrl]);
  assert.equal(row.data.user_agent, await tab.evaluate(() => navigator.userAgent));
});

test('a page may ask before it posts, and read the answer', async (t) => {
  const daemon = await start(t, { PICORTEX_SENTRY_RATE: '1' });
  const tab = await openPage(t, daemon);
  // A request with these headers is preceded by a preflight.
  const answers = await tab.evaluate(async ([url, body]) => {
    const told = [];
    for (let i = 0; i < 3; ++i) {
      const answer = await fetch(url, {
        method: 'POST', body, headers: { 'content-type': 'application/x-sentry-envelope', 'x-sentry-auth': 'Sentry sentry_key=public',
                                         'sentry-trace': '1', baggage: 'a=b', traceparent: '00-1-1-01', 'x-of-their-own': '1' },
      });
      told.push([answer.status, answer.headers.get('retry-after') !== null, (await answer.json()).statusCode]);
    }
    return told;
  }, [`${daemon.origin}${PATH}`, envelope()]);
  assert.deepEqual(answers.at(-1), [429, true, 429]);
});

test('it is off until it is asked for', async (t) => {
  for (const settings of [{ PICORTEX_SENTRY_INGEST: '' }, { PICORTEX_SENTRY_INGEST: '0' }, { PICORTEX_SENTRY_INGEST: 'false' }]) {
    const daemon = await start(t, settings);
    const client = clientOf(t, daemon);
    assert.equal((await post(client, envelope())).status, 404);
    assert.equal((await client.request('OPTIONS', PATH)).status, 404);
    assert.deepEqual(await stored(daemon), []);
  }
  await assert.rejects(start(t, { PICORTEX_SENTRY_INGEST: 'yes' }),
                       /--sentry-ingest \(environment variable PICORTEX_SENTRY_INGEST\): "yes" is not allowed: give true or 1, false or 0/);
});

test('it is accepted in every form', async (t) => {
  const daemon = await start(t, { PICORTEX_SENTRY_RATE: '0' });
  const client = clientOf(t, daemon);
  const types = [undefined, 'text/plain;charset=UTF-8', 'application/x-sentry-envelope', 'application/octet-stream', 'application/json',
    'application/x-www-form-urlencoded', 'no media type at all'].map((type) => (type ? { 'content-type': type } : {}));
  const halves = (text) => Buffer.concat([gzipSync(text.slice(0, 20)), gzipSync(text.slice(20)), gzipSync('')]);
  const zstd = (text) => execFileSync('zstd', ['-q', '-c'], { input: text });
  const encodings = [[undefined, (text) => text], ['GZIP', gzipSync], ['x-gzip', halves], ['identity', (text) => text], ['deflate', deflateSync],
    ['deflate', deflateRawSync], ['br', brotliCompressSync], ['zstd', zstd]].map(([name, encode]) => [name ? { 'content-encoding': name } : {}, encode]);
  const ids = [];
  for (const path of [PATH, '/api/1/envelope', `${PATH}?sentry_key=public&sentry_version=7`]) {
    for (const type of types) {
      for (const [encoding, encode] of encodings) {
        const id = newId();
        const answer = await client.request('POST', path, { headers: { ...type, ...encoding }, body: encode(envelope({ message: id }, id)) });
        assert.deepEqual([answer.status, answer.text], [200, `{"id":"${id}"}`]);
        assert.equal(answer.headers['access-control-allow-origin'], '*');
        ids.push(id);
      }
    }
  }
  assert.equal(ids.length, 3 * types.length * encodings.length);
  assert.deepEqual((await stored(daemon)).map((row) => row.msg).sort(), ids.sort());
});

test('curl sends one, with a length and an attachment', async (t) => {
  const daemon = await start(t);
  const file = join(await temporaryDirectory(t), 'envelope.gz');
  const id = newId();
  const event = JSON.stringify({ message: 'by curl', level: 'info' });
  const body = Buffer.concat([Buffer.from(`{"event_id":"${id}"}\n{"type":"attachment","length":4}\n`), Buffer.from([0, 10, 255, 10]),
    Buffer.from(`\n\n{"type":"event","length":${event.length}}\n${event}`)]);
  await writeFile(file, gzipSync(body));
  const { stdout } = await run('curl', ['-sS', '-H', 'Content-Encoding: gzip', '-H', 'Content-Type: application/x-sentry-envelope',
                                        '-H', 'X-Sentry-Auth: Sentry sentry_version=7, sentry_key=public', '--data-binary', `@${file}`, `${daemon.origin}${PATH}`]);
  assert.equal(stdout, `{"id":"${id}"}`);
  assert.deepEqual((await stored(daemon)).map((row) => [row.level, row.msg]), [['info', 'by curl']]);
});

test('an event is stored once, however often it is sent', async (t) => {
  const id = newId();
  let daemon = await start(t);
  for (let round = 0; round < 2; ++round) {
    const client = clientOf(t, daemon);
    const answers = await Promise.all(Array.from({ length: 5 }, () => post(client, envelope({ message: 'once' }, id))));
    assert.deepEqual(answers.map((answer) => answer.status), Array(5).fill(200));
    assert.equal((await stored(daemon)).length, 1);
    await daemon.stop();
    if (round === 0) daemon = await start(t, {}, { dataDir: daemon.dataDir });
  }
});

test('items that are no events are skipped', async (t) => {
  const daemon = await start(t);
  const client = clientOf(t, daemon);
  const id = newId();
  for (const [body, answer] of [[`{}\n{"type":"session"}\n{"sid":"1"}\n`, '{}'], ['{}', '{}'],
    [`{"event_id":"${id}"}\n{"type":"transaction"}\n{"spans":[]}\n{"type":"replay_recording","length":3}\n\n\n\n`, `{"id":"${id}"}`]]) {
    const { status, text } = await post(client, body);
    assert.deepEqual([status, text], [200, answer]);
  }
  assert.deepEqual(await stored(daemon), []);
});

const good = envelope().trimEnd();
const zeros = gzipSync(Buffer.alloc(64 << 20));
const rejections = {
  'an empty body': ['', {}, 400, /envelope header is empty/],
  'a body that is no envelope': ['hello', {}, 400, /envelope header is not valid JSON/],
  'an event that is no JSON': ['{}\n{"type":"event"}\n{"message":', {}, 400, /event is not valid JSON/],
  'an event without an id': ['{}\n{"type":"event"}\n{"message":"m"}', {}, 400, /event_id/],
  'a broken item after a good one': [`${good}\n{"type":"x","length":10}\n1`, {}, 400, /item 1 is longer than the rest/],
  'a negative length': [`${good}\n{"type":"x","length":-1}\n1`, {}, 400, /item 1 length must be a number of bytes/],
  'two events': [`${good}\n{"type":"event"}\n{}`, {}, 400, /more than one event/],
  'too many items': [good + '\n{"type":"x"}\n\n'.repeat(100), {}, 400, /more than 100 items/],
  'a body that is no gzip': [good, { 'content-encoding': 'gzip' }, 400, /does not match its Content-Encoding/],
  'a body that is no brotli': [gzipSync(good), { 'content-encoding': 'br' }, 400, /does not match its Content-Encoding/],
  'a body that is no zstd': [good, { 'content-encoding': 'zstd' }, 400, /does not match its Content-Encoding/],
  'a gzip that is cut short': [gzipSync(good).subarray(0, -1), { 'content-encoding': 'gzip' }, 400, /does not match its Content-Encoding, or is damaged/],
  'a brotli that is cut short': [brotliCompressSync(good).subarray(0, -1), { 'content-encoding': 'br' }, 400, /or is damaged/],
  'an encoding that is not known': [good, { 'content-encoding': 'compress' }, 415, /one of gzip, deflate, br, zstd is needed/],
  'two encodings': [good, { 'content-encoding': 'gzip, br' }, 415, /one of gzip/],
  'a bomb of brotli': [brotliCompressSync(Buffer.alloc(64 << 20)), { 'content-encoding': 'br' }, 413, /once it is decompressed/],
  'a bomb of deflate': [deflateSync(Buffer.alloc(64 << 20)), { 'content-encoding': 'deflate' }, 413, /once it is decompressed/],
  'a bomb': [zeros, { 'content-encoding': 'gzip' }, 413, /once it is decompressed/],
  'an event over 1 MiB': [gzipSync(envelope({ message: 'x'.repeat(1 << 20) })), { 'content-encoding': 'gzip' }, 413, /event is larger than 1 MiB/],
};
test('rejected, and nothing is stored', async (t) => {
  assert.ok(zeros.length < 100_000);
  const daemon = await start(t);
  const client = clientOf(t, daemon);
  for (const [name, [body, headers, status, reason]] of Object.entries(rejections)) {
    await t.test(name, async () => {
      const answer = await post(client, body, headers);
      assert.equal(answer.status, status, answer.text);
      assert.match(answer.json.message, reason);
      assert.equal(answer.json.request_id, answer.headers['x-request-id']);
      assert.equal(answer.headers['access-control-allow-origin'], '*');
    });
  }
  assert.equal((await post(client, envelope({ message: 'x'.repeat(1 << 20) }))).status, 413);
  assert.equal((await client.get(PATH)).status, 405);
  assert.equal((await client.get(PATH)).headers.allow, 'POST, OPTIONS');
  assert.deepEqual(await stored(daemon), []);
});

test('a foreign Host is rejected, a foreign Origin is not', async (t) => {
  const daemon = await start(t);
  for (const method of ['POST', 'OPTIONS']) {
    assert.equal((await clientOf(t, daemon, 'evil.example').request(method, PATH, { body: good })).status, 403);
  }
  assert.equal((await post(clientOf(t, daemon), good, { origin: 'https://shop.example' })).status, 200);
  assert.equal((await clientOf(t, daemon).post('/api/frontend-log', { message: 'm' }, { origin: 'https://shop.example' })).status, 403);
});

test('a preflight names what a page may send', async (t) => {
  const daemon = await start(t);
  const { status, headers, text } = await clientOf(t, daemon).request('OPTIONS', PATH, {
    headers: { origin: 'https://shop.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-sentry-auth' },
  });
  assert.deepEqual([status, text, headers['access-control-allow-origin'], headers['access-control-allow-methods']], [204, '', '*', 'POST']);
  const named = headers['access-control-allow-headers'].toLowerCase().split(', ');
  for (const name of ['content-type', 'content-encoding', 'x-sentry-auth', 'sentry-trace', 'baggage', 'traceparent', '*']) assert.ok(named.includes(name), name);
  assert.equal(headers['access-control-allow-credentials'], undefined);
});

test('a client has a number of envelopes a minute', async (t) => {
  const daemon = await start(t, { PICORTEX_SENTRY_RATE: '2', PICORTEX_FRONTEND_LOG_RATE: '1' });
  const client = clientOf(t, daemon);
  const answers = [];
  for (let i = 0; i < 3; ++i) answers.push(await post(client, envelope()));
  assert.deepEqual(answers.map((answer) => answer.status), [200, 200, 429]);
  assert.ok(Number(answers[2].headers['retry-after']) >= 1 && Number(answers[2].headers['retry-after']) <= 60);
  assert.deepEqual(answers.map((answer) => answer.headers['x-ratelimit-remaining']), ['1', '0', '0']);
  assert.equal((await client.post('/api/frontend-log', { message: 'm' })).status, 204, 'frontend logs are counted apart');
  assert.equal((await stored(daemon)).length, 2);
});

test('an event that was kept while offline has its own time', async (t) => {
  const daemon = await start(t, { PICORTEX_RETENTION_DAYS: '7' });
  const client = clientOf(t, daemon);
  const now = Date.now();
  const days = (count) => now - count * 86_400_000;
  for (const [name, timestamp, kept] of [['an hour ago', (now - 3_600_000) / 1000, true], ['as text', new Date(days(2)).toISOString(), true],
    ['beyond retention', days(8) / 1000, false], ['of 1970', 7, false], ['tomorrow', days(-1) / 1000, false], ['none', undefined, false]]) {
    const id = newId();
    assert.equal((await post(client, envelope({ message: name, timestamp }, id))).status, 200);
    const [row] = await events(daemon.dataDir, `id = '${dashed(id)}'`);
    const own = typeof timestamp === 'number' ? Math.round(timestamp * 1000) : Date.parse(timestamp);
    if (kept) assert.equal(Date.parse(row.time), own, name);
    else assert.ok(Date.parse(row.time) >= now - 5000 && Date.parse(row.time) <= Date.now() + 5000, name);
    assert.equal(row.data.timestamp, kept || timestamp === undefined ? undefined : new Date(own).toISOString(), name);
  }
});

test('while nothing can be stored it says so', async (t) => {
  const first = await start(t);
  await first.stop();
  execFileSync('sqlite3', [join(first.dataDir, 'picortex.db'), 'PRAGMA user_version = 9999']);
  const daemon = await start(t, {}, { dataDir: first.dataDir });
  const answer = await post(clientOf(t, daemon), envelope({ message: 'lost' }));
  assert.deepEqual([answer.status, answer.headers['retry-after'], answer.headers['access-control-allow-origin']], [503, '1', '*']);
  await daemon.line((line) => line.event_type === 'sentry.error' && line.msg === 'lost');
});

test('no text of an event forges a line', async (t) => {
  const daemon = await start(t);
  const text = 'a\n{"level":"fatal"}\u001b[2J\u2028\u202e"\\';
  const event = {
    message: text, level: text, release: text, tags: { [text]: text, request_id: 'x', __proto__: 1 }, fingerprint: [text],
    exception: { values: [{ type: text, value: text, stacktrace: { frames: [{ function: text, filename: text, lineno: 1 }] } }] },
  };
  assert.equal((await post(clientOf(t, daemon), envelope(event))).status, 200);
  const line = await daemon.line((one) => one.event_type === 'sentry.error');
  assert.deepEqual([line.level, line.release, line.tags[text], line.fingerprint[0]], ['error', text, text, text]);
  const [row] = await stored(daemon);
  assert.deepEqual([row.msg, row.data.exception, row.data.tags.request_id], [`${text}: ${text}`, { type: text, value: text }, 'x']);
  assert.ok(daemon.rawLines.every((raw) => !/[\u0000-\u001f\u2028\u202e]/.test(raw)));
});
