// What is shipped as NDJSON and OTLP is complete and well-formed, and each answer of a receiver has the consequence that it should.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:https';
import { once } from 'node:events';
import { join } from 'node:path';
import test from 'node:test';
import { picortex } from './support/answers.mjs';
import { cleanUpAfter } from './support/cleanup.mjs';
import { eventually, temporaryDirectory, sanitized } from './support/daemon.mjs';
import { naughtyTexts } from './support/naughty.mjs';
import { decodeLogs } from './support/otlp_logs.mjs';
import { shipReceiver } from './support/ship_receiver.mjs';
import { exportedEvents, shipSource, someEvents } from './support/ship_source.mjs';
import { allShipped, shipStatus, startShipper } from './support/shipper.mjs';
import { authorization } from './support/token.mjs';

const ndjson = (receiver, query = '') => `ndjson+http://127.0.0.1:${receiver.port}/ingest${query}`;

const naughtyEvents = naughtyTexts.map((text) => ({ event_type: 'naughty', msg: text, chat_id: 'c', [`key ${text}`]: text, nested: { text } }));

function assertLines(lines, events) {
  assert.equal(lines.length, events.size);
  for (const line of lines) {
    const { host, ...rest } = line;
    assert.equal(host, 'host-a');
    const { sequence, ...event } = events.get(line.id);
    assert.deepEqual(rest, event);
  }
}

test('ships each event as a line of NDJSON, once', async (t) => {
  const { dataDir, store } = await shipSource(t);
  await store([...naughtyEvents, ...someEvents(3000)]);
  const receiver = await shipReceiver(t);
  const target = ndjson(receiver, '?_stream_fields=host,event_type&batch=1000&header=Authorization:Bearer%20xaat-1');
  startShipper(t, dataDir, target);
  await allShipped(dataDir);
  assertLines(receiver.lines(), await exportedEvents(dataDir));
  for (const { path, headers } of receiver.requests) {
    assert.equal(path, '/ingest?_stream_fields=host,event_type');
    assert.equal(headers.authorization, 'Bearer xaat-1');
    assert.equal(headers['content-type'], 'application/x-ndjson');
  }
  const { stdout } = await picortex(dataDir, ['ship', 'status']);
  assert.doesNotMatch(stdout, /xaat/);
});

test('waits as long as a receiver asks, and sends the same again', async (t) => {
  const { dataDir, store } = await shipSource(t);
  await store(someEvents(100));
  const times = [];
  const receiver = await shipReceiver(t, (_, count) => {
    times.push(performance.now());
    return [{ status: 429, headers: { 'retry-after': '2' } }, { status: 503 }, 'cut', { status: 500 }, { status: 401 }][count] ?? { status: 201 };
  });
  const shipper = startShipper(t, dataDir, ndjson(receiver));
  await allShipped(dataDir);
  assert.ok(times[1] - times[0] >= 2000);
  const sent = receiver.requests.slice(0, 6).map(({ body }) => body.toString());
  assert.equal(new Set(sent).size, 1);
  assertLines(receiver.lines(), await exportedEvents(dataDir));
  assert.match(shipper.errors, /429[\s\S]*503[\s\S]*500[\s\S]*401[\s\S]*shipping again/);
});

test('halves what is too large, and isolates what is rejected', async (t) => {
  const { dataDir, store } = await shipSource(t);
  await store(someEvents(400).map((event, i) => (i === 0 || i === 77 || i === 399 ? { ...event, msg: 'POISON' } : event)));
  const receiver = await shipReceiver(t, ({ body }) => {
    if (body.length > 10_000) return { status: 413 };
    return body.includes('POISON') ? { status: 400, body: 'cannot take it' } : { status: 200 };
  });
  const shipper = startShipper(t, dataDir, ndjson(receiver));
  const [status] = await allShipped(dataDir);
  assert.equal(status.rejected, 3);
  const events = await exportedEvents(dataDir);
  for (const [id, event] of events) if (event.msg === 'POISON') events.delete(id);
  assertLines(receiver.lines(), events);
  assert.match(shipper.errors, /rejects an event: the server answers 400: cannot take it/);
  const [name] = readdirSync(join(dataDir, 'ship'));
  const kept = readFileSync(join(dataDir, 'ship', name, 'rejected.ndjson'), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(kept.map(({ record }) => JSON.parse(record).msg), ['POISON', 'POISON', 'POISON']);
});

test('loses nothing to a receiver that rejects everything for a while', async (t) => {
  const { dataDir, store } = await shipSource(t);
  await store(someEvents(100));
  let open = false;
  const receiver = await shipReceiver(t, () => ({ status: open ? 200 : 400 }));
  startShipper(t, dataDir, ndjson(receiver));
  await eventually('it is reported', async () => /accepts none of/.test((await shipStatus(dataDir))[0]?.error ?? ''));
  assert.equal((await shipStatus(dataDir))[0].rejected, 0);
  open = true;
  await allShipped(dataDir);
  assertLines(receiver.lines(), await exportedEvents(dataDir));
});

test('ships OTLP that a strict decoder takes', async (t) => {
  const { dataDir, store } = await shipSource(t);
  await store([...naughtyEvents, ...someEvents(500), { event_type: 'numbers', whole: -5, real: 1.5, big: 2 ** 53, yes: true, none: null, list: [], empty: {} }]);
  const receiver = await shipReceiver(t, () => ({ status: 200, headers: { 'content-type': 'application/x-protobuf' } }));
  startShipper(t, dataDir, `otlp+http://127.0.0.1:${receiver.port}`);
  await allShipped(dataDir);
  assert.ok(receiver.requests.every(({ path, headers }) => path === '/v1/logs' && headers['content-type'] === 'application/x-protobuf'));
  const records = receiver.accepted().flatMap(({ body }) => decodeLogs(body));
  const events = await exportedEvents(dataDir);
  assert.equal(records.length, events.size);
  const severities = { trace: 1, debug: 5, info: 9, warn: 13, error: 17, fatal: 21 };
  for (const record of records) {
    const { 'picortex.event_id': id, chat_id = null, ...data } = record.attributes;
    const event = events.get(id);
    assert.deepEqual(
      { time: Number(record.time / 1_000_000n), type: record.eventName, level: record.severityText, severity: record.severity, msg: record.body,
        request: record.traceId, chat_id, data, host: record.resource['host.name'] },
      { time: Date.parse(event.time), type: event.event_type, level: event.level, severity: severities[event.level], msg: event.msg,
        request: event.request_id.replaceAll('-', ''), chat_id: event.chat_id, data: event.data ?? {}, host: 'host-a' });
  }
});

test('ships OTLP to another picortex, which stores each event', async (t) => {
  const from = await shipSource(t);
  const to = await shipSource(t);
  await from.store(someEvents(300));
  const { authorization: bearer } = await authorization(to.dataDir);
  startShipper(t, from.dataDir, `otlp+http://127.0.0.1:${to.daemon.address.port}?header=${encodeURIComponent(`authorization:${bearer}`)}`);
  await allShipped(from.dataDir);
  const stored = [...(await exportedEvents(to.dataDir)).values()].filter(({ event_type }) => event_type.startsWith('type.'));
  assert.deepEqual(stored.map(({ msg }) => msg).sort(), someEvents(300).map(({ msg }) => msg).sort());
});

test('counts what an OTLP receiver says that it did not take', async (t) => {
  const { dataDir, store } = await shipSource(t);
  await store(someEvents(10));
  const receiver = await shipReceiver(t, (_, count) => ({ status: 200, body: count === 0 ? Buffer.from('0a0608031202 6e6f'.replace(' ', ''), 'hex') : '' }));
  const shipper = startShipper(t, dataDir, `otlp+http://127.0.0.1:${receiver.port}`);
  const [status] = await allShipped(dataDir);
  assert.equal(status.rejected, 3);
  assert.match(shipper.errors, /rejects 3 events of a request: no/);
});

test('goes through the proxy of the environment, except to where it must not', async (t) => {
  const { dataDir, store } = await shipSource(t);
  await store(someEvents(10));
  const proxy = await shipReceiver(t);
  const direct = await shipReceiver(t);
  // Without the proxy there is nothing at the first address, which is reserved for examples.
  startShipper(t, dataDir, ['ndjson+http://192.0.2.1:9/lines', ndjson(direct)], { http_proxy: `http://127.0.0.1:${proxy.port}`, NO_PROXY: '127.0.0.1' });
  await allShipped(dataDir);
  assert.ok(proxy.requests.every(({ path }) => path === 'http://192.0.2.1:9/lines'));
  const events = await exportedEvents(dataDir);
  for (const receiver of [proxy, direct]) assertLines(receiver.lines(), events);
});

test('trusts only the certificates that it is given', async (t) => {
  const { dataDir, store } = await shipSource(t);
  await store(someEvents(10));
  const directory = await temporaryDirectory(t);
  const key = join(directory, 'key.pem');
  const certificate = join(directory, 'cert.pem');
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, '-days', '2',
    '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'], { stdio: 'ignore' });
  let taken = '';
  const server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, async (request, response) => {
    for await (const piece of request) taken += piece;
    response.end();
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  cleanUpAfter(t, () => {
    server.closeAllConnections();
    server.close();
  });
  const target = `ndjson+https://localhost:${server.address().port}/x`;
  const distrusting = startShipper(t, dataDir, target);
  await eventually('the certificate is rejected', () => /certificate/.test(distrusting.errors));
  assert.equal(taken, '');
  await distrusting.end();
  startShipper(t, dataDir, `${target}?ca=${certificate}`);
  await allShipped(dataDir);
  assert.equal(taken.trim().split('\n').length, (await exportedEvents(dataDir)).size);
});

test('stays within its memory however much there is to ship', async (t) => {
  const { dataDir, store } = await shipSource(t);
  for (let i = 0; i < 40; ++i) await store(Array.from({ length: 4 }, () => ({ event_type: 'large', text: '\u0001'.repeat(40_000) })));
  await store(someEvents(3000));
  const first = await shipReceiver(t);
  const second = await shipReceiver(t);
  const shipper = startShipper(t, dataDir, [ndjson(first), `otlp+http://127.0.0.1:${second.port}`]);
  await allShipped(dataDir);
  const peak = Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${shipper.child.pid}/status`, 'utf8'))[1]);
  t.diagnostic(`peak ${peak} kB`);
  assert.ok(peak < (sanitized ? 1024 : 64) * 1024, `${peak} kB`);
});

test('says what is wrong with a target, without its secrets', async (t) => {
  const dataDir = await temporaryDirectory(t);
  for (const target of ['http://x', 'ndjson+http://u:secret@h:x', 'clickhouse+http://h/a`b']) {
    const { code, stderr } = await picortex(dataDir, ['ship', '--to', target]);
    assert.equal(code, 2);
    assert.match(stderr, /--to: the target is not allowed: /);
    assert.doesNotMatch(stderr, /secret/);
  }
  assert.equal((await picortex(dataDir, ['ship'])).code, 2);
});
