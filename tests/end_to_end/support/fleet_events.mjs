// Events of a host of a fleet, as random as a seed makes them, and questions about them.
import { naughtyTexts } from './naughty.mjs';

// Numbers from 0 to 1, the same for the same seed (mulberry32).
export function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const begin = Date.parse('2026-10-22T00:00:00Z');  // the clocks change three days later
const days = 12;
const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
const types = ['linq.inbound', 'discriminator.decision', 'tmux.turn.start', 'tmux.turn.end', 'bot.error', 'log', 'egress.rejected', 'egress.allowed', 'child.exit'];
const chats = ['family', 'work', "o'brien \\ % _", 'chat é 漢', 'chat-1', 'chat-2'];
const texts = ['please build the release', 'Order 1042 has no total', "it's \\n 100 % `done`", ...naughtyTexts.slice(0, 15)];

// `place`: 0, 1 …, of the host; no two hosts have an event in the same millisecond.
export function fleetEvents(seed, place, count) {
  const random = generator(seed);
  const one = (list) => list[Math.floor(random() * list.length)];
  const requests = Array.from({ length: count / 6 }, () => uuid(random));
  return Array.from({ length: count }, (_, i) => ({
    id: random() < 0.5 ? uuid(random) : undefined,
    time: begin + Math.floor((random() * days * 86_400_000) / 10) * 10 + place,
    request_id: one(requests), event_type: one(types), level: one(levels), msg: one(texts),
    chat_id: random() < 0.8 ? one(chats) : undefined,
    number: random() < 0.7 ? Math.round(random() * 1000) / 8 : `text ${i % 7}`,
    decision: one(['skip', 'answer', undefined]), rule: one(['small-talk', 'asks', texts[2]]),
    list: random() < 0.2 ? [i % 5, 'five'] : undefined,
    host: one(['evil.example', 'rooms.example', 'a.example']), err: random() < 0.3 ? { type: one(['TypeError', 'Error']), stack: 'E: x\n    at f (a.js:1:2)' } : undefined,
  }));
}

function uuid(random) {
  const hex = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}

// The words of a random command. `ids` are those of events and requests.
export function question(random, { events, requests }) {
  const one = (list) => list[Math.floor(random() * list.length)];
  const words = [];
  const maybe = (chance, flag, value) => random() < chance && words.push(flag, value());
  const time = () => new Date(begin + random() * days * 86_400_000).toISOString().slice(0, 16).replace('T', ' ');
  const command = one(['logs', 'logs', 'logs', 'stats', 'stats', 'why', 'turns', 'chats', 'errors']);
  const id = () => { const whole = one(random() < 0.5 ? events : requests); return random() < 0.5 ? whole : whole.slice(0, 8 + Math.floor(random() * 10)); };
  if (command === 'why') return random() < 0.8 ? ['why', id()] : ['why', '--last', '--chat', one(chats)];
  maybe(0.3, '--since', time);
  maybe(0.3, '--until', time);
  if (command === 'turns') {
    maybe(0.3, '--chat', () => one(['chat-a', 'chat-b', 'no-such-chat']));
    maybe(0.6, '--sort', () => one(['start', 'cost', 'duration', 'tokens', 'errors']));
    maybe(0.3, '--limit', () => String(1 + Math.floor(random() * 5)));
  } else {
    maybe(0.3, '--chat', () => one([...chats, 'chat*', 'o\'*', '*', 'no-such-chat']));
    maybe(0.3, '--type', () => one([...types, 'egress.*', 'tmux.*', 'none.such', '*']));
    maybe(0.3, '--level', () => one(levels));
    maybe(0.1, '--request', () => one(requests).slice(0, 8 + Math.floor(random() * 28)));
    maybe(0.25, '--text', () => one([...texts.filter((text) => !text.includes('\0')).map((text) => text.toUpperCase().slice(0, 40)), 'order', 'total"', "'; DROP TABLE x", '%', 'release', 'typeerror', '\\']));
    maybe(0.3, '--where', () => one(['decision=skip', 'number>60', '!number<=60', 'rule~SMALL', `rule=${texts[2]}`, 'list=five', 'err.type=TypeError', 'type=log', 'chat=chat*', 'level>=error', 'msg~order', '!decision=skip', 'number=text 3', 'request=0']));
  }
  if (command === 'logs') {
    maybe(0.5, '--limit', () => String(1 + Math.floor(random() * 60)));
    maybe(0.15, '--around', () => (random() < 0.5 ? id() : time()));
    if (random() < 0.3) words.push('--ids');
    if (random() < 0.2) words.push('--chart');
  }
  if (command === 'stats') {
    for (const name of ['hour', 'day', 'type', 'level', 'chat', 'rule', 'err.type']) maybe(0.22, '--by', () => name);
    maybe(0.3, '--sum', () => 'number');
    maybe(0.2, '--max', () => 'number');
    maybe(0.2, '--p95', () => 'number');
    if (words.filter((word) => word === '--by').length > 4) return question(random, { events, requests });
    if (random() < 0.2) words.push('--chart');
  }
  if (command === 'errors' && random() < 0.5) words.push('--all');
  if (random() < 0.4) words.push('--json');
  if (random() < 0.2) words.push('--utc');
  return [command, ...words];
}
