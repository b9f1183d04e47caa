// OTLP/HTTP: what OpenTelemetry's own SDKs send, over restarts of the daemon; what is claimed; pressure.
import assert from 'node:assert/strict';
import test from 'node:test';
import { gzipSync } from 'node:zlib';
import { OTLPLogExporter as JsonLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter as ProtobufLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { picortex } from './support/answers.mjs';
import { testFile } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { events, query } from './support/database.mjs';
import { eventually, startDaemon } from './support/daemon.mjs';
import { golden } from './support/golden.mjs';
import { authorization } from './support/token.mjs';

const daemon = await startDaemon(testFile);
const client = new Client(daemon.address);
testFile.after(() => client.close());
const admin = await authorization(daemon.dataDir);

async function makeToken(dataDir, scope) {
  const { stdout } = await picortex(dataDir, ['token', 'create', `t-${scope}`, '--scope', scope]);
  return { authorization: `Bearer ${stdout.trim()}` };
}

const telemetry = await makeToken(daemon.dataDir, 'telemetry');
await daemon.line(({ event_type }) => event_type === 'tokens.changed');

const oneLog = (record, resource = []) => ({
  resourceLogs: [{ resource: { attributes: resource }, scopeLogs: [{ scope: { name: 'app' }, logRecords: [record] }] }],
});
const resource = resourceFromAttributes({ 'service.name': 'bot' });

// Counts how the exports of an SDK end: what has ended well must be stored, once.
function watched(exporter) {
  const outcomes = [];
  const sent = exporter.export.bind(exporter);
  exporter.export = (batch, done) => sent(batch, (result) => {
    outcomes.push({ batch, ok: result.code === 0 });
    done(result);
  });
  return { exporter, outcomes };
}

for (const [name, Exporter] of [['JSON', JsonLogExporter], ['protobuf', ProtobufLogExporter]]) {
  test(`logs of the SDK arrive once, over restarts of the daemon (${name})`, { timeout: 120_000 }, async (t) => {
    let own = await startDaemon(t);
    const headers = await makeToken(own.dataDir, 'write');
    await own.line(({ event_type }) => event_type === 'tokens.changed');
    const { exporter, outcomes } = watched(new Exporter({ url: `${own.origin}/v1/logs`, headers, timeoutMillis: 20_000 }));
    const provider = new LoggerProvider({
      resource, processors: [new BatchLogRecordProcessor({ exporter, maxExportBatchSize: 20, scheduledDelayMillis: 20, exportTimeoutMillis: 25_000 })],
    });
    const logger = provider.getLogger('app', '1.0');
    let emitted = 0;
    const emit = (count) => {
      for (let i = 0; i < count; i += 1, emitted += 1) {
        logger.emit({ severityNumber: 9, body: `record ${emitted}`, eventName: 'otel.test', attributes: { number: emitted, name } });
      }
    };
    for (let round = 0; round < 3; round += 1) {
      emit(100);
      await eventually('something has been sent', () => outcomes.length > round * 3, 30_000);
      own.kill(round === 1 ? 'SIGKILL' : 'SIGTERM');
      await own.exited;
      own = await startDaemon(t, { dataDir: own.dataDir, settings: { PICORTEX_LISTEN: own.authority } });
    }
    emit(50);
    await provider.forceFlush();
    await provider.shutdown();
    const rows = await events(own.dataDir, "event_type = 'otel.test'");
    const stored = rows.map(({ data }) => data.number);
    assert.equal(new Set(stored).size, stored.length, 'nothing is stored twice');
    const accepted = outcomes.filter(({ ok }) => ok).flatMap(({ batch }) => batch.map(({ attributes }) => attributes.number));
    assert.deepEqual(accepted.filter((number) => !stored.includes(number)), [], 'what was accepted is stored');
    assert.ok(accepted.length >= 100, `${accepted.length} of ${emitted} were accepted`);
    const { data } = rows[0];
    assert.equal(data.resource['service.name'], 'bot');
    assert.equal(data.scope, 'app');
  });
}

test('spans and metrics of the SDK are accepted', async () => {
  const settings = { headers: admin, timeoutMillis: 5000 };
  const spans = watched(new OTLPTraceExporter({ url: `${daemon.origin}/v1/traces`, ...settings }));
  const tracing = new BasicTracerProvider({ resource, spanProcessors: [new BatchSpanProcessor(spans.exporter)] });
  const tracer = tracing.getTracer('app');
  const span = tracer.startSpan('work', { attributes: { job: 7 } });
  span.setStatus({ code: 2, message: 'it failed' });
  span.end();
  await tracing.shutdown();
  const [row] = await events(daemon.dataDir, "event_type = 'otel.span'");
  assert.deepEqual([row.msg, row.level, row.data.job, row.data.status_message], ['work', 'error', 7, 'it failed']);

  const points = watched(new OTLPMetricExporter({ url: `${daemon.origin}/v1/metrics`, ...settings }));
  const metering = new MeterProvider({ resource, readers: [new PeriodicExportingMetricReader({ exporter: points.exporter, exportIntervalMillis: 60_000 })] });
  metering.getMeter('app').createCounter('jobs').add(3);
  metering.getMeter('app').createHistogram('time').record(1.5);
  await metering.shutdown();
  assert.ok(spans.outcomes.length > 0 && spans.outcomes.every(({ ok }) => ok));
  assert.ok(points.outcomes.length > 0 && points.outcomes.every(({ ok }) => ok));
});

test('every payload of Claude Code is accepted in both encodings, and a second time stores nothing', async () => {
  const bodies = [['logs', 'logs_bash_1', 'json'], ['logs', 'logs_bash_2', 'json'], ['logs', 'logs_text', 'bin'], ['logs', 'logs_interactive', 'json'],
    ['logs', 'v197_logs_bash', 'bin'], ['traces', 'traces_retry', 'json'], ['traces', 'traces_bash_1', 'bin'],
    ['metrics', 'metrics_bash_1', 'json'], ['metrics', 'metrics_text', 'bin'], ['metrics', 'metrics_cumulative', 'json']];
  const count = async () => (await query(daemon.dataDir, "SELECT count(*) AS n FROM events WHERE event_type LIKE 'claude.%'"))[0].n;
  const send = async () => {
    for (const [signal, name, ending] of bodies) {
      const isJson = ending === 'json';
      const answer = await client.post(`/v1/${signal}`, await golden(`${name}.${ending}`),
                                       { ...telemetry, 'content-type': isJson ? 'application/json' : 'application/x-protobuf' });
      assert.deepEqual([answer.status, answer.text], [200, isJson ? '{}' : ''], name);
      assert.match(answer.headers['content-type'], isJson ? /^application\/json/ : /^application\/x-protobuf$/);
    }
  };
  await send();
  const stored = await count();
  assert.ok(stored > 20, `${stored} events`);
  await send();
  assert.equal(await count(), stored);
  const all = await events(daemon.dataDir, "event_type LIKE 'claude.%'");
  assert.ok(all.every(({ data }) => data.claimed === true));
});

test('gzip and chunked bodies are taken, and bombs are not', async () => {
  const record = { timeUnixNano: `${Date.now()}000000`, body: { stringValue: 'compressed' } };
  const body = gzipSync(JSON.stringify(oneLog(record)));
  const headers = { ...admin, 'content-encoding': 'gzip' };
  assert.equal((await client.post('/v1/logs', body, headers)).status, 200);
  assert.equal((await client.post('/v1/logs', body, { ...headers, 'transfer-encoding': 'chunked' })).status, 200);
  assert.equal((await events(daemon.dataDir, "msg = 'compressed'")).length, 1);
  const bomb = gzipSync(Buffer.alloc(9 * 1024 * 1024, ' '));
  assert.equal((await client.post('/v1/logs', bomb, headers)).status, 413);
  assert.equal((await client.post('/v1/logs', body.subarray(0, 20), headers)).status, 400);
});

test('what cannot be decoded is a 400 or a 415 that says why', async () => {
  const cases = [
    ['{', {}, 400, /^The body is not valid JSON/], ['[]', {}, 400, /^The body is not an object$/],
    ['{"resourceLogs":1}', {}, 400, /^resourceLogs is not an array$/],
    ['{}', { 'content-type': 'application/x-protobuf' }, 400, /^The body is not valid protobuf/],
    ['{}', { 'content-type': 'text/plain' }, 415, /application\/json or application\/x-protobuf/],
    ['{}', { 'content-encoding': 'lz4' }, 415, /^Unsupported Content-Encoding/],
  ];
  for (const [body, headers, status, message] of cases) {
    const answer = await client.post('/v1/logs', body, { ...admin, ...headers });
    assert.equal(answer.status, status, body);
    assert.match(answer.json.message, message);
  }
});

test('a token with the scope telemetry may claim, and nothing else', async () => {
  for (const [method, path] of [['GET', '/api/events'], ['GET', '/api/turns'], ['GET', '/api/status'], ['POST', '/api/events']]) {
    assert.equal((await client.request(method, path, { headers: { ...telemetry, 'content-type': 'application/json' }, body: method === 'POST' ? '{"event_type":"x"}' : undefined })).status, 403, path);
  }
  const body = oneLog({ eventName: 'linq.inbound', body: { stringValue: 'forged' }, attributes: [{ key: 'claimed', value: { boolValue: false } }] });
  assert.equal((await client.post('/v1/logs', body, telemetry)).status, 200);
  const [row] = await events(daemon.dataDir, "msg = 'forged'");
  assert.equal(row.event_type, 'otel.log');
  assert.deepEqual([row.data.claimed, row.data.event_name, row.data['attribute.claimed']], [true, 'linq.inbound', false]);
  // Another chat's name needs that chat's key.
  const answer = await client.post('/v1/logs', body, { ...telemetry, 'x-picortex-chat': 'chat-of-others' });
  assert.equal(answer.status, 403);
  assert.match(answer.json.message, /^X-Picortex-Chat-Key is not this chat's/);
  for (const path of ['/v1/logs', '/v1/traces', '/v1/metrics', '/hooks/claude']) assert.equal((await client.post(path, '{}')).status, 401, path);
});

test('claims beyond their budget are sent away for a moment', async (t) => {
  const own = await startDaemon(t, { settings: { PICORTEX_TELEMETRY_RATE: '60' } });
  const asked = new Client(own.address);
  const claims = await makeToken(own.dataDir, 'telemetry');
  await own.line(({ event_type }) => event_type === 'tokens.changed');
  const records = Array.from({ length: 100 }, (_, i) => ({ body: { stringValue: `flood ${i}` } }));
  const body = { resourceLogs: [{ scopeLogs: [{ logRecords: records }] }] };
  assert.equal((await asked.post('/v1/logs', body, claims)).status, 200);
  const answer = await asked.post('/v1/logs', body, claims);
  assert.deepEqual([answer.status, answer.headers['retry-after']], [429, '5']);
  assert.equal((await asked.post('/v1/logs', body, await authorization(own.dataDir))).status, 200);
  asked.close();
});

test('a full disk is a 503 with Retry-After, at once', async (t) => {
  const own = await startDaemon(t, { settings: { PICORTEX_MIN_FREE_BYTES: '1000000G' } });
  const asked = new Client(own.address);
  const bearer = await authorization(own.dataDir);
  await eventually('the disk counts as full', async () => (await asked.post('/v1/logs', oneLog({ body: { stringValue: 'x' } }), bearer)).status === 503);
  const began = performance.now();
  const answer = await asked.post('/v1/logs', await golden('logs_interactive.json'), bearer);
  assert.deepEqual([answer.status, answer.headers['retry-after']], [503, '1']);
  assert.ok(performance.now() - began < 2000);
  const hook = await asked.post('/hooks/claude', { hook_event_name: 'Stop', session_id: 's', prompt_id: 'p' }, bearer);
  assert.equal(hook.status, 503);
  asked.close();
});

test('a record outside of what is kept is reported as rejected, and the others are stored', async (t) => {
  const own = await startDaemon(t, { settings: { PICORTEX_RETENTION_DAYS: '30' } });
  const asked = new Client(own.address);
  const bearer = await authorization(own.dataDir);
  const records = [{ timeUnixNano: '1500000000000000000', body: { stringValue: 'old' } }, { body: { stringValue: 'kept' } }];
  const answer = await asked.post('/v1/logs', { resourceLogs: [{ scopeLogs: [{ logRecords: records }] }] }, bearer);
  assert.equal(answer.status, 200);
  assert.equal(answer.json.partialSuccess.rejectedLogRecords, '1');
  assert.match(answer.json.partialSuccess.errorMessage, /outside of what is kept/);
  assert.deepEqual((await events(own.dataDir, "event_type = 'otel.log'")).map(({ msg }) => msg), ['kept']);
  asked.close();
});
