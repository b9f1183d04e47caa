// The Egress view: hosts with their verdicts, rules, turns, and the commands that allow them.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import test from 'node:test';
import { picortex } from './support/answers.mjs';
import { eventually, startDaemon } from './support/daemon.mjs';
import { events } from './support/database.mjs';
import { EXAMPLE_HOSTS, insertHosts } from './support/example_day.mjs';
import { World, addresses, fencedUid, needsRoot } from './support/namespaces.mjs';
import { naughtyTexts } from './support/naughty.mjs';
import { SIZES, chips, openPage, screenshot, startSeeded } from './support/page.mjs';

const cells = (tab) => tab.locator('#egress-table tbody tr').evaluateAll((all) => all.map((line) => [...line.cells].map((cell) => cell.querySelector('.command')?.textContent ?? cell.textContent)));

test('the view shows what a real fence met, with the turn and the command to allow it', { skip: needsRoot }, async (t) => {
  const world = await World.create(t);
  const fenced = await world.startDaemon(t);
  const requestId = randomUUID();
  const turnOf = (...command) => ['env', `PICORTEX_REQUEST_ID=${requestId}`, 'PICORTEX_CHAT_ID=chat-7', ...command];
  const asTurn = (...command) => world.runAs(fencedUid, turnOf(...command));
  // No allowed connection waits until its process is found: this one stays until it is.
  const open = world.startAs(t, fencedUid, turnOf('/usr/bin/python3', '-c', `
import socket, ssl, sys
s = socket.socket(); s.connect(('allowed.test', 443))
s = ssl._create_unverified_context().wrap_socket(s, server_hostname='allowed.test')
sys.stdin.read()`));
  await eventually('its turn is known', async () => (await events(fenced.dataDir, `event_type = 'egress.allowed' AND request_id = '${requestId}'`)).length === 1);
  open.stdin.end();
  await asTurn('curl', '-sS', '-4', 'https://forbidden-name.test/');
  await asTurn('curl', '-sSk', '--max-time', '5', `https://${addresses.sink}:8443/`);
  await fenced.line((line) => line.event_type === 'egress.rejected' && line.address === addresses.sink);
  await fenced.stop();

  const daemon = await startDaemon(t, { dataDir: fenced.dataDir });
  const tab = await openPage(t, daemon, { hash: '#view=egress' });
  await tab.waitForSelector('#egress-table tr.denied');
  assert.match(await tab.textContent('#egress-note'), /^The fence is off/);
  const byHost = Object.fromEntries((await cells(tab)).map(([host, verdict, attempts, , , turn, allow]) => [host, { verdict, attempts, turn, allow }]));
  const turn = `…${requestId.slice(-8)}`;
  assert.deepEqual(byHost['allowed.test tcp 443'], { verdict: 'allowed', attempts: '1', turn, allow: '' });
  assert.deepEqual(byHost['forbidden-name.test (name)'].allow, 'picortex egress allow forbidden-name.test');
  assert.deepEqual(byHost[`${addresses.sink} tcp 8443`],
                   { verdict: 'denied', attempts: '1', turn, allow: `picortex egress allow ${addresses.sink}:8443` });
  await screenshot(tab, 'egress');
  // By keyboard: the turn's story.
  await tab.locator('#egress-table tr', { hasText: 'forbidden-name.test' }).locator('button', { hasText: '…' }).focus();
  await tab.keyboard.press('Enter');
  await tab.waitForSelector('#drawer .step');
  assert.match(await tab.textContent('#story-steps'), /egress\.rejected/);
  assert.match(await tab.textContent('#story-steps'), /forbidden-name\.test/);
});

test('a stored host is never HTML, nor a command to paste', async (t) => {
  const before = await startDaemon(t);
  await before.stop();
  const hosts = [...naughtyTexts.filter((text) => !text.includes('\0')).map((text) => text.toWellFormed?.() ?? text), '<b id=owned>', 'x; touch owned', '$(touch owned)', '-x'];
  insertHosts(before.dataDir, hosts.map((host, index) => [host, 443, 2, 1, index]), Date.now());
  const daemon = await startDaemon(t, { dataDir: before.dataDir });
  const tab = await openPage(t, daemon, { hash: '#view=egress' });
  await tab.waitForSelector('#egress-table tr.denied');
  const lines = (await cells(tab)).map((line) => [line[0], line[6]]);
  assert.equal(lines.length, hosts.length);
  assert.ok(lines.some(([host]) => host === '<b id=owned> tcp 443'));
  assert.deepEqual(lines.filter(([, command]) => /[^\w.: \-[\]]/.test(command)), []);
  assert.ok(!lines.some(([host, command]) => /touch|^-x/.test(host) && command !== ''), 'what a shell or an option parser would heed');
  assert.equal(await tab.locator('#owned').count(), 0);
  // To the events of a hostile host.
  await tab.locator('#egress-table button', { hasText: '<b id=owned>' }).click();
  await eventually('the condition', async () => (await chips(tab))[0] === 'host=<b id=owned>' || (await chips(tab))[0] === 'host="<b id=owned>"');
  assert.equal(await tab.locator('#owned').count(), 0);
});

test('without a fence and without attempts the view says so', async (t) => {
  const { daemon } = await startSeeded(t);
  const tab = await openPage(t, daemon, { hash: '#view=egress' });
  await eventually('it says so', async () => /No host was attempted yet/.test(await tab.textContent('#egress-none')));
  assert.equal(await tab.textContent('#egress-note'), 'The fence is off.');
  assert.ok(await tab.isHidden('#egress-table'));
});

test('five thousand denied hosts push nothing out of sight', async (t) => {
  const before = await startDaemon(t);
  await before.stop();
  const denied = Array.from({ length: 5000 }, (_, index) => [`h${index}.evil.example`, 443, 2, 1, index]);
  insertHosts(before.dataDir, [...denied, ...EXAMPLE_HOSTS], Date.now());
  const daemon = await startDaemon(t, { dataDir: before.dataDir });
  const allowed = EXAMPLE_HOSTS.filter(([, , outcome]) => outcome === 0).map(([host, port]) => `${host} tcp ${port}`);
  const all = 5000 + EXAMPLE_HOSTS.length;
  for (const [size, viewport] of Object.entries(SIZES)) {
    const tab = await openPage(t, daemon, { viewport, hash: '#view=egress' });
    const counted = (text) => eventually(text, async () => (await tab.textContent('#hosts-count')) === text);
    await tab.waitForSelector('#egress-table tr.denied');
    await counted(`200 of ${all.toLocaleString('en')}`);
    // The head of both lists is in sight, and stays there while the hosts are scrolled.
    await tab.locator('#egress-table').evaluate((table) => (table.parentElement.scrollTop = 1e6));
    if (size !== 'phone') {
      for (const selector of ['#egress-table th:first-child', '#rules-title', '#egress-note', '#views', '#hosts-more']) {
        const box = await tab.locator(selector).boundingBox();
        assert.ok(box.y >= 0 && box.y + Math.min(box.height, 20) <= viewport.height, `${selector} at ${size}`);
      }
      assert.ok(await tab.evaluate(() => document.documentElement.scrollHeight <= innerHeight), 'the page does not scroll');
    }
    assert.ok((await tab.locator('#egress-table').evaluate((table) => table.parentElement.clientHeight)) <= viewport.height * 0.85);
    await screenshot(tab, `${size}-egress-many`);
    await tab.click('#hosts-more');
    await counted(`400 of ${all.toLocaleString('en')}`);
    assert.equal(new Set((await cells(tab)).map(([host]) => host)).size, 400);
    // What was allowed is one click away, and a denied host that was there before is found by its name, or as it is shown.
    await tab.click('[data-verdict=allowed]');
    await counted(`${allowed.length} of ${allowed.length}`);
    assert.deepEqual((await cells(tab)).map(([host]) => host).sort(), [...allowed].sort());
    assert.equal(await tab.locator('#hosts-more').isVisible(), false);
    await tab.click('[data-verdict=denied]');
    for (const [text, place] of [['PasteBin', 'pastebin.example tcp 443'], ['198.51.100.7 tcp 8443', '198.51.100.7 tcp 8443']]) {
      await tab.fill('#egress-search', text);
      await eventually(place, async () => (await cells(tab)).map(([host]) => host).join() === place);
      await counted('1 of 1');
    }
    await screenshot(tab, `${size}-egress-found`);
  }
  const hosts = async (...options) => (await picortex(daemon.dataDir, ['egress', 'hosts', '--utc', ...options])).stdout.split('\n').filter(Boolean);
  const lines = await hosts('--limit', '10');
  assert.equal(lines.length, 12);
  assert.match(lines[0], /^times are UTC.*; 5,008 hosts; these are the 10 attempted last, --limit shows more$/);
  assert.deepEqual((await hosts('--verdict', 'allowed')).slice(2).map((line) => line.split(' ')[0]).sort(), allowed.map((place) => place.split(' ')[0]).sort());
});

test('a host that a rule permits by now is not called denied with a command to allow it', async (t) => {
  const { daemon } = await startSeeded(t);
  const tab = await openPage(t, daemon);
  const host = (name, more = {}) => ({
    host: name, port: 443, protocol: 'tcp', verdict: 'denied', attempts: 2, first_seen: new Date().toISOString(), last_seen: new Date().toISOString(),
    last_request: null, ...more,
  });
  const rules = [['allowed.example', false], ['*.cdn.example', false], ['192.0.2.0/24:8443', false], ['late.example', true], ['<b id=owned>', false]]
    .map(([rule, expired]) => ({ rule, source: 'list', line: 1, hits: 0, last_used: null, expired }));
  await tab.route('**/api/egress?*', (route) => route.fulfill({ json: {
    mode: 'enforce', since: new Date().toISOString(), allowed: 1, denied: 7, rules, rules_left_out: 0,
    hosts_total: 6, hosts_matching: 6, hosts_evicted: 3, hosts_by_verdict: { any: 6, denied: 5, allowed: 1 }, next_cursor: null,
    hosts: [host('allowed.example'), host('a.cdn.example', { port: 0, protocol: 'dns' }), host('192.0.2.9', { port: 8443 }), host('late.example'),
            host('never.example'), host('fine.example', { verdict: 'allowed' })],
  } }));
  await tab.keyboard.press('4');
  await tab.waitForSelector('#egress-table tr.denied');
  const lines = await cells(tab);
  assert.deepEqual(lines.map(([name, verdict, , , , , allow]) => [name.split(' ')[0], verdict, allow]), [
    ['allowed.example', 'allowed now', 'allowed.example'], ['a.cdn.example', 'allowed now', '*.cdn.example'], ['192.0.2.9', 'allowed now', '192.0.2.0/24:8443'],
    ['late.example', 'denied', 'picortex egress allow late.example'],
    ['never.example', 'denied', 'picortex egress allow never.example'], ['fine.example', 'allowed', '']]);
  assert.equal(await tab.textContent('#hosts-count'), '6 of 6; 3 made room for others');
  assert.equal(await tab.locator('#rules-table tbody tr').count(), 5);
  assert.equal(await tab.locator('#owned').count(), 0);
  await screenshot(tab, 'egress-permitted');
});
