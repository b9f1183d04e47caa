// The page's live list under a steady rate of events: frames a second, what the browser keeps, and whether all of it is shown.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { loadCpus, output, sleep } from '../harness/children.mjs';
import { Picortex } from '../harness/contestants.mjs';
import { record } from '../harness/report.mjs';

const RATE = 200;
const WARM_UP_MS = 10_000;
const SAMPLE_MS = 30_000;  // between garbage collections, each of which costs frames
const VIEW = { width: 1440, height: 900 };

// The browser's driver is the tests' own.
const { chromium } = createRequire(join(import.meta.dirname, '../../tests/end_to_end/package.json'))('playwright-core');

// Counts frames for each second, from now on.
function countFrames() {
  window.framesOfSeconds = [];
  let second = Math.floor(performance.now() / 1000);
  let frames = 0;
  const onFrame = (now) => {
    if (Math.floor(now / 1000) !== second) {
      window.framesOfSeconds.push(frames);
      second = Math.floor(now / 1000);
      frames = 0;
    }
    frames += 1;
    requestAnimationFrame(onFrame);
  };
  requestAnimationFrame(onFrame);
}

async function heapMib(session) {
  await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'JSHeapUsedSize').value / 2 ** 20;
}

export async function page(options) {
  const scenario = `page, ${RATE} events/s for ${options.pageSeconds} s`;
  const server = await new Picortex({ env: { LOG_LEVEL: 'warn' } }).answers();
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium-headless-shell', args: ['--no-sandbox', '--disable-gpu'] });
  try {
    const tab = await browser.newPage({ viewport: VIEW });
    await tab.goto(server.url);
    await tab.fill('#token', server.token);
    await tab.press('#token', 'Enter');
    await tab.waitForFunction(() => document.getElementById('live-state')?.textContent === 'live', undefined, { timeout: 20_000 });
    const session = await tab.context().newCDPSession(tab);
    await session.send('Performance.enable');
    await session.send('HeapProfiler.enable');
    const posting = output(loadCpus, ['node', join(import.meta.dirname, '../paced_events.mjs'), new URL(server.url).port, String(RATE), String(options.pageSeconds)],
      { env: { TOKEN: server.token } });
    await sleep(WARM_UP_MS); // the list has as many rows as it keeps, and code is compiled
    await tab.evaluate(countFrames);
    const heaps = [];
    for (let left = options.pageSeconds * 1000 - WARM_UP_MS; left > 0; left -= SAMPLE_MS) {
      options.progress(`${scenario}: ${Math.round(left / 1000)} s left`);
      await sleep(Math.min(left, SAMPLE_MS));
      heaps.push(await heapMib(session));
    }
    const { acknowledged } = JSON.parse(await posting);
    const frames = (await tab.evaluate(() => window.framesOfSeconds.slice(1))).sort((a, b) => a - b);
    record(scenario, 'picortex', 'frames a second, mean', frames.reduce((sum, count) => sum + count, 0) / frames.length, '1/s');
    record(scenario, 'picortex', 'frames a second, median', frames[frames.length >> 1], '1/s');
    record(scenario, 'picortex', 'frames a second, 5th percentile', frames[Math.floor(frames.length / 20)], '1/s');
    record(scenario, 'picortex', 'frames a second, worst second', frames[0], '1/s');
    record(scenario, 'picortex', "page's heap after collection, first", heaps[0], 'MiB');
    record(scenario, 'picortex', "page's heap after collection, largest", Math.max(...heaps), 'MiB');
    record(scenario, 'picortex', "page's heap after collection, last", heaps.at(-1), 'MiB');
    record(scenario, 'picortex', 'events stored', acknowledged, '');
    record(scenario, 'picortex', 'state in the end', (await tab.textContent('#live-state')) === 'live' ? 1 : 0, 'live');
  } finally {
    await browser.close();
    await server.stop();
  }
}
