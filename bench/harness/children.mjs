// The processes that a bench started and their working directory: all are removed when it ends, however it ends.

import { spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, closeSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';

const running = new Set();

export const workDirectory = mkdtempSync(join(process.env.BENCH_DIR ?? '/var/tmp', 'picortex-bench.'));

process.on('exit', () => {
  for (const child of running) {
    try {
      process.kill(-child.pid, child.isTidy ? 'SIGTERM' : 'SIGKILL');
    } catch {
      // The process has ended.
    }
  }
  rmSync(workDirectory, { recursive: true, force: true });
});
for (const [signal, status] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]]) {
  process.on(signal, () => process.exit(status));
}

// The server has the first CPU to itself; the load uses all others.
export const serverCpu = '0';
export const loadCpus = cpus().length > 1 ? `1-${cpus().length - 1}` : '0';

export const allCpus = `0-${cpus().length - 1}`;

// As root, servers and load take precedence over everything else on the machine: in their session's group, and the group among the others
// (sched(7), autogroup).
const isRoot = process.getuid() === 0;
const niceness = '-10';
const priority = isRoot ? ['nice', '-n', niceness] : [];

function prefer(pid) {
  try {
    if (isRoot) writeFileSync(`/proc/${pid}/autogroup`, niceness);
  } catch {
    // The kernel has no such groups, or the process has ended.
  }
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Starts a command on these CPUs, with `files` as [stdin, stdout, stderr]. `isTidy` means that it cleans up when it is terminated.
export function start(onCpus, command, { env = {}, files = ['ignore', 'pipe', 'pipe'], prefix = [], isTidy = false } = {}) {
  const child = spawn('taskset', ['-c', onCpus, ...priority, ...prefix, ...command], {
    env: { ...process.env, ...env },
    stdio: files,
    detached: true, // Ctrl-C ends the bench, which ends them
  });
  running.add(child);
  child.isTidy = isTidy;
  prefer(child.pid);
  child.ended = new Promise((resolve) => {
    child.on('close', (status, signal) => {
      running.delete(child);
      resolve(signal ?? status);
    });
    child.on('error', (error) => {
      running.delete(child);
      resolve(error.message);
    });
  });
  return child;
}

// Returns the command's output once it has succeeded.
export async function output(onCpus, command, options) {
  const child = start(onCpus, command, options);
  let text = '';
  let errors = '';
  child.stdout.on('data', (piece) => (text += piece));
  child.stderr.on('data', (piece) => (errors += piece));
  const status = await child.ended;
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}\n${text}${errors}`);
  return text;
}

// Ends the processes that a failed scenario left.
export async function stopRunning() {
  const left = [...running];
  for (const child of left) child.kill('SIGKILL');
  await Promise.all(left.map((child) => child.ended));
}

// A server whose stderr is kept and shown if it does not answer.
export class Server {
  constructor(name, command, { url, env, stdout = 'ignore' }) {
    this.name = name;
    this.url = url;
    this.errorFile = join(workDirectory, `${name}.stderr`);
    const errors = openSync(this.errorFile, 'w');
    this.child = start(serverCpu, command, { env, files: ['ignore', stdout, errors] });
    closeSync(errors);
  }

  get pid() {
    return this.child.pid;
  }

  async answers(path = '/health') {
    for (let tries = 0; tries < 200; tries += 1) {
      if (!running.has(this.child)) break;
      try {
        await fetch(this.url + path, { headers: { connection: 'close' } });
        return this;
      } catch {
        await sleep(25);
      }
    }
    throw new Error(`${this.name} does not answer at ${this.url}\n${readFileSync(this.errorFile, 'utf8')}`);
  }

  async stop() {
    if (!running.has(this.child)) return;
    this.child.kill('SIGTERM');
    const impatience = setTimeout(() => this.child.kill('SIGKILL'), 15_000);
    await this.child.ended;
    clearTimeout(impatience);
  }
}
