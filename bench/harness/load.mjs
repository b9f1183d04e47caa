// Loads a server with wrk and measures what it costs the server.

import { join } from 'node:path';
import { loadCpus, output } from './children.mjs';
import { cpuTime, residentKib, serverCpuTime } from './proc.mjs';
import { noise } from './report.mjs';

const script = join(import.meta.dirname, '../load.lua');

async function wrk(server, { load, path, connections, seconds, prefix }) {
  const text = await output(
    loadCpus,
    ['wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', script, server.url + path],
    { env: { BENCH_LOAD: load, BENCH_TOKEN: server.token ?? '' }, prefix },
  );
  const figures = JSON.parse(text.slice(text.indexOf('{"requests"')));
  if (figures.refused > 0 || figures.failed > 0 || figures.requests === 0) {
    throw new Error(`${server.name}, ${load}, ${connections} connections: of ${figures.requests} requests ` +
      `${figures.refused} were refused and ${figures.failed} failed`);
  }
  return figures;
}

export async function warmUp(server, load) {
  await wrk(server, { ...load, seconds: 1 });
}

// One round: the figures by their names in the table. Of pipelined requests wrk knows no latencies.
export async function measure(server, load) {
  const machineBefore = serverCpuTime();
  const before = cpuTime(server.pid);
  const figures = await wrk(server, load);
  const cpu = cpuTime(server.pid) - before;
  const machine = serverCpuTime();
  const all = machine.all - machineBefore.all;
  noise.add({
    others: Math.max(0, machine.busy - machineBefore.busy - cpu) / all,
    stolen: (machine.stolen - machineBefore.stolen) / all,
  });
  return {
    'requests/s': (figures.requests * 1e6) / figures.us,
    ...(load.load === 'pipelined' ? {} : { p50: figures.p50, p99: figures.p99, 'p99.9': figures.p999 }),
    'CPU/request': cpu / figures.requests,
    busy: (100 * cpu) / all,
    RSS: residentKib(server.pid) / 1024,
  };
}
