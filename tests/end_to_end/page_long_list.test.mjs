// The list with as many events as it holds: few elements, and the right ones wherever it is scrolled to.
import assert from 'node:assert/strict';
import test from 'node:test';
import { eventually } from './support/daemon.mjs';
import { openPage, rowCount, startWith } from './support/page.mjs';

const EVENTS = 100_000;
const BATCH = 2_000;
const AROUND = 8;  // rows that the list keeps above and below what is in sight

test('a list of 100,000 events has the right rows at every place, and no more elements than a short one', async (t) => {
  const { daemon, client, headers } = await startWith(t, []);
  const begin = Date.now() - 3_600_000;
  for (let at = 0; at < EVENTS; at += BATCH) {
    const batch = Array.from({ length: BATCH }, (_, index) => ({ time: begin + at + index, event_type: 'log', msg: `event ${at + index}` }));
    const answer = await client.post('/api/events', batch, headers);
    assert.equal(answer.status, 200, answer.text);
  }
  const tab = await openPage(t, daemon, { hash: '#range=all&event_type=log' });
  await eventually('the first page', async () => await rowCount(tab) > 0);

  // Scrolling to the end reads older events, until there are all. A low window draws few rows for each result page.
  await tab.setViewportSize({ width: 1280, height: 400 });
  await tab.evaluate(async (count) => {
    const list = document.getElementById('list');
    const { dataset } = document.getElementById('rows');
    const until = performance.now() + 240_000;
    while (Number(dataset.count) < count && performance.now() < until) {
      const before = dataset.count;
      list.scrollTop = list.scrollHeight;
      while (dataset.count === before && performance.now() < until) await new Promise((resolve) => requestAnimationFrame(resolve));
    }
  }, EVENTS);
  await tab.setViewportSize({ width: 1280, height: 900 });
  assert.equal(await rowCount(tab), EVENTS);

  // At a place: the rows that are elements, and what is in the middle of the list's box.
  const look = (share) => tab.evaluate(async (part) => {
    const list = document.getElementById('list');
    const rows = document.getElementById('rows');
    list.scrollTop = Math.round((list.scrollHeight - list.clientHeight) * part);
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const middle = () => {
      const { left, top, width, height } = list.getBoundingClientRect();
      return document.elementFromPoint(left + width / 2, top + height / 2)?.closest('#rows > *');
    };
    for (let frames = 0; frames < 60 && !middle(); ++frames) await frame();
    return {
      elements: rows.childElementCount, inSight: Math.ceil(list.clientHeight / rows.firstElementChild.getBoundingClientRect().height),
      nodes: rows.querySelectorAll('*').length, place: Number(middle()?.ariaPosInSet), size: Number(middle()?.ariaSetSize),
      rows: [...rows.children].map((row) => [Number(row.ariaPosInSet), row.querySelector('.msg').textContent]),
    };
  }, share);
  let before = 0;
  for (const share of [0, 0.001, 0.1, 0.25, 0.333, 0.5, 0.75, 0.9, 0.999, 1]) {
    const { elements, inSight, nodes, place, size, rows } = await look(share);
    assert.ok(elements >= inSight - 1 && elements <= inSight + 2 * AROUND + 2, `${elements} elements, ${inSight} in sight, at ${share}`);
    assert.ok(nodes < 40 * elements, `${nodes} nodes`);
    assert.equal(size, EVENTS);
    assert.ok(place > before, `${place} after ${before}`);
    assert.ok(Math.abs(place - share * EVENTS) <= 2 * inSight, `place ${place} at ${share}`);
    // The newest comes first.
    for (const [position, text] of rows) assert.equal(text, `event ${EVENTS - position}`);
    before = place;
  }
  // By keyboard too: from end to end.
  await tab.locator('#rows').focus();
  await tab.keyboard.press('Home');
  await eventually('the beginning', async () => (await tab.locator('#rows').evaluate((rows) => [...rows.children].some((row) => row.ariaPosInSet === '1'))));
  await tab.keyboard.press('End');
  await eventually('the end', async () => (await tab.locator('#rows').evaluate((rows, last) => [...rows.children].some((row) => row.ariaPosInSet === last), String(EVENTS))));
});
