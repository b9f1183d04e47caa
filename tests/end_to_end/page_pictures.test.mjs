// Makes the pictures of docs/pictures from a day of events. With PICORTEX_WRITE_PICTURES=1 they are stored there; else it is seen that each
// view can still be pictured, and that the stored ones are small.
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, statSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { cleanUpAfter } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { eventually, startDaemon, temporaryDirectory } from './support/daemon.mjs';
import { EXAMPLE_HOSTS, insertHosts, postExampleDay } from './support/example_day.mjs';
import { isLive, openPage, showsFirstPage, takeScreenshot } from './support/page.mjs';
import { authorization } from './support/token.mjs';

const SIZE_MAX = 200_000;
const pictures = fileURLToPath(new URL('../../docs/pictures/', import.meta.url));
const made = fileURLToPath(new URL('../../build/screenshots/', import.meta.url));

async function startExample(t) {
  const dataDir = await temporaryDirectory(t);
  const before = await startDaemon(t, { dataDir });
  await before.stop();
  insertHosts(dataDir, EXAMPLE_HOSTS, Date.now());
  const daemon = await startDaemon(t, { dataDir });
  const client = new Client(daemon.address);
  cleanUpAfter(t, () => client.close());
  await postExampleDay(client, await authorization(dataDir), Date.now());
  return daemon;
}

test('the pictures of the documentation', async (t) => {
  const daemon = await startExample(t);
  const views = [
    ['events', 'light', '', async (tab) => {
      await isLive(tab);
      await showsFirstPage(tab);
      // One of these is the newest event of each message, so it is among the rows that are drawn.
      await tab.locator('#rows .row', { hasText: /discriminator\.decision|tmux\.turn\.end/ }).first().locator('.time').click();
      await tab.click('#tab-story');
      await tab.waitForSelector('#drawer .step');
    }],
    ['turns', 'light', '#view=turns', (tab) => tab.waitForSelector('#turns-table tbody tr')],
    ['errors', 'dark', '#view=errors', (tab) => tab.waitForSelector('.kind .sparkline .some')],
    ['egress', 'light', '#view=egress', (tab) => tab.waitForSelector('#egress-table tbody tr')],
    ['health', 'dark', '#view=health', async (tab) => await eventually('charts', async () => await tab.locator('.chart canvas').count() === 3)],
  ];
  mkdirSync(pictures, { recursive: true });
  for (const [name, colorScheme, hash, ready] of views) {
    const tab = await openPage(t, daemon, { viewport: { width: 1180, height: 640 }, colorScheme, hash, timezoneId: 'Europe/Berlin' });
    await ready(tab);
    await takeScreenshot(tab, `docs-${name}`);
    if (process.env.PICORTEX_WRITE_PICTURES === '1') copyFileSync(`${made}docs-${name}.png`, `${pictures}${name}.png`);
    assert.ok(statSync(`${made}docs-${name}.png`).size < SIZE_MAX, name);
    assert.ok(statSync(`${pictures}${name}.png`).size < SIZE_MAX, name);
  }
});
