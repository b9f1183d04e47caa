// SIGHUP: the config file and the allowlist are read again, all or nothing, while requests go on.
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Webhook } from 'standardwebhooks';
import { cleanUpAfter } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { events } from './support/database.mjs';
import { eventually, startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { authorization } from './support/token.mjs';

const secrets = ['first secret of the test', 'second one of the test'].map((text) => `whsec_${Buffer.from(text).toString('base64')}`);

// A daemon with a config file, and what it says to the next SIGHUP.
async function configured(t, text, settings = {}) {
  const file = join(await temporaryDirectory(t), 'picortex.conf');
  writeFileSync(file, text);
  // Undefined: a variable that would go before the file's line.
  const daemon = await startDaemon(t, { settings: { PICORTEX_CONFIG: file, PICORTEX_RETENTION_DAYS: undefined, ...settings } });
  const client = new Client(daemon.address);
  cleanUpAfter(t, () => client.close());
  const reload = async (changed) => {
    if (changed !== undefined) writeFileSync(file, changed);
    const before = daemon.lines.length;
    process.kill(daemon.pid, 'SIGHUP');
    return daemon.line((line, at = daemon.lines.indexOf(line)) =>
      at >= before && ['serve.reloaded', 'serve.reload_failed'].includes(line.event_type));
  };
  return { daemon, client, file, reload };
}

test('what the file says now is in force: level, hosts, rate, and what changed is reported', async (t) => {
  const { daemon, client, reload } = await configured(t, 'LOG_LEVEL=info\n');
  const foreign = (path = '/api/frontend-log') => client.post(path, { message: 'x' }, { host: 'chat.example.org' });
  await client.get('/livez');
  assert.equal((await foreign()).status, 403);
  const told = await reload('LOG_LEVEL=debug\nPICORTEX_HOSTS=chat.example.org\nPICORTEX_FRONTEND_LOG_RATE=2\n');
  assert.equal(told.msg, 'the options have been read; changed: --hosts, --log-level, --frontend-log-rate');
  assert.deepEqual([(await foreign()).status, (await foreign()).status, (await foreign()).status], [204, 204, 429]);
  await client.get('/livez');
  await daemon.line((line) => line.level === 'debug' && line.path === '/livez');
  assert.equal((await reload('LOG_LEVEL=debug\n')).event_type, 'serve.reloaded');
  assert.equal((await foreign()).status, 403);
  assert.equal((await reload()).msg, 'the options have been read; changed: nothing');
});

test('a wrong file leaves everything as it was, and says so', async (t) => {
  const { daemon, client, file, reload } = await configured(t, 'PICORTEX_HOSTS=chat.example.org\n');
  const works = async () => (await client.post('/api/frontend-log', { message: 'x' }, { host: 'chat.example.org' })).status === 204;
  for (const [text, reason] of [
    ['PICORTEX_HOSTS=other.example.org\nLOG_LEVEL=loud\n', /:2\): "loud" is not allowed: give trace, .*; everything stays as it was$/],
    ['PICORTEX_HOSTS=other.example.org\nNO_OPTION=1\n', /:2: "NO_OPTION" is not the name of an option; everything/],
    ['x'.repeat(100_000), /everything stays as it was$/],
  ]) {
    const failed = await reload(text);
    assert.deepEqual([failed.event_type, failed.level], ['serve.reload_failed', 'error']);
    assert.match(failed.msg, reason);
    assert.ok(await works());
  }
  rmSync(file);
  assert.match((await reload()).msg, /No such file or directory; everything stays as it was$/);
  assert.ok(await works());
  assert.equal((await reload('PICORTEX_HOSTS=chat.example.org\nLOG_LEVEL=warn\nLOG_LEVEL=info\n')).event_type, 'serve.reload_failed');
  assert.equal((await daemon.stop()).code, 0);
});

test('what only a restart can change is named, again at each reload', async (t) => {
  const { daemon, client, reload } = await configured(t, '');
  for (let times = 1; times <= 2; times += 1) {
    await reload('PICORTEX_DURABILITY=process\nPICORTEX_DRAIN_SECONDS=3\n');
    await daemon.line((line) => line.event_type === 'serve.restart_needed' && line.level === 'warn' &&
      /: --drain-seconds, --durability$/.test(line.msg));
    assert.equal(daemon.lines.filter((line) => line.event_type === 'serve.restart_needed').length, times);
  }
  assert.equal((await client.get('/health')).status, 200);
});

test("a webhook's secret can be changed", async (t) => {
  const { daemon, client, reload } = await configured(t, `PICORTEX_LINQ_SECRET=${secrets[0]}\n`);
  let number = 0;
  const deliver = (secret) => {
    number += 1;
    const id = `msg_${number}`;
    const body = JSON.stringify({ event_type: 'message.delivered', event_id: `event-${number}`, data: { id } });
    const time = new Date();
    return client.post('/webhooks/linq', body, { 'webhook-id': id, 'webhook-timestamp': String(Math.floor(time / 1000)),
      'webhook-signature': new Webhook(secret).sign(id, time, body) });
  };
  assert.equal((await deliver(secrets[0])).status, 200);
  const told = await reload(`PICORTEX_LINQ_SECRET=${secrets[1]}\n`);
  assert.match(told.msg, /changed: --linq-secret$/);
  assert.equal((await deliver(secrets[0])).status, 401);
  assert.equal((await deliver(secrets[1])).status, 200);
  assert.ok(!daemon.rawLines.join('').includes(secrets[1].slice(6)));
});

test('fifty reloads under load lose no request', async (t) => {
  const { daemon, client, reload } = await configured(t, 'PICORTEX_FRONTEND_LOG_RATE=0\n');
  const bearer = await authorization(daemon.dataDir);
  let stopping = false;
  let stored = 0;
  const load = async () => {
    while (!stopping) {
      assert.equal((await client.post('/api/events', { event_type: 'load' }, bearer)).status, 200);
      stored += 1;
    }
  };
  const loads = Array.from({ length: 8 }, load);
  for (let times = 0; times < 50; times += 1) {
    const told = await reload(`PICORTEX_FRONTEND_LOG_RATE=${times}\nPICORTEX_RETENTION_DAYS=${times + 30}\n`);
    assert.equal(told.event_type, 'serve.reloaded');
    const before = stored;
    await eventually('requests go on', () => stored > before, 10_000, 1);
  }
  stopping = true;
  await Promise.all(loads);
  assert.ok(stored > 50);
  assert.equal((await events(daemon.dataDir, "event_type = 'load'")).length, stored);
});

test('a daemon that is about to end reads nothing', async (t) => {
  const { daemon } = await configured(t, '');
  const { port, host } = daemon.address;
  const held = (await import('node:net')).connect(port, host);
  cleanUpAfter(t, () => held.destroy());
  held.write('GET /health HTTP/1.1\r\nHost: x\r\n');
  await daemon.hasRequests(1);
  process.kill(daemon.pid, 'SIGTERM');
  await daemon.line((line) => line.event_type === 'serve.draining');
  process.kill(daemon.pid, 'SIGHUP');
  held.destroy();
  assert.equal((await daemon.exited).code, 0);
  assert.ok(!daemon.lines.some((line) => line.event_type === 'serve.reloaded'));
});
