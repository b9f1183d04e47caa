// POST /api/events: numeric times, foreign request IDs, lines under the wrong media type, and parts of a batch.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import test from 'node:test';
import pino from 'pino';
import { cleanUpAfter, testFile } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { startDaemon } from './support/daemon.mjs';
import { events } from './support/database.mjs';
import { authorization } from './support/token.mjs';

const daemon = await startDaemon(testFile, { settings: { PICORTEX_RETENTION_DAYS: '90' } });
const client = new Client(daemon.address);
const bearer = await authorization(daemon.dataDir);
cleanUpAfter(testFile, () => client.close());

const post = (body, { query = '', type = 'application/json' } = {}) => client.post(`/api/events${query}`,
  typeof body === 'string' ? body : JSON.stringify(body), { ...bearer, 'content-type': type });

async function rowOf(msg) {
  const [row] = await events(daemon.dataDir, `msg = '${msg}'`);
  return row;
}

test('seconds and milliseconds are distinguished, as numbers and as texts', async () => {
  const now = Date.now();
  const seconds = Math.floor(now / 1000);
  const cases = { seconds: [seconds, seconds * 1000], fraction: [seconds + 0.25, seconds * 1000 + 250], milliseconds: [now, now],
    'text of seconds': [String(seconds), seconds * 1000], 'text of milliseconds': [String(now), now],
    'offset without colon': [new Date(now).toISOString().replace('Z', '+0000'), now],
    basic: [`${new Date(now).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`, seconds * 1000] };
  for (const [msg, [time, expected]] of Object.entries(cases)) {
    const { status, text } = await post({ event_type: 't', time, msg });
    assert.equal(status, 200, text);
    assert.equal(Date.parse((await rowOf(msg)).time), expected, msg);
  }
});

test('lines of a real pino under its own options are stored', async () => {
  const options = {
    'no timestamp': { timestamp: false }, 'no base': { base: null }, neither: { timestamp: false, base: null }, 'unix time': { timestamp: pino.stdTimeFunctions.unixTime },
    'message key': { messageKey: 'message' }, 'error key': { errorKey: 'error' }, 'nested key': { nestedKey: 'payload' },
    'a custom level': { customLevels: { audit: 35 } }, 'a label of a custom level': { customLevels: { audit: 35 }, formatters: { level: (label) => ({ level: label }) } },
    'a foreign request_id': { base: { request_id: 'req-1' } },
  };
  for (const [name, more] of Object.entries(options)) {
    const lines = [];
    const logger = pino(more, { write: (line) => lines.push(line) });
    logger[more.customLevels ? 'audit' : 'info']({ user: name }, `pino ${name}`);
    logger.error(new Error(`error ${name}`));
    for (const type of ['application/x-ndjson', 'application/json']) {
      const { status, text } = await post(lines.join(''), { type });
      assert.equal(status, 200, `${name}: ${text}`);
    }
    const rows = await events(daemon.dataDir, `msg = 'pino ${name}'`);
    assert.equal(rows.length, 2, name);
    assert.ok(rows.every((row) => row.event_type === 'log' && Date.now() - Date.parse(row.time) < 60_000));
    if (more.customLevels) assert.equal(rows[0].level, 'info');
    if (name === 'a foreign request_id') assert.equal(rows[0].data.client_request_id, 'req-1');
  }
});

test('of a part the good events are stored, and the bad ones named', async () => {
  const id = randomUUID();
  const first = await post([{ event_type: 'part', id }, { event_type: '' }, 5, { event_type: 'part', msg: 'good' }], { query: '?partial=1' });
  assert.equal(first.status, 200);
  assert.deepEqual(first.json, { accepted: 2, duplicates: 0,
    rejected: [{ index: 1, reason: 'event_type is empty' }, { index: 2, reason: 'it is not a JSON object' }] });
  assert.equal((await events(daemon.dataDir, "event_type = 'part'")).length, 2);
  const again = await post(`{"event_type":"part","id":"${id}"}\n{oops\n{"event_type":"part","id":"${id}"}\n{"event_type":"part","time":1}\n`,
    { query: '?partial=1', type: 'application/x-ndjson' });
  assert.deepEqual([again.json.accepted, again.json.duplicates, again.json.rejected.map(({ index }) => index)], [0, 2, [1, 3]]);
  const none = await post([{}], { query: '?partial=1' });
  assert.deepEqual(none.json, { accepted: 0, duplicates: 0, rejected: [{ index: 0, reason: 'event_type is missing' }] });
  assert.equal((await post('[', { query: '?partial=1' })).status, 400);
  assert.equal((await post([{ event_type: 'part' }, {}])).status, 400);
  assert.equal((await events(daemon.dataDir, "event_type = 'part'")).length, 2);
});

test('parameters that mean nothing are rejected', async () => {
  for (const query of ['?partial=2', '?partial=', '?keep=all', '?partal=1', '?partial=1&partial=1', '?keep']) {
    assert.equal((await post({ event_type: 't' }, { query })).status, 400, query);
  }
  assert.equal((await post({ event_type: 't' }, { query: '?partial=0' })).json.accepted, 1);
});
