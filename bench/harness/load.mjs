// Loads a server, with wrk or with a client that costs less, and measures what that costs the server.

import { join } from 'node:path';
import { loadCpus, output } from './children.mjs';
import { buildDirectory } from './contestants.mjs';
import { cpuTime, residentKib, serverCpuTime } from './proc.mjs';
import { noise } from './report.mjs';

const script = join(import.meta.dirname, '../load.lua');

async function wrk(server, { load, path, connections, seconds, prefix }) {
  const text = await output(
    loadCpus,
    ['wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', script, server.url + path],
    { env: { BENCH_LOAD: load, BENCH_TOKEN: server.token ?? '' }, prefix },
  );
  return JSON.parse(text.slice(text.indexOf('{"requests"')));
}

// It takes no latencies, and has nothing else to do than to send and to count.
async function light(server, { path, connections, seconds }) {
  return JSON.parse(await output(loadCpus,
    [join(buildDirectory, 'bench/http_load'), new URL(server.url).port, path, String(connections), String(seconds)]));
}

async function run(server, load) {
  const figures = await (load.load === 'light' ? light : wrk)(server, load);
  const { requests, refused, failed = 0 } = figures;
  if (refused > 0 || failed > 0 || requests === 0) {
    throw new Error(`${server.name}, ${load.load}, ${load.connections} connections: of ${requests} requests ` +
      `${refused} were refused and ${failed} failed`);
  }
  return figures;
}

export async function warmUp(server, load) {
  await run(server, { ...load, seconds: 1 });
}

// One round: the figures by their names in the table. Of pipelined requests wrk knows no latencies either.
export async function measure(server, load) {
  const machineBefore = serverCpuTime();
  const before = cpuTime(server.pid);
  const figures = await run(server, load);
  const cpu = cpuTime(server.pid) - before;
  const machine = serverCpuTime();
  const all = machine.all - machineBefore.all;
  noise.add({
    others: Math.max(0, machine.busy - machineBefore.busy - cpu) / all,
    stolen: (machine.stolen - machineBefore.stolen) / all,
  });
  return {
    'requests/s': (figures.requests * 1e6) / figures.us,
    ...(['pipelined', 'light'].includes(load.load) ? {} : { p50: figures.p50, p99: figures.p99, 'p99.9': figures.p999 }),
    'CPU/request': cpu / figures.requests,
    busy: (100 * cpu) / all,
    RSS: residentKib(server.pid) / 1024,
  };
}
