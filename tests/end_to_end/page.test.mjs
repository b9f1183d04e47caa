// The page, driven in a real browser: token, tiles, charts, filters, live tail, story, phone width, dark and light. What it
// looks like is saved in build/screenshots.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { cleanUpAfter, testFile } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { eventually, startDaemon } from './support/daemon.mjs';
import { World, addresses, fencedUid, needsRoot } from './support/namespaces.mjs';
import { naughtyTexts } from './support/naughty.mjs';
import { authorization, readToken } from './support/token.mjs';

const SCREENSHOTS = fileURLToPath(new URL('../../build/screenshots/', import.meta.url));
mkdirSync(SCREENSHOTS, { recursive: true });

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium', headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
         '--disable-component-update', '--disable-sync'],
});
cleanUpAfter(testFile, () => browser.close());

const REQUEST = (index) => `11111111-2222-7333-8444-${String(index).padStart(12, '0')}`;

// 40 messages, one every 30 minutes; every fourth skipped, every tenth turn failed with an egress refusal on its way.
function messages(now) {
  const events = [];
  for (let index = 0; index < 40; ++index) {
    const at = now - 60_000 - index * 1_800_000;
    const add = (delayMs, event_type, msg, more = {}) =>
      events.push({ time: at + delayMs, event_type, msg, chat_id: `chat-${['maria', 'ops', 'jonas'][index % 3]}`, request_id: REQUEST(index), ...more });
    const skipped = index % 4 === 3;
    add(0, 'linq.inbound', `Message number ${index}`, { service: 'iMessage' });
    add(120, 'discriminator.decision', skipped ? 'skipped' : 'to be answered',
        { decision: skipped ? 'skip' : 'answer', rule: 'addressed', reason: skipped ? 'small talk' : 'asks for work', inputs: { words: 3 }, thresholds: { score: 0.5 }, score: 0.2 });
    if (skipped) continue;
    add(400, 'tmux.turn.start', 'turn started', { pane: '%1' });
    if (index % 10 === 0) {
      add(2_000, 'egress.rejected', 'refused evil.example:443', { level: 'warn', host: 'evil.example', port: 443 });
      add(5_000, 'tmux.turn.error', 'Claude Code exited with status 1', { level: 'error', exit_status: 1 });
    }
  }
  return events;
}

// A tab that must stay without an error, a violation of the policy, and a request to anyone else.
async function openTab(t, daemon, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: 'light', ...options });
  const tab = await context.newPage();
  tab.troubles = [];
  tab.expected = null;  // a pattern for messages that the test provokes
  tab.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !tab.expected?.test(message.text())) tab.troubles.push(message.text());
  });
  tab.on('pageerror', (error) => tab.troubles.push(error.stack));
  tab.on('request', (request) => {
    if (!/^(data:|about:)/.test(request.url()) && new URL(request.url()).origin !== daemon.origin) tab.troubles.push(`asked ${request.url()}`);
  });
  cleanUpAfter(t, async () => {
    const { troubles } = tab;
    await context.close();
    assert.deepEqual(troubles, []);
  });
  await tab.goto(`${daemon.origin}/${options.hash ?? ''}`);
  return tab;
}

async function enter(tab, daemon) {
  await tab.fill('#token', await readToken(daemon.dataDir));
  await tab.press('#token', 'Enter');
  await tab.waitForSelector('#panels:not([hidden])');
}

const rowCount = (tab) => tab.locator('#rows .row').count();
const texts = (tab) => tab.locator('#rows .row .msg').allTextContents();
const screenshot = (tab, name, options = {}) => tab.screenshot({ path: `${SCREENSHOTS}${name}.png`, animations: 'disabled', ...options });

async function startSeeded(t) {
  const daemon = await startDaemon(t);
  const client = new Client(daemon.address);
  const headers = await authorization(daemon.dataDir);
  const seeded = messages(Date.now());
  assert.equal((await client.post('/api/events', seeded, headers)).status, 200);
  cleanUpAfter(t, () => client.close());
  const post = async (events) => assert.equal((await client.post('/api/events', events, headers)).status, 200);
  return { daemon, client, headers, seeded, post };
}

test('the page is whole, and its policy lets nothing else in', async (t) => {
  const daemon = await startDaemon(t);
  const client = new Client(daemon.address);
  const { status, headers, text } = await client.get('/');
  assert.equal(status, 200);
  assert.match(headers['content-type'], /^text\/html; charset=utf-8$/);
  assert.equal(headers['cache-control'], 'no-store');
  assert.equal(headers['x-content-type-options'], 'nosniff');
  const policy = Object.fromEntries(headers['content-security-policy'].split('; ').map((part) => part.split(/ (.*)/).slice(0, 2)));
  assert.deepEqual(Object.keys(policy), ['default-src', 'script-src', 'style-src', 'connect-src', 'img-src', 'base-uri', 'form-action', 'frame-ancestors']);
  for (const name of ['default-src', 'base-uri', 'form-action', 'frame-ancestors']) assert.equal(policy[name], '\'none\'');
  for (const name of ['script-src', 'style-src']) assert.match(policy[name], /^'sha256-[A-Za-z0-9+/]{43}='$/);
  assert.equal(policy['connect-src'], '\'self\'');
  assert.doesNotMatch(text.replace(/<script>[^]*<\/script>|<style>[^]*<\/style>/g, ''), /https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
  assert.equal((await client.get('/', { host: 'evil.example' })).status, 403);
  client.close();
});

test('without the right token it shows nothing', async (t) => {
  const { daemon } = await startSeeded(t);
  const tab = await openTab(t, daemon);
  await screenshot(tab, 'token');
  assert.ok(await tab.isHidden('#panels'));
  tab.expected = /401 \(Unauthorized\)/;
  for (const wrong of ['wrong', 'ключ', 'two words']) {
    await tab.fill('#token', wrong);
    await tab.press('#token', 'Enter');
    await tab.waitForSelector('#token-error:not([hidden])');
    assert.equal(await tab.textContent('#token-error'), 'That is not the token.');
  }
  assert.equal(await rowCount(tab), 0);
  assert.doesNotMatch(await tab.content(), /Message number/);
  await enter(tab, daemon);
  await tab.waitForSelector('#rows .row');
  await tab.reload();  // asked for once
  await tab.waitForSelector('#rows .row');
  await tab.click('#forget');
  assert.ok(await tab.isHidden('#panels'));
  assert.doesNotMatch(await tab.content(), /Message number/);
  await tab.reload();
  assert.ok(await tab.isVisible('#gate'));
});

test('tiles and charts show what was counted', async (t) => {
  const { daemon, client } = await startSeeded(t);
  const tab = await openTab(t, daemon);
  await enter(tab, daemon);
  const { metrics } = (await client.get('/health')).json;
  assert.deepEqual([metrics.turns_total, metrics.discriminator_skipped_24h, metrics.errors_last_24h, metrics.chats_total], [30, 10, 4, 3]);
  await eventually('the tiles', async () => await tab.textContent('[data-metric=turns_total]') === '30');
  for (const [name, value] of Object.entries(metrics)) assert.equal(await tab.textContent(`[data-metric=${name}]`), String(value), name);
  assert.match(await tab.textContent('#status'), /^degraded: no tmux server$/);

  await eventually('the charts', async () => (await tab.locator('.chart canvas').count()) === 3);
  const history = (await client.get('/api/metrics/history', await authorization(daemon.dataDir))).json;
  const bars = (counts) => Array.from({ length: 96 }, (_, at) => counts[3 * at] + counts[3 * at + 1] + counts[3 * at + 2]);
  for (const [name, colour] of [['turns', '--accent'], ['skipped', '--quiet'], ['errors', '--error']]) {
    const chart = tab.locator(`[data-series=${name}]`);
    const total = history[name].reduce((sum, count) => sum + count, 0);
    assert.equal(await chart.locator('figcaption b').textContent(), String(total));
    // The bars that were drawn: columns of the canvas that have the series' colour, in groups, one for each quarter of an hour that has some.
    const drawn = await chart.locator('canvas').evaluate((canvas, variable) => {
      const { width, height } = canvas;
      const probe = document.createElement('canvas').getContext('2d');
      probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
      probe.fillRect(0, 0, 1, 1);
      const [red, green, blue] = probe.getImageData(0, 0, 1, 1).data;
      const left = Math.round(38 * devicePixelRatio);
      const { data } = canvas.getContext('2d').getImageData(left, 0, width - left, height - Math.round(26 * devicePixelRatio));
      const columns = Array.from({ length: width - left }, (_, x) => {
        let pixels = 0;
        for (let y = 0; y < height - Math.round(26 * devicePixelRatio); ++y) {
          const at = 4 * (y * (width - left) + x);
          if (Math.abs(data[at] - red) + Math.abs(data[at + 1] - green) + Math.abs(data[at + 2] - blue) < 12 && data[at + 3] > 200) ++pixels;
        }
        return pixels > 4;
      });
      return columns.filter((is, x) => is && !columns[x - 1]).length;
    }, colour);
    assert.equal(drawn, bars(history[name]).filter((count) => count > 0).length, `bars of ${name}`);
  }
  // Under the pointer stands the value of that step.
  const turns = bars(history.turns);
  const last = turns.findLastIndex((count) => count > 0);
  const over = tab.locator('[data-series=turns] .u-over');
  const box = await over.boundingBox();
  await tab.mouse.move(box.x + (box.width * (last + 0.1)) / 96, box.y + 20);
  await eventually('the value of the step', async () =>
    new RegExp(`^\\d\\d:\\d\\d–\\d\\d:\\d\\d: ${turns[last]}$`).test(await tab.textContent('[data-series=turns] figcaption b')));
  await tab.mouse.move(5, 5);
  await sleep(100);
  await screenshot(tab, 'light');
});

test('filters ask for what they say, stay over a reload, and older pages follow', async (t) => {
  const { daemon, seeded } = await startSeeded(t);
  const tab = await openTab(t, daemon);
  await enter(tab, daemon);
  const newestFirst = (fits) => seeded.filter(fits).sort((a, b) => b.time - a.time).map((event) => event.msg);
  await eventually('the first page', async () => (await rowCount(tab)) === 100);
  await tab.click('#older');
  await eventually('all pages', async () => (await rowCount(tab)) === seeded.length);
  assert.deepEqual(await texts(tab), newestFirst(() => true));
  assert.ok(await tab.isHidden('#older'));

  await tab.fill('[name=chat_id]', 'chat-maria');
  await tab.selectOption('[name=level]', 'warn');
  const loud = newestFirst((event) => event.chat_id === 'chat-maria' && ['warn', 'error'].includes(event.level));
  await eventually('the filtered list', async () => JSON.stringify(await texts(tab)) === JSON.stringify(loud));
  await tab.reload();
  await eventually('the same list', async () => JSON.stringify(await texts(tab)) === JSON.stringify(loud));
  await tab.click('#clear');
  await tab.fill('[name=event_type]', 'linq.*');
  await tab.fill('[name=text]', 'NUMBER 7');
  await eventually('one message', async () => JSON.stringify(await texts(tab)) === '["Message number 7"]');
  await screenshot(tab, 'filtered');
  await tab.fill('[name=text]', 'nothing at all');
  await eventually('none', async () => /No event fits/.test(await tab.textContent('#list-note')));
  await tab.click('#clear');
  await tab.fill('[name=request_id]', 'half a uu');
  assert.ok(await tab.locator('[name=request_id]:invalid').count());
});

test('the tail is live, and pauses without a jump', async (t) => {
  const { daemon, post } = await startSeeded(t);
  const tab = await openTab(t, daemon);
  await enter(tab, daemon);
  await eventually('the first page', async () => (await rowCount(tab)) === 100);
  await eventually('live', async () => await tab.textContent('#live-state') === 'live');
  await post([{ event_type: 'live', msg: 'first live' }, { event_type: 'live', msg: 'second live' }]);
  await eventually('both on top', async () => JSON.stringify((await texts(tab)).slice(0, 2)) === '["second live","first live"]');

  // Scrolled down: nothing moves.
  await tab.locator('#list').evaluate((list) => (list.scrollTop = 600));
  const place = () => tab.evaluate(() => {
    const list = document.getElementById('list').getBoundingClientRect();
    const row = document.elementFromPoint(list.left + 200, list.top + 200).closest('li');
    return [row.dataset.id, row.getBoundingClientRect().top];
  });
  const before = await place();
  await post(Array.from({ length: 30 }, (_, index) => ({ event_type: 'live', msg: `held ${index}` })));
  await eventually('30 wait', async () => /^30 new events/.test(await tab.textContent('#fresh')));
  assert.deepEqual(await place(), before);
  await screenshot(tab, 'held');
  await tab.click('#fresh');
  await eventually('they are on top', async () => (await texts(tab))[0] === 'held 29');
  assert.equal(await tab.locator('#list').evaluate((list) => list.scrollTop), 0);

  // Paused by key, at the top.
  await tab.locator('#list').focus();
  await tab.keyboard.press('p');
  assert.equal(await tab.getAttribute('#pause', 'aria-pressed'), 'true');
  await post([{ event_type: 'live', msg: 'while paused' }]);
  await eventually('1 waits', async () => /^1 new event /.test(await tab.textContent('#fresh')));
  assert.equal((await texts(tab))[0], 'held 29');
  await tab.keyboard.press('p');
  await eventually('it is there', async () => (await texts(tab))[0] === 'while paused');
  const all = await texts(tab);
  assert.equal(new Set(all.filter((text) => /live|held|paused/.test(text))).size, all.filter((text) => /live|held|paused/.test(text)).length);

  // A restart of the filter keeps following.
  await tab.fill('[name=event_type]', 'other');
  await eventually('none yet', async () => (await rowCount(tab)) === 0 && await tab.textContent('#live-state') === 'live');
  await post([{ event_type: 'live', msg: 'not this' }, { event_type: 'other', msg: 'but this' }]);
  await eventually('the one', async () => JSON.stringify(await texts(tab)) === '["but this"]');
});

test('a click on an event tells its request\'s story', async (t) => {
  const { daemon, client, headers } = await startSeeded(t);
  const tab = await openTab(t, daemon);
  await enter(tab, daemon);
  await tab.fill('[name=text]', 'Message number 10');
  await eventually('the message', async () => JSON.stringify(await texts(tab)) === '["Message number 10"]');
  const story = (await client.get(`/api/story?id=${REQUEST(10)}`, headers)).json;
  assert.equal(story.steps.length, 5);
  await tab.locator('#list').focus();
  await tab.keyboard.press('j');
  await tab.keyboard.press('Enter');
  await tab.waitForSelector('#story[open] .step');
  assert.equal(await tab.textContent('#story-conclusion'), story.conclusion);
  assert.deepEqual(await tab.locator('.step .what .type').allTextContents(), story.steps.map((step) => step.event_type));
  assert.deepEqual(await tab.locator('.step .msg').allTextContents(), story.steps.map((step) => step.what));
  await screenshot(tab, 'story');
  await tab.keyboard.press('Escape');
  assert.equal(await tab.locator('#story[open]').count(), 0);
  await tab.keyboard.press('Enter');
  await tab.waitForSelector('#story[open] .step');
  await tab.click('#story-filter');
  await eventually('the request\'s events', async () => (await rowCount(tab)) === 5);
});

test('stored text is never HTML', async (t) => {
  const daemon = await startDaemon(t);
  const client = new Client(daemon.address);
  const hostile = [...naughtyTexts, '<img src=x onerror="document.title=\'owned\'">', '<script>document.title="owned"</script>', '"><b id=owned>'];
  const headers = await authorization(daemon.dataDir);
  const response = await client.post('/api/events', hostile.map((text, index) => ({
    time: 1_760_000_000_000 + index, event_type: `t<b id=owned>${index}`, chat_id: `c<b id=owned>${index}`, request_id: REQUEST(0), msg: text, note: text, [`<b id=owned>${index}`]: text, level: 'warn',
  })), headers);
  assert.equal(response.status, 200, response.text);
  const tab = await openTab(t, daemon);
  await enter(tab, daemon);
  await eventually('all rows', async () => (await rowCount(tab)) === hostile.length);
  const stored = (await client.get('/api/events', headers)).json.events;
  assert.deepEqual(await texts(tab), stored.map((event) => event.msg));
  await tab.locator('#rows .row').first().click();
  await eventually('all steps', async () => (await tab.locator('.step').count()) === hostile.length);
  assert.equal(await tab.locator('#owned').count(), 0);
  assert.equal(await tab.title(), 'picortex');
  client.close();
});

test('an empty database says what to do, and the line that it gives works', async (t) => {
  const daemon = await startDaemon(t);
  const tab = await openTab(t, daemon);
  await enter(tab, daemon);
  await eventually('what to do', async () => /Nothing has been stored yet/.test(await tab.textContent('#list-note')));
  await screenshot(tab, 'empty');
  const line = await tab.locator('.paste pre').first().textContent();
  await promisify(execFile)('bash', ['-c', line]);
  await eventually('it arrives', async () => JSON.stringify(await texts(tab)) === '["hello from a page"]');
  assert.equal(await tab.textContent('#list-note'), '');
});

test('it fits a phone, in dark and in light', async (t) => {
  const { daemon } = await startSeeded(t);
  for (const [name, options] of [['phone', { viewport: { width: 360, height: 780 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true }],
    ['phone-dark', { viewport: { width: 360, height: 780 }, deviceScaleFactor: 2, colorScheme: 'dark' }], ['dark', { colorScheme: 'dark' }]]) {
    const tab = await openTab(t, daemon, options);
    await enter(tab, daemon);
    await eventually('the first page', async () => (await rowCount(tab)) === 100);
    await eventually('the charts', async () => (await tab.locator('.chart canvas').count()) === 3);
    assert.ok(await tab.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing sticks out');
    await screenshot(tab, name, { fullPage: name !== 'dark' });
    if (name === 'phone') {
      await tab.click('#more');
      assert.ok(await tab.isVisible('[name=request_id]'));
      assert.ok(await tab.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    }
    await tab.locator('#rows .row').nth(1).click();
    await tab.waitForSelector('#story[open] .step');
    await screenshot(tab, `${name}-story`);
  }
});

test('the egress panel shows what a real fence met, with the turn and the command to allow it', { skip: needsRoot }, async (t) => {
  const world = await World.create(t);
  const fenced = await world.startDaemon(t);
  const requestId = randomUUID();
  const asTurn = (...command) => world.runAs(fencedUid, ['env', `PICORTEX_REQUEST_ID=${requestId}`, 'PICORTEX_CHAT_ID=chat-7', ...command]);
  await asTurn('curl', '-sS', '-4', 'https://allowed.test/');
  await asTurn('curl', '-sS', '-4', 'https://forbidden-name.test/');
  await asTurn('curl', '-sSk', '--max-time', '5', `https://${addresses.sink}:8443/`);
  await fenced.line((line) => line.event_type === 'egress.rejected' && line.address === addresses.sink);
  await fenced.stop();

  const daemon = await startDaemon(t, { dataDir: fenced.dataDir });
  const tab = await openTab(t, daemon);
  await enter(tab, daemon);
  await tab.waitForSelector('#egress:not([hidden]) tr.refused');
  assert.match(await tab.textContent('#egress-note'), /^The fence is off/);
  const lines = await tab.locator('#egress-table tr:not(:first-child)').evaluateAll((all) =>
    all.map((line) => [...line.cells].map((cell) => cell.textContent)));
  const byHost = Object.fromEntries(lines.map(([host, verdict, attempts, , turn, allow]) => [host, { verdict, attempts, turn, allow }]));
  const turn = `…${requestId.slice(-8)}`;
  assert.deepEqual(byHost['allowed.test tcp 443'], { verdict: 'allowed', attempts: '1', turn, allow: '' });
  assert.deepEqual(byHost['forbidden-name.test (name)'].allow, 'picortex egress allow forbidden-name.test');
  assert.deepEqual(byHost[`${addresses.sink} tcp 8443`],
                   { verdict: 'refused', attempts: '1', turn, allow: `picortex egress allow ${addresses.sink}:8443` });
  await tab.locator('#egress').scrollIntoViewIfNeeded();
  await screenshot(tab, 'egress');
  // By keyboard: the turn's story.
  await tab.locator('tr', { hasText: 'forbidden-name.test' }).locator('button').focus();
  await tab.keyboard.press('Enter');
  await tab.waitForSelector('#story[open] .step');
  assert.match(await tab.textContent('#story-title'), /chat-7/);
  assert.match(await tab.textContent('#story-steps'), /egress\.rejected/);
});

test('a stored host is never HTML, nor a command to paste', async (t) => {
  const before = await startDaemon(t);
  await before.stop();
  const hosts = [...naughtyTexts.filter((text) => !text.includes('\0')).map((text) => text.toWellFormed?.() ?? text), '<b id=owned>', 'x; touch owned', '$(touch owned)', '-x'];
  const values = hosts.map((host, index) => `('${host.replaceAll("'", "''")}', 443, 6, 2, ${index}, ${index}, 1, NULL)`);
  execFileSync('sqlite3', [join(before.dataDir, 'picortex.db')], { input: `INSERT INTO egress_host VALUES ${values.join(',')};` });
  const daemon = await startDaemon(t, { dataDir: before.dataDir });
  const tab = await openTab(t, daemon);
  await enter(tab, daemon);
  await tab.waitForSelector('#egress:not([hidden]) tr.refused');
  const lines = await tab.locator('#egress-table tr.refused').evaluateAll((all) =>
    all.map((line) => [line.cells[0].textContent, line.cells[5].textContent]));
  assert.equal(lines.length, hosts.length);
  assert.ok(lines.some(([host]) => host === '<b id=owned> tcp 443'));
  assert.deepEqual(lines.filter(([, command]) => /[^\w.: \-[\]]/.test(command)), []);
  assert.ok(!lines.some(([host, command]) => /touch|^-x/.test(host) && command !== ''), 'what a shell or an option parser would heed');
  assert.equal(await tab.locator('#owned').count(), 0);
});

test('without a fence and without attempts there is no egress panel', async (t) => {
  const { daemon } = await startSeeded(t);
  const tab = await openTab(t, daemon);
  await enter(tab, daemon);
  await eventually('the first page', async () => (await rowCount(tab)) === 100);
  assert.ok(await tab.isHidden('#egress'));
});

test('a daemon that goes and comes back is followed again', async (t) => {
  const { daemon, post } = await startSeeded(t);
  const tab = await openTab(t, daemon);
  tab.expected = /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET|net::ERR/;
  await enter(tab, daemon);
  await eventually('live', async () => await tab.textContent('#live-state') === 'live');
  await post([{ event_type: 'live', msg: 'before' }]);
  await eventually('it came', async () => (await texts(tab))[0] === 'before');
  await daemon.stop();
  await eventually('unreachable', async () => await tab.textContent('#status') === 'unreachable' && /reconnecting/.test(await tab.textContent('#live-state')), 15_000);
  await screenshot(tab, 'unreachable');
  const again = await startDaemon(t, { dataDir: daemon.dataDir, settings: { PICORTEX_LISTEN: daemon.authority } });
  const client = new Client(again.address);
  await client.post('/api/events', [{ event_type: 'live', msg: 'behind' }], await authorization(again.dataDir));
  await eventually('it is followed', async () => (await texts(tab))[0] === 'behind', 20_000);
  assert.equal((await texts(tab)).filter((text) => text === 'before').length, 1);
  client.close();
});
