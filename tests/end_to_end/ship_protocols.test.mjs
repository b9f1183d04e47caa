// What is shipped is what others make of the protocols: protoc, OpenTelemetry's serializer, Axiom's client, and a receiver with VictoriaLogs's rules.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';
import { gunzipSync } from 'node:zlib';
import { AxiomWithoutBatching } from '@axiomhq/js';
import { ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer';
import { naughtyTexts } from './support/naughty.mjs';
import { decodeLogs } from './support/otlp_logs.mjs';
import { shipReceiver } from './support/ship_receiver.mjs';
import { exportedEvents, shipSource, someEvents } from './support/ship_source.mjs';
import { allShipped, startShipper } from './support/shipper.mjs';

const naughtyEvents = naughtyTexts.map((text) => ({ event_type: 'naughty', msg: text, chat_id: 'c', [`key ${text}`]: text, nested: { text } }));

// The text that protoc makes of a request. It fails on bytes that are no such message, or no UTF-8.
function protoc(body) {
  const support = join(import.meta.dirname, 'support');
  const { status, stdout, stderr } = spawnSync('protoc', ['--decode=ExportLogsServiceRequest', `--proto_path=${support}`, 'otlp_logs.proto'],
    { input: body, encoding: 'utf8', maxBuffer: 2 ** 28 });
  assert.deepEqual([status, stderr], [0, '']);
  return stdout;
}

// The same records as OpenTelemetry's SDK would have sent them.
function serialized(records, scope) {
  const resource = { attributes: records[0].resource };
  const instrumentationScope = scope;
  const hrTime = (ns) => [Number(ns / 1_000_000_000n), Number(ns % 1_000_000_000n)];
  return Buffer.from(ProtobufLogsSerializer.serializeRequest(records.map((record) => ({
    hrTime: hrTime(record.time), hrTimeObserved: hrTime(record.observed), severityNumber: record.severity, severityText: record.severityText, body: record.body,
    attributes: record.attributes, droppedAttributesCount: 0, eventName: record.eventName, resource, instrumentationScope,
    spanContext: record.traceId && { traceId: record.traceId, traceFlags: 0 },
  }))));
}

test('protoc reads of a shipped request what it reads of OpenTelemetry\'s own', async (t) => {
  const { daemon, dataDir, store } = await shipSource(t);
  await store([...naughtyEvents, ...someEvents(500), { event_type: 'values', whole: -5, real: 1.5, big: 2 ** 53, yes: true, no: false, none: null, list: [], empty: {}, deep: [[{ a: [null, 'x'] }]] }]);
  const receiver = await shipReceiver(t);
  startShipper(t, dataDir, `otlp+http://127.0.0.1:${receiver.port}?batch=200`);
  await allShipped(dataDir);
  const { version } = await (await fetch(`${daemon.origin}/health`)).json();
  const ids = [];
  for (const { body } of receiver.accepted()) {
    const records = decodeLogs(body);
    assert.equal(protoc(body), protoc(serialized(records, { name: 'picortex', version })));
    ids.push(...records.map(({ attributes }) => attributes['picortex.event_id']));
  }
  assert.deepEqual(ids.sort(), [...(await exportedEvents(dataDir)).keys()].sort());
});

// Answers as Axiom does to POST /v1/datasets/NAME/ingest. `reject` picks lines that it does not take.
function axiom(lines, reject = () => false) {
  return ({ path, headers, body }) => {
    const { pathname, searchParams } = new URL(path, 'http://axiom');
    if (headers.authorization !== 'Bearer xaat-1') return { status: 403 };
    if (pathname !== '/v1/datasets/bot/ingest' || headers['content-type'] !== 'application/x-ndjson') return { status: 404 };
    const sent = (headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString().split('\n').filter(Boolean).map((line) => JSON.parse(line));
    const taken = sent.filter((line) => !reject(line) && !Number.isNaN(Date.parse(line[searchParams.get('timestamp-field')])));
    lines.push(...taken);
    const failed = sent.length - taken.length;
    return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ ingested: taken.length, failed, failures: failed ? [{ timestamp: '', error: 'no room' }] : [], processedBytes: body.length, blocksCreated: 0, walLength: 1 }) };
  };
}

const axiomTarget = ({ port }) => `ndjson+http://127.0.0.1:${port}/v1/datasets/bot/ingest?timestamp-field=time&batch=100&header=Authorization:Bearer%20xaat-1`;

test('a receiver of Axiom\'s client counts each shipped line once, as it does those of the client', async (t) => {
  const { dataDir, store } = await shipSource(t);
  await store([...naughtyEvents, ...someEvents(400)]);
  const shipped = [];
  const receiver = await shipReceiver(t, axiom(shipped));
  startShipper(t, dataDir, axiomTarget(receiver));
  await allShipped(dataDir);
  assert.deepEqual(shipped.map(({ id }) => id).sort(), [...(await exportedEvents(dataDir)).keys()].sort());
  const ingested = [];
  receiver.answer = axiom(ingested);
  const client = new AxiomWithoutBatching({ token: 'xaat-1', url: `http://127.0.0.1:${receiver.port}`, onError: (error) => { throw error; } });
  const counted = await client.ingest('bot', shipped, { timestampField: 'time' });
  assert.deepEqual([counted.ingested, counted.failed], [shipped.length, 0]);
  assert.deepEqual(ingested, shipped);
});

test('what Axiom\'s answer counts as failed is reported', async (t) => {
  const { dataDir, store } = await shipSource(t);
  await store(someEvents(150).map((event, i) => (i % 50 === 0 ? { ...event, msg: 'POISON' } : event)));
  const lines = [];
  const receiver = await shipReceiver(t, axiom(lines, ({ msg }) => msg === 'POISON'));
  const shipper = startShipper(t, dataDir, axiomTarget(receiver));
  const [status] = await allShipped(dataDir);
  assert.equal(status.rejected, 3);
  assert.equal(lines.length + 3, (await exportedEvents(dataDir)).size);
  assert.match(shipper.errors, /rejects \d events of a request: no room/);
});

// VictoriaLogs's rules for /insert/jsonline: the parameters name the fields; a line without a time or a message is dropped.
function victoriaLogs(streams) {
  return ({ path, body }) => {
    const { pathname, searchParams } = new URL(path, 'http://victorialogs');
    if (pathname !== '/insert/jsonline') return { status: 400, body: `unexpected path ${pathname}` };
    for (const line of body.toString().split('\n').filter(Boolean).map((text) => JSON.parse(text))) {
      if (!/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(line[searchParams.get('_time_field')])) continue;
      if (typeof line[searchParams.get('_msg_field')] !== 'string') continue;
      const stream = JSON.stringify(searchParams.get('_stream_fields').split(',').map((name) => [name, line[name]]));
      streams.set(stream, [...(streams.get(stream) ?? []), line.id]);
    }
    return { status: 200 };
  };
}

test('a receiver with VictoriaLogs\'s rules counts each line once, in the stream of its host and type', async (t) => {
  const { dataDir, store } = await shipSource(t);
  await store([...naughtyEvents, ...someEvents(400)]);
  const streams = new Map();
  const receiver = await shipReceiver(t, victoriaLogs(streams));
  startShipper(t, dataDir, `ndjson+http://127.0.0.1:${receiver.port}/insert/jsonline?_time_field=time&_msg_field=msg&_stream_fields=host,event_type`);
  await allShipped(dataDir);
  const expected = new Map();
  for (const { id, event_type } of (await exportedEvents(dataDir)).values()) {
    const stream = JSON.stringify([['host', 'host-a'], ['event_type', event_type]]);
    expected.set(stream, [...(expected.get(stream) ?? []), id]);
  }
  const sorted = (map) => [...map].map(([stream, ids]) => [stream, ids.sort()]).sort(([a], [b]) => (a < b ? -1 : 1));
  assert.deepEqual(sorted(streams), sorted(expected));
});
