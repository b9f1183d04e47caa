// Loads a server, with wrk or with a cheaper client, and measures what that costs the server.

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

// This client measures no latencies: it only sends and counts.
async function light(server, { path, connections, seconds }) {
  return JSON.parse(await output(loadCpus,
    [join(buildDirectory, 'bench/http_load'), new URL(server.url).port, path, String(connections), String(seconds)]));
}

// Bodies of telemetry, which are too large and too different for wrk's script.
async function otlp(server, { coding, connections, seconds }) {
  const stats = JSON.parse(await output(loadCpus,
    ['node', join(import.meta.dirname, '../otlp_load.mjs'), new URL(server.url).port, coding, String(connections), String(seconds)],
    { env: { TOKEN: server.token ?? '' } }));
  server.otlpRequests = (server.otlpRequests ?? 0) + stats.requests;
  return stats;
}

const clients = { light, otlp };

async function run(server, load) {
  const stats = await (clients[load.load] ?? wrk)(server, load);
  const { requests, rejected, failed = 0 } = stats;
  if (rejected > 0 || failed > 0 || requests === 0) {
    throw new Error(`${server.name}, ${load.load}, ${load.connections} connections: of ${requests} requests ` +
      `${rejected} were rejected and ${failed} failed`);
  }
  return stats;
}

export async function warmUp(server, load) {
  await run(server, { ...load, seconds: 1 });
}

// Measures one round. Returns the values by their names in the table. wrk knows no latencies of pipelined requests either.
export async function measure(server, load) {
  const machineBefore = serverCpuTime();
  const before = cpuTime(server.pid);
  const stats = await run(server, load);
  const cpu = cpuTime(server.pid) - before;
  const machine = serverCpuTime();
  const all = machine.all - machineBefore.all;
  noise.add({
    others: Math.max(0, machine.busy - machineBefore.busy - cpu) / all,
    stolen: (machine.stolen - machineBefore.stolen) / all,
  });
  return {
    'requests/s': (stats.requests * 1e6) / stats.us,
    ...(['pipelined', 'light'].includes(load.load) ? {} : { p50: stats.p50, p99: stats.p99, 'p99.9': stats.p999 }),
    'CPU/request': cpu / stats.requests,
    busy: (100 * cpu) / all,
    RSS: residentKib(server.pid) / 1024,
  };
}
