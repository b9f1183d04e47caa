// A real error in a real browser, posted by the founding document's own snippet through a proxy, ends as one log line
// and one row that carry the X-Request-ID of the response.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import test from 'node:test';
import { startBrowser } from './support/browser.mjs';
import { cleanUpAfter, testFile } from './support/cleanup.mjs';
import { startDaemon, eventually } from './support/daemon.mjs';
import { events } from './support/database.mjs';

const NAME = 'app.picortex.test';
const browser = await startBrowser(testFile, `--host-resolver-rules=MAP ${NAME} 127.0.0.1`);
const page = `<!doctype html><title>page</title><script>const __VERSION__ = "1.2.3-test";</script><script>
window.addEventListener('error', ev => fetch('/api/frontend-log', {
method: 'POST',
body: JSON.stringify({
level: 'error',
message: ev.message,
error: ev.error?.toString(),
stack: ev.error?.stack,
context: { url: location.href, ua: navigator.userAgent, build: __VERSION__ }
})
}))
</script><script>
function innermost() { return undefined.property_of_nothing; }
function breakThePage() { innermost(); }
</script><button onclick="breakThePage()">break</button>`;

// Serves the page and hands /api/* on, Host and Origin untouched, as a reverse proxy does.
async function servePage(t, address) {
  const server = http.createServer((request, response) => {
    if (!request.url.startsWith('/api/')) {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page);
      return;
    }
    const forward = http.request({ ...address, method: request.method, path: request.url, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    forward.on('error', () => response.destroy());
    request.pipe(forward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUpAfter(t, () => {
    server.closeAllConnections?.();
    server.close();
  });
  return server.address().port;
}

test('an error thrown in the page is one line and one row under one request ID', async (t) => {
  const daemon = await startDaemon(t, { settings: { PICORTEX_HOSTS: NAME } });
  const port = await servePage(t, daemon.address);
  const tab = await browser.newPage();
  const thrown = new Promise((resolve) => tab.on('pageerror', resolve));
  await tab.goto(`http://${NAME}:${port}/index.html`);
  const answered = tab.waitForResponse((response) => response.url().endsWith('/api/frontend-log'));
  await tab.click('button');
  const response = await answered;
  const error = await thrown;
  assert.equal(response.status(), 204);
  const requestId = (await response.allHeaders())['x-request-id'];
  const userAgent = await tab.evaluate(() => navigator.userAgent);

  const line = await daemon.line((one) => one.event_type === 'frontend');
  await eventually('the end of the request in the log', () =>
    daemon.lines.some((one) => one.event_type === 'http.request' && one.request_id === requestId));
  assert.equal(daemon.lines.filter((one) => one.event_type === 'frontend').length, 1);
  const rows = await events(daemon.dataDir, 'event_type = \'frontend\'');
  assert.equal(rows.length, 1);
  const context = { url: `http://${NAME}:${port}/index.html`, ua: userAgent, build: '1.2.3-test' };
  for (const [level, id, msg, fields] of [[line.level, line.request_id, line.msg, line],
    [rows[0].level, rows[0].request_id, rows[0].msg, rows[0].data]]) {
    assert.deepEqual([level, id, msg], ['error', requestId, `Uncaught ${error.name}: ${error.message}`]);
    assert.equal(fields.error, `${error.name}: ${error.message}`);
    assert.match(fields.stack, /at innermost .*\n.*at breakThePage/);
    assert.deepEqual(fields.context, context);
  }
});

test('a page of another site is rejected', async (t) => {
  const daemon = await startDaemon(t);
  const port = await servePage(t, daemon.address);
  const tab = await browser.newPage();
  await tab.goto(`http://${NAME}:${port}/index.html`);
  const answered = tab.waitForResponse((response) => response.url().endsWith('/api/frontend-log'));
  await tab.click('button');
  assert.equal((await answered).status(), 403);
  assert.deepEqual(await events(daemon.dataDir, 'event_type = \'frontend\''), []);
});
