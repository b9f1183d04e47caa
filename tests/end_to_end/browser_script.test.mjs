// GET /picortex.js in a real browser: what it reports, how often, what it adds, and under which policy it runs.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import test from 'node:test';
import { startBrowser } from './support/browser.mjs';
import { cleanUpAfter, testFile } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { repository } from './support/client_package.mjs';
import { eventually, startDaemon } from './support/daemon.mjs';
import { events } from './support/database.mjs';

const POLICY = 'default-src \'none\'; script-src \'self\'; connect-src \'self\'; img-src \'self\'';
const daemon = await startDaemon(testFile, { settings: { PICORTEX_FRONTEND_LOG_RATE: '0' } });
const browser = await startBrowser(testFile);

// The element that the guide gives.
const [, element] = /```html\n(.*?)\n```/s.exec(readFileSync(join(repository, 'docs/start/connect-your-bot.md'), 'utf8'));

// Serves pages of one script each, and hands picortex's paths on as a proxy does; `gate.status` answers in the daemon's place.
async function serve(t, script) {
  const gate = { status: 0, posts: [] };
  const server = http.createServer((request, response) => {
    if (request.url === '/') {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': POLICY })
        .end(`<!doctype html><title>page</title>${element}<script src="/own.js"></script><a href="/elsewhere">leave</a>`);
    } else if (request.url === '/own.js') {
      response.writeHead(200, { 'content-type': 'text/javascript' }).end(script);
    } else if (request.url === '/elsewhere') {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>elsewhere</title>');
    } else if (request.url === '/picortex.js' || request.url === '/api/frontend-log') {
      forward(request, response, gate);
    } else {
      response.writeHead(404).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUpAfter(t, () => {
    server.closeAllConnections?.();
    server.close();
  });
  return { gate, url: `http://127.0.0.1:${server.address().port}/` };
}

function forward(request, response, gate) {
  let body = '';
  request.setEncoding('utf8').on('data', (text) => (body += text)).on('end', () => {
    if (request.method === 'POST') gate.posts.push(body);
    if (request.method === 'POST' && gate.status > 0) return response.writeHead(gate.status).end();
    // The page's own name would have to be in PICORTEX_HOSTS.
    const { origin: _origin, ...headers } = request.headers;
    const onward = http.request({ ...daemon.address, method: request.method, path: request.url, headers: { ...headers, host: daemon.authority } }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    return onward.end(body);
  });
}

// Opens a page with this script of its own; resolves to its tab.
async function open(t, script, before = () => {}) {
  const { gate, url } = await serve(t, script);
  before(gate);
  const tab = await browser.newPage();
  cleanUpAfter(t, () => tab.close());
  await tab.goto(url);
  return { tab, gate, url };
}

const stored = (url) => events(daemon.dataDir, `event_type = 'frontend' AND json_extract(data, '$.context.url') = '${url}' ORDER BY time, id`);
const storedCount = (url, count) => eventually(`${count} reports are stored`, async () => {
  const rows = await stored(url);
  return rows.length >= count && rows;
});

test('it is a script of less than 2 KB', async () => {
  const client = new Client(daemon.address);
  const answer = await client.get('/picortex.js');
  client.close();
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['content-type'], 'text/javascript; charset=utf-8');
  assert.ok(Buffer.byteLength(answer.text) < 2048, `${answer.text.length} bytes`);
  assert.equal(answer.text, readFileSync(join(repository, 'clients/browser/picortex.js'), 'utf8'));
});

test('an error, a rejection, a file that cannot be loaded and a caught error are reported, under a strict policy', async (t) => {
  const { tab, url } = await open(t, `
    setTimeout(function thrower() { undefined.property_of_nothing; });
    Promise.reject(new RangeError('this is not caught'));
    Promise.reject({ odd: true });
    const image = document.createElement('img');
    image.src = '/missing.png';
    document.body ? document.body.append(image) : document.documentElement.append(image);
    picortex.report(new TypeError('caught'), { order: 7 });`);
  const rows = await storedCount(url, 5);
  const of = (pattern) => rows.filter((row) => pattern.test(row.msg));
  const [thrown] = of(/Cannot read properties of undefined/);
  assert.match(thrown.data.stack, /at thrower .*own\.js/);
  assert.match(thrown.data.error, /^TypeError: /);
  assert.deepEqual(thrown.data.context, { url, ua: await tab.evaluate(() => navigator.userAgent), build: '1.2.3' });
  assert.match(of(/^Unhandled rejection: RangeError: this is not caught$/)[0].data.stack, /own\.js/);
  assert.equal(of(/^Unhandled rejection: \[object Object\]$/).length, 1);
  assert.equal(of(/^Cannot load http.*\/missing\.png$/).length, 1);
  const [caught] = of(/^caught$/);
  assert.equal(caught.data.context.order, 7);
  assert.ok(rows.every((row) => row.level === 'error'));
});

test('the same error is reported once, ten different ones a minute, and the rest as a count when the page is left', async (t) => {
  const { tab, url } = await open(t, `
    for (let i = 0; i < 5; ++i) picortex.report(new Error('the same'));
    for (let i = 0; i < 30; ++i) picortex.report(Object.assign(new Error('number ' + i)));`);
  await storedCount(url, 10);
  await tab.click('a');
  await tab.waitForURL('**/elsewhere');
  const rows = await storedCount(url, 11);
  assert.equal(rows.length, 11);
  assert.equal(rows.filter((row) => row.msg === 'the same').length, 1);
  const [rest] = rows.filter((row) => row.level === 'warn');
  assert.equal(rest.msg, '25 more errors, repeated or too many');
});

test('an error while the page is being left arrives, by a beacon', async (t) => {
  const { tab, url } = await open(t, `
    addEventListener('visibilitychange', () => { if (document.hidden) throw new Error('at the end'); });`);
  await tab.click('a');
  await tab.waitForURL('**/elsewhere');
  const [row] = await storedCount(url, 1);
  assert.match(row.msg, /at the end/);
});

test('what the server did not take is sent again when the page is left', async (t) => {
  const { tab, gate, url } = await open(t, 'picortex.report(new Error("at a bad time"));', (one) => (one.status = 503));
  await eventually('the first try', () => gate.posts.length === 1);
  gate.status = 0;
  await tab.click('a');
  await tab.waitForURL('**/elsewhere');
  assert.equal((await storedCount(url, 1)).length, 1);
});

test('nothing that a page throws breaks the script', async (t) => {
  const { tab, url } = await open(t, `
    for (const odd of [null, undefined, 0, '', Symbol('s'), Object.create(null), { toString() { throw 1; } }, { message: 5, stack: {} }]) {
      Promise.reject(odd);
      picortex.report(odd);
    }
    picortex.report(new Error('x'.repeat(100000)));`);
  const rows = await storedCount(url, 10);
  assert.ok(rows.every((row) => row.msg.length <= 1100));
  assert.equal(await tab.evaluate(() => typeof window.picortex.report), 'function');
});

test('the build of a page without data-build is __VERSION__, as in the founding snippet', async (t) => {
  const script = `const own = document.createElement('script'); own.src = '/picortex.js'; own.onload = () => picortex.report(new Error('built'));
    document.documentElement.append(own);`;
  const { url } = await open(t, `const __VERSION__ = 'from the bundler'; ${script}`);
  const rows = await storedCount(url, 1);
  assert.deepEqual(rows.map((row) => row.data.context.build), ['from the bundler']);
});
