// A day of a bot with four chats, for pictures of the page and for looking at it: messages, decisions, agents' turns with their telemetry,
// three kinds of errors, and hosts that the fence denied. The same each time, but for the time at which it ends.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const MINUTE_MS = 60_000;
const CHATS = ['family', 'work', 'garden', 'book-club'];
const TEXTS = ['what is for dinner?', 'summarise the meeting', 'when do I plant garlic?', 'which chapter is next?', 'ok thanks', 'please build the release',
  'did the parcel arrive?', 'book a room for Tuesday', 'how much was the shopping?', 'move the deadline to Friday', 'nice', 'read the log of last night'];
const ERRORS = ['order 1042 has no total', 'connect ECONNREFUSED 127.0.0.1:6379', 'Cannot read properties of undefined (reading \'id\')'];

// A generator of numbers from 0 to 1 that gives the same ones each time (mulberry32).
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const uuid = (ms, number) => {
  const time = Math.floor(ms).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${(number % 4096).toString(16).padStart(3, '0')}-8000-${number.toString(16).padStart(12, '0')}`;
};

function record(name, ms, turn, attributes) {
  const all = { 'session.id': turn.session, 'prompt.id': turn.prompt, 'event.name': name, 'picortex.request_id': turn.request, 'picortex.chat_id': turn.chat, ...attributes };
  return { timeUnixNano: `${Math.floor(ms)}000000`, body: { stringValue: `claude_code.${name}` },
    attributes: Object.entries(all).map(([key, value]) => ({ key, value: Number.isInteger(value) ? { intValue: value } : { stringValue: String(value) } })) };
}

// Returns { events, records, exits }: what the bot posts, what its agents report over OTLP, and how these ended.
export function exampleDay(now, days = 1) {
  const random = generator(7);
  const events = [];
  const records = [];
  const exits = [];  // of the agents, which end their turns
  let count = 0;
  const busy = (ms) => 0.25 + 0.75 * Math.max(0, Math.sin(((ms / 3_600_000) % 24) / 24 * 2 * Math.PI - 1.6));
  for (let at = now - (days * 1440 - 30) * MINUTE_MS; at < now - MINUTE_MS; at += (2 + 14 * random()) * MINUTE_MS / busy(at)) {
    count += 1;
    const chat = CHATS[Math.floor(random() ** 1.6 * CHATS.length)];
    const turn = { chat, request: uuid(at, count), session: uuid(at, 900_000 + count), prompt: uuid(at, 800_000 + count) };
    const add = (ms, event_type, msg, more = {}) => {
      events.push({ id: uuid(at + ms, count * 100 + events.length), time: Math.floor(at + ms), event_type, chat_id: chat, request_id: turn.request, msg, ...more });
    };
    const text = TEXTS[Math.floor(random() * TEXTS.length)];
    const isSkipped = random() < 0.22;
    add(0, 'linq.inbound', text, { service: 'iMessage' });
    add(180, 'discriminator.decision', isSkipped ? 'not for the agent' : 'for the agent',
        { decision: isSkipped ? 'skip' : 'answer', rule: isSkipped ? 'small-talk' : 'asks', reason: isSkipped ? 'nothing is asked' : 'a task', inputs: { score: Number((random() * 0.9).toFixed(2)) }, thresholds: { score: 0.5 } });
    if (isSkipped) continue;
    add(420, 'tmux.turn.start', 'a turn began', { commit: at > now - 400 * MINUTE_MS ? '9f3c2ab' : '41d08be' });
    let ms = 900;
    records.push(record('user_prompt', at + ms, turn, { prompt_length: text.length }));
    for (let call = 0, calls = 1 + Math.floor(random() ** 2 * 7); call < calls; ++call) {
      ms += 1500 + random() * 9000;
      records.push(record('api_request', at + ms, turn, { model: 'claude-opus-5-5', input_tokens: Math.floor(200 + random() * 3000), output_tokens: Math.floor(80 + random() * 900), cache_read_tokens: Math.floor(random() * 20_000),
        cache_creation_tokens: Math.floor(random() * 2000), cost_usd_micros: Math.floor(4000 + random() ** 3 * 160_000), duration_ms: Math.floor(900 + random() * 6000), request_id: `req_${count}_${call}` }));
      if (random() < 0.6) records.push(record('tool_result', at + ms + 400, turn, { tool_name: ['Bash', 'Read', 'Grep', 'WebFetch'][Math.floor(random() * 4)], success: random() > 0.12, duration_ms: Math.floor(random() * 2500), tool_use_id: `tool_${count}_${call}` }));
    }
    if (random() < 0.16) add(ms - 300, 'egress.rejected', 'denied telemetry.example', { level: 'warn', host: 'telemetry.example', port: 443, evidence: 'sni', reason: 'name_not_allowed' });
    if (random() < 0.12) {
      const kind = Math.floor(random() ** 1.5 * ERRORS.length);
      add(ms, 'bot.error', ERRORS[kind], { level: 'error', commit: at > now - 400 * MINUTE_MS ? '9f3c2ab' : '41d08be', err: { type: ['TypeError', 'Error', 'TypeError'][kind], stack: `TypeError: ${ERRORS[kind]}\n    at render (reply.js:${41 + kind}:9)\n    at turn (bot.js:12:3)` } });
    }
    add(ms + 500, 'log', 'sent the answer', { level: 'debug', bytes: Math.floor(random() * 4000) });
    exits.push({ id: uuid(at + ms + 900, 700_000 + count), time: Math.floor(at + ms + 900), event_type: 'child.exit', chat_id: chat, request_id: turn.request, msg: 'claude ended', level: random() < 0.06 ? 'warn' : 'info', exit_status: 0 });
    add(ms + 700, 'tmux.turn.end', 'the turn ended', { duration_ms: Math.floor(ms), outcome: 'answered' });
  }
  // The newest turn is still running.
  return { events, records, exits: exits.slice(0, -1) };
}

// Posts it; `headers` are those of a token that may do everything.
export async function postExampleDay(client, headers, now, days) {
  const { events, records, exits } = exampleDay(now, days);
  const post = async (some) => {
    for (let at = 0; at < some.length; at += 1000) {
      const answer = await client.post('/api/events?keep=any', some.slice(at, at + 1000), headers);
      assert.equal(answer.status, 200, answer.text);
    }
  };
  await post(events);
  const scope = { name: 'com.anthropic.claude_code.events' };
  for (let at = 0; at < records.length; at += 500) {
    const answer = await client.post('/v1/logs', { resourceLogs: [{ resource: { attributes: [] }, scopeLogs: [{ scope, logRecords: records.slice(at, at + 500) }] }] }, headers);
    assert.equal(answer.status, 200, answer.text);
  }
  await post(exits);
}

// Writes attempts into the database of a daemon that does not run: [host, port, outcome (0 allowed, 1 learned, 2 denied), attempts, age in ms].
export function insertHosts(dataDir, hosts, now) {
  const values = hosts.map(([host, port, outcome, attempts, ageMs]) => `('${host.replaceAll('\'', '\'\'')}', ${port}, 6, ${outcome}, ${now - 86_400_000}, ${now - ageMs}, ${attempts}, NULL)`);
  execFileSync('sqlite3', [join(dataDir, 'picortex.db')], { input: `INSERT INTO egress_host VALUES ${values.join(',')};` });
}

export const EXAMPLE_HOSTS = [
  ['api.anthropic.com', 443, 0, 4127, 40_000], ['github.com', 443, 0, 96, 380_000], ['telemetry.example', 443, 2, 41, 200_000], ['registry.npmjs.org', 443, 0, 33, 5_400_000],
  ['pastebin.example', 443, 2, 3, 9_000_000], ['198.51.100.7', 8443, 2, 1, 15_000_000], ['objects.githubusercontent.com', 443, 0, 12, 20_000_000], ['tracker.example', 80, 2, 7, 43_000_000],
];
