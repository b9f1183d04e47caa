// One picortex process under test: it starts the binary with a fresh data directory, reads its JSON log lines, and
// ends it (by its own pid only) together with its directory, also when the test fails.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from './client.mjs';
import { cleanUpAfter } from './cleanup.mjs';
import { authorization } from './token.mjs';

export const binary = process.env.PICORTEX_BINARY;
if (!binary) throw new Error('PICORTEX_BINARY must name the picortex binary');

// A sanitized build is slower and keeps freed memory for a while: bounds on memory are wider for it.
export const sanitized = readFileSync(binary).includes('__asan_init');

const started = new Set();
process.on('exit', () => {
  for (const daemon of started) daemon.kill('SIGKILL');
});

// A directory that goes with `owner`, a test context or `testFile`.
export async function temporaryDirectory(owner) {
  const path = await mkdtemp(join(tmpdir(), 'picortex-test-'));
  cleanUpAfter(owner, () => rm(path, { recursive: true, force: true }));
  return path;
}

// What a child sees: nothing of this shell's own PICORTEX_* settings. Events of any age are kept, on any disk, and events that
// a command cannot deliver nowhere.
export function environment(settings) {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(PICORTEX_|FRONTEND_LOG|LOG_LEVEL$|STATE_DIRECTORY$|TMUX)/.test(name),
  );
  return { ...Object.fromEntries(inherited), PICORTEX_RETENTION_DAYS: '0', PICORTEX_MIN_FREE_BYTES: '0',
    XDG_STATE_HOME: '/dev/null/state', ...settings };
}

class Daemon {
  constructor(child, dataDir, output) {
    this.child = child;
    this.pid = child.pid;
    this.dataDir = dataDir;
    this.rawLines = [];
    this.lines = [];
    this.errors = '';
    this.outputEnded = false;
    this.waiting = new Set();
    this.exited = once(child, 'exit').then(([code, signal]) => {
      started.delete(this);
      return { code, signal };
    });
    child.stderr.setEncoding('utf8').on('data', (text) => (this.errors += text));
    const reader = createInterface({ input: output, crlfDelay: 0 });
    reader.on('line', (line) => this.#take(line));
    reader.on('close', () => {
      this.outputEnded = true;
      for (const wait of this.waiting) wait();
    });
    started.add(this);
  }

  #take(line) {
    this.rawLines.push(line);
    try {
      this.lines.push(JSON.parse(line));
    } catch {
      this.lines.push({ not_json: line });
    }
    for (const wait of this.waiting) wait();
  }

  get alive() {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  // The first line, past or future, for which `matches` holds.
  async line(matches, timeoutMs = 10_000) {
    const until = Date.now() + timeoutMs;
    for (let seen = 0; ; ) {
      for (; seen < this.lines.length; ++seen) {
        if (matches(this.lines[seen])) return this.lines[seen];
      }
      const left = until - Date.now();
      if (left <= 0 || this.outputEnded) {
        const exit = this.outputEnded ? await this.exited : { code: null };
        throw new Error(`no such log line; exit ${exit.code}; stderr: ${this.errors}; last lines:\n` +
                        this.rawLines.slice(-20).join('\n'));
      }
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, Math.min(left, 200));
        const wait = () => {
          clearTimeout(timer);
          this.waiting.delete(wait);
          resolve();
        };
        this.waiting.add(wait);
      });
    }
  }

  // Where it listens: { host, port } or { path }.
  get address() {
    return parseAddress(this.listening.address);
  }

  get authority() {
    return this.listening.address;
  }

  get origin() {
    return `http://${this.listening.address}`;
  }

  // What GET /api/status says, asked on a connection of its own.
  async status() {
    const client = new Client(this.address);
    try {
      return (await client.get('/api/status', await authorization(this.dataDir))).json;
    } finally {
      client.close();
    }
  }

  // Waits until it has the beginnings of that many requests in hand.
  async hasRequests(count) {
    await eventually(`${count} requests are in hand`, async () => {
      const { http } = await this.status();
      return http.connections - http.connections_idle > count;  // the one that asks is one more
    });
  }

  kill(signal) {
    if (this.alive) this.child.kill(signal);
  }

  // SIGTERM, and its exit; SIGKILL when it has not gone by then.
  async stop(timeoutMs = 15_000) {
    this.kill('SIGTERM');
    const timer = setTimeout(() => this.kill('SIGKILL'), timeoutMs);
    const exit = await this.exited;
    clearTimeout(timer);
    return exit;
  }

  get residentBytes() {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'));
    return Number(kilobytes[1]) * 1024;
  }

  // Processor time used so far, in milliseconds (proc(5): fields 14 and 15 of stat, in ticks of 10 ms).
  get processorMs() {
    const fields = readFileSync(`/proc/${this.pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }

  get descriptorCount() {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  // Ends what is left and says what a sanitizer found.
  async end() {
    if (this.alive) await this.stop();
    await this.exited;
    if (/Sanitizer|runtime error:|CHECK failed/.test(this.errors)) throw new Error(this.errors);
  }
}

export function parseAddress(text) {
  if (text.startsWith('unix:')) return { path: text.slice(5) };
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
}

// In pretty mode the address stands on a line of its own.
function tellsAddress(line) {
  const pretty = /^\s+address: "(.*)"$/.exec(line.not_json ?? '');
  if (pretty) line.address = pretty[1];
  return line.event_type === 'serve.listening' || pretty !== null;
}

// Starts `picortex serve` for `owner` (a test context or `testFile`) and waits until it listens.
//   settings      environment variables in addition to the usual ones
//   arguments     more flags of `serve`
//   dataDir       a directory of the caller; otherwise a fresh one
//   descriptors   the most files that the daemon may have open
//   prefix        a program and its arguments that run it, such as nsenter
//   stdout        { descriptor, stream }: write lines into the one, read them from the other
export async function startDaemon(owner, options = {}) {
  const dataDir = options.dataDir ?? (await temporaryDirectory(owner));
  const env = environment({
    PICORTEX_LISTEN: '127.0.0.1:0',
    PICORTEX_DATA_DIR: dataDir,
    PICORTEX_LOG_FORMAT: 'json',
    PICORTEX_TMUX_SOCKET: join(dataDir, 'no-tmux'),
    ...options.settings,
  });
  let command = [binary, 'serve', ...(options.arguments ?? [])];
  if (options.descriptors) {
    command = ['prlimit', `--nofile=${options.descriptors}:${options.descriptors}`, ...command];
  }
  command = [...(options.prefix ?? []), ...command];
  const stdio = ['ignore', options.stdout?.descriptor ?? 'pipe', 'pipe'];
  const child = spawn(command[0], command.slice(1), { env, stdio, cwd: tmpdir() });
  await once(child, 'spawn');
  const daemon = new Daemon(child, dataDir, options.stdout?.stream ?? child.stdout);
  cleanUpAfter(owner, () => daemon.end());
  daemon.listening = await daemon.line(tellsAddress, 20_000);
  return daemon;
}

// Asks until two answers of `read`, one after the other, are the same, and returns that.
export async function settled(what, read, timeoutMs = 10_000) {
  let before = await read();
  await eventually(`${what} stays the same`, async () => {
    const now = await read();
    const isSame = now === before;
    before = now;
    return isSame;
  }, timeoutMs, 200);
  return before;
}

// Asks until `check` gives something true, or fails with what was asked for.
export async function eventually(what, check, timeoutMs = 10_000, everyMs = 50) {
  const until = Date.now() + timeoutMs;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > until) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await sleep(everyMs);
  }
}
