// The Events view: list, prompt and chips, facets, histogram, details.
import assert from 'node:assert/strict';
import test from 'node:test';
import { testFile } from './support/cleanup.mjs';
import { eventually } from './support/daemon.mjs';
import { REQUEST, allTexts, chips, hasAll, inState, isLive, openPage, rowCount, screenshot, search, setHash, shows, showsFirstPage, startSeeded, startWith, texts } from './support/page.mjs';

// For the tests that only read.
const { daemon, client, headers, seeded } = await startSeeded(testFile);

const newestFirst = (events, fits) => events.filter(fits).sort((a, b) => b.time - a.time).map((event) => event.msg);

test('filters ask for what they say, stay over a reload, and older events follow', async (t) => {
  const tab = await openPage(t, daemon);
  await showsFirstPage(tab);
  await eventually('all pages', () => hasAll(tab, seeded.length));
  assert.deepEqual(await allTexts(tab), newestFirst(seeded, () => true));
  assert.ok(await tab.isHidden('#older'));

  await search(tab, 'chat=chat-maria level>=warn');
  const loud = newestFirst(seeded, (event) => event.chat_id === 'chat-maria' && ['warn', 'error'].includes(event.level));
  await shows(tab, loud);
  assert.deepEqual(await chips(tab), ['chat=chat-maria', 'level>=warn']);
  await tab.reload();
  await shows(tab, loud);
  await tab.click('#clear');
  await search(tab, 'type=linq.*');
  await search(tab, 'NUMBER 7');
  await shows(tab, ['Message number 7']);
  assert.deepEqual(await chips(tab), ['type=linq.*', '"NUMBER 7"']);
  await screenshot(tab, 'filtered');
  await search(tab, 'nothing at all');
  await eventually('none', async () => /No event matches/.test(await tab.textContent('#list-note')));
  // Back, and on again.
  await tab.goBack();
  await shows(tab, ['Message number 7']);
  await tab.goForward();
  await eventually('none again', async () => (await rowCount(tab)) === 0);
});

test('what the screen shows can be searched as it is shown, and is chips that can be changed', async (t) => {
  const tab = await openPage(t, daemon);
  await isLive(tab);
  for (const [typed, fits, shown] of [
    ['decision=skip', (event) => event.decision === 'skip', ['decision=skip']],
    ['!type=log reason="small talk"', (event) => event.reason === 'small talk', ['!type=log', 'reason="small talk"']],
    ['inputs.words>=3 rule~ADDR chat=chat-ops', (event) => event.inputs && event.chat_id === 'chat-ops', ['chat=chat-ops', 'inputs.words>=3', 'rule~ADDR']],
    ['!chat=chat-maria type!=linq.inbound level=error', (event) => event.level === 'error' && event.chat_id !== 'chat-maria', ['!chat=chat-maria', 'type!=linq.inbound', 'level=error']],
    ['"exited with"', (event) => /exited/.test(event.msg), ['"exited with"']],
  ]) {
    await search(tab, typed);
    const expected = newestFirst(seeded, fits);
    assert.ok(expected.length > 0, typed);
    await eventually(typed, async () => await hasAll(tab, expected.length) && JSON.stringify((await texts(tab)).slice(0, 12)) === JSON.stringify(expected.slice(0, 12)));
    assert.deepEqual((await chips(tab)).sort(), shown.sort());
    // The same after a reload: the address has it all.
    await tab.reload();
    await eventually(typed, async () => await hasAll(tab, expected.length));
    assert.deepEqual((await chips(tab)).sort(), shown.sort());
    await tab.click('#clear');
    await eventually('no chips', async () => (await chips(tab)).length === 0);
  }
  // A chip goes back into the prompt to be changed; an x removes it.
  await search(tab, 'decision=skip chat=chat-ops');
  await tab.locator('.chip-text', { hasText: 'decision' }).click();
  assert.equal(await tab.inputValue('#prompt'), 'decision=skip');
  assert.deepEqual(await chips(tab), ['chat=chat-ops']);
  await search(tab, 'decision=answer');
  await tab.locator('#chips [aria-label="Remove chat=chat-ops"]').click();
  assert.deepEqual(await chips(tab), ['decision=answer']);
  await tab.press('#prompt', 'Backspace');
  assert.equal(await tab.inputValue('#prompt'), 'decision=answer');
});

test('a click on a value includes or excludes it', async (t) => {
  const tab = await openPage(t, daemon);
  await isLive(tab);
  await tab.locator('#rows .type', { hasText: 'discriminator.decision' }).first().click();
  await tab.waitForSelector('#value-menu:popover-open');
  assert.deepEqual(await tab.locator('#value-menu code').allTextContents(), ['type=discriminator.decision', '!type=discriminator.decision']);
  await tab.locator('#value-menu button').first().click();
  await eventually('decisions only', async () => await hasAll(tab, newestFirst(seeded, (event) => event.event_type === 'discriminator.decision').length));
  // A member of the data.
  await tab.locator('#rows .data', { hasText: /^decision=skip$/ }).first().click();
  await tab.locator('#value-menu button').nth(1).click();
  const answered = newestFirst(seeded, (event) => event.decision === 'answer');
  await eventually('the skipped ones are out', async () => await hasAll(tab, answered.length));
  assert.deepEqual((await chips(tab)).sort(), ['!decision=skip', 'type=discriminator.decision']);
  // From the details.
  await tab.locator('#rows .row .msg').nth(1).click();
  await tab.locator('#drawer .json button', { hasText: 'asks for work' }).click();
  await tab.locator('#value-menu button').first().click();
  await eventually('three chips', async () => (await chips(tab)).includes('reason="asks for work"'));
  await eventually('the rows', async () => await hasAll(tab, answered.length));
});

test('facets count, include and exclude', async (t) => {
  const tab = await openPage(t, daemon);
  await isLive(tab);
  const counts = async (facet) => Object.fromEntries(await tab.locator(`#facets [data-facet=${facet}] .facet-value`).evaluateAll((all) =>
    all.map((item) => [item.querySelector('.facet-name').textContent, Number(item.querySelector('.facet-count').textContent)])));
  const countBy = (member, events = seeded) => {
    const counted = {};
    for (const event of events) counted[event[member] ?? 'info'] = (counted[event[member] ?? 'info'] ?? 0) + 1;
    return counted;
  };
  await eventually('types', async () => JSON.stringify(Object.entries(await counts('types')).sort()) === JSON.stringify(Object.entries(countBy('event_type')).sort()));
  assert.deepEqual(await counts('levels'), countBy('level'));
  assert.deepEqual(await counts('chats'), countBy('chat_id'));
  await tab.locator('#facets [data-facet=chats] .facet-include', { hasText: 'chat-ops' }).click();
  const ops = seeded.filter((event) => event.chat_id === 'chat-ops');
  await eventually('one chat', async () => await hasAll(tab, ops.length));
  await eventually('its types', async () => JSON.stringify(Object.entries(await counts('types')).sort()) === JSON.stringify(Object.entries(countBy('event_type', ops)).sort()));
  assert.deepEqual(await counts('chats'), countBy('chat_id'), 'its own facet keeps the others');
  const inbound = tab.locator('#facets [data-facet=types] .facet-value', { hasText: 'linq.inbound' });
  await inbound.hover();
  await inbound.locator('.facet-exclude').click();
  await eventually('without messages', async () => await hasAll(tab, ops.filter((event) => event.event_type !== 'linq.inbound').length));
  assert.deepEqual((await chips(tab)).sort(), ['!type=linq.inbound', 'chat=chat-ops']);
  // Once more takes it away.
  await tab.locator('#facets [data-facet=chats] [aria-pressed=true]').click();
  await eventually('chat is free', async () => JSON.stringify(await chips(tab)) === '["!type=linq.inbound"]');
});

test('the histogram counts what is listed, and a drag zooms', async (t) => {
  const tab = await openPage(t, daemon);
  await eventually('all', async () => await tab.textContent('#histogram-total') === `${seeded.length} events`);
  const legend = async () => Object.fromEntries((await tab.locator('#histogram-legend span').allTextContents()).map((text) => text.split(' ')));
  const of = (...levels) => String(seeded.filter((event) => levels.includes(event.level ?? 'info')).length);
  assert.deepEqual(await legend(), { debug: '0', info: of('info'), warn: of('warn'), error: of('error') });
  const over = tab.locator('#histogram .u-over');
  const box = await over.boundingBox();
  await tab.mouse.move(box.x + box.width * 0.5, box.y + 20);
  await tab.mouse.down();
  await tab.mouse.move(box.x + box.width * 0.8, box.y + 30, { steps: 4 });
  await tab.mouse.up();
  await eventually('a time of its own', async () => await tab.getAttribute('#custom', 'aria-pressed') === 'true');
  const address = new URLSearchParams(new URL(tab.url()).hash.slice(1));
  const [since, until] = ['since', 'until'].map((name) => Date.parse(address.get(name)));
  assert.ok(until - since > 6 * 3_600_000 && until - since < 9 * 3_600_000, address.toString());
  const inside = seeded.filter((event) => event.time >= since && event.time < until);
  await eventually('the part', async () => await tab.textContent('#histogram-total') === `${inside.length} events`);
  await eventually('in the list', async () => await hasAll(tab, inside.length));
  await tab.goBack();
  await eventually('the whole again', async () => await tab.textContent('#histogram-total') === `${seeded.length} events`);
  // All times: from the oldest event on, not from 1970.
  await tab.click('[data-preset=all]');
  await eventually('steps that fit', async () => await tab.locator('#histogram canvas').count() === 1 && await tab.textContent('#histogram-total') === `${seeded.length} events`);
});

test('details leave the list in place, and have the story, the data and what was around', async (t) => {
  const tab = await openPage(t, daemon);
  await tab.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await isLive(tab);
  const place = () => tab.locator('#rows .row').evaluateAll((rows) => rows.slice(0, 10).map((row) => [row.dataset.id, row.getBoundingClientRect().top, row.getBoundingClientRect().left]));
  const before = await place();
  await search(tab, 'Message number 10');
  await shows(tab, ['Message number 10']);
  await tab.click('#clear');
  await showsFirstPage(tab);
  assert.deepEqual(await place(), before);
  await tab.locator('#rows .msg', { hasText: 'Message number 1' }).first().click();
  await tab.waitForSelector('#drawer .members');
  assert.deepEqual(await place(), before);

  const story = (await client.get(`/api/story?id=${REQUEST(0)}`, headers)).json;
  await setHash(tab, `event=${story.steps[0].id}&tab=story`);
  await tab.waitForSelector('#drawer .step');
  assert.equal(await tab.textContent('#story-conclusion'), story.conclusion);
  assert.deepEqual(await tab.locator('.step .what .type').allTextContents(), story.steps.map((step) => step.event_type));
  assert.deepEqual(await tab.locator('.step .msg').allTextContents(), story.steps.map((step) => step.what));
  // A step leads to its event.
  await tab.locator('.step .type', { hasText: 'tmux.turn.error' }).click();
  await eventually('the event', async () => await tab.textContent('#drawer .message').catch(() => '') === 'Claude Code exited with status 1');
  assert.equal(await tab.textContent('#drawer-title'), 'tmux.turn.error');
  const event = (await client.get(`/api/events?request_id=${REQUEST(0)}&level=error`, headers)).json.events[0];
  for (const [button, expected] of [['Copy ID', event.id], ['Copy link', tab.url()]]) {
    await tab.locator('#drawer button', { hasText: button }).click();
    await eventually(button, async () => await tab.evaluate(() => navigator.clipboard.readText()) === expected);
  }
  await tab.locator('#drawer button', { hasText: 'Copy JSON' }).click();
  await eventually('JSON', async () => { try { assert.deepEqual(JSON.parse(await tab.evaluate(() => navigator.clipboard.readText())), event); return true; } catch { return false; } });
  // Around: before and after, oldest first, and this event marked.
  await tab.click('#tab-around');
  await tab.waitForSelector('#drawer .around [aria-current]');
  const all = (await client.get('/api/events?limit=1000', headers)).json.events.toReversed();
  const at = all.findIndex((one) => one.id === event.id);
  assert.deepEqual(await tab.locator('#drawer .around .msg').allTextContents(), all.slice(at - 10, at + 11).map((one) => one.msg));
  await tab.click('#drawer .check input');
  const chat = all.filter((one) => one.chat_id === event.chat_id);
  const inChat = chat.findIndex((one) => one.id === event.id);
  await eventually('this chat', async () => JSON.stringify(await tab.locator('#drawer .around .msg').allTextContents()) === JSON.stringify(chat.slice(inChat - 10, inChat + 11).map((one) => one.msg)));
  // The request's events in the list.
  await tab.click('#tab-story');
  await tab.click('#story-filter');
  await eventually('the request\'s events', async () => (await rowCount(tab)) === 5);
  assert.deepEqual(await chips(tab), [`request=${REQUEST(0)}`]);
});

test('an invalid filter says so, and is not live', async (t) => {
  const { daemon: followed, post } = await startSeeded(t);
  const tab = await openPage(t, followed);
  await isLive(tab);
  const invalid = [['request=half', /^invalid filter: Request is not a whole UUID$/], ['type=*error', /^invalid filter: Type may have a \* at its end only/],
    ['type=a*b', /^invalid filter: Type/], ['level>=loud', /^invalid filter: Level "loud"/]];
  for (const [typed, said] of invalid) {
    await search(tab, typed);
    await inState(tab, 'broken');
    assert.match(await tab.textContent('#live-state'), said);
    assert.match(await tab.textContent('#list-note'), /Nothing is shown until it is corrected/);
    assert.equal(await rowCount(tab), 0);
    assert.equal(await tab.locator('.chip.invalid').count(), 1);
    if (typed === 'request=half') await screenshot(tab, 'broken');
    await tab.click('#clear');
    await isLive(tab);
    await showsFirstPage(tab);
  }
  await setHash(tab, 'since=2026-11-17T14:00:00Z&until=2026-11-17T13:00:00Z');
  await inState(tab, 'broken');
  assert.equal(await tab.textContent('#live-state'), 'invalid filter: Since is not before Until');
  // What only the daemon rejects.
  tab.expected = /400 \(Bad Request\)/;
  await setHash(tab, `chat_id=${encodeURIComponent('é'.repeat(200))}`);
  await inState(tab, 'broken');
  await eventually('why', async () => /^invalid filter: chat_id is longer than 256 bytes/.test(await tab.textContent('#live-state')));
  for (const [hash, said] of [['level=loud', /Level "loud"/], ['since=someday', /Since "someday" in the address/], ['request_id=1', /Request/], ['range=5w', /Range "5w"/]]) {
    await setHash(tab, hash);
    await eventually(hash, async () => said.test(await tab.textContent('#live-state')));
    await inState(tab, 'broken');
  }
  await tab.click('[data-preset="24h"]');
  await isLive(tab);
  await post([{ event_type: 'live', msg: 'after all' }]);
  await eventually('it came', async () => (await texts(tab))[0] === 'after all');
});

test('a pasted link changes the filters, and means the same times in another zone', async (t) => {
  const tab = await openPage(t, daemon, { timezoneId: 'Europe/Berlin' });
  await isLive(tab);
  const from = new Date(Math.floor((seeded[0].time - 12 * 3_600_000) / 60_000) * 60_000);
  await setHash(tab, `since=${from.toISOString()}&chat_id=chat-ops`);
  await inState(tab, 'filtered');
  await tab.waitForSelector('#filter-mark', { state: 'visible' });
  const link = tab.url();
  const found = await texts(tab);
  assert.deepEqual(found, newestFirst(seeded, (event) => event.chat_id === 'chat-ops' && event.time >= from));
  await screenshot(tab, 'filtered-live');
  const elsewhere = await openPage(t, daemon, { timezoneId: 'America/Los_Angeles', hash: new URL(link).hash });
  await inState(elsewhere, 'filtered');
  assert.deepEqual(await texts(elsewhere), found);
  assert.notEqual(await elsewhere.textContent('#custom'), await tab.textContent('#custom'));
  assert.equal(elsewhere.url(), link);

  // Into a tab that is open: without a reload. Links of earlier versions too.
  await elsewhere.evaluate(() => (window.isSame = true));
  for (const [hash, chip, fits] of [['#chat_id=chat-maria', 'chat=chat-maria', (event) => event.chat_id === 'chat-maria'],
    ['#event_type=tmux.*&level=error', 'level>=error', (event) => event.level === 'error'],
    ['#text=number%207', '"number 7"', (event) => event.msg === 'Message number 7']]) {
    await elsewhere.goto(`${daemon.origin}/${hash}`);
    await eventually(chip, async () => (await chips(elsewhere)).includes(chip));
    const expected = newestFirst(seeded, fits);
    await eventually(hash, async () => await hasAll(elsewhere, expected.length) && JSON.stringify((await texts(elsewhere)).slice(0, 10)) === JSON.stringify(expected.slice(0, 10)));
    await inState(elsewhere, 'filtered');
  }
  await elsewhere.goBack();
  await eventually('the way back', async () => (await chips(elsewhere)).includes('level>=error'));
  assert.ok(await elsewhere.evaluate(() => window.isSame));
});

test('a list of many thousand rows has few elements, and every row is reached', async (t) => {
  const now = Date.now();
  const count = 6000;
  const { daemon: full } = await startWith(t, Array.from({ length: count }, (_, index) => ({ time: now - index, event_type: 'many', msg: `row ${index}` })));
  const tab = await openPage(t, full);
  await isLive(tab);
  await tab.locator('#rows').focus();
  for (let pages = 0; pages < 60 && await rowCount(tab) < count; ++pages) {
    const before = await rowCount(tab);
    await tab.keyboard.press('End');
    await eventually('more', async () => await rowCount(tab) > before);
  }
  await eventually('all', async () => await rowCount(tab) === count && await tab.isHidden('#older'));
  await tab.keyboard.press('End');
  await eventually('the last row', async () => (await texts(tab)).at(-1) === `row ${count - 1}`);
  assert.ok(await tab.locator('#rows .row').count() < 80);
  await tab.keyboard.press('Home');
  await eventually('the first row', async () => (await texts(tab))[0] === 'row 0');
  assert.equal(await tab.locator('#rows [aria-selected=true] .msg').textContent(), 'row 0');
});
