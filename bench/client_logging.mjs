// A bot that logs at a steady rate, and what that costs its event loop: node client_logging.mjs WAY LINES_PER_SECOND SECONDS
// WAY: none, file (pino to a file, from the main thread), worker (pino's own transport to a file), picortex (picortex/pino).
// Prints JSON.
import { join } from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';

const [way, rate, seconds] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const STEP_MS = 10;
const file = join(process.env.FOLDER, `${way}.log`);

const destinations = {
  none: () => pino({ enabled: false }),
  file: () => pino(pino.destination({ dest: file, sync: false, minLength: 4096 })),
  worker: () => pino({ transport: { target: 'pino/file', options: { destination: file } } }),
  picortex: () => pino({ transport: { target: 'picortex/pino' } }),
};
const log = destinations[way]();
await sleep(500); // the worker thread has started

const delay = monitorEventLoopDelay({ resolution: 1 });
const inLogging = { ms: 0, lines: 0 };
delay.enable();
const loopBefore = performance.eventLoopUtilization();
const cpuBefore = process.cpuUsage();
const begin = performance.now();
for (let due = begin; due < begin + seconds * 1000; due += STEP_MS) {
  await sleep(Math.max(0, due - performance.now()));
  const started = performance.now();
  for (let i = 0; i < (rate * STEP_MS) / 1000; ++i) {
    log.info({ event_type: 'bot.line', chat_id: 'chat-1', n: inLogging.lines++, text: 'a line of an ordinary length, as bots write it' }, 'a message');
  }
  inLogging.ms += performance.now() - started;
}
const wallMs = performance.now() - begin;
delay.disable();
const cpu = process.cpuUsage(cpuBefore);
console.log(JSON.stringify({
  lines: inLogging.lines,
  microsecondsInLoop: (1000 * inLogging.ms) / inLogging.lines,
  microsecondsOfCpu: (cpu.user + cpu.system) / inLogging.lines,
  loopInUse: 100 * performance.eventLoopUtilization(loopBefore).utilization,
  delayP99Ms: delay.percentile(99) / 1e6 - 1,
  delayMaxMs: delay.max / 1e6 - 1,
  linesPerSecond: (1000 * inLogging.lines) / wallMs,
}));
