// The stack of the founding document, written as its author would: Fastify, pino, @fastify/rate-limit, better-sqlite3
// and uuid v7. GET /health from the metrics table; POST /api/frontend-log writes a row of events, POST /v1/logs one for each record of
// OTLP (JSON, or protobuf with protobufjs) in one transaction; logs on stdout.
//
//   PORT=… DATA_DIR=… [LOG_LEVEL=info] [FRONTEND_LOG_RATE=30] node server.mjs

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import Fastify from 'fastify';
import rateLimit from '@fastify/rate-limit';
import Database from 'better-sqlite3';
import { v7 as uuidv7 } from 'uuid';
import pino from 'pino';
import { decode, rowsOf } from './otlp_logs.mjs';

const rate = Number(process.env.FRONTEND_LOG_RATE ?? 30);
const metricNames = ['chats_total', 'chats_active_7d', 'turns_total', 'turns_last_24h', 'discriminator_skipped_24h',
  'errors_last_24h'];

// better-sqlite3 runs a database in WAL mode with synchronous=NORMAL: a commit is not fsynced.
const db = new Database(join(process.env.DATA_DIR, 'peer.db'));
db.pragma('journal_mode = WAL');
db.pragma('synchronous = NORMAL');
db.exec(`CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY, time INTEGER NOT NULL, level TEXT NOT NULL,
    event_type TEXT NOT NULL, request_id TEXT, chat_id TEXT, msg TEXT, data TEXT);
  CREATE INDEX IF NOT EXISTS events_by_time ON events (time);
  CREATE INDEX IF NOT EXISTS events_by_chat ON events (chat_id, time);
  CREATE TABLE IF NOT EXISTS metrics (name TEXT PRIMARY KEY, value INTEGER NOT NULL)`);
const setMetric = db.prepare('INSERT INTO metrics VALUES (?, 0) ON CONFLICT DO NOTHING');
for (const name of metricNames) setMetric.run(name);
const readMetrics = db.prepare('SELECT name, value FROM metrics');
const insertEvent = db.prepare(`INSERT INTO events (id, time, level, event_type, request_id, msg, data)
  VALUES (?, ?, ?, 'frontend', ?, ?, ?)`);

const logger = pino({
  level: process.env.LOG_LEVEL ?? 'info',
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: (label) => ({ level: label }) },
});

const app = Fastify({
  loggerInstance: logger,
  genReqId: () => uuidv7(),
  requestIdHeader: false,
  requestIdLogLabel: 'request_id',
  bodyLimit: 65536,
  disableRequestLogging: true,
});
app.addHook('onRequest', async (request, reply) => {
  reply.header('X-Request-ID', request.id);
});
// One line a request, like picortex; health polls at debug.
app.addHook('onResponse', async (request, reply) => {
  const level = request.routeOptions.url === '/health' ? 'debug' : 'info';
  request.log[level]({ event_type: 'http.request', method: request.method, path: request.url,
    status: reply.statusCode, duration_ms: reply.elapsedTime }, 'request');
});
await app.register(rateLimit, { global: false });

let tmuxOk = false;
function probeTmux() {
  execFile('tmux', ['list-sessions'], (error) => {
    tmuxOk = !error;
  });
}
probeTmux();
setInterval(probeTmux, 10_000).unref();

const startedAt = Date.now();
app.get('/health', async () => {
  const metrics = {};
  for (const { name, value } of readMetrics.all()) metrics[name] = value;
  return { status: tmuxOk ? 'ok' : 'degraded', version: '0.0.1', commit: 'abcd123',
    uptime_seconds: Math.floor((Date.now() - startedAt) / 1000), db_ok: true, tmux_ok: tmuxOk, metrics };
});

const frontendLog = {
  schema: {
    body: {
      type: 'object',
      required: ['message'],
      properties: {
        level: { type: 'string', enum: ['error', 'warn', 'info', 'debug'], default: 'error' },
        message: { type: 'string' },
        error: { type: 'string', nullable: true },
        stack: { type: 'string', nullable: true },
        context: { type: 'object' },
      },
    },
  },
  config: rate > 0 ? { rateLimit: { max: rate, timeWindow: '1 minute' } } : {},
};
app.post('/api/frontend-log', frontendLog, async (request, reply) => {
  const { level, message, ...fields } = request.body;
  request.log[level]({ event_type: 'frontend', ...fields }, message);
  insertEvent.run(uuidv7(), Date.now(), level, request.id, message, JSON.stringify(fields));
  return reply.code(204).send();
});

app.addContentTypeParser('application/x-protobuf', { parseAs: 'buffer' }, async (_request, body) => decode(body));
const insertRecord = db.prepare('INSERT INTO events (id, time, level, event_type, request_id, chat_id, msg, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
const insertRecords = db.transaction((rows) => {
  for (const { timeMs, type, data } of rows) {
    insertRecord.run(uuidv7(), timeMs, 'info', type, data['picortex.request_id'], data['picortex.chat_id'], type, JSON.stringify(data));
  }
});
app.post('/v1/logs', { bodyLimit: 8 << 20 }, async (request, reply) => {
  insertRecords(rowsOf(request.body));
  return reply.send({});
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, async () => {
    await app.close();
    db.close();
    process.exit(0);
  });
}
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
