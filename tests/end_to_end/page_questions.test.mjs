// The twelve questions of the guide "Find what happened" on the page: each takes at most three clicks from the page as it opens (words may be
// typed into the prompt), and what is shown is what the command says.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { picortex } from './support/answers.mjs';
import { testFile } from './support/cleanup.mjs';
import { eventually, startDaemon } from './support/daemon.mjs';
import { SIZES, openPage, rowCount, search } from './support/page.mjs';
import { postQuestions } from './support/questions.mjs';

const CLICKS_MAX = 3;
const daemon = await startDaemon(testFile);
await postQuestions(daemon);

// What a command prints, as JSON.
async function prompt(...words) {
  const { stdout, stderr, code } = await picortex(daemon.dataDir, [...words, '--json', '--utc'], { TZ: 'UTC' });
  assert.equal(code, 0, stderr);
  return stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

// A reader who has just opened the page, and counts the clicks.
class Reader {
  constructor(tab) {
    this.tab = tab;
    this.clicks = 0;
  }

  async click(locator) {
    this.clicks += 1;
    await locator.click();
  }

  allTimes() {
    return this.click(this.tab.locator('#presets button', { hasText: 'All' }));
  }

  // Times as the fields have them: 2026-11-17T00:00.
  async between(since, until) {
    await this.click(this.tab.locator('#custom'));
    await this.tab.fill('#custom-form [name=since]', since);
    await this.tab.fill('#custom-form [name=until]', until);
    await this.tab.press('#custom-form [name=until]', 'Enter');
  }

  include(facet, value) {
    return this.click(this.tab.locator(`#facets [data-facet=${facet}] .facet-include`, { has: this.tab.getByText(value, { exact: true }) }));
  }

  row(text) {
    return this.tab.locator('#rows > *', { hasText: text }).first();
  }

  // The rows, the oldest first: [level, type, chat, message with fields].
  async rows() {
    const elements = this.tab.locator('#rows > *');
    const places = await elements.evaluateAll((rows) => rows.map((row) => Number(row.ariaPosInSet)));
    const rows = (await elements.allInnerTexts()).map((text, at) => ({ place: places[at], parts: text.split('\n') }));
    return rows.sort((a, b) => b.place - a.place).map(({ parts }) => parts).map(([, level, type, chat, ...rest]) => [level, type, chat, rest.join(' ')]);
  }

  // Waits until the list has what `logs` says, by what each row begins with.
  async shows(logged) {
    const expected = logged.map(({ level, event_type: type, chat_id: chat, msg }) => [level, type, chat, msg]);
    assert.ok(expected.length > 0);
    await eventually(`${expected.length} rows`, async () => await rowCount(this.tab) === expected.length);
    const rows = await this.rows();
    assert.deepEqual(rows.map((row) => row.slice(0, 3)), expected.map((row) => row.slice(0, 3)));
    for (const [at, row] of rows.entries()) assert.ok(row[3].startsWith(expected[at][3]), row[3]);
    return rows;
  }
}

const field = (text, name) => new RegExp(`\\b${name}=(\\S+)`).exec(text)?.[1];

// The counts of each day, from the histogram, which says what the bar at its cursor is. The arrow keys move the cursor.
async function countsByDay(tab) {
  await tab.locator('#histogram').focus();
  const days = new Map();
  for (let before = null; ;) {
    await tab.keyboard.press('ArrowRight');
    const [when, total] = await tab.evaluate(() => ['histogram-when', 'histogram-total'].map((id) => document.getElementById(id).textContent));
    if (when === before) break;
    before = when;
    const day = /Nov (\d+)/.exec(when)?.[1];
    assert.ok(day !== undefined || Number.parseInt(total, 10) === 0, when);
    const count = Number.parseInt(total, 10);
    if (count > 0) days.set(`2026-11-${day}`, (days.get(`2026-11-${day}`) ?? 0) + count);
  }
  return [...days].map(([day, count]) => ({ day, count }));
}

const questions = {
  1: async (reader) => {
    await reader.between('2026-11-17T00:00', '2026-11-18T00:00');
    await reader.include('chats', 'work');
    await reader.shows(await prompt('logs', '--chat', 'work', '--since', '2026-11-17'));
  },
  2: async (reader) => {
    await reader.allTimes();
    await reader.click(reader.row('rule=short'));
    await reader.click(reader.tab.locator('#tab-story'));
    const [first] = (await picortex(daemon.dataDir, ['why', '--chat', 'garden', '--last', '--utc'])).stdout.split('\n');
    await eventually('the reason', async () => (await reader.tab.textContent('#drawer-panel')).includes(first.replace(/ \(reason.*/, '')));
  },
  3: async (reader) => {
    await reader.allTimes();
    await reader.include('levels', 'error');
    const chats = async () => (await reader.tab.locator('#facets [data-facet=chats] .facet-include').allInnerTexts()).map((text) => text.split('\n'));
    const expected = (await prompt('chats', '--level', 'error')).map(({ chat_id: chat, events: count }) => [chat, String(count)]);
    await eventually('chats with errors', async () => JSON.stringify((await chats()).sort()) === JSON.stringify(expected.sort()));
  },
  4: async (reader) => {
    await reader.between('2026-11-09T00:00', '2026-11-21T00:00');
    await reader.include('levels', 'error');
    await eventually('errors alone', async () => await reader.tab.textContent('#histogram-total') === '3 events');
    const expected = (await prompt('stats', '--by', 'day', '--level', 'error')).map(({ by, count }) => ({ day: by.day.slice(0, 10), count }));
    assert.deepEqual(await countsByDay(reader.tab), expected);
  },
  5: async (reader) => {
    await reader.allTimes();
    await reader.click(reader.tab.locator('#views a', { hasText: 'Errors' }));
    const kind = reader.tab.locator('#errors-list > li');
    await kind.waitFor();
    const [expected] = await prompt('errors');
    assert.equal(await kind.count(), 1);
    const [text] = await kind.allInnerTexts();
    for (const part of [expected.title, expected.event_type, String(expected.count), 'Nov 17 14:04', ...expected.chats]) assert.ok(text.includes(part), `${part}: ${text}`);
  },
  6: async (reader) => {
    await reader.allTimes();
    await reader.include('levels', 'error');
    await eventually('errors alone', async () => await rowCount(reader.tab) === 3);
    const rows = await reader.rows();
    const shown = new Map();
    for (const [, , , text] of rows) shown.set(field(text, 'commit'), (shown.get(field(text, 'commit')) ?? 0) + 1);
    const expected = await prompt('stats', '--by', 'commit', '--level', 'error');
    assert.deepEqual([...shown], expected.map(({ by, count }) => [by.commit, count]));
  },
  7: async (reader) => {
    await reader.allTimes();
    await search(reader.tab, 'duration_ms>60000');
    await reader.include('types', 'tmux.turn.end');
    const logged = await prompt('logs', '--where', 'duration_ms>60000', '--type', 'tmux.turn.end');
    const rows = await reader.shows(logged);
    assert.deepEqual(rows.map(([, , , text]) => Number(field(text, 'duration_ms'))), [95_000, 64_000]);
  },
  8: async (reader) => {
    await reader.allTimes();
    await search(reader.tab, 'decision=skip');
    const rows = await reader.shows(await prompt('logs', '--where', 'decision=skip'));
    const shown = rows.map(([, , chat, text]) => `${field(text, 'rule')} ${chat}`).sort();
    const counted = await prompt('stats', '--where', 'decision=skip', '--by', 'rule', '--by', 'chat');
    assert.deepEqual(shown, counted.flatMap(({ by, count }) => Array(count).fill(`${by.rule} ${by.chat}`)).sort());
  },
  9: async (reader) => {
    await reader.allTimes();
    await reader.include('types', 'tmux.turn.end');
    const rows = await reader.shows(await prompt('logs', '--type', 'tmux.turn.end'));
    for (const { by, sum } of await prompt('stats', '--by', 'chat', '--sum', 'cost_usd', '--type', 'tmux.turn.end')) {
      const shown = rows.filter(([, , chat]) => chat === by.chat).reduce((all, [, , , text]) => all + Number(field(text, 'cost_usd')), 0);
      assert.ok(Math.abs(shown - sum.cost_usd) < 1e-9, `${by.chat}: ${shown}`);
    }
  },
  10: async (reader) => {
    await reader.allTimes();
    await reader.include('types', 'egress.rejected');
    const rows = await reader.shows(await prompt('logs', '--type', 'egress.*', '--level', 'warn'));
    const counted = await prompt('stats', '--type', 'egress.*', '--level', 'warn', '--by', 'host');
    assert.deepEqual(rows.map(([, , , text]) => field(text, 'host')).sort(), counted.flatMap(({ by, count }) => Array(count).fill(by.host)).sort());
  },
  11: async (reader) => {
    await reader.allTimes();
    await search(reader.tab, 'garlic');
    await reader.shows(await prompt('logs', '--text', 'garlic'));
  },
  12: async (reader) => {
    await reader.allTimes();
    await reader.click(reader.row('order 1047 has no total'));
    await reader.click(reader.tab.locator('#tab-around'));
    const logged = await prompt('logs', '--around', '2026-11-18 09:10:20.500', '--limit', '4');
    await eventually('the events around', async () => {
      const [text] = await reader.tab.locator('#drawer-panel').allInnerTexts();
      return logged.every(({ msg }) => text.includes(msg));
    });
  },
};

const guide = readFileSync(new URL('../../docs/guides/find-what-happened.md', import.meta.url), 'utf8');
for (const [, number, question] of guide.matchAll(/^### (\d+)\. (.*\?)$/gm)) {
  test(`${number}. ${question}`, async (t) => {
    const tab = await openPage(t, daemon, { viewport: SIZES.desktop, timezoneId: 'UTC' });
    const reader = new Reader(tab);
    await questions[number](reader);
    assert.ok(reader.clicks > 0 && reader.clicks <= CLICKS_MAX, `${reader.clicks} clicks`);
  });
}

test('every question of the guide is asked', () => {
  assert.deepEqual([...guide.matchAll(/^### (\d+)\. .*\?$/gm)].map(([, number]) => number), Object.keys(questions));
});
