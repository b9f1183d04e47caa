// The parts of the page that are pure: the list's state machine edge by edge, addresses, filters and times, the list's buffer, the rules that
// permit a host.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { EVENTS_MAX, EventBuffer, LIVE_EVENTS_MAX } from '../../web/js/events/event_buffer.js';
import { LIST_BEGINNING, LIST_EDGES, listStateText, nextListState } from '../../web/js/events/list_state.js';
import { stepsOf } from '../../web/js/events/steps.js';
import { TimeField, addressTime, fieldTime, setZoneUtc, zoneOffset } from '../../web/js/base/times.js';
import { BEGINNING, eventsQuery, formatAddress, readAddress } from '../../web/js/shell/address.js';
import { conditionOf, parsePrompt, promptText, withCondition } from '../../web/js/shell/filter.js';
import { patternPermits, patternsOf } from '../../web/js/views/egress_rules.js';
import { problemsOf } from '../../web/js/views/health_problems.js';

const STATES = ['loading', 'live', 'filtered', 'paused', 'broken', 'resuming'];
const INPUTS = ['changed', 'invalid', 'opened', 'gap', 'loaded', 'lost', 'rejected', 'held', 'released'];
const SHOWN = ['live', 'filtered', 'paused'];

// Every edge, in words of its own: from each state by each input, without filters and pause unless the state has them.
const TABLE = {
  //          changed    invalid   opened     gap        loaded      lost        rejected   held        released
  loading:  ['loading', 'broken', 'loading', 'loading', 'live',     'resuming', 'broken',  'loading',  'loading'],
  live:     ['loading', 'broken', 'live',    'loading', 'live',     'resuming', 'broken',  'paused',   'live'],
  filtered: ['loading', 'broken', 'filtered', 'loading', 'filtered', 'resuming', 'broken', 'paused',   'filtered'],
  paused:   ['loading', 'broken', 'paused',  'loading', 'paused',   'resuming', 'broken',  'paused',   'live'],
  broken:   ['loading', 'broken', 'broken',  'broken',  'broken',   'broken',   'broken',  'broken',   'broken'],
  resuming: ['loading', 'broken', 'live',    'loading', 'resuming', 'resuming', 'broken',  'resuming', 'resuming'],
};

// A state as it is reached in a page.
function reach(name) {
  const walk = (...inputs) => inputs.reduce((state, input) => nextListState(state, typeof input === 'string' ? { type: input, reason: 'why' } : input), LIST_BEGINNING);
  const filtered = { type: 'changed', isFiltered: true };
  return {
    loading: () => LIST_BEGINNING, live: () => walk('opened', 'loaded'), filtered: () => walk(filtered, 'opened', 'loaded'),
    paused: () => walk('opened', 'loaded', 'held'), broken: () => walk('invalid'), resuming: () => walk('opened', 'loaded', 'lost'),
  }[name]();
}

test('the table names every state, and no other', () => {
  assert.deepEqual(Object.keys(LIST_EDGES).sort(), [...STATES].sort());
  for (const row of Object.values(LIST_EDGES)) for (const input of Object.keys(row)) assert.ok(INPUTS.includes(input), input);
});

for (const name of STATES) {
  test(`each edge from ${name}`, () => {
    assert.equal(reach(name).name, name);
    INPUTS.forEach((type, at) => {
      const next = nextListState(reach(name), { type, isFiltered: false, reason: 'why' });
      assert.equal(next.name, TABLE[name][at], `${name}, ${type}`);
      assert.equal(next.reason, next.name === 'broken' ? 'why' : '', `${name}, ${type}`);
    });
    assert.throws(() => nextListState(reach(name), { type: 'no such input' }));
  });
}

test('filters and pause decide how what is whole is shown', () => {
  for (const isFiltered of [false, true]) {
    for (const isHeld of [false, true]) {
      let state = nextListState(LIST_BEGINNING, { type: 'changed', isFiltered });
      if (isHeld) state = nextListState(state, { type: 'held' });
      assert.equal(state.name, 'loading');
      state = nextListState(nextListState(state, { type: 'opened' }), { type: 'loaded' });
      assert.equal(state.name, isHeld ? 'paused' : isFiltered ? 'filtered' : 'live');
      state = nextListState(state, { type: 'released' });
      assert.equal(state.name, isFiltered ? 'filtered' : 'live');
    }
  }
});

test('it is live only when its history is loaded: every walk of seven inputs', () => {
  let walks = 0;
  // What is true, kept apart from the machine: the stream is open and follows what is in the list.
  const walk = (state, truth, left) => {
    if (SHOWN.includes(state.name)) assert.ok(truth.isOpen && truth.isLoaded, JSON.stringify([state, truth]));
    if (state.name === 'broken') assert.equal(state.reason, 'why');
    ++walks;
    if (left === 0) return;
    for (const type of INPUTS) {
      // Only what can happen: a result page is read after a stream has opened, and a stream that ended opens before it ends again.
      if (type === 'loaded' && !(truth.isOpen && state.name === 'loading')) continue;
      if ((type === 'opened' || type === 'gap') && (truth.isOpen || state.name === 'broken')) continue;
      const next = { ...truth };
      if (type === 'changed' || type === 'invalid' || type === 'rejected') next.isOpen = next.isLoaded = false;
      if (type === 'opened') next.isOpen = true;
      if (type === 'gap') [next.isOpen, next.isLoaded] = [true, false];
      if (type === 'lost') next.isOpen = false;
      if (type === 'loaded') next.isLoaded = true;
      walk(nextListState(state, { type, isFiltered: left % 2 === 0, reason: 'why' }), next, left - 1);
    }
  };
  walk(LIST_BEGINNING, { isOpen: false, isLoaded: false }, 6);
  assert.ok(walks > 10_000);
});

test('each state is said in its own words', () => {
  const texts = STATES.map((name) => listStateText({ name, reason: 'Since is not before Until' }));
  assert.deepEqual(texts, ['loading…', 'live', 'live', 'paused', 'invalid filter: Since is not before Until', 'reconnecting…']);
});

const ZONES = ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kathmandu', 'Pacific/Auckland'];
function inZone(zone, work) {
  const before = process.env.TZ;
  process.env.TZ = zone;
  try {
    return work();
  } finally {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  }
}

test('a link means the same times in every zone', () => {
  for (const link of ['2026-11-17T13:00:00.000Z', '2026-11-17T14:00:00+01:00', '2026-11-17T14:00+0100', '1794920400000', '2026-11-17 13:00Z']) {
    for (const zone of ZONES) {
      inZone(zone, () => {
        const field = new TimeField();
        const shown = field.read(link);
        assert.match(shown, /^2026-11-1[78]T\d\d:\d\d$/);
        assert.equal(new Date(field.instant(shown)).toISOString(), '2026-11-17T13:00:00.000Z', `${link} in ${zone}`);
      });
    }
  }
  assert.equal(inZone('Europe/Berlin', () => new TimeField().read('2026-11-17T13:00:00.000Z')), '2026-11-17T14:00');
  // As links of before have it, and as people type it: of clocks here.
  assert.equal(inZone('Asia/Kathmandu', () => addressTime('2026-11-17T14:00')), Date.parse('2026-11-17T08:15:00Z'));
});

test('an hour that occurs twice keeps its instant', () => {
  inZone('Europe/Berlin', () => {
    const instants = ['2026-10-25T00:30:00.000Z', '2026-10-25T01:30:00.000Z'];  // 02:30, and 02:30 again
    for (const text of instants) {
      const field = new TimeField();
      assert.equal(field.read(text), '2026-10-25T02:30');
      assert.equal(new Date(field.instant('2026-10-25T02:30')).toISOString(), text);
      assert.equal(new Date(field.instant('2026-10-25T02:31')).getTime(), new Date('2026-10-25T02:31').getTime());
    }
  });
});

test('seconds and milliseconds are kept, and what is no time is none', () => {
  inZone('UTC', () => {
    assert.equal(fieldTime(Date.parse('2026-11-17T13:00:05Z')), '2026-11-17T13:00:05');
    assert.equal(fieldTime(Date.parse('2026-11-17T13:00:00.007Z')), '2026-11-17T13:00:00.007');
    for (const text of ['', 'yesterday', '2026-13-01T00:00Z', '12', '2026-11-17T', '2026-11-17T14:00Zx', 'Tue Nov 17 2026']) {
      const field = new TimeField();
      assert.equal(field.read(text), '', text);
      assert.ok(Number.isNaN(field.instant('')), text);
    }
  });
});

test('a host is permitted by the rules of now', () => {
  const attempt = (host, port = 443, protocol = 'tcp') => ({ host, port, protocol });
  const permits = (text, host, expired = false) => patternsOf([{ rule: text, expired }]).some((pattern) => patternPermits(pattern, host));
  for (const [rule, host] of [['a.example', attempt('a.example')], ['a.example', attempt('a.example', 0)], ['A.Example', attempt('a.example.')],
    ['*.example', attempt('deep.a.example')], ['a.example:8443', attempt('a.example', 8443)], ['a.example dns-only', attempt('a.example')],
    ['192.0.2.7:8443', attempt('192.0.2.7', 8443)], ['192.0.2.0/24', attempt('192.0.2.255')], ['0.0.0.0/0', attempt('198.51.100.1')],
    ['[2001:db8::1]', attempt('2001:db8::1')], ['[2001:db8::1]:22', attempt('2001:db8::1', 22)]]) {
    assert.ok(permits(rule, host), `${rule} ${JSON.stringify(host)}`);
    assert.ok(!permits(rule, host, true), `${rule}, expired`);
  }
  for (const [rule, host] of [['a.example', attempt('b.example')], ['a.example', attempt('a.example', 80)], ['*.example', attempt('example')],
    ['*.example', attempt('badexample')], ['a.example', attempt('a.example', 443, 'udp')], ['192.0.2.0/24', attempt('192.0.3.1')],
    ['192.0.2.7', attempt('192.0.2.7', 8443)], ['192.0.2.0/24', attempt('a.example')], ['', attempt('a.example')], ['[::', attempt('::')],
    ['a.example:x', attempt('a.example')], ['192.0.2.0/24', attempt('192.0.2.999')]]) {
    assert.ok(!permits(rule, host), `${rule} ${JSON.stringify(host)}`);
  }
});

test('what is typed becomes conditions and a text, and reads the same when it is changed', () => {
  for (const [typed, conditions, text] of [
    ['decision=skip', ['decision=skip'], ''], ['!type=log garlic bread', ['!type=log'], 'garlic bread'], ['reason="small talk" x', ['reason=small talk'], 'x'],
    ['"a=b c"', [], 'a=b c'], ['duration_ms>60000 level>=warn', ['duration_ms>60000', 'level>=warn'], ''], ['err.type=TypeError', ['err.type=TypeError'], ''],
    ['https://a.example/?q=1', [], 'https://a.example/?q=1'], ['rule!~small', ['rule!~small'], ''], ['"unfinished=x', [], 'unfinished=x'], ['   ', [], ''],
  ]) {
    assert.deepEqual(parsePrompt(typed), { conditions, text }, typed);
    for (const condition of conditions) assert.deepEqual(parsePrompt(promptText(condition)), { conditions: [condition], text: '' });
  }
});

test('a value is a condition only where one can say it', () => {
  assert.equal(conditionOf('type', 'a b'), 'type=a b');
  assert.equal(conditionOf('x', 5, true), '!x=5');
  assert.equal(conditionOf('x', true), 'x=true');
  assert.equal(conditionOf('x', '=\n<b>'), 'x==\n<b>');
  for (const [name, value] of [['a=b', 'x'], ['x', null], ['x', {}], ['', 'x'], ['!x', 'y'], ['a~', 'x'], ['a"', 'x']]) assert.equal(conditionOf(name, value), null, name);
});

test('a condition replaces what it contradicts', () => {
  assert.deepEqual(withCondition(['type=a', 'chat=x'], 'type=b'), ['chat=x', 'type=b']);
  assert.deepEqual(withCondition(['type=a'], '!type=a'), ['!type=a']);
  assert.deepEqual(withCondition(['!type=a'], '!type=b'), ['!type=a', '!type=b']);
  assert.deepEqual(withCondition(['!type=a'], 'type=a'), ['type=a']);
  assert.deepEqual(withCondition(['n>5'], 'n>5'), ['n>5']);
});

test('a state is the same after its address, whatever it holds', () => {
  const id = '01a225d4-5304-7c8e-8000-0000000dbc8e';
  const nasty = ['decision=skip', '!type=log', 'reason=small talk', 'x=ü&y#z=%41+', 'type=linq.*', 'type=b', 'chat=*', 'level>=warn', `request=${id}`, 'n<=5', 'a~"q"'];
  let states = 0;
  for (const view of ['events', 'turns', 'errors', 'egress', 'health']) {
    for (const range of [{ preset: '24h' }, { preset: 'all' }, { sinceMs: 1_794_920_400_000, untilMs: null }, { sinceMs: null, untilMs: 1_794_920_400_001 }]) {
      for (let first = 0; first < nasty.length; ++first) {
        const state = { ...BEGINNING, view, range, conditions: nasty.slice(first, first + 3), text: first % 2 ? 'a & b=c "d"' : '', event: first % 3 ? id : '', tab: first % 3 ? 'around' : 'event' };
        const again = readAddress(formatAddress(state));
        assert.deepEqual([...again.conditions].sort(), [...state.conditions].sort());
        assert.deepEqual({ ...again, conditions: 0, problem: '' }, { ...state, conditions: 0 });
        assert.equal(formatAddress(again), formatAddress(readAddress(formatAddress(again))));
        ++states;
      }
    }
  }
  assert.equal(states, 220);
  assert.equal(formatAddress(BEGINNING), '');
});

test('the daemon is asked with its own parameters where it has them', () => {
  const query = (hash, now = 1_000_000_000) => eventsQuery(readAddress(hash), now).toString();
  assert.equal(query('#range=1h&event_type=a&where=x%3D1'), 'event_type=a&where=x%3D1&since=996400000');
  assert.equal(query('#range=all&where=type%3Da&where=type%3Db'), 'event_type=a&where=type%3Db');
  assert.equal(query('#range=all&where=!type%3Da'), 'where=%21type%3Da');
  assert.match(query(''), /^since=\d+$/);
});

test('what an address cannot mean is a problem, said with the value', () => {
  for (const [hash, problem] of [['#level=loud', /^Level "loud"/], ['#since=someday', /^Since "someday"/], ['#range=5w', /^Range "5w"/], ['#request_id=1', /^Request/], ['#event_type=a*b', /^Type/],
    ['#since=2026-11-17T14:00:00Z&until=2026-11-17T13:00:00Z', /^Since is not before Until$/], [`#text=${'é'.repeat(129)}`, /^Text/], ['#where=nothing', /^"nothing" is no condition/]]) {
    assert.match(readAddress(hash).problem, problem, hash);
  }
  for (const hash of ['', '#view=no', '#event=<b>', '#tab=x&sort=y', '#level=trace', '#=&&&%', '#range=all']) assert.equal(readAddress(hash).problem, '', hash);
});

test('times can be shown in UTC', () => {
  setZoneUtc(true);
  try {
    inZone('Asia/Kathmandu', () => {
      assert.equal(fieldTime(Date.parse('2026-11-17T13:00:05Z')), '2026-11-17T13:00:05');
      assert.equal(new Date(new TimeField().instant('2026-11-17T13:00')).toISOString(), '2026-11-17T13:00:00.000Z');
      assert.equal(zoneOffset(0), '+00:00');
    });
  } finally {
    setZoneUtc(false);
  }
  inZone('America/St_Johns', () => assert.equal(zoneOffset(Date.parse('2026-11-17T13:00Z')), '-03:30'));
});

test('the buffer keeps its order and its bound, and every event once', () => {
  const event = (id) => ({ id: String(id), time: new Date(id).toISOString() });
  const buffer = new EventBuffer();
  assert.equal(buffer.append([3, 2, 1].map(event)), 3);
  assert.equal(buffer.prepend([4, 5].map(event)), 2);
  assert.equal(buffer.prepend([5, 6].map(event)), 1);
  assert.equal(buffer.append([2, 0].map(event)), 1);
  assert.deepEqual(Array.from({ length: buffer.length }, (_, index) => buffer.at(index).id), ['6', '5', '4', '3', '2', '1', '0']);
  assert.equal(buffer.indexOf('4'), 2);
  assert.equal(buffer.indexOf('9'), -1);
  // Live events alone stay few; result pages that were asked for are kept.
  for (let id = 10; id < 10 + 3 * LIVE_EVENTS_MAX; ++id) {
    buffer.prepend([event(id)]);
    buffer.trim();
  }
  assert.equal(buffer.length, LIVE_EVENTS_MAX);
  assert.equal(buffer.at(0).id, String(9 + 3 * LIVE_EVENTS_MAX));
  assert.ok(!buffer.has('6'));
  const long = new EventBuffer();
  long.append(Array.from({ length: EVENTS_MAX + 50 }, (_, index) => event(-index)));
  const dropped = long.trim();
  assert.deepEqual([long.length, dropped.length, dropped[0].id], [EVENTS_MAX, 50, String(-EVENTS_MAX)]);
});

test('a histogram has every step of its time, stacked', () => {
  const { times, counts, sums, total } = stepsOf({ since: '2026-11-17T10:07:00Z', until: '2026-11-17T12:00:00Z', step_ms: 1_800_000,
    steps: [{ time: '2026-11-17T11:00:00Z', info: 3, error: 1, fatal: 1 }, { time: '2026-11-17T11:30:00Z', trace: 2, warn: 4 }] });
  assert.deepEqual(times.map((at) => new Date(at * 1000).toISOString().slice(11, 16)), ['10:00', '10:30', '11:00', '11:30']);
  assert.deepEqual(counts, [[0, 0, 0, 2], [0, 0, 3, 0], [0, 0, 0, 4], [0, 0, 2, 0]]);
  assert.deepEqual(sums.at(-1), [0, 0, 5, 6]);
  assert.equal(total, 11);
  assert.equal(stepsOf({ since: '2026-11-17T10:00:00Z', until: '2026-11-17T11:00:00Z', step_ms: 1_800_000, steps: [] }).times.length, 2);
});

test('each thing that degrades the daemon has its fix', () => {
  const health = { db_ok: true, tmux_ok: true };
  const status = { health: { problems: [] }, log: { writable: true, error: '' }, storage: { disk_is_low: false, log_is_held: false, deletion_waits: false }, egress: { bad_rules: 0 } };
  assert.deepEqual(problemsOf(health, status), []);
  assert.deepEqual(problemsOf(health, null), []);
  const ill = problemsOf({ db_ok: false, tmux_ok: false }, { health: { problems: [{ part: 'tmux', reason: 'no server at /run/bot/tmux', fix: 'tmux -S /run/bot/tmux new-session -d' }] }, log: { writable: false, error: 'Broken pipe' }, storage: { disk_is_low: true, log_is_held: true, deletion_waits: true }, egress: { bad_rules: 2 } });
  assert.equal(ill.length, 7);
  for (const { what, fix, command } of ill) assert.ok(what && fix && command);
  assert.match(ill.map(({ what }) => what).join(' '), /Broken pipe.*2 invalid lines/);
  assert.deepEqual([ill[1].what, ill[1].command], ['No tmux server answers: no server at /run/bot/tmux', 'tmux -S /run/bot/tmux new-session -d']);
});

test('modules.txt names every module, after those that it imports', () => {
  const root = fileURLToPath(new URL('../../web/js/', import.meta.url));
  const listed = readFileSync(`${root}modules.txt`, 'utf8').trim().split('\n');
  const present = readdirSync(root, { recursive: true }).filter((name) => name.endsWith('.js'));
  assert.deepEqual([...listed].sort(), present.sort());
  for (const [at, name] of listed.entries()) {
    const text = readFileSync(root + name, 'utf8');
    assert.ok(text.split('\n').length <= 300, `${name} is too long`);
    for (const [, path] of text.matchAll(/^import .*'(.*)';$/gm)) {
      const from = new URL(path, `file:///${name}`).pathname.slice(1);
      assert.ok(listed.indexOf(from) >= 0 && listed.indexOf(from) < at, `${name} imports ${from}`);
    }
  }
});
