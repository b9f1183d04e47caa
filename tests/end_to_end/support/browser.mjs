// Chromium for tests. One for each test file does: tests make contexts of their own in it.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { cleanUpAfter } from './cleanup.mjs';

// The headless shell is Chromium without windows: it renders the same and takes half of the processor time.
const PROGRAMS = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'];

// Lasts as long as `owner`, a test context or `testFile`; `more` are arguments of Chromium.
export async function startBrowser(owner, ...more) {
  const browser = await chromium.launch({
    executablePath: PROGRAMS.find((path) => existsSync(path)), headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
           '--disable-component-update', '--disable-sync', ...more],
  });
  cleanUpAfter(owner, () => browser.close());
  return browser;
}
