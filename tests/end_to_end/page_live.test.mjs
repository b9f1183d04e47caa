// The list while it follows: live tail, pause, outages, restarts, and a database that fails.
import assert from 'node:assert/strict';
import test from 'node:test';
import { cleanUpAfter } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { eventually, startDaemon } from './support/daemon.mjs';
import { allTexts, enter, inState, openPage, openTab, rowCount, screenshot, search, shows, showsFirstPage, startSeeded, stateOf, texts } from './support/page.mjs';
import { authorization } from './support/token.mjs';

// The page's timers: how often it looks at /health, and how long it waits at most before it opens the stream again.
const HEALTH_MS = 5_000;
const RETRY_MS_MAX = 10_000;

test('the tail is live, and pauses without a jump', async (t) => {
  const { daemon, post } = await startSeeded(t);
  const tab = await openPage(t, daemon);
  await showsFirstPage(tab);
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
  await tab.locator('#rows').focus();
  await tab.keyboard.press('p');
  assert.equal(await tab.getAttribute('#pause', 'aria-pressed'), 'true');
  await post([{ event_type: 'live', msg: 'while paused' }]);
  await eventually('1 waits', async () => /^1 new event /.test(await tab.textContent('#fresh')));
  assert.equal((await texts(tab))[0], 'held 29');
  await tab.keyboard.press('p');
  await eventually('it is there', async () => (await texts(tab))[0] === 'while paused');
  const all = await allTexts(tab);
  assert.equal(new Set(all.filter((text) => /live|held|paused/.test(text))).size, all.filter((text) => /live|held|paused/.test(text)).length);

  // A restart of the filter keeps following.
  await search(tab, 'type=other');
  await inState(tab, 'filtered');
  assert.equal(await rowCount(tab), 0);
  assert.equal(await tab.textContent('#live-state'), 'live');
  await post([{ event_type: 'live', msg: 'not this' }, { event_type: 'other', msg: 'but this' }]);
  await eventually('the one', async () => JSON.stringify(await texts(tab)) === '["but this"]');
});

test('after an outage with a filter the history is there before it is live', async (t) => {
  const { daemon, seeded } = await startSeeded(t);
  const tab = await openPage(t, daemon, { viewport: { width: 1280, height: 1800 }, hasOwnClock: true });
  tab.expected = /net::ERR|Failed to load resource/;
  await inState(tab, 'live');
  await daemon.stop();
  await inState(tab, 'resuming');
  await screenshot(tab, 'resuming');
  // Changed while no server answers.
  await search(tab, 'chat=chat-maria');
  await eventually('reconnecting', async () => await rowCount(tab) === 0 && await stateOf(tab) === 'resuming', 20_000);
  assert.equal(await tab.textContent('#live-state'), 'reconnecting…');
  const again = await startDaemon(t, { dataDir: daemon.dataDir, settings: { PICORTEX_LISTEN: daemon.authority } });
  const client = new Client(again.address);
  cleanUpAfter(t, () => client.close());
  await tab.clock.fastForward(RETRY_MS_MAX);
  await inState(tab, 'filtered');
  const expected = seeded.filter((event) => event.chat_id === 'chat-maria').sort((a, b) => b.time - a.time).map((event) => event.msg);
  await shows(tab, expected);

  // Down once more, with the filter and its rows in place.
  await again.stop();
  await inState(tab, 'resuming');
  const third = await startDaemon(t, { dataDir: daemon.dataDir, settings: { PICORTEX_LISTEN: daemon.authority } });
  const poster = new Client(third.address);
  cleanUpAfter(t, () => poster.close());
  const headers = await authorization(third.dataDir);
  await poster.post('/api/events', [{ event_type: 'live', chat_id: 'chat-maria', msg: 'of the outage' }, { event_type: 'live', chat_id: 'chat-ops', msg: 'not this' }], headers);
  await tab.clock.fastForward(RETRY_MS_MAX);
  await inState(tab, 'filtered');
  await eventually('what was missed', async () => (await texts(tab))[0] === 'of the outage');
  await shows(tab, ['of the outage', ...expected]);
});

test('paused by a story, by scrolling and by the button is said, and loses nothing', async (t) => {
  const { daemon, post } = await startSeeded(t);
  const tab = await openPage(t, daemon);
  await inState(tab, 'live');
  let count = 0;
  const during = async (begin, end) => {
    await begin();
    await inState(tab, 'paused');
    assert.equal(await tab.textContent('#live-state'), 'paused');
    const msg = `held ${count++}`;
    await post([{ event_type: 'live', msg }]);
    await eventually('it waits', async () => !(await tab.evaluate(() => document.getElementById('fresh').hidden)));
    assert.notEqual((await texts(tab))[0], msg);
    if (count === 1) await screenshot(tab, 'paused');
    await end();
    await inState(tab, 'live');
    await eventually('it is there', async () => (await texts(tab))[0] === msg);
  };
  await during(() => tab.click('#pause'), () => tab.click('#pause'));
  await during(() => tab.locator('#rows .row .msg').nth(1).click(), () => tab.keyboard.press('Escape'));
  await during(() => tab.locator('#list').evaluate((list) => (list.scrollTop = 300)), () => tab.locator('#list').evaluate((list) => (list.scrollTop = 0)));
});

test('older events stay within reach after thousands of live rows', async (t) => {
  const { daemon, post, seeded } = await startSeeded(t);
  const tab = await openPage(t, daemon);
  await inState(tab, 'live');
  const live = Array.from({ length: 2400 }, (_, index) => `live ${index}`);
  for (let at = 0; at < live.length; at += 200) {
    await post(live.slice(at, at + 200).map((msg) => ({ event_type: 'live', msg })));
    await eventually('they came', async () => (await texts(tab))[0] === live[at + 199]);
  }
  assert.ok(await rowCount(tab) <= 2000);
  assert.ok(await tab.isVisible('#older'));
  const everything = live.length + seeded.length;
  for (let page = 0; page < 10 && await tab.isVisible('#older'); ++page) {
    const before = await rowCount(tab);
    await tab.locator('#older').evaluate((button) => button.click());
    await eventually('a page more', async () => (await rowCount(tab)) > before || await tab.isHidden('#older'));
  }
  await eventually('everything', async () => await rowCount(tab) === everything);
  const all = await allTexts(tab);
  assert.deepEqual(all.slice(0, live.length).sort(), [...live].sort());
  assert.deepEqual(all.slice(live.length), seeded.toSorted((a, b) => b.time - a.time).map((event) => event.msg));
});

test('while the list is read from a database that fails it is not live', async (t) => {
  const { daemon } = await startSeeded(t);
  const tab = await openTab(t, daemon);
  tab.expected = /503|Failed to load resource/;
  let isDown = true;
  await tab.route('**/api/events?*', (route) => (isDown ? route.fulfill({ status: 503, json: { message: 'The database cannot be read now' } }) : route.continue()));
  await enter(tab, daemon);
  await eventually('it says why', async () => /cannot be read: The database/.test(await tab.textContent('#list-note')));
  assert.equal(await stateOf(tab), 'resuming');
  isDown = false;
  await inState(tab, 'live');
  await showsFirstPage(tab);
  // A stream that cannot be opened: what is stored is shown, and not called live.
  await tab.route('**/api/events/stream?*', (route) => route.fulfill({ status: 503, json: { message: 'Too many streams are open' } }));
  await search(tab, 'chat=chat-maria');
  await eventually('what is stored', async () => await rowCount(tab) > 0 && await stateOf(tab) === 'resuming');
  await tab.unroute('**/api/events/stream?*');
  await inState(tab, 'filtered');
});

test('a daemon that restarts is followed again', async (t) => {
  const { daemon, post } = await startSeeded(t);
  const tab = await openPage(t, daemon, { hasOwnClock: true });
  tab.expected = /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET|net::ERR/;
  await eventually('live', async () => await tab.textContent('#live-state') === 'live');
  await post([{ event_type: 'live', msg: 'before' }]);
  await eventually('it came', async () => (await texts(tab))[0] === 'before');
  await daemon.stop();
  await inState(tab, 'resuming');
  await tab.clock.fastForward(HEALTH_MS);
  await eventually('unreachable', async () => await tab.textContent('#status') === 'unreachable' && /reconnecting/.test(await tab.textContent('#live-state')), 15_000);
  await screenshot(tab, 'unreachable');
  const again = await startDaemon(t, { dataDir: daemon.dataDir, settings: { PICORTEX_LISTEN: daemon.authority } });
  const client = new Client(again.address);
  await client.post('/api/events', [{ event_type: 'live', msg: 'after' }], await authorization(again.dataDir));
  await tab.clock.fastForward(RETRY_MS_MAX);
  await eventually('it is followed', async () => (await texts(tab))[0] === 'after', 20_000);
  assert.equal((await texts(tab)).filter((text) => text === 'before').length, 1);
  client.close();
});
