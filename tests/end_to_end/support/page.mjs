// The page in a real browser: tabs that must stay without an error, and what is read from them. Each test file starts one browser.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { startBrowser } from './browser.mjs';
import { cleanUpAfter, testFile } from './cleanup.mjs';
import { Client } from './client.mjs';
import { eventually, startDaemon } from './daemon.mjs';
import { authorization, readToken } from './token.mjs';

const SCREENSHOTS = fileURLToPath(new URL('../../../build/screenshots/', import.meta.url));
const WITH_SCREENSHOTS = process.env.PICORTEX_SCREENSHOTS === '1';
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
mkdirSync(SCREENSHOTS, { recursive: true });

const browser = await startBrowser(testFile);

export const VIEWS = ['events', 'turns', 'errors', 'egress', 'health'];
export const SIZES = { desktop: { width: 1440, height: 900 }, laptop: { width: 1280, height: 720 }, phone: { width: 390, height: 844 } };
export const REQUEST = (index) => `11111111-2222-7333-8444-${String(index).padStart(12, '0')}`;

// 40 messages, one every 30 minutes; every fourth skipped, every tenth turn failed with an egress denial on its way.
export function messages(now) {
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
      add(2_000, 'egress.rejected', 'denied evil.example:443', { level: 'warn', host: 'evil.example', port: 443 });
      add(5_000, 'tmux.turn.error', 'Claude Code exited with status 1', { level: 'error', exit_status: 1 });
    }
  }
  return events;
}

// A tab that must stay without an error, a violation of the policy, and a request to anyone else. With `hasOwnClock` its timers run when
// tab.clock says so, and else in real time.
export async function openTab(t, daemon, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: 'light', ...options });
  const tab = await context.newPage();
  if (options.hasOwnClock) await tab.clock.install();
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

export async function enter(tab, daemon) {
  await tab.fill('#token', await readToken(daemon.dataDir));
  await tab.press('#token', 'Enter');
  await tab.waitForSelector('#app:not([hidden])');
}

// A tab past the gate.
export async function openPage(t, daemon, options = {}) {
  const tab = await openTab(t, daemon, options);
  await enter(tab, daemon);
  return tab;
}

export async function startWith(t, events) {
  const daemon = await startDaemon(t);
  const client = new Client(daemon.address);
  cleanUpAfter(t, () => client.close());
  const headers = await authorization(daemon.dataDir);
  const post = async (more) => {
    const answer = await client.post('/api/events?keep=any', more, headers);
    assert.equal(answer.status, 200, answer.text);
  };
  if (events.length > 0) await post(events);
  return { daemon, client, headers, seeded: events, post };
}

export const startSeeded = (t) => startWith(t, messages(Date.now()));

// --- What is read from a tab ---

export const rowCount = async (tab) => Number((await tab.getAttribute('#rows', 'data-count')) ?? -1);

// The messages of the rows that are elements, from the top of the list on: at least those in sight.
export const texts = (tab) => tab.locator('#rows').evaluate((rows) =>
  [...rows.children].sort((a, b) => a.ariaPosInSet - b.ariaPosInSet).map((row) => row.querySelector('.msg').textContent));

// The messages of the whole list: scrolls through it, which also reads older events.
export const allTexts = (tab) => tab.evaluate(async () => {
  const list = document.getElementById('list');
  const rows = document.getElementById('rows');
  const found = new Map();
  // The list renders in the frame that follows a scroll; the timer runs when that frame has ended.
  const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  for (let at = 0; ; at += list.clientHeight) {
    list.scrollTop = at;
    await frame();
    for (const row of rows.children) found.set(Number(row.ariaPosInSet), row.querySelector('.msg').textContent);
    if (at < list.scrollHeight - list.clientHeight) continue;
    for (let waits = 0; !document.getElementById('older').hidden && waits < 100; ++waits) await new Promise((resolve) => setTimeout(resolve, 20));
    await frame();
    if (at >= list.scrollHeight - list.clientHeight) break;
  }
  list.scrollTop = 0;
  await frame();
  return [...found.entries()].sort(([a], [b]) => a - b).map(([, text]) => text);
});

// A result page ends after 45 ms: if the daemon does not get the processor, it has fewer events than its limit, and the list offers more.
const readOlder = (tab) => tab.locator('#older').evaluate((button) => button.hidden || button.click());

export const shows = (tab, expected, what = JSON.stringify(expected).slice(0, 80)) =>
  eventually(what, async () => {
    const shown = await texts(tab);
    if (shown.length > 0 && shown.length < expected.length && shown.every((text, at) => text === expected[at])) await readOlder(tab);
    return JSON.stringify(shown) === JSON.stringify(expected);
  });

// The first result page of the seeded events, which are more than its limit.
export const showsFirstPage = (tab) => eventually('the first page', async () => {
  const count = await rowCount(tab);
  return count === 100 || (count > 0 && count < 100 && SHOWN.includes(await stateOf(tab)) && await tab.isVisible('#older'));
});

// Has the list that many events, which are all that match? If not yet, more of them are asked for.
export async function hasAll(tab, count) {
  const shown = await rowCount(tab);
  if (shown < count && SHOWN.includes(await stateOf(tab))) await readOlder(tab);
  return shown === count;
}

const SHOWN = ['live', 'filtered', 'paused'];
export const chips = (tab) => tab.locator('#chips .chip-text').allTextContents();
export const stateOf = (tab) => tab.getAttribute('#live-state', 'data-state');
export const inState = (tab, name) => eventually(name, async () => await stateOf(tab) === name, 20_000);
export const isLive = (tab) => inState(tab, 'live');

// Types into the prompt, as a person does.
export async function search(tab, typed) {
  await tab.fill('#prompt', typed);
  await tab.press('#prompt', 'Enter');
}

export const setHash = (tab, hash) => tab.evaluate((text) => (location.hash = text), hash);

export async function openView(tab, view) {
  await tab.locator('#views a').nth(VIEWS.indexOf(view)).click();
  await tab.waitForSelector(`#view-${view}:not([hidden])`);
}

export const takeScreenshot = (tab, name) => tab.screenshot({ path: `${SCREENSHOTS}${name}.png`, animations: 'disabled' });

// For a person who looks at the page: nothing is compared with it.
export const screenshot = async (tab, name) => WITH_SCREENSHOTS && await takeScreenshot(tab, name);

// Fails with what axe-core finds: every rule of it, or those that are named.
export async function checkAccessibility(tab, where, rules = null) {
  if (!await tab.evaluate(() => 'axe' in globalThis)) await tab.evaluate(AXE);
  const options = { resultTypes: ['violations'], ...(rules && { runOnly: rules }) };
  const { violations } = await tab.evaluate((all) => globalThis.axe.run(document, all), options);
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary}`).join('; ')}`), [], where);
}

// Returns the controls in sight that stand out by less than 3:1 (WCAG 2.2, 1.4.11): neither their edge nor their text against what is
// around them.
export const faintControls = (tab) => tab.evaluate(() => {
  const probe = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const parse = (colour) => {
    probe.clearRect(0, 0, 1, 1);
    probe.fillStyle = colour;
    probe.fillRect(0, 0, 1, 1);
    return [...probe.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (colour) => colour.slice(0, 3).map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const contrast = (a, b) => (Math.max(luminance(a), luminance(b)) + 0.05) / (Math.min(luminance(a), luminance(b)) + 0.05);
  const background = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour[3] > 250) return colour;
    }
    return [255, 255, 255, 255];
  };
  return [...document.querySelectorAll('button, input, select, [role=tab], #views a')].filter((control) => control.checkVisibility({ opacityProperty: true }) && !control.disabled).filter((control) => {
    const style = getComputedStyle(control);
    const around = background(control.parentElement);
    const edge = parse(style.borderTopColor);
    const hasEdge = Number.parseFloat(style.borderTopWidth) > 0 && edge[3] > 250;
    return !(hasEdge && contrast(edge, around) >= 3) && contrast(parse(style.color), background(control)) < 4.5;
  }).map((control) => control.outerHTML.slice(0, 160));
});
