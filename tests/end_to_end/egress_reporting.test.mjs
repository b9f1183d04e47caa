// What the fence reports of a denial: one line and one row, with the process and the turn that caused it.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { testFile } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { binary, eventually } from './support/daemon.mjs';
import { events } from './support/database.mjs';
import { World, addresses, fencedUid, needsRoot } from './support/namespaces.mjs';

const world = needsRoot ? undefined : await World.create(testFile);
const daemon = await world?.startDaemon(testFile);
const api = daemon && new Client(daemon.api, '127.0.0.1:8787');
testFile.after(() => api?.close());

// A client that lives on for a moment: one that is gone at once cannot always be looked at.
const lookUp = (name) => ['/usr/bin/python3', '-c', `
import socket, time
try: socket.getaddrinfo('${name}', 443, socket.AF_INET)
except OSError: time.sleep(1); raise SystemExit(1)`];

describe('the fence reports', { skip: needsRoot }, () => {
  const denial = (requestId) =>
    daemon.line((line) => line.event_type === 'egress.rejected' && line.request_id === requestId);

  it('whose process was denied, and which turn it claims to belong to', async () => {
    const requestId = randomUUID();
    const before = daemon.lines.length;
    const { status } = await world.runAs(fencedUid, ['env', `PICORTEX_REQUEST_ID=${requestId}`, 'PICORTEX_CHAT_ID=chat-7',
                                                     ...lookUp('claimed.test')]);
    assert.notEqual(status, 0);
    const line = await denial(requestId);
    assert.equal(line.host, 'claimed.test');
    assert.equal(line.evidence, 'dns');
    assert.equal(line.uid, fencedUid);
    assert.equal(line.chat_id, 'chat-7');
    assert.equal(line.id_source, 'claimed');
    assert.match(line.executable, /\/python3/);
    assert.match(line.command, /claimed\.test/);
    assert.ok(line.client_pid > 0);
    const lines = daemon.lines.slice(before).filter((one) => one.event_type === 'egress.rejected' && one.host === 'claimed.test');
    assert.equal(lines.length, 1);
    await eventually('the row is there', async () =>
      (await events(daemon.dataDir, `event_type = 'egress.rejected' AND request_id = '${requestId}'`)).length === 1);
    const [row] = await events(daemon.dataDir, `event_type = 'egress.rejected' AND request_id = '${requestId}'`);
    assert.equal(row.chat_id, 'chat-7');
    assert.equal(row.data.host, 'claimed.test');
  });

  it('a denied address with its evidence', async () => {
    const requestId = randomUUID();
    await world.runAs(fencedUid, ['env', `PICORTEX_REQUEST_ID=${requestId}`, 'curl', '-sSk', `https://${addresses.shared}/`]);
    const line = await denial(requestId);
    assert.equal(line.address, addresses.shared);
    assert.equal(line.port, 443);
    assert.equal(line.protocol, 'tcp');
    assert.match(line.executable, /\/curl$/);
  });

  it('a turn that picortex run registered', async () => {
    const requestId = randomUUID();
    // As root, over the Unix socket: `run` may report to the daemon, and its child becomes the fenced user.
    const { status, errors } = await world.runAs(0, ['env', `PICORTEX_REQUEST_ID=${requestId}`, binary, 'run', '--chat', 'chat-8',
      '--listen', `unix:${daemon.api.path}`, '--data-dir', daemon.dataDir, '--log-events', 'never', '--',
      'sh', '-c', 'sleep 0.5; exec "$@"', 'sh', 'setpriv', '--reuid', String(fencedUid), '--regid', String(fencedUid), '--clear-groups',
      'env', '-u', 'PICORTEX_REQUEST_ID', ...lookUp('registered.test')]);
    assert.notEqual(status, 0, errors);
    const line = await denial(requestId);
    assert.equal(line.host, 'registered.test');
    assert.equal(line.id_source, 'registered');
    assert.equal(line.chat_id, 'chat-8');
  });

  it('whose process it was, although that ends with its denial', async () => {
    // As many idle processes as a busy host has, which the search may come to first.
    const crowd = world.startAs(testFile, fencedUid, ['/usr/bin/python3', '-uc', `
import ctypes, os, signal
for _ in range(300):
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        signal.pause()
print('ready')
signal.pause()`]);
    await new Promise((resolve) => crowd.stdout.once('data', resolve));
    const before = daemon.lines.length;
    const clients = 12;
    for (let i = 0; i < clients; ++i) {
      const attempt = i % 2 === 0 ? `socket.getaddrinfo('short-${i}.test', 443, socket.AF_INET)` : `socket.create_connection(('${addresses.sink}', ${7000 + i}), 5)`;
      await world.python(fencedUid, `import os, socket\ntry: ${attempt}\nexcept OSError: os._exit(1)`);
    }
    const reports = await eventually('each is reported', () => {
      const found = daemon.lines.slice(before).filter((one) => one.event_type === 'egress.rejected' && (one.host.startsWith('short-') || one.port >= 7000));
      return found.length === clients && found;
    });
    for (const report of reports) assert.match(report.executable ?? '', /\/python3/, JSON.stringify(report));
  });

  it('of a new host once', async () => {
    for (let i = 0; i < 3; ++i) await world.runAs(fencedUid, ['curl', '-sS', '-4', 'https://once.test/']);
    await daemon.line((line) => line.event_type === 'egress.new_host' && line.host === 'once.test');
    const alerts = daemon.lines.filter((line) => line.event_type === 'egress.new_host' && line.host === 'once.test');
    assert.equal(alerts.length, 1);
    assert.equal(alerts[0].level, 'warn');
  });
});
