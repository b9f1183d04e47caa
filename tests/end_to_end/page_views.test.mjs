// The views Turns, Errors and Health, and hostile texts in every field of every view.
import assert from 'node:assert/strict';
import test from 'node:test';
import { picortex } from './support/answers.mjs';
import { eventually } from './support/daemon.mjs';
import { postExampleDay } from './support/example_day.mjs';
import { naughtyTexts } from './support/naughty.mjs';
import { REQUEST, VIEWS, chips, inState, openPage, openView, rowCount, screenshot, shows, startSeeded, startWith, texts } from './support/page.mjs';

test('turns have bars for what they took, a story, an order, and chats', async (t) => {
  const { daemon, client, headers } = await startWith(t, []);
  await postExampleDay(client, headers, Date.now());
  const tab = await openPage(t, daemon, { hash: '#view=turns' });
  await tab.waitForSelector('#turns-table tbody tr');
  const { turns } = (await client.get(`/api/turns?limit=500&since=${Date.now() - 86_400_000}`, headers)).json;
  const rows = tab.locator('#turns-table tbody tr');
  assert.equal(await rows.count(), turns.length);
  const chats = () => rows.evaluateAll((all) => all.map((row) => row.cells[1].textContent));
  assert.deepEqual(await chats(), turns.map((turn) => turn.chat_id));
  // The dearest turn has the longest bar.
  await tab.locator('#turns-table .sorter', { hasText: 'Cost' }).click();
  const byCost = (await client.get(`/api/turns?limit=500&sort=cost&since=${Date.now() - 86_400_000}`, headers)).json.turns;
  await eventually('by cost', async () => JSON.stringify(await chats()) === JSON.stringify(byCost.map((turn) => turn.chat_id)));
  assert.match(tab.url(), /sort=cost/);
  const widths = await rows.evaluateAll((all) => all.map((row) => row.querySelector('.cell-bar.cost').getBoundingClientRect().width));
  assert.deepEqual(widths, [...widths].sort((a, b) => b - a));
  assert.ok(widths[0] > 2 * widths.at(-1));
  // A chat.
  await tab.locator('#turns-chats .facet-include', { hasText: 'work' }).click();
  await eventually('one chat', async () => await rows.count() > 0 && (await chats()).every((chat) => chat === 'work'));
  assert.equal(await rows.count(), turns.filter((turn) => turn.chat_id === 'work').length);
  await screenshot(tab, 'turns-chat');
  // The story, by keyboard.
  const first = byCost.find((turn) => turn.chat_id === 'work');
  await rows.first().locator('button').focus();
  await tab.keyboard.press('Enter');
  await tab.waitForSelector('#drawer .step');
  assert.match(tab.url(), new RegExp(`story=${first.request_id}`));
  assert.match(await tab.textContent('#drawer .facts'), /Cost\$/);
  await tab.reload();
  await tab.waitForSelector('#drawer .step');
  await tab.keyboard.press('Escape');
  assert.ok(await tab.isHidden('#drawer'));
});

test('what an agent claims is shown as claimed, and an unknown cost as unknown', async (t) => {
  const { daemon, client } = await startWith(t, []);
  const { stdout, code } = await picortex(daemon.dataDir, ['token', 'create', 'agent', '--scope', 'telemetry']);
  assert.equal(code, 0, stdout);
  const secret = /\S{20,}/.exec(stdout)[0];
  const attribute = ([key, value]) => ({ key, value: Number.isInteger(value) ? { intValue: value } : { stringValue: value } });
  const record = (name, more) => ({ timeUnixNano: `${Date.now()}000000`, body: { stringValue: `claude_code.${name}` }, attributes: Object.entries({ 'session.id': REQUEST(90), 'prompt.id': REQUEST(91), 'event.name': name, ...more }).map(attribute) });
  const report = { resourceLogs: [{ resource: { attributes: [] }, scopeLogs: [{ scope: { name: 'com.anthropic.claude_code.events' },
    logRecords: [record('user_prompt', { prompt_length: 5 }), record('api_request', { model: 'm', input_tokens: 5, output_tokens: 7, duration_ms: 40, request_id: 'a' })] }] }] };
  // The daemon reads the list of tokens again within a moment.
  await eventually('the token is known', async () => (await client.post('/v1/logs', report, { authorization: `Bearer ${secret}` })).status === 200);
  const tab = await openPage(t, daemon, { hash: '#view=turns' });
  await tab.waitForSelector('#turns-table tbody tr');
  assert.equal(await tab.locator('#turns-table .badge.claimed').textContent(), 'claimed');
  assert.match(await tab.textContent('#turns-table tbody'), /unknown/);
  assert.match(await tab.textContent('#turns-tiles'), /1claimed by the agent|claimed by the agent1/);
  await tab.locator('#turns-table tbody button').click();
  await tab.waitForSelector('#drawer .facts');
  assert.match(await tab.textContent('#drawer .facts'), /claimed/);
});

test('errors are grouped, with a chart, and can be resolved, muted and opened again', async (t) => {
  const now = Date.now();
  const { daemon, client, headers, post } = await startWith(t, [
    ...Array.from({ length: 5 }, (_, index) => ({ time: now - 60_000 - index * 3_600_000, event_type: 'bot.error', level: 'error', chat_id: `chat-${index % 2}`, msg: `order ${index} has no total`, commit: '9f3c2ab' })),
    { time: now - 7_200_000, event_type: 'other.error', level: 'fatal', msg: 'out of memory' },
  ]);
  const tab = await openPage(t, daemon, { hash: '#view=errors' });
  await tab.waitForSelector('.kind .sparkline .some');
  assert.equal(await tab.textContent('#errors-summary'), '2 kinds of errors, 6 events');
  const kind = tab.locator('.kind', { hasText: 'has no total' });
  assert.match(await kind.textContent(), /release 9f3c2ab.*chat-0.*5events.*last.*first/);
  await eventually('its chart', async () => await kind.locator('.sparkline .some').count() >= 3);
  assert.equal(await tab.locator('.kind', { hasText: 'out of memory' }).locator('.sparkline .some').count(), 1);
  await screenshot(tab, 'errors');
  await kind.locator('button', { hasText: 'Resolve' }).click();
  await eventually('it is gone', async () => await tab.locator('.kind').count() === 1);
  assert.equal((await client.get('/api/errors', headers)).json.errors.find((one) => one.count === 5).state, 'resolved');
  await tab.locator('.kind button', { hasText: 'Mute' }).click();
  await eventually('nothing is open', async () => /Nothing is open/.test(await tab.textContent('#errors-note')));
  // It comes again.
  await post([{ event_type: 'bot.error', level: 'error', chat_id: 'chat-9', msg: 'order 77 has no total' }]);
  await tab.click('#errors-all');
  await tab.reload();
  await eventually('it has returned', async () => /returned/.test(await tab.locator('#errors-list').textContent()));
  assert.equal(await tab.locator('.kind').count(), 1);
  await tab.click('#errors-all');
  await tab.locator('.kind.is-hidden button', { hasText: 'Reopen' }).click();
  await eventually('open again', async () => await tab.locator('.kind:not(.is-hidden)').count() === 2);
  // To its newest event.
  await tab.locator('.kind-title', { hasText: 'order 77' }).click();
  await tab.waitForSelector('#drawer .members');
  assert.equal(await tab.textContent('#drawer .message'), 'order 77 has no total');
});

test('a token that may only read cannot change the state of an error, and says why', async (t) => {
  const { daemon } = await startWith(t, [{ event_type: 'bot.error', level: 'error', msg: 'broken' }]);
  const tab = await openPage(t, daemon, { hash: '#view=errors' });
  tab.expected = /403 \(Forbidden\)/;
  await tab.route('**/api/events', (route) => route.fulfill({ status: 403, json: { message: 'This token lacks the scope write' } }));
  await tab.locator('.kind button', { hasText: 'Mute' }).click();
  await eventually('why', async () => /scope write/.test(await tab.textContent('#errors-problem')));
  assert.equal(await tab.locator('.kind').count(), 1);
});

test('health has what degrades the daemon with its fix, the counters, and charts of the chosen time', async (t) => {
  const { daemon, client, headers } = await startSeeded(t);
  const tab = await openPage(t, daemon, { hash: '#view=health' });
  await eventually('the tiles', async () => await tab.locator('[data-metric=turns_total]').textContent().catch(() => '') === '30');
  const { metrics } = (await client.get('/health')).json;
  assert.deepEqual([metrics.turns_total, metrics.discriminator_skipped_24h, metrics.errors_last_24h, metrics.chats_total], [30, 10, 4, 3]);
  for (const [name, value] of Object.entries(metrics)) assert.equal(await tab.textContent(`[data-metric=${name}]`), String(value), name);
  assert.match(await tab.textContent('#status'), /^degraded: no tmux server$/);
  assert.equal(await tab.textContent('#health-state'), 'One thing needs attention');
  assert.match(await tab.textContent('#health-problems'), /No tmux server answers: .*no-tmux.*PICORTEX_TMUX_SOCKET.*tmux -S \S+ new-session -d/);
  assert.match(await tab.textContent('#sections'), /Event loop.*Storage.*Events stored/);

  await eventually('the charts', async () => (await tab.locator('.chart canvas').count()) === 3);
  for (const [name, colour, filter] of [['turns', '--accent', 'event_type=tmux.turn.start'], ['skipped', '--quiet', 'event_type=discriminator.decision&where=decision%3Dskip'], ['errors', '--level-error', 'level=error']]) {
    const { steps } = (await client.get(`/api/histogram?since=${Date.now() - 86_400_000}&${filter}`, headers)).json;
    const chart = tab.locator(`[data-series=${name}]`);
    const counts = steps.map(({ time, ...levels }) => [Date.parse(time), Object.values(levels).reduce((sum, count) => sum + count, 0)]);
    assert.equal(await chart.locator('figcaption b').textContent(), String(counts.reduce((sum, [, count]) => sum + count, 0)));
    // What was drawn: the share of columns of the canvas that have the series' colour.
    const drawn = await chart.locator('canvas').evaluate((canvas, variable) => {
      const probe = document.createElement('canvas').getContext('2d');
      probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
      probe.fillRect(0, 0, 1, 1);
      const [red, green, blue] = probe.getImageData(0, 0, 1, 1).data;
      const { width, height } = canvas;
      const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
      let columns = 0;
      for (let x = 0; x < width; ++x) {
        let pixels = 0;
        for (let y = 0; y < height; ++y) {
          const at = 4 * (y * width + x);
          if (Math.abs(data[at] - red) + Math.abs(data[at + 1] - green) + Math.abs(data[at + 2] - blue) < 12 && data[at + 3] > 200) ++pixels;
        }
        if (pixels > 8) ++columns;
      }
      return columns / width;
    }, colour);
    const share = counts.length / 97;  // a quarter of an hour each
    assert.ok(drawn > 0.5 * share && drawn < 1.2 * share, `${name}: ${drawn} of ${share}`);
  }
  // Under the pointer stands the value of that step.
  const over = tab.locator('[data-series=turns] .u-over');
  const box = await over.boundingBox();
  await tab.mouse.move(box.x + box.width * 0.5, box.y + 20);
  await eventually('the value of the step', async () => /^\d\d:\d\d – \d\d:\d\d: \d+$/.test(await tab.textContent('[data-series=turns] figcaption b')));
  await tab.mouse.move(5, 5);
  await eventually('the sum again', async () => !(await tab.textContent('[data-series=turns] figcaption b')).includes(':'));
  await tab.click('[data-preset="15m"]');
  await eventually('the newest message only', async () => await tab.textContent('[data-series=turns] figcaption b') === '1');
});

test('stored text is never HTML, in any field of any view', async (t) => {
  const markup = ['<img src=x onerror="document.title=\'owned\'">', '<script>document.title="owned"</script>', '"><b id=owned>'];
  const hostile = [...naughtyTexts, ...markup];
  const now = Date.now();
  const { daemon, client, headers } = await startWith(t, hostile.map((text, index) => ({
    time: now - 60_000 + index, event_type: `t<b id=owned>${index}`, chat_id: `c<b id=owned>${index}`, request_id: REQUEST(0), msg: text, note: text, [`<b id=owned>${index}`]: text,
    deep: { '<b id=owned>': [text, { x: text }] }, level: index % 2 ? 'warn' : 'error', release: text, err: { type: text, stack: text },
  })));
  // Turns of hostile chats.
  const attributes = (more) => Object.entries({ 'session.id': REQUEST(5), 'prompt.id': REQUEST(6), ...more }).map(([key, value]) => ({ key, value: { stringValue: value } }));
  const record = (name) => ({ timeUnixNano: `${now}000000`, body: { stringValue: markup[0] }, attributes: attributes({ 'event.name': name, 'picortex.chat_id': markup[2], 'picortex.request_id': REQUEST(0), model: markup[0], tool_name: markup[1], error: markup[0] }) });
  assert.equal((await client.post('/v1/logs', { resourceLogs: [{ resource: { attributes: [] }, scopeLogs: [{ scope: { name: 'com.anthropic.claude_code.events' }, logRecords: ['user_prompt', 'api_request', 'tool_result', 'api_error'].map(record) }] }] }, headers)).status, 200);

  const tab = await openPage(t, daemon, { viewport: { width: 1440, height: 1200 } });
  await inState(tab, 'live');
  const stored = (await client.get('/api/events', headers)).json.events;
  await eventually('all rows', async () => (await rowCount(tab)) === stored.length);
  await shows(tab, stored.map((event) => event.msg ?? ''));
  const clean = async (where) => {
    assert.equal(await tab.locator('#owned').count(), 0, where);
    assert.doesNotMatch(await tab.title(), /owned/, where);
  };
  await clean('list and facets');
  await tab.locator('#facets .plain').first().click();
  await clean('all facets');
  // Details of the last one, with all tabs.
  await tab.locator('#rows .row', { hasText: 'c<b id=owned>16' }).locator('.time').click();
  await tab.waitForSelector('#drawer .members');
  await clean('event');
  await tab.click('#tab-story');
  await tab.waitForSelector('#drawer .step');
  assert.ok(await tab.locator('#drawer .step').count() >= hostile.length);
  await clean('story');
  await tab.click('#tab-around');
  await tab.waitForSelector('#drawer .around [aria-current]');
  await clean('around');
  // A hostile value as a condition, and back through the address.
  await tab.click('#tab-event');
  await tab.locator('#drawer .members button', { hasText: 'c<b id=owned>' }).click();
  await clean('menu');
  await tab.locator('#value-menu button').first().click();
  await eventually('its chip', async () => /c<b id=owned>/.test((await chips(tab)).join()));
  await eventually('its event', async () => (await rowCount(tab)) === 1);
  await tab.reload();
  await eventually('its event again', async () => (await texts(tab)).length === 1);
  await clean('chips');
  for (const view of VIEWS.slice(1)) {
    await openView(tab, view);
    await eventually(`${view} is loaded`, async () => await tab.locator(`#view-${view} .notice.loading:visible`).count() === 0);
    if (view === 'errors') await eventually('kinds', async () => await tab.locator('.kind').count() > 0);
    await clean(view);
  }
  await openView(tab, 'turns');
  await tab.locator('#turns-chat .chip-remove').click();
  await tab.waitForSelector('#turns-table tbody tr');
  await clean('turns of every chat');
});
