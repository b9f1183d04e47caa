// The frame of the page: its policy, the gate, the views, the time, saved searches; accessibility of every view, and its sizes.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import test from 'node:test';
import { promisify } from 'node:util';
import { testFile } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { eventually, startDaemon } from './support/daemon.mjs';
import { SIZES, VIEWS, checkAccessibility, chips, enter, faintControls, isLive, openPage, openTab, openView, rowCount, screenshot, search,
         setHash, shows, showsFirstPage, startSeeded, texts } from './support/page.mjs';

// For the tests that only read.
const { daemon, seeded } = await startSeeded(testFile);

test('the page is whole, and its policy lets nothing else in', async () => {
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
  assert.doesNotMatch(text.replace(/<script type="module">[\s\S]*<\/script>|<style>[\s\S]*<\/style>/g, ''), /https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
  assert.ok(text.length < 260_000, `${text.length} bytes`);
  assert.equal((await client.get('/', { host: 'evil.example' })).status, 403);
  client.close();
});

test('without the right token it shows nothing', async (t) => {
  const tab = await openTab(t, daemon);
  await screenshot(tab, 'token');
  await checkAccessibility(tab, 'gate');
  assert.ok(await tab.isHidden('#app'));
  tab.expected = /401 \(Unauthorized\)/;
  for (const wrong of ['wrong', 'ключ', 'two words']) {
    await tab.fill('#token', wrong);
    await tab.press('#token', 'Enter');
    await tab.waitForSelector('#token-error:not([hidden])');
    assert.equal(await tab.textContent('#token-error'), 'That is not the token.');
  }
  assert.doesNotMatch(await tab.content(), /Message number/);
  await enter(tab, daemon);
  await tab.waitForSelector('#rows .row');
  await tab.reload();  // asked for once
  await tab.waitForSelector('#rows .row');
  await tab.locator('#rows .row').nth(1).click();
  await tab.waitForSelector('#drawer .members');
  for (const view of VIEWS) await openView(tab, view);
  await tab.click('#forget');
  assert.ok(await tab.isHidden('#app'));
  // Nothing that was read stays in the page.
  assert.doesNotMatch(await tab.evaluate(() => document.body.innerHTML), /Message number|chat-maria|evil\.example/);
  await tab.reload();
  assert.ok(await tab.isVisible('#gate'));
});

test('views are links that the keyboard reaches, and the address has them', async (t) => {
  const tab = await openPage(t, daemon);
  await isLive(tab);
  await tab.keyboard.press('Tab');  // from the top of the page
  for (const view of VIEWS.slice(1)) {
    await tab.locator('#views a').nth(VIEWS.indexOf(view)).focus();
    await tab.keyboard.press('Enter');
    await tab.waitForSelector(`#view-${view}:not([hidden])`);
    assert.equal(await tab.locator('#views a[aria-current=page]').textContent(), view[0].toUpperCase() + view.slice(1));
    assert.match(tab.url(), new RegExp(`view=${view}`));
    assert.match(await tab.title(), new RegExp(view, 'i'));
  }
  await tab.goBack();
  await tab.waitForSelector('#view-egress:not([hidden])');
  await tab.goForward();
  await tab.waitForSelector('#view-health:not([hidden])');
  await tab.reload();
  await tab.waitForSelector('#view-health:not([hidden])');
  for (const [at, view] of VIEWS.entries()) {
    await tab.keyboard.press(String(at + 1));
    await tab.waitForSelector(`#view-${view}:not([hidden])`);
  }
});

test('one time holds for all views, in a zone that is stated', async (t) => {
  const tab = await openPage(t, daemon, { timezoneId: 'Europe/Berlin' });
  await isLive(tab);
  assert.match(await tab.textContent('#zone'), /^Europe\/Berlin \(UTC\+0[12]:00\)$/);
  await tab.click('[data-preset="1h"]');
  const hour = seeded.filter((event) => event.time >= Date.now() - 3_600_000).sort((a, b) => b.time - a.time).map((event) => event.msg);
  await shows(tab, hour);
  assert.match(tab.url(), /#range=1h$/);
  await openView(tab, 'errors');
  await eventually('the error of the last hour', async () => /^1 kind of error, 1 event/.test(await tab.textContent('#errors-summary')));
  await tab.click('[data-preset="24h"]');
  await eventually('those of the day', async () => /^1 kind of error, 4 events/.test(await tab.textContent('#errors-summary')));
  await openView(tab, 'events');
  await showsFirstPage(tab);

  // Custom times, in the zone of the browser; then in UTC.
  await tab.click('#custom');
  const from = new Date(seeded[0].time - 12 * 3_600_000);
  const local = (zone) => from.toLocaleString('sv-SE', { timeZone: zone }).slice(0, 16).replace(' ', 'T');
  await tab.fill('#custom-form [name=since]', local('Europe/Berlin'));
  await tab.fill('#custom-form [name=until]', '');
  await tab.press('#custom-form [name=since]', 'Enter');
  await eventually('the address', async () => new URLSearchParams(new URL(tab.url()).hash.slice(1)).get('since') === new Date(from.getTime() - from.getTime() % 60_000).toISOString());
  await eventually('half a day', async () => await rowCount(tab) > 40 && await rowCount(tab) < 100);
  const time = await tab.locator('#rows .row .time').first().textContent();
  await tab.click('#zone');
  assert.equal(await tab.textContent('#zone'), 'UTC');
  await eventually('other hours', async () => await tab.locator('#rows .row .time').first().textContent() !== time);
  await tab.click('#custom');
  assert.equal(await tab.inputValue('#custom-form [name=since]'), local('UTC'));
  await tab.fill('#custom-form [name=until]', '2026-01-01T00:00');
  await tab.press('#custom-form [name=until]', 'Enter');
  assert.equal(await tab.textContent('#custom-problem'), 'Since is not before Until');
  await tab.keyboard.press('Escape');
  await tab.reload();
  await eventually('the zone is kept', async () => await tab.textContent('#zone') === 'UTC');
});

test('a search can be saved, opened and removed', async (t) => {
  const tab = await openPage(t, daemon);
  await isLive(tab);
  await search(tab, 'decision=skip chat=chat-maria');
  const skipped = seeded.filter((event) => event.decision === 'skip' && event.chat_id === 'chat-maria').sort((a, b) => b.time - a.time).map((event) => event.msg);
  await shows(tab, skipped);
  await tab.click('#saved-button');
  await tab.fill('#save-name', '<b id=owned>skipped</b>');
  await tab.press('#save-name', 'Enter');
  assert.deepEqual(await tab.locator('#saved-list a').allTextContents(), ['<b id=owned>skipped</b>']);
  await checkAccessibility(tab, 'saved searches');
  await tab.keyboard.press('Escape');
  await tab.click('#clear');
  await showsFirstPage(tab);
  await tab.reload();
  await tab.click('#saved-button');
  await tab.click('#saved-list a');
  await shows(tab, skipped);
  assert.deepEqual(await chips(tab), ['chat=chat-maria', 'decision=skip']);
  await tab.click('#saved-button');
  await tab.click('#saved-list button');
  assert.equal(await tab.locator('#saved-list a').count(), 0);
  // What another program stored there does no harm.
  await tab.evaluate(() => localStorage.setItem('picortex-searches', '[{"name":"x","address":"javascript:alert(1)"},7,null]'));
  await tab.keyboard.press('Escape');
  await tab.reload();
  await tab.click('#saved-button');
  assert.equal(await tab.locator('#saved-list a[href^=javascript]').count(), 0);
  assert.equal(await tab.locator('#owned').count(), 0);
});

test('an empty database says what to do, and the line that it gives works', async (t) => {
  const empty = await startDaemon(t);
  const tab = await openPage(t, empty, { hash: '#range=all' });
  await eventually('what to do', async () => /Nothing has been stored yet/.test(await tab.textContent('#list-note')));
  await screenshot(tab, 'empty');
  await checkAccessibility(tab, 'empty');
  const line = await tab.locator('.paste pre').first().textContent();
  await promisify(execFile)('bash', ['-c', line]);
  await eventually('it arrives', async () => JSON.stringify(await texts(tab)) === '["hello from a page"]');
  assert.equal(await tab.textContent('#list-note'), '');
});

// What axe-core finds in one colour scheme alone. Its other rules read elements and layout, which are the same in both: see the next test.
const COLOUR_RULES = ['color-contrast', 'link-in-text-block'];

test('the dark scheme changes nothing but colours', async (t) => {
  const tab = await openTab(t, daemon);
  const changes = await tab.evaluate(() => {
    const ofScheme = (rules) => [...rules].flatMap((rule) => {
      if (!rule.media) return [];
      return rule.media.mediaText.includes('prefers-color-scheme') ? [...rule.cssRules] : ofScheme(rule.cssRules);
    });
    return [...document.styleSheets].flatMap((sheet) => ofScheme(sheet.cssRules))
      .flatMap((rule) => [...rule.style].map((name) => ({ selector: rule.selectorText, name, value: rule.style.getPropertyValue(name) })));
  });
  assert.ok(changes.length > 10);
  for (const { selector, name, value } of changes) {
    assert.equal(selector, ':root');
    assert.match(name, /^--/);
    assert.match(value, name === '--shadow' ? /^0 6px 28px #[0-9a-f]{8}$/ : /^#[0-9a-f]{6}$/, name);
  }
});

for (const [size, viewport] of Object.entries(SIZES)) {
  test(`every view is accessible and fits, light and dark: ${size}`, async (t) => {
    const phone = size === 'phone' ? { deviceScaleFactor: 2, hasTouch: true, isMobile: true } : {};
    const tab = await openPage(t, daemon, { viewport, colorScheme: 'light', ...phone });
    await isLive(tab);
    await search(tab, '!type=nothing');
    await tab.waitForSelector('#facets li', { state: 'attached' });
    const check = async (where) => {
      for (const [colorScheme, rules] of [['light'], ['dark', COLOUR_RULES]]) {
        await tab.emulateMedia({ colorScheme });
        await checkAccessibility(tab, `${where}, ${colorScheme}`, rules);
        assert.deepEqual(await faintControls(tab), [], `${where}, ${colorScheme}`);
        await screenshot(tab, `${size}-${colorScheme}-${where}`);
      }
      await tab.emulateMedia({ colorScheme: 'light' });
      assert.ok(await tab.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${where}: nothing sticks out`);
    };
    await check('events');
    await tab.locator('#rows .row').nth(4).click();
    await tab.waitForSelector('#drawer .members');
    await check('event');
    await tab.click('#tab-story');
    await tab.waitForSelector('#drawer .step');
    await check('story');
    await tab.click('#tab-around');
    await tab.waitForSelector('#drawer .around li');
    await check('around');
    await tab.click('#drawer-close');
    for (const view of VIEWS.slice(1)) {
      await openView(tab, view);
      await eventually('it is loaded', async () => await tab.locator(`#view-${view} .notice.loading:visible`).count() === 0);
      if (view === 'health') await tab.waitForSelector('.chart canvas');
      await check(view);
    }
    await openView(tab, 'events');
    const last = size === 'phone' ? 'facets' : 'syntax';
    await tab.click(`#${last}-button`);
    await check(last);
  });
}

test('a desktop shows at least twelve rows without scrolling', async (t) => {
  for (const viewport of [SIZES.desktop, SIZES.laptop]) {
    const tab = await openPage(t, daemon, { viewport, hash: '#event_type=*&where=msg~e' });
    await tab.waitForSelector('#rows .row:nth-child(20)', { state: 'attached' });
    const inSight = await tab.evaluate(() => {
      const list = document.getElementById('list').getBoundingClientRect();
      return [...document.querySelectorAll('#rows .row')].map((row) => row.getBoundingClientRect())
        .filter((row) => row.top >= list.top && row.bottom <= Math.min(list.bottom, innerHeight)).length;
    });
    assert.ok(inSight >= 12, `${inSight} rows at ${viewport.width}×${viewport.height}`);
    assert.ok(await tab.evaluate(() => document.documentElement.scrollHeight <= innerHeight), 'the page itself does not scroll');
  }
});

test('the whole page works without a mouse', async (t) => {
  const tab = await openPage(t, daemon);
  await isLive(tab);
  const { keyboard } = tab;
  await tab.locator('#views a').first().focus();
  const focused = () => tab.evaluate(() => document.activeElement.id || document.activeElement.closest('[id]')?.id);
  const tabTo = async (id) => {
    for (let presses = 0; presses < 80; ++presses) {
      if (await focused() === id) return;
      await keyboard.press('Tab');
    }
    assert.fail(`Tab never reaches #${id}, but ends at #${await focused()}`);
  };
  await keyboard.press('/');
  assert.equal(await focused(), 'prompt');
  await keyboard.type('level>=warn');
  await keyboard.press('Enter');
  const loud = seeded.filter((event) => ['warn', 'error'].includes(event.level)).sort((a, b) => b.time - a.time);
  await shows(tab, loud.map((event) => event.msg));
  await keyboard.press('Escape');
  // Facets: the error level.
  await tabTo('facets');
  await tab.locator('#facets [data-facet=levels] .error .facet-include').focus();
  await keyboard.press('Enter');
  await shows(tab, loud.filter((event) => event.level === 'error').map((event) => event.msg));
  // The list: down, open, on, close.
  await tabTo('rows');
  await keyboard.press('ArrowDown');
  await keyboard.press('j');
  await keyboard.press('Enter');
  await tab.waitForSelector('#drawer .members');
  const first = await tab.textContent('#drawer .members code');
  await keyboard.press('k');
  await eventually('the one above', async () => await tab.locator('#drawer .members code').textContent().catch(() => first) !== first);
  await keyboard.press('Enter');
  assert.equal(await focused(), 'drawer-panel');
  await tab.locator('#tab-event').focus();
  await keyboard.press('ArrowRight');
  await tab.waitForSelector('#drawer .step');
  assert.equal(await focused(), 'tab-story');
  await keyboard.press('Escape');
  assert.ok(await tab.isHidden('#drawer'));
  assert.equal(await focused(), 'rows');
  // The histogram: select two steps and zoom.
  await tab.locator('#histogram').focus();
  await keyboard.press('ArrowLeft');
  await keyboard.press('Shift+ArrowLeft');
  await keyboard.press('Shift+ArrowLeft');
  await keyboard.press('Enter');
  await eventually('a custom time', async () => await tab.getAttribute('#custom', 'aria-pressed') === 'true');
});

test('a link is whole: view, time, filter and open event, for another browser in another zone', async (t) => {
  const tab = await openPage(t, daemon, { timezoneId: 'Asia/Kathmandu' });
  await isLive(tab);
  await search(tab, 'chat=chat-jonas decision=answer "asks for work"');
  const expected = seeded.filter((event) => event.chat_id === 'chat-jonas' && event.decision === 'answer').sort((a, b) => b.time - a.time);
  await shows(tab, expected.map((event) => event.msg));
  await tab.locator('#rows .row').nth(2).click();
  await tab.click('#tab-around');
  await tab.waitForSelector('#drawer .around [aria-current]');
  const around = (page) => page.locator('#drawer .around .msg').allTextContents();
  const [link, conditions, lines] = [tab.url(), await chips(tab), await around(tab)];
  assert.ok(lines.length > 10);
  const elsewhere = await openPage(t, daemon, { timezoneId: 'America/Los_Angeles', hash: new URL(link).hash });
  await elsewhere.waitForSelector('#drawer .around [aria-current]');
  assert.deepEqual(await around(elsewhere), lines);
  assert.deepEqual(await chips(elsewhere), conditions);
  await shows(elsewhere, expected.map((event) => event.msg));
  assert.equal(elsewhere.url(), link);
  await elsewhere.reload();
  await elsewhere.waitForSelector('#drawer .around [aria-current]');
  await elsewhere.goBack().catch(() => {});
});

test('a token that is revoked closes the page', async (t) => {
  const tab = await openPage(t, daemon);
  await isLive(tab);
  tab.expected = /401 \(Unauthorized\)/;
  await tab.route('**/api/facets?*', (route) => route.fulfill({ status: 401, json: { message: 'no' } }));
  await setHash(tab, 'chat_id=chat-ops');
  await eventually('the gate', async () => await tab.isVisible('#gate'));
  assert.match(await tab.textContent('#token-error'), /not valid any more/);
  await tab.unroute('**/api/facets?*');
  await enter(tab, daemon);
  await eventually('the filter of the address', async () => (await chips(tab))[0] === 'chat=chat-ops');
  await eventually('its events', async () => (await rowCount(tab)) > 10);
});
