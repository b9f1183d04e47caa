// Two weeks of three chats, as the guide "Find what happened" asks about them. Times are fixed, so that the guide can show answers.
import { authorization } from './token.mjs';
import { Client } from './client.mjs';

let count = 0;

// IDs say their event's own time, as those that picortex makes; the rest counts.
function uuid(ms, number) {
  const time = ms.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${(number % 4096).toString(16).padStart(3, '0')}-8000-${number.toString(16).padStart(12, '0')}`;
}

function turn(day, time, chat, { rule = 'asks', decision = 'answer', score = 0.91, commit = '41d08be', duration_ms, cost_usd, error, denied, text }) {
  const start = Date.parse(`2026-11-${day}T${time}Z`);
  count += 1;
  const request_id = uuid(start, count);
  const at = (ms, event_type, msg, more = {}) => {
    count += 1;
    return { id: uuid(start + ms, count), request_id, time: new Date(start + ms).toISOString(), chat_id: chat, event_type, msg, ...more };
  };
  const events = [
    at(0, 'linq.inbound', text),
    at(250, 'discriminator.decision', decision === 'skip' ? 'not for the agent' : 'for the agent',
      { decision, rule, reason: decision === 'skip' ? 'nothing is asked' : 'a task', inputs: { score }, thresholds: { score: 0.5 } }),
  ];
  if (decision === 'skip') return events;
  events.push(at(1000, 'tmux.turn.start', 'a turn began', { commit }));
  for (const host of denied ?? []) {
    events.push(at(4000, 'egress.rejected', `denied ${host}`, { level: 'warn', host, port: 443, evidence: 'sni', reason: 'no_rule' }));
  }
  if (error) {
    events.push(at(duration_ms - 500, 'bot.error', error,
      { level: 'error', commit, err: { type: 'TypeError', stack: `TypeError: ${error}\n    at render (reply.js:41:9)\n    at turn (bot.js:12:3)` } }));
  }
  events.push(at(duration_ms, 'tmux.turn.end', 'the turn ended', { duration_ms, cost_usd, commit }));
  return events;
}

export const events = [
  ...turn('10', '08:15:00.000', 'family', { text: 'what is for dinner?', duration_ms: 12_000, cost_usd: 0.04 }),
  ...turn('11', '09:30:00.000', 'work', { text: 'summarise the meeting', duration_ms: 31_500, cost_usd: 0.11 }),
  ...turn('12', '18:00:00.000', 'family', { text: 'ok thanks', decision: 'skip', rule: 'small-talk', score: 0.31 }),
  ...turn('13', '10:00:00.000', 'work', { text: 'book a room', duration_ms: 22_000, cost_usd: 0.07, denied: ['rooms.example'] }),
  ...turn('16', '11:20:00.000', 'garden', { text: 'when do I plant garlic?', duration_ms: 18_000, cost_usd: 0.05 }),
  ...turn('17', '08:05:00.000', 'family', { text: 'good morning', decision: 'skip', rule: 'small-talk', score: 0.12 }),
  ...turn('17', '14:03:12.000', 'work', { text: 'please build the release', duration_ms: 95_000, cost_usd: 0.62, commit: '9f3c2ab', error: 'order 1042 has no total', denied: ['evil.example', 'pastebin.example'] }),
  ...turn('18', '09:10:00.000', 'family', { text: 'how much was the shopping?', duration_ms: 21_000, cost_usd: 0.06, commit: '9f3c2ab', error: 'order 1047 has no total' }),
  ...turn('18', '15:40:00.000', 'work', { text: 'try again', duration_ms: 64_000, cost_usd: 0.4, commit: '9f3c2ab', error: 'order 1051 has no total', denied: ['evil.example'] }),
  ...turn('19', '07:55:00.000', 'garden', { text: 'nice', decision: 'skip', rule: 'short', score: 0.2 }),
  ...turn('19', '16:30:00.000', 'work', { text: 'and now?', duration_ms: 24_000, cost_usd: 0.09, commit: 'b7e1f02' }),
];

export async function postQuestions(daemon) {
  const client = new Client(daemon.address, daemon.authority);
  const answer = await client.post('/api/events?keep=any', events, await authorization(daemon.dataDir));
  client.close();
  if (answer.status !== 200) throw new Error(answer.text);
}
