// Crowds and laggards: idle connections, readers and writers that hardly move, few descriptors.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from './support/client.mjs';
import { cleanUpAfter } from './support/cleanup.mjs';
import { binary, environment, eventually, sanitized, settled, startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { RawConnection } from './support/raw.mjs';

const SEND_TIMEOUT_MS = 6_000;
const MIB = 1024 * 1024;
const memoryFactor = sanitized ? 6 : 1;

// Opens `count` connections, a few at a time.
async function openMany(t, address, count) {
  const connections = [];
  cleanUpAfter(t, () => {
    for (const connection of connections) connection.destroy();
  });
  while (connections.length < count) {
    const some = Math.min(200, count - connections.length);
    connections.push(...(await Promise.all(Array.from({ length: some }, () => RawConnection.open(address)))));
  }
  return connections;
}

// The slowest of twenty polls of /health, each on a connection kept or made for it. Each must be answered within the time
// after which a client gives up; how fast that is on which machine is for bench.sh.
async function slowestHealthMs(daemon) {
  let slowest = 0;
  const kept = new Client(daemon.address);
  for (let poll = 0; poll < 10; ++poll) {
    for (const client of [kept, new Client(daemon.address)]) {
      const start = performance.now();
      const { status } = await client.request('GET', '/health', { timeoutMs: 5_000 });
      assert.equal(status, 200);
      slowest = Math.max(slowest, performance.now() - start);
      if (client !== kept) client.close();
    }
  }
  kept.close();
  return slowest;
}

// How much of the time the daemon spends on the processor while nothing is asked of it. Only time shows that nothing happens.
async function idleShare(daemon) {
  const [processorMs, start] = [daemon.processorMs, performance.now()];
  await sleep(1_000);  // an interval in which nothing happens is what is tested
  return (daemon.processorMs - processorMs) / (performance.now() - start);
}

// New clients get their answers, perhaps after a while.
function answersAgain(daemon) {
  return eventually('/health answers a new client', async () => {
    const client = new Client(daemon.address);
    try {
      return (await client.request('GET', '/health', { timeoutMs: 1_000 })).status === 200;
    } catch {
      return false;
    } finally {
      client.close();
    }
  });
}

test('10,000 idle connections while /health answers', async (t) => {
  const daemon = await startDaemon(t, {
    descriptors: 16_384, settings: { PICORTEX_CONNECTIONS_MAX: '12000', PICORTEX_HEADER_TIMEOUT_MS: '60000' },
  });
  const before = daemon.residentBytes;
  const connections = await openMany(t, daemon.address, 10_000);
  const slowest = await slowestHealthMs(daemon);
  const bytesEach = (daemon.residentBytes - before) / connections.length;
  t.diagnostic(`slowest /health ${slowest.toFixed(1)} ms, ${bytesEach.toFixed(0)} bytes a connection`);
  assert.ok(bytesEach < 16 * 1024 * memoryFactor, `${bytesEach} bytes for each connection`);
  assert.equal(connections.filter((connection) => connection.ended).length, 0, 'connections closed although idle is allowed');
  for (const connection of [connections[0], connections[5_000], connections[9_999]]) {
    await connection.send(`GET /livez HTTP/1.1\r\nHost: ${daemon.authority}\r\n\r\n`);
    assert.equal((await connection.response()).status, 200);
  }
  assert.ok(await idleShare(daemon) < 0.2, 'idle connections cost processor time');
});

test('one connection too many is turned away, and there is room again later', async (t) => {
  const daemon = await startDaemon(t, { settings: { PICORTEX_CONNECTIONS_MAX: '50' } });
  const connections = await openMany(t, daemon.address, 80);
  await eventually('those that are too many have gone', async () => {
    const { http } = await daemon.status();
    return http.evicted + http.turned_away >= 30 && http.connections <= 50;
  });
  for (const connection of connections) connection.destroy();
  await answersAgain(daemon);
});

test('readers that never read are bounded in memory and time', async (t) => {
  const daemon = await startDaemon(t, { settings: { PICORTEX_SEND_TIMEOUT_MS: String(SEND_TIMEOUT_MS) } });
  await slowestHealthMs(daemon);
  const before = daemon.residentBytes;
  const connections = await openMany(t, daemon.address, 40);
  const many = Buffer.from(`GET /health HTTP/1.1\r\nHost: ${daemon.authority}\r\n\r\n`.repeat(10_000));
  for (const connection of connections) {
    connection.socket.pause();
    for (let times = 0; times < 4; ++times) connection.socket.write(many);  // about 40,000 answers of 500 bytes each
  }
  assert.ok(await settled('what waits to be read', async () => (await daemon.status()).http.answer_bytes) > 0);
  const grown = daemon.residentBytes - before;
  const slowest = await slowestHealthMs(daemon);
  t.diagnostic(`${(grown / MIB).toFixed(1)} MiB more, slowest /health ${slowest.toFixed(1)} ms`);
  assert.ok(grown < 64 * MIB * memoryFactor, `${grown} bytes more`);
  assert.ok(await idleShare(daemon) < 0.3, 'clients that do not read cost processor time');
  await eventually('their connections closed', () => daemon.descriptorCount < 40, SEND_TIMEOUT_MS + 10_000, 500);
});

test('a reader that wakes up gets all its answers', async (t) => {
  const daemon = await startDaemon(t);
  const [connection] = await openMany(t, daemon.address, 1);
  connection.socket.pause();
  const count = 20_000;
  connection.socket.write(Buffer.from(`GET /livez HTTP/1.1\r\nHost: ${daemon.authority}\r\n\r\n`.repeat(count)));
  assert.ok(await settled('what waits to be read', async () => (await daemon.status()).http.answer_bytes) > 0);
  let answers = 0;
  let tail = '';
  connection.socket.removeAllListeners('data');
  connection.socket.on('data', (bytes) => {
    const text = tail + bytes.toString('latin1');
    answers += text.split('HTTP/1.1 200 ').length - 1;
    const last = text.lastIndexOf('HTTP/1.1 200 ');
    tail = text.slice(Math.max(last + 13, text.length - 12));
  });
  connection.socket.resume();
  await eventually(`${count} answers, have ${answers}`, () => answers === count, 20_000);
});

test('writers that trickle large bodies are bounded in memory', async (t) => {
  const daemon = await startDaemon(t, { settings: { PICORTEX_BODY_TIMEOUT_MS: '3000' } });
  await slowestHealthMs(daemon);
  const before = daemon.residentBytes;
  const connections = await openMany(t, daemon.address, 200);
  const head = `POST /api/frontend-log HTTP/1.1\r\nHost: ${daemon.authority}\r\nContent-Type: application/json\r\nContent-Length: 65536\r\n\r\n`;
  await Promise.all(connections.map((connection) => connection.send(head + '{"message":"'.padEnd(60_000, 'x'))));
  await eventually('they are there', async () => (await daemon.status()).http.body_bytes >= 200 * 60_000);
  const grown = daemon.residentBytes - before;
  await slowestHealthMs(daemon);
  assert.ok(grown < 64 * MIB * memoryFactor, `${grown} bytes more`);
  const responses = await Promise.all(connections.map((connection) => connection.response('POST', 6_000)));
  assert.ok(responses.every((response) => response.status === 408), 'their time is up');
});

test('a limit that leaves no room for clients is named at start, with what to do', async (t) => {
  const dataDir = await temporaryDirectory(t);
  const { status, stderr } = spawnSync('prlimit', ['--nofile=100:100', binary, 'serve', '--data-dir', dataDir], { env: environment({}), encoding: 'utf8' });
  assert.equal(status, 1);
  assert.match(stderr, /at most 100 files may be open, and serve needs 1\d\d: raise LimitNOFILE= in its unit, or ulimit -n\n$/);
});

test('few descriptors: a crowd makes room for others, and takes none of the store\'s', async (t) => {
  const daemon = await startDaemon(t, { descriptors: 200 });
  const connections = await openMany(t, daemon.address, 400);
  await eventually('those that are too many have gone', async () => {
    const { http } = await daemon.status();
    return http.evicted + http.turned_away >= 250;
  });
  const stored = new Client(daemon.address);
  assert.equal((await stored.post('/api/frontend-log', { message: 'm' })).status, 204);
  stored.close();
  assert.equal((await daemon.status()).http.accept_failures, 0);
  const share = await idleShare(daemon);
  assert.ok(share < 0.3, `${(100 * share).toFixed()} % of the processor`);
  for (const connection of connections) connection.destroy();
  await answersAgain(daemon);
});
