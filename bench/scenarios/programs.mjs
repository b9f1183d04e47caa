// Benches that are separate programs: the microbench, the queries, and the fence's.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildDirectory } from '../harness/contestants.mjs';
import { allCpus, output, serverCpu, workDirectory } from '../harness/children.mjs';
import { record } from '../harness/report.mjs';

export const microbench = join(buildDirectory, 'bench/microbench');

// Returns the instructions of one call: how many more callgrind counts in 2,000 calls than in 1,000.
async function instructions(name) {
  const counted = [];
  for (const calls of [1000, 2000]) {
    const file = join(workDirectory, 'callgrind.out');
    await output(serverCpu, ['valgrind', '--tool=callgrind', `--callgrind-out-file=${file}`, '--quiet', microbench,
      `--benchmark_filter=^${name}(/|$)`, `--calls=${calls}`]);
    counted.push(Number(/^(?:summary|totals): (\d+)/m.exec(readFileSync(file, 'utf8'))[1]));
  }
  if (!(counted[1] > counted[0])) throw new Error(`callgrind saw no call of ${name}`);
  return (counted[1] - counted[0]) / 1000;
}

export async function micro(options) {
  options.progress('micro: time');
  const text = await output(serverCpu, [microbench, '--benchmark_format=json', `--benchmark_repetitions=${options.rounds}`,
    `--benchmark_min_time=${Math.min(options.seconds, 0.5)}`]);
  const runs = JSON.parse(text).benchmarks.filter((one) => one.run_type === 'iteration');
  for (const { run_name: run, cpu_time: time } of runs) record('micro', run.replace(/\/iterations:.*/, ''), 'CPU', time, 'ns');
  for (const name of new Set(runs.map((one) => one.run_name))) {
    options.progress(`micro: instructions of ${name}`);
    record('micro', name, 'instructions', await instructions(name), '');
  }
}

// Returns what the machine itself takes, as [what, value, unit].
export async function machineLimits() {
  const limits = JSON.parse(await output(allCpus, [join(buildDirectory, 'bench/machine_limits'), workDirectory]));
  return [
    ['system call', limits.system_call_ns, 'ns'],
    ['wake-up of a thread, same CPU', limits.wake_up_us, 'us'],
    ['wake-up of a thread, other CPU', limits.wake_up_other_cpu_us, 'us'],
    ['the same, idle for 1 ms', limits.wake_up_idle_cpu_us, 'us'],
    ['fdatasync of 4 KiB, appended', limits.fdatasync_append_us, 'us'],
    ['fdatasync of 4 KiB, in place', limits.fdatasync_in_place_us, 'us'],
    ['round trip over TCP on loopback', limits.loopback_round_trip_us, 'us'],
  ];
}

// Prints its own table; it creates a database with `events` events.
export async function queries(options) {
  options.progress(`queries: a database of ${options.events.toLocaleString('en-US')} events`);
  return output(serverCpu, [join(buildDirectory, 'bench/query_bench'), String(options.events), workDirectory]);
}

// Alternates its contestants itself, and its processes choose their own CPUs. Each line of its file has the measurements of a contestant in
// a scenario.
export async function verdicts(options) {
  if (process.getuid() !== 0) return 'The fence was not measured: that takes root.';
  const file = join(workDirectory, 'verdicts.json');
  options.progress('verdicts: in network namespaces');
  await output(allCpus, ['node', join(import.meta.dirname, '../fence_bench.mjs'), String(options.seconds), '--json', file],
    { isTidy: true });
  const missing = [];
  for (const line of readFileSync(file, 'utf8').trim().split('\n')) {
    const { scenario, contestant, not_measured: reason, ...stats } = JSON.parse(line);
    if (reason) missing.push(`${contestant} (${reason})`);
    for (const [name, number] of Object.entries(stats)) record(`verdicts, ${scenario}`, contestant, name, number, '');
  }
  return missing.length > 0 ? `Not measured next to the fence: ${missing.join('; ')}.` : undefined;
}
