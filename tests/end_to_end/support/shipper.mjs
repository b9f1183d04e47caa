// `picortex ship` as a child of a test.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cleanUpAfter } from './cleanup.mjs';
import { binary, environment, eventually } from './daemon.mjs';
import { picortex } from './answers.mjs';

class Shipper {
  constructor(dataDir, words, settings) {
    this.dataDir = dataDir;
    this.child = spawn(binary, ['ship', ...words], {
      env: environment({ PICORTEX_DATA_DIR: dataDir, ...settings }), stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.errors = '';
    this.child.stderr.setEncoding('utf8').on('data', (text) => (this.errors += text));
    this.exited = once(this.child, 'exit').then(([code, signal]) => ({ code, signal }));
  }

  get alive() {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  async end(signal = 'SIGTERM') {
    if (this.alive) this.child.kill(signal);
    return this.exited;
  }
}

export function startShipper(owner, dataDir, targets, settings = {}, host = 'host-a') {
  const words = [targets].flat().flatMap((target) => ['--to', target]);
  const shipper = new Shipper(dataDir, [...words, '--host', host], settings);
  cleanUpAfter(owner, () => shipper.end('SIGKILL'));
  return shipper;
}

// What `ship status --json` says, a target each.
export async function shipStatus(dataDir) {
  const { stdout, stderr, code } = await picortex(dataDir, ['ship', 'status', '--json']);
  if (code !== 0) throw new Error(stderr);
  return stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

// Waits until a target has everything.
export async function allShipped(dataDir, timeoutMs = 60_000) {
  return eventually('everything is shipped', async () => {
    const status = await shipStatus(dataDir);
    return status.length > 0 && status.every((target) => target.lag_events === 0 && target.shipped > 0) && status;
  }, timeoutMs, 200);
}
