// JSON logs through the real pino-pretty: every field of every line is printed, and no input forges a line or paints.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client } from './support/client.mjs';
import { startDaemon } from './support/daemon.mjs';
import { events } from './support/database.mjs';
import { naughtyTexts } from './support/naughty.mjs';
import { authorization } from './support/token.mjs';

const prettyProgram = fileURLToPath(new URL('./node_modules/pino-pretty/bin.js', import.meta.url));
const rest = { PICORTEX_FRONTEND_LOG_RATE: '0', LOG_LEVEL: 'debug' };

// Lone surrogates as U+FFFD: what any writer of UTF-8 makes of them.
const wellFormed = (text) => Buffer.from(text, 'utf8').toString('utf8');

// Posts every naughty text in every place that takes one; returns the request IDs by text.
async function beNaughty(daemon) {
  const client = new Client(daemon.address);
  const bearer = await authorization(daemon.dataDir);
  const requestIds = [];
  for (const text of naughtyTexts) {
    const response = await client.post('/api/frontend-log', {
      level: 'warn', message: text, error: text, stack: `${text}\n    at f (g.js:1:1)`, context: { url: text, [text]: [text, { [text]: null }] },
      [text]: text, level2: text,
    });
    assert.equal(response.status, 204, response.text);
    requestIds.push(response.headers['x-request-id']);
    const event = { event_type: 'naughty', chat_id: wellFormed(text.slice(0, 60)), msg: text, level: 'error',
                    err: { type: 'Error', message: text, stack: `Error: ${text}\n    at f (g.js:1:1)` }, [text]: text };
    const posted = await client.post('/api/events', event, bearer);
    assert.ok([200, 400].includes(posted.status), posted.text);
    await client.get(`/${encodeURIComponent(wellFormed(text)).slice(0, 1_000)}`, { 'x-request-id': 'a"b\\\tc' });
  }
  await client.get('/health');
  client.close();
  return requestIds;
}

// What pino-pretty must print for one line of ours.
function expectedBlock(line) {
  const { level, time, pid, hostname, msg, ...fields } = line;
  const clock = new Date(Date.parse(time));
  const pad = (number, width = 2) => String(number).padStart(width, '0');
  const at = `${pad(clock.getHours())}:${pad(clock.getMinutes())}:${pad(clock.getSeconds())}.${pad(clock.getMilliseconds(), 3)}`;
  const printed = [`[${at}] ${level.toUpperCase()} (${pid} on ${hostname}): ${msg}`];
  const isError = ([name]) => name === 'err' || name === 'error';
  const all = Object.entries(fields);
  for (const [name, value] of [...all.filter((entry) => !isError(entry)), ...all.filter(isError)]) {
    let text = JSON.stringify(value, null, 2);
    if (!isError([name])) text = text.replace(/\\\\/g, '\\');  // pino-pretty shows one backslash for two
    printed.push(`    ${name}: ${text.split('\n').join('\n    ')}`);
  }
  return { fields: Object.keys(line), text: wellFormed(printed.join('\n')) };
}

test('pino-pretty prints every field of every line, and nothing else', async (t) => {
  const daemon = await startDaemon(t, { settings: rest });
  const requestIds = await beNaughty(daemon);
  for (const id of requestIds) await daemon.line((line) => line.request_id === id && line.event_type === 'frontend');
  await daemon.stop();
  const output = execFileSync('node', [prettyProgram, '--no-color', '--ignore', 'nothing'], {
    input: daemon.rawLines.join('\n') + '\n', encoding: 'utf8',
  });
  assert.equal(/[\u001b\u0000\u0007\b\r]/.test(output), false, 'a raw control in the output');
  const starts = output.split('\n').filter((line) => /^\[\d\d:\d\d:\d\d\.\d{3}\]/.test(line));
  assert.equal(starts.length, daemon.lines.length, 'as many line starts as lines');
  let unread = output;
  for (const line of daemon.lines) {
    assert.equal(line.not_json, undefined);
    for (const hidden of ['name', 'caller', 'timestamp']) assert.equal(hidden in line, false, `pino-pretty hides ${hidden}`);
    const block = expectedBlock(line);
    assert.equal(unread.slice(0, block.text.length), block.text, `the fields ${block.fields}`);
    unread = unread.slice(block.text.length + 1);
  }
  assert.equal(unread, '');
});

test('a naughty message is stored as it came', async (t) => {
  const daemon = await startDaemon(t, { settings: rest });
  const requestIds = await beNaughty(daemon);
  for (const [index, text] of naughtyTexts.entries()) {
    if (/\ud800/.test(text) || text.includes('\u0000')) continue;  // JSON can say these, SQLite's shell cannot
    const [row] = await events(daemon.dataDir, `request_id = '${requestIds[index]}'`);
    assert.deepEqual([row.msg, row.data.error, row.data.context.url], [text, text, text]);
  }
});

test('the daemon\'s own pretty mode paints and forges nothing either', async (t) => {
  const daemon = await startDaemon(t, { settings: { ...rest, PICORTEX_LOG_FORMAT: 'pretty' } });
  await beNaughty(daemon);
  await daemon.stop();
  const ours = /\u001b\[[0-9;]*m/g;  // colours of the daemon's own are fine on a terminal; this is none
  const output = daemon.rawLines.join('\n');
  assert.equal(ours.test(output), false, 'colours although stdout is no terminal');
  assert.equal(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]/.test(output), false, 'a raw control');
  for (const line of daemon.rawLines) {
    assert.match(line, /^(\[\d\d:\d\d:\d\d\.\d{3}\] [A-Z]+ \(.*\d+\)| {4})/);
    assert.equal(line.startsWith('[12:34:56.789]'), false, 'a forged line');
  }
});
