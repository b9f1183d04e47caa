// A real pino logger posting its lines: rows with level, time, msg and fields intact.
import assert from 'node:assert/strict';
import test from 'node:test';
import pino from 'pino';
import { Client } from './support/client.mjs';
import { cleanUpAfter, testFile } from './support/cleanup.mjs';
import { startDaemon } from './support/daemon.mjs';
import { events } from './support/database.mjs';
import { authorization } from './support/token.mjs';

const daemon = await startDaemon(testFile);
const client = new Client(daemon.address);
const bearer = await authorization(daemon.dataDir);
cleanUpAfter(testFile, () => client.close());

const LABELS = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' };
const NAMED = ['level', 'time', 'event_type', 'request_id', 'chat_id', 'msg', 'id'];

// Writes one line of every kind that the bot might.
function logEverything(logger) {
  logger.trace({ event_type: 'bot.trace' }, 'at trace');
  logger.debug({ event_type: 'bot.debug', n: 1 }, 'at %s', 'debug');
  logger.info({ event_type: 'linq.inbound', chat_id: 'chat-1', nested: { a: { b: [1, 2.5, -3e10, null, true] } } }, 'nested "quotes" \\ é 漢 \u{1f4a9}');
  logger.warn({ event_type: 'bot.warn', empty: {}, list: [], nothing: null }, '');
  const cause = new TypeError('the cause');
  logger.error({ event_type: 'bot.error', err: new Error('it broke', { cause }) }, 'failed');
  logger.error({ event_type: 'bot.error', err: Object.assign(new RangeError('with code'), { code: 'E_X', details: { a: 1 } }) });
  logger.fatal({ event_type: 'bot.fatal', big: 9007199254740991, small: 1e-7 }, 'line\nbreak\ttab \u2028');
  const child = logger.child({ chat_id: 'chat-2', request_id: '01890000-0000-7000-8000-000000000001' }).child({ module: 'x' });
  child.info({ event_type: 'tmux.turn.start' }, 'a turn');
  child.child({ event_type: 'bot.bound' }).warn('only bindings');
}

const variants = {
  'as pino is': {},
  'label levels': { formatters: { level: (label) => ({ level: label }) } },
  'ISO time': { timestamp: pino.stdTimeFunctions.isoTime },
  'label levels and ISO time': { formatters: { level: (label) => ({ level: label }) }, timestamp: pino.stdTimeFunctions.isoTime },
  'no pid, a name': { base: { name: 'bot' } },
  'causes of errors': { serializers: { err: pino.stdSerializers.errWithCause } },
};
for (const [what, options] of Object.entries(variants)) {
  test(`lines of pino, ${what}`, async () => {
    const lines = [];
    logEverything(pino({ level: 'trace', ...options }, { write: (line) => lines.push(line) }));
    assert.equal(lines.length, 9);
    const response = await client.post('/api/events', lines.join(''), { ...bearer, 'content-type': 'application/x-ndjson' });
    assert.equal(response.status, 200, response.text);
    assert.equal(response.json.accepted, lines.length);
    const requestId = response.headers['x-request-id'];
    const rows = await events(daemon.dataDir);
    for (const line of lines) {
      const sent = JSON.parse(line);
      const fields = Object.fromEntries(Object.entries(sent).filter(([name]) => !NAMED.includes(name)));
      const match = rows.filter((row) => row.event_type === sent.event_type && row.msg === (sent.msg ?? row.msg) &&
                                         Date.parse(row.time) === new Date(sent.time).getTime() &&
                                         row.request_id === (sent.request_id ?? requestId) &&
                                         JSON.stringify(row.data) === JSON.stringify(fields));
      assert.equal(match.length, 1, `one row for ${line}`);
      assert.equal(match[0].level, LABELS[sent.level] ?? sent.level);
      assert.equal(match[0].chat_id || undefined, sent.chat_id);
      if (sent.msg === undefined) assert.ok(!match[0].msg);
    }
  });
}

test('a line without event_type is taken as it is', async () => {
  const lines = [];
  pino({ level: 'trace' }, { write: (line) => lines.push(line) }).warn({ id: 17, n: 1 }, 'plain');
  const response = await client.post('/api/events', lines.join(''), { ...bearer, 'content-type': 'application/x-ndjson' });
  assert.equal(response.status, 200, response.text);
  const [row] = await events(daemon.dataDir, `request_id = '${response.headers['x-request-id']}'`);
  assert.deepEqual([row.level, row.msg, row.data.n, row.data.id], ['warn', 'plain', 1, 17]);
});
