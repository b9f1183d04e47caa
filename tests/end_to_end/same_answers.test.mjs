// logs, stats, the stream and the page give the same events for the same filter: random filters on random events. A test names its seed;
// PICORTEX_TEST_SEED tries another one.
import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { eventsQuery, formatAddress, readAddress } from '../../web/js/shell/address.js';
import { parsePrompt, promptText } from '../../web/js/shell/filter.js';
import { picortex } from './support/answers.mjs';
import { testFile } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { eventually, startDaemon } from './support/daemon.mjs';
import { EventStream } from './support/event_stream.mjs';
import { authorization } from './support/token.mjs';

const FILTERS = 50;
const EVENTS = 500;
const BEGIN_MS = Date.parse('2026-11-02T00:00:00Z');
const LENGTH_MS = 10 * 86_400_000;

const seed = Number(process.env.PICORTEX_TEST_SEED ?? 20_261_129);

// mulberry32: the same numbers for the same seed.
let state = seed;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}
const below = (count) => Math.floor(random() * count);
const one = (...list) => list[below(list.length)];
const chance = (part) => random() < part;

const TYPES = ['linq.inbound', 'linq.outbound', 'linq', 'tmux.turn.start', 'tmux.turn.end', 'bot.error', 'log'];
const CHATS = ['work', 'work-2', 'garden', 'Garten ä', '猫', 'a=b', '*', 'with "quotes"'];
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
const WORDS = ['release', 'Release', 'garlic', 'ok', '100%', 'a_b', 'ÄRGER', 'ärger', '猫が', 'tab\there', 'back\\slash', '"quoted"', 'x=1', '!no'];
const REQUESTS = Array.from({ length: 12 }, (_, at) => `01a0000${at.toString(16)}-0000-7${at.toString(16)}00-8000-0000000000${at.toString(16)}0`);
const values = [
  () => below(5), () => below(100_000) / 100, () => -below(10), () => one(1e21, 0.1, 1e-7, 9_007_199_254_740_991, 0, -0.5),
  () => one('5', '5.0', '1e3', ' 7', '', 'skip', 'Skip', 'answer', 'true', 'null', 'a*', 'ä'), () => chance(0.5), () => null,
  () => [one('a', 'b', 3), one('skip', 5)], () => [], () => ({ inner: one(1, 'x', null) }),
];
const value = () => one(...values)();
const NAMES = ['decision', 'score', 'n', 'err', 'inputs', 'level_', 'a b', 'ö'];

function event() {
  const made = { time: BEGIN_MS + below(LENGTH_MS), event_type: one(...TYPES), level: one(...LEVELS) };
  if (chance(0.7)) made.chat_id = one(...CHATS);
  if (chance(0.7)) made.request_id = one(...REQUESTS);
  if (chance(0.9)) made.msg = Array.from({ length: 1 + below(3) }, () => one(...WORDS)).join(' ');
  for (let count = below(4); count > 0; --count) {
    const name = one(...NAMES);
    made[name] = name === 'inputs' || name === 'err' ? { score: value(), type: value(), deep: { n: value() } } : value();
  }
  return made;
}

function condition() {
  const negation = chance(0.2) ? '!' : '';
  switch (below(7)) {
    case 0: return `${negation}type${one('=', '!=')}${one(...TYPES, 'linq.*', 'tmux*', '*', 'none')}`;
    case 1: return `${negation}chat${one('=', '!=')}${one(...CHATS.slice(0, 6), 'work*', '*', 'g*', 'none')}`;
    case 2: return `${negation}level${one('=', '>=', '<', '<=', '>', '!=')}${one(...LEVELS)}`;
    case 3: return `${negation}request=${one(...REQUESTS)}`;
    case 4: return `${negation}msg${one('~', '!~', '=')}${one(...WORDS.filter((word) => !/["\t]/.test(word)))}`;
    case 5: return `${negation}type~${one('LINQ', 'turn', 'og')}`;
    default: {
      const name = one(...NAMES, 'inputs.score', 'inputs.deep.n', 'err.type', 'inputs.inner', 'data.type', 'nothing');
      const numbers = [0, 1, 3, 5, '5.0', 2.5, -1, 1e3, '1e21'];
      if (chance(0.4)) return `${negation}${name}${one('>', '>=', '<', '<=')}${one(...numbers)}`;
      return `${negation}${name}${one('=', '!=', '~', '!~')}${one(...numbers, 'skip', 'SKIP', 'true', 'null', 'a', 'ä', 'x')}`;
    }
  }
}

// What a screen may have.
function filter() {
  const range = chance(0.5) ? { preset: 'all' } : { sinceMs: chance(0.8) ? BEGIN_MS + below(LENGTH_MS / 2) : null, untilMs: BEGIN_MS + LENGTH_MS / 2 + below(LENGTH_MS / 2) };
  const conditions = [...new Set(Array.from({ length: below(4) }, condition))];
  return { view: 'events', range, conditions, text: chance(0.3) ? one(...WORDS.map((word) => word.replaceAll('"', '').replaceAll('\t', '')), 'e', 'rel ease') : '' };
}

// The flags that the prompt has of its own are used now and then.
function wordsOf({ range, conditions, text }) {
  const words = [];
  for (const one of conditions) {
    const [, flag, operand] = /^(type|chat|level|request)(?:>=|=)(.*)$/.exec(one) ?? [];
    const means = flag && (flag === 'level' ? one.startsWith('level>=') : one.startsWith(`${flag}=`));
    if (means && !words.includes(`--${flag}`) && chance(0.6)) words.push(`--${flag}`, operand);
    else words.push('--where', one);
  }
  if (text !== '') words.push('--text', text);
  for (const [flag, ms] of [['--since', range.sinceMs], ['--until', range.untilMs]]) if (ms) words.push(flag, new Date(ms).toISOString());
  return words;
}

const daemon = await startDaemon(testFile);
const bearer = await authorization(daemon.dataDir);
const beginning = await EventStream.open(daemon.address, bearer, '');
const first = beginning.lastId;
beginning.close();
const client = new Client(daemon.address);
after(() => client.close());
const all = Array.from({ length: EVENTS }, event);
for (let at = 0; at < all.length; at += 100) {
  const answer = await client.post('/api/events?keep=any', all.slice(at, at + 100), bearer);
  assert.equal(answer.status, 200, answer.text);
}
const END_MS = Date.parse('2026-12-31T00:00:00Z');

async function get(path) {
  const answer = await client.get(path, bearer);
  assert.equal(answer.status, 200, `${path}\n${answer.text}`);
  return answer.json;
}

// The events that the page reads, a result page after the other.
async function page(query) {
  const found = [];
  for (let cursor = null; ;) {
    const asked = new URLSearchParams(query);
    asked.set('limit', 1 + below(200));
    if (cursor !== null) asked.set('cursor', cursor);
    const answer = await get(`/api/events?${asked}`);
    found.push(...answer.events);
    if (answer.next_cursor === null) return found;
    cursor = answer.next_cursor;
  }
}

async function prompt(...words) {
  const { stdout, stderr, code } = await picortex(daemon.dataDir, words, { TZ: 'UTC' });
  assert.equal(code, 0, `${words.join(' ')}\n${stderr}`);
  assert.match(stderr, stdout === '' ? /^$|no event matches/ : /^$/, words.join(' '));
  return stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

const ids = (events) => events.map(({ id }) => id).sort();

async function compare(asked) {
  // The daemon's own events come while this runs.
  asked.range = asked.range.preset ? { sinceMs: null, untilMs: END_MS } : asked.range;
  const query = eventsQuery(asked, Date.now());
  query.append('where', 'event_type!=serve.*');
  const shown = await page(query);
  assert.deepEqual(shown.map(({ time }) => time), shown.map(({ time }) => time).sort().reverse(), 'the newest first');
  const expected = ids(shown);
  assert.equal(new Set(expected).size, expected.length, 'no event twice');
  const words = [...wordsOf(asked), '--where', 'event_type!=serve.*'];
  assert.deepEqual(ids(await prompt('logs', '--json', '--limit', '4000000000', ...words)), expected, 'logs');
  const [counted] = await prompt('stats', '--count', '--json', ...words);
  assert.equal(counted?.count ?? 0, expected.length, 'stats --count');
  const by = one('type', 'level', 'chat', 'day');
  const lines = await prompt('stats', '--json', '--by', by, ...words);
  assert.equal(lines.reduce((sum, { count }) => sum + count, 0), expected.length, `stats --by ${by}`);
  assert.equal((await get(`/api/stats?${query}`)).total, expected.length, '/api/stats');
  const stream = await EventStream.open(daemon.address, bearer, `?${query}`, first);
  try {
    const sent = () => stream.named('message');
    await eventually('the stream', () => sent().length >= expected.length).catch(() => {});
    // By the time that a later stream has every event, this one has sent what it would have too many.
    const whole = await EventStream.open(daemon.address, bearer, '', first);
    await whole.until(() => whole.named('message').length >= EVENTS).finally(() => whole.close());
    assert.deepEqual(ids(sent().map(({ data }) => data)), expected, 'stream');
  } finally {
    stream.close();
  }
  return expected.length;
}

test(`every way to ask gives the same events (PICORTEX_TEST_SEED=${seed})`, async () => {
  let matched = 0;
  for (let count = 0; count < FILTERS; ++count) {
    const asked = filter();
    try {
      matched += (await compare(asked)) > 0;
    } catch (error) {
      error.message = `PICORTEX_TEST_SEED=${seed}, filter ${count}: ${JSON.stringify(asked)}\n${error.message}`;
      throw error;
    }
  }
  assert.ok(matched > FILTERS / 4, `only ${matched} of ${FILTERS} filters match anything`);
});

test(`a filter survives its address and being typed (PICORTEX_TEST_SEED=${seed})`, () => {
  for (let count = 0; count < 2_000; ++count) {
    const asked = filter();
    const address = formatAddress({ sort: 'start', event: '', story: '', tab: 'event', ...asked });
    const read = readAddress(address);
    const message = `${JSON.stringify(asked)} ${address}`;
    // The lowest level is every level.
    const narrowing = (conditions) => conditions.filter((one) => one !== 'level>=trace').sort();
    assert.deepEqual([read.text, narrowing(read.conditions)], [asked.text, narrowing(asked.conditions)], message);
    assert.deepEqual(read.range, asked.range, message);
    const typable = asked.conditions.filter((one) => /^!?[\w.@$-]+[!=<>~]/.test(one) && !one.includes('"'));
    assert.deepEqual(parsePrompt(typable.map(promptText).join(' ')).conditions, typable, message);
  }
});
