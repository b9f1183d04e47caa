// What the clients cost the bot that uses them.

import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { allCpus, output, workDirectory } from '../harness/children.mjs';
import { Picortex } from '../harness/contestants.mjs';
import { record } from '../harness/report.mjs';

const root = join(import.meta.dirname, '../..');
const RATE = 10_000;

// An application's folder with the peers' packages and picortex in it.
function applicationFolder() {
  const folder = join(workDirectory, 'application');
  const modules = join(folder, 'node_modules');
  mkdirSync(modules, { recursive: true });
  const peers = join(root, 'bench/peers/node_modules');
  for (const name of readdirSync(peers)) {
    if (!name.startsWith('.')) symlinkSync(join(peers, name), join(modules, name));
  }
  cpSync(join(root, 'clients/node'), join(modules, 'picortex'), { recursive: true });
  cpSync(join(root, 'bench/client_logging.mjs'), join(folder, 'client_logging.mjs'));
  return folder;
}

// pino's transport to the daemon, next to pino to a file: time that the bot's event loop spends for a line.
export async function transport(options) {
  const folder = applicationFolder();
  const server = await new Picortex({ env: { LOG_LEVEL: 'warn' } }).answers();
  const found = { none: [], file: [], worker: [], picortex: [] };
  for (let round = 0; round < options.rounds; ++round) {
    for (const way of Object.keys(found)) {
      options.progress(`transport, ${way}, round ${round + 1} of ${options.rounds}`);
      const env = { FOLDER: folder, PICORTEX_URL: server.url, PICORTEX_TOKEN: server.token, XDG_STATE_HOME: folder };
      const text = await output(allCpus, ['node', join(folder, 'client_logging.mjs'), way, String(RATE), String(options.seconds)], { env });
      found[way].push(JSON.parse(text));
    }
  }
  const { storage } = await server.status();
  const lines = found.picortex.reduce((sum, one) => sum + one.lines, 0);
  await server.stop();
  if (storage.events < lines) throw new Error(`of ${lines} lines the daemon has stored ${storage.events}`);
  const names = { none: 'no logging', file: 'pino to a file', worker: 'pino/file in its worker', picortex: 'picortex/pino' };
  const metrics = { microsecondsInLoop: ['loop time a line', 'us'], microsecondsOfCpu: ['CPU a line, all threads', 'us'], loopInUse: ['loop in use', '%'],
    delayP99Ms: ['loop delay p99', 'ms'], delayMaxMs: ['longest loop delay', 'ms'] };
  for (const [way, rounds] of Object.entries(found)) {
    for (const [key, [metric, unit]] of Object.entries(metrics)) {
      const values = rounds.map((one) => one[key]).sort((a, b) => a - b);
      record(`transport, ${RATE.toLocaleString('en-US')} lines/s`, names[way], metric, values[values.length >> 1], unit);
    }
  }
}
