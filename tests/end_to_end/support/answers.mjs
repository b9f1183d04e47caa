// A database as weeks of a bot's work leave it, and the commands that answer from it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Client } from './client.mjs';
import { binary, environment, startDaemon } from './daemon.mjs';
import { naughtyTexts } from './naughty.mjs';
import { authorization } from './token.mjs';

export const zone = 'Europe/Berlin';

// The local date some days before now, as 2026-11-17.
function dateBefore(days, nowMs = Date.now()) {
  const noon = new Date(`${localDate(nowMs)}T12:00:00Z`).getTime();
  return new Date(noon - days * 86_400_000).toISOString().slice(0, 10);
}

function localDate(ms) {
  return new Intl.DateTimeFormat('sv-SE', { timeZone: zone }).format(ms);
}

function daysSinceLastTuesday() {
  const weekday = new Date(`${localDate(Date.now())}T12:00:00Z`).getUTCDay();
  return (weekday + 5) % 7 || 7;
}

export const tuesday = dateBefore(daysSinceLastTuesday());
const monday = dateBefore(daysSinceLastTuesday() + 1);
const wednesday = dateBefore(daysSinceLastTuesday() - 1);
const weeksAgo = dateBefore(daysSinceLastTuesday() + 21);

// The instant at which clocks in Berlin show this, as ISO 8601.
export function at(date, time) {
  for (const offset of ['+02:00', '+01:00']) {
    const ms = Date.parse(`${date}T${time}${offset}`);
    const shown = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' }).format(ms);
    if (shown === `${date} ${time.slice(0, 8)}`) return new Date(ms).toISOString();
  }
  throw new Error(`clocks never show ${date} ${time}`);
}

export function zoneOf(date) {
  return Date.parse(at(date, '12:00:00')) === Date.parse(`${date}T12:00:00+01:00`) ? 'CET, UTC+01:00' : 'CEST, UTC+02:00';
}

export const requests = {
  weeksAgo: '019a0000-0000-7001-8000-000000000001',
  monday: '019a1111-0000-7002-8000-000000000002',
  skipped: '019a2222-0000-7003-8000-000000000003',
  failed: '019a3333-0000-7004-8000-000000000004',
  other: '019a4444-0000-7005-8000-000000000005',
  wednesday: '019a5555-0000-7006-8000-000000000006',
  silent: '019a6666-0000-7007-8000-000000000007',
};
// Of no time that a version 7 would say, so that it is stored as it is.
export const eventIds = { decision: '8c1f2a3b-4d5e-4f60-8a7b-9c0d1e2f3a4b' };

function event(request, date, time, event_type, msg, more = {}) {
  return { request_id: requests[request], time: at(date, time), chat_id: 'chat-x', event_type, msg, ...more };
}

export const seed = [
  event('weeksAgo', weeksAgo, '10:00:00.000', 'linq.inbound', 'weeks ago'),
  event('monday', monday, '23:59:59.999', 'linq.inbound', 'the last of Monday'),
  event('skipped', tuesday, '00:00:00.000', 'linq.inbound', 'ok thanks', { service: 'iMessage', parts: [{ type: 'text' }] }),
  event('skipped', tuesday, '00:00:00.250', 'discriminator.decision', 'not for the agent', {
    id: eventIds.decision, decision: 'skip', rule: 'small-talk', reason: 'nothing is asked',
    inputs: { score: 0.31, words: 2 }, thresholds: { score: 0.5 }, model: 'haiku', duration_ms: 41,
  }),
  event('failed', tuesday, '14:03:12.123', 'linq.inbound', 'please build it'),
  event('failed', tuesday, '14:03:12.456', 'discriminator.decision', '', {
    decision: 'answer', rule: 'asks', reason: 'a task', inputs: { score: 0.9 }, thresholds: { score: 0.5 },
  }),
  event('failed', tuesday, '14:03:13.000', 'tmux.turn.start', 'turn 7'),
  event('other', tuesday, '14:03:13.500', 'linq.inbound', 'another chat', { chat_id: 'chat-y' }),
  event('failed', tuesday, '14:03:20.000', 'egress.rejected', 'denied', {
    level: 'warn', host: 'evil.example', port: 443, evidence: 'sni',
  }),
  event('failed', tuesday, '14:03:21.000', 'bot.error', 'the build\nbroke', { level: 'error', exit: 2 }),
  event('failed', tuesday, '14:03:22.000', 'child.exit', 'exited with status 2', { level: 'warn', exit_status: 2, duration_ms: 9000 }),
  event('silent', tuesday, '23:59:59.999', 'discriminator.decision', '', { decision: 'skip', rule: 'quiet', chat_id: 'chat-z' }),
  event('wednesday', wednesday, '00:00:00.000', 'linq.inbound', 'the first of Wednesday'),
];

// Events with hostile text wherever a client may put some.
export const naughty = naughtyTexts.map((text, i) => ({
  request_id: `019a7777-0000-7008-8000-${String(i).padStart(12, '0')}`,
  time: at(weeksAgo, '11:00:00.000'),
  chat_id: text.replaceAll(/[\u0000-\u001f\u007f]/g, '?').slice(0, 60),
  event_type: 'discriminator.decision',
  msg: text,
  [`key ${text}`]: text,
  decision: text,
  rule: text,
  reason: text,
  inputs: { [text]: 1 },
  thresholds: { [text]: 2 },
}));

// A directory with the events in it; its daemon, which may be stopped.
export async function seededDaemon(owner, events) {
  const daemon = await startDaemon(owner);
  const client = new Client(daemon.address, daemon.authority);
  const store = async (more) => {
    const answer = await client.post('/api/events', more, await authorization(daemon.dataDir));
    if (answer.status !== 200) throw new Error(answer.text);
  };
  if (events.length > 0) await store(events);
  return { daemon, store, close: () => client.close() };
}

// Runs `picortex WORDS…` on the directory; `settings` are more variables.
export async function picortex(dataDir, words, settings = {}) {
  const child = startPicortex(dataDir, words, settings);
  const result = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => (result.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (result.stderr += text));
  const [code] = await once(child, 'close');
  return { ...result, code };
}

export function startPicortex(dataDir, words, settings = {}) {
  const env = environment({ TZ: zone, PICORTEX_DATA_DIR: dataDir, ...settings });
  return spawn(binary, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

// What a terminal would act on, or take for another line than it is.
export const actsOnTerminal = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;
