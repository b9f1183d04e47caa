// SIGTERM drains: what is in progress is answered and stored, the rest is closed; a second SIGTERM ends at once.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Client } from './support/client.mjs';
import { events } from './support/database.mjs';
import { eventually, startDaemon } from './support/daemon.mjs';
import { RawConnection, requestBytes } from './support/raw.mjs';

const DRAIN_SECONDS = 5;
const start = (t) => startDaemon(t, { settings: { PICORTEX_DRAIN_SECONDS: String(DRAIN_SECONDS) } });
const logRequest = (daemon, message) =>
  requestBytes('POST', '/api/frontend-log', [['Host', daemon.authority], ['Content-Type', 'application/json']], JSON.stringify({ message }));

async function isClosed(daemon) {
  try {
    (await RawConnection.open(daemon.address)).destroy();
    return false;
  } catch (error) {
    return error.code === 'ECONNREFUSED';
  }
}

for (const signal of ['SIGTERM', 'SIGINT']) {
  test(`${signal}: a request in progress is answered and stored`, async (t) => {
    const daemon = await start(t);
    const bytes = logRequest(daemon, 'in progress');
    const [half, idle, used] = await Promise.all([0, 1, 2].map(() => RawConnection.open(daemon.address)));
    await used.send(`GET /livez HTTP/1.1\r\nHost: ${daemon.authority}\r\n\r\n`);
    assert.equal((await used.response()).status, 200);
    await half.send(bytes.subarray(0, bytes.length - 10));
    await daemon.hasRequests(1);
    const signalled = Date.now();
    daemon.kill(signal);
    await Promise.all([idle.closed(3_000), used.closed(3_000)]);
    await eventually('the port is closed', () => isClosed(daemon), 3_000);
    assert.ok(daemon.alive, 'it waits for the request in progress');
    await half.send(bytes.subarray(bytes.length - 10));
    const response = await half.response('POST');
    assert.equal(response.status, 204);
    assert.match(response.headers.connection, /close/i);
    await half.closed();
    assert.deepEqual(await daemon.exited, { code: 0, signal: null });
    assert.ok(Date.now() - signalled < DRAIN_SECONDS * 1_000, 'it does not wait for the limit');
    const rows = await events(daemon.dataDir, `request_id = '${response.headers['x-request-id']}'`);
    assert.deepEqual(rows.map((row) => row.msg), ['in progress']);
  });
}

test('a request that never ends does not outlast the limit', async (t) => {
  const daemon = await start(t);
  const half = await RawConnection.open(daemon.address);
  await half.send(logRequest(daemon, 'never whole').subarray(0, -5));
  await daemon.hasRequests(1);
  const signalled = Date.now();
  daemon.kill('SIGTERM');
  assert.deepEqual(await daemon.exited, { code: 0, signal: null });
  const tookMs = Date.now() - signalled;
  assert.ok(tookMs > (DRAIN_SECONDS - 1) * 1_000 && tookMs < 2 * DRAIN_SECONDS * 1_000, `${tookMs} ms`);
  half.destroy();
});

test('a second SIGTERM ends at once', async (t) => {
  const daemon = await start(t);
  const half = await RawConnection.open(daemon.address);
  await half.send(logRequest(daemon, 'half').subarray(0, -5));
  await daemon.hasRequests(1);
  daemon.kill('SIGTERM');
  await daemon.line((line) => line.event_type === 'serve.draining');
  assert.ok(daemon.alive);
  const signalled = Date.now();
  daemon.kill('SIGTERM');
  await daemon.exited;
  assert.ok(Date.now() - signalled < (DRAIN_SECONDS - 1) * 1_000, 'it does not wait for the limit');
  half.destroy();
});

test('every event acknowledged under SIGTERM is stored', async (t) => {
  const daemon = await startDaemon(t, { settings: { PICORTEX_FRONTEND_LOG_RATE: '0' } });
  const acknowledged = [];
  const writers = Array.from({ length: 16 }, async () => {
    const client = new Client(daemon.address);
    try {
      for (;;) {
        const response = await client.post('/api/frontend-log', { message: 'm' });
        if (response.status === 204) acknowledged.push(response.headers['x-request-id']);
      }
    } catch {
      client.close();  // the port is shut
    }
  });
  await eventually('many are acknowledged', () => acknowledged.length > 100);
  assert.deepEqual(await daemon.stop(), { code: 0, signal: null });
  await Promise.all(writers);
  const rows = new Set((await events(daemon.dataDir, 'event_type = \'frontend\'')).map((row) => row.request_id));
  assert.deepEqual(acknowledged.filter((id) => !rows.has(id)), []);
});
