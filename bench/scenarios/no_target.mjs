// What the targets of `picortex ship` cost the daemon: disk and CPU of the same events without one, with one whose shipper is away, and with
// one that is shipped to meanwhile.

import { createServer } from 'node:http';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Picortex, binary, newFolder } from '../harness/contestants.mjs';
import { loadCpus, sleep, start } from '../harness/children.mjs';
import { measurement, ratio, record, valuesOf } from '../harness/report.mjs';
import { post } from './events.mjs';
import { sizeOf } from './size.mjs';

const rate = 5000;
const scenario = 'no target, 5,000 events/s';
const contestants = ['without a target', 'a target, no shipper', 'a target, shipped to'];

// Takes all that it is sent.
async function sink() {
  const server = createServer((asked, answer) => {
    asked.resume();
    asked.on('end', () => answer.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { target: `ndjson+http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

const startShipper = (data, target) => start(loadCpus, [binary, 'ship', '--data-dir', data, '--to', target], { files: ['ignore', 'ignore', 'ignore'] });

async function endShipper(shipper) {
  shipper.kill('SIGTERM');
  await shipper.ended;
}

// Makes a target's directory, as a shipper leaves it.
async function configure(data, target) {
  const shipper = startShipper(data, target);
  for (;;) {
    try {
      if (readdirSync(join(data, 'ship')).length > 0) break;
    } catch {
      // not made yet
    }
    await sleep(5);
  }
  await endShipper(shipper);
}

// The time on a CPU of all threads so far, in microseconds: finer than the ticks of /proc/PID/stat.
function threadTime(pid) {
  const tasks = `/proc/${pid}/task`;
  return readdirSync(tasks).reduce((sum, task) => sum + Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]), 0) / 1000;
}

async function measureOne(contestant, target, seconds) {
  const data = newFolder();
  if (contestant !== contestants[0]) await configure(data, target);
  const server = await new Picortex({ env: { LOG_LEVEL: 'warn' }, data }).answers();
  const shipper = contestant === contestants[2] ? startShipper(data, target) : undefined;
  await post(server, rate, 1);
  const before = threadTime(server.pid);
  const { acknowledged } = await post(server, rate, seconds);
  record(scenario, contestant, 'CPU an event', (threadTime(server.pid) - before) / acknowledged, 'us');
  if (shipper) await endShipper(shipper);
  await server.stop();
  record(scenario, contestant, 'disk', sizeOf(data) / 2 ** 20, 'MiB');
}

export async function noTarget(options) {
  const { target, close } = await sink();
  for (let round = 1; round <= options.rounds; round += 1) {
    // In the other order in each second round, so that what changes with time is not taken for a difference.
    for (const contestant of round % 2 === 1 ? contestants : contestants.toReversed()) {
      options.progress(`${scenario}: ${contestant}, round ${round} of ${options.rounds}`);
      await measureOne(contestant, target, options.seconds);
    }
  }
  close();
  return [`${scenario}, compared with the daemon without a target`, ...contestants.slice(1).map((contestant) => `  ${compared(contestant)}`)].join('\n');
}

// The ratio to the daemon without a target, and how far the rounds lie apart.
function compared(contestant) {
  const [own, other] = [[scenario, contestant], [scenario, contestants[0]]];
  const ratios = valuesOf(...own, 'CPU an event').map((value, round) => value / valuesOf(...other, 'CPU an event')[round]);
  const shown = (value) => value.toFixed(4);
  return `${contestant}: CPU ${shown(ratio([...own, 'CPU an event'], other))} × (rounds ${shown(Math.min(...ratios))} to ${shown(Math.max(...ratios))}), ` +
    `disk ${shown(measurement(...own, 'disk') / measurement(...other, 'disk'))} ×`;
}
