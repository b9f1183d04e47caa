// One host's store shipped to a ClickHouse server, next to clickhouse-client that inserts the same rows, and to the ingest that stored them.

import { closeSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { ClickHouse } from '../harness/clickhouse.mjs';
import { Picortex, binary } from '../harness/contestants.mjs';
import { allCpus, output, serverCpu, sleep, start, workDirectory } from '../harness/children.mjs';
import { cpuTime } from '../harness/proc.mjs';
import { ratio, record } from '../harness/report.mjs';

const eventsPerBody = 1000;
const bodiesAtOnce = 4;
// Events in one request of the shipper, and rows in one block of clickhouse-client.
const batch = 5000;
const scenario = 'ship';
const columns = 'host, time, time_ms, sequence, event_id, level, event_type, chat_id, request_id, msg, data';

// As much as a pino line has: 300 bytes of data and 40 of message; each event differs.
function body(first) {
  const lines = Array.from({ length: eventsPerBody }, (_, i) => JSON.stringify({
    event_type: i % 4 === 0 ? 'tmux.turn.start' : 'linq.inbound', chat_id: `chat-${(i * 7919) % 50}`, msg: `a message of the usual length, number ${first + i}`,
    method: 'POST', path: '/webhooks/linq', status: 200, bytes: (first + i) % 5000, duration_ms: ((first + i) % 997) / 8, trace_id: `b7d1f3a09c5e4d2f8a6b1c3e5f7091${i % 100}`,
    service: 'iMessage', direction: 'inbound', handle: '+15551234567', parts: [{ type: 'text', value: 'could you look at the build?' }], sent_at: '2026-11-17T14:00:00.000Z',
  }));
  return Buffer.from(`${lines.join('\n')}\n`);
}

function post(server, token, agent, bytes) {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson', 'content-length': bytes.length };
    const asked = request(`${server.url}/api/events`, { agent, method: 'POST', headers }, (answer) => {
      answer.resume();
      answer.on('end', () => (answer.statusCode === 200 ? resolve() : reject(new Error(`status ${answer.statusCode}`))));
    });
    asked.on('error', reject);
    asked.end(bytes);
  });
}

// Stores the bodies' events in a new store, and returns its directory once the daemon has ended.
async function ingest(bodies) {
  const server = await new Picortex({ env: { LOG_LEVEL: 'warn' } }).answers();
  const agent = new Agent({ keepAlive: true, maxSockets: bodiesAtOnce });
  const token = server.token;
  const before = cpuTime(server.pid);
  const begin = performance.now();
  await Promise.all(bodies.map((bytes) => post(server, token, agent, bytes)));
  note('ingest of the same events', { events: bodies.length * eventsPerBody, ms: performance.now() - begin, cpuUs: cpuTime(server.pid) - before });
  agent.destroy();
  await server.stop();
  return server.data;
}

function note(contestant, { events, ms, cpuUs, serverUs }) {
  record(scenario, contestant, 'events/s', (1000 * events) / ms, '1/s');
  record(scenario, contestant, 'CPU an event', cpuUs / events, 'us');
  if (serverUs !== undefined) record(scenario, contestant, "CPU an event, with ClickHouse's", (cpuUs + serverUs) / events, 'us');
}

// How many events the one target of that data directory has.
function shippedOf(data) {
  try {
    const [target] = readdirSync(join(data, 'ship'));
    return JSON.parse(readFileSync(join(data, 'ship', target, 'position'), 'utf8')).shipped;
  } catch {
    return 0; // not made yet
  }
}

// From the start of the process until its position says that the target has all.
async function shipAll(clickhouse, data, events) {
  const target = `${clickhouse.target('shipped')}&batch=${batch}`;
  await output(allCpus, [binary, 'ship', 'init', '--apply', '--to', target]);
  const serverBefore = clickhouse.cpu;
  const begin = performance.now();
  const child = start(serverCpu, [binary, 'ship', '--data-dir', data, '--host', 'host-1', '--to', target], { files: ['ignore', 'ignore', 'inherit'] });
  while (shippedOf(data) < events) {
    if (child.exitCode !== null) throw new Error('the shipper has ended');
    await sleep(5);
  }
  note('picortex ship', { events, ms: performance.now() - begin, cpuUs: cpuTime(child.pid), serverUs: clickhouse.cpu - serverBefore });
  child.kill('SIGTERM');
  await child.ended;
}

// The rows that the shipper has sent, in the form in which it sent them.
async function exportRows(clickhouse) {
  const file = join(workDirectory, 'rows.ndjson');
  const out = openSync(file, 'w');
  const [program, ...words] = clickhouse.asking(`SELECT ${columns.replace('time,', 'toUInt32(time) AS time,')} FROM shipped FORMAT JSONEachRow`, 'output_format_json_quote_64bit_integers=0');
  const child = start(allCpus, [program, ...words], { files: ['ignore', out, 'inherit'] });
  const status = await child.ended;
  closeSync(out);
  if (status !== 0) throw new Error(`curl ended with ${status}`);
  return file;
}

// The shell says what its child used.
async function insertAll(clickhouse, file, events) {
  await clickhouse.query('CREATE TABLE inserted AS shipped');
  const client = ['clickhouse-client', ...clickhouse.native, `--max_insert_block_size=${batch}`, `--min_insert_block_size_rows=${batch}`, '--min_insert_block_size_bytes=0',
    '--query', `INSERT INTO inserted (${columns}) FORMAT JSONEachRow`];
  const serverBefore = clickhouse.cpu;
  const begin = performance.now();
  const said = await output(serverCpu, ['bash', '-c', 'TIMEFORMAT="%3U %3S"; { time "$@" < "$0"; } 2>&1', file, ...client]);
  const ms = performance.now() - begin;
  const [user, system] = said.trim().split('\n').at(-1).split(' ').map(Number);
  note('clickhouse-client', { events, ms, cpuUs: 1e6 * (user + system), serverUs: clickhouse.cpu - serverBefore });
}

// 18.16 hashes no UUIDs and no enumerations.
const hashed = columns.replace(/event_id|level|request_id/g, 'toString($&)');
const sumOf = (clickhouse, table) => clickhouse.query(`SELECT count(), sum(cityHash64(${hashed})) FROM ${table} FORMAT TSV`);

export async function ship(options) {
  const bodies = Array.from({ length: Math.ceil(options.shipEvents / eventsPerBody) }, (_, i) => body(i * eventsPerBody));
  const clickhouse = new ClickHouse();
  await clickhouse.start();
  for (let round = 1; round <= options.rounds; round += 1) {
    options.progress(`${scenario}: ingest, round ${round} of ${options.rounds}`);
    const data = await ingest(bodies);
    const events = bodies.length * eventsPerBody;
    options.progress(`${scenario}: picortex ship, round ${round} of ${options.rounds}`);
    await shipAll(clickhouse, data, events);
    const file = await exportRows(clickhouse);
    options.progress(`${scenario}: clickhouse-client, round ${round} of ${options.rounds}`);
    await insertAll(clickhouse, file, events);
    const [shipped, inserted] = [await sumOf(clickhouse, 'shipped'), await sumOf(clickhouse, 'inserted')];
    if (shipped !== inserted) throw new Error(`clickhouse-client inserted other rows: ${shipped} and ${inserted}`);
    for (const table of ['shipped', 'inserted']) await clickhouse.query(`DROP TABLE ${table}`);
  }
  await clickhouse.kill();
  return ['picortex ship, which reads rows from a store and keeps each batch on the disk, compared with',
    ...['ingest of the same events', 'clickhouse-client'].map((other) => `  ${other}: ${compared(other)}`)].join('\n');
}

function compared(other) {
  const metrics = ['events/s', 'CPU an event', "CPU an event, with ClickHouse's"];
  return metrics.map((metric) => [metric, ratio([scenario, 'picortex ship', metric], [scenario, other])])
    .filter(([, value]) => value !== undefined).map(([metric, value]) => `${metric} ${value.toFixed(2)} ×`).join('; ');
}
