#!/usr/bin/env node
// What the egress fence costs, measured on the real daemon in network namespaces that are removed at the end:
//   flood    CPU of a verdict, compared with a plain blocking loop on libnetfilter_queue: same rules, packets and verdicts
//            (SYNs to a raw address, all denied; the time includes the kernel's, resets too;
//            where none was dropped the generator was the limit)
//   hello    connect to first answer byte, compared with no rules and with an ipset match in the kernel: a ClientHello's bytes
//            and a canned answer, so that the time of cryptography does not hide the fence's
//   tls      the same with a TLS handshake and a request to nginx
//   bulk     throughput of an allowed connection, compared with no rules, and with an ipset match, which tracks connections as well
//   burst    10,000 attempts at once: the counters, and the daemon's memory
//   peers    next to other fences that allow by name, as far as they are installed (harness/fence_comparison.mjs)
// The contestants run in alternation, round by round; a table is printed on stdout, each measurement as a line of JSON in FILE.
//
//   fence_bench.mjs [SECONDS] [--only SCENARIO,…] [--json FILE]   (1: a flood's and a transfer's length; needs root, dnsmasq, nginx, ipset)
//
// PICORTEX_BINARY: build/release/picortex. The daemon and the plain loop run on CPU 0, clients and peer on CPU 1.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({ options: { json: { type: 'string' }, only: { type: 'string' } }, allowPositionals: true });
const seconds = Number(positionals[0] ?? 1);
if (!(seconds > 0)) throw new Error('usage: fence_bench.mjs [SECONDS] [--only SCENARIO,…] [--json FILE]');
const release = fileURLToPath(new URL('../build/release', import.meta.url));
process.env.PICORTEX_BINARY ??= join(release, 'picortex');
const programs = join(dirname(process.env.PICORTEX_BINARY), 'bench');
const traffic = join(programs, 'fence_traffic');

const { World, addresses, fencedUid, needsRoot } = await import('../tests/end_to_end/support/namespaces.mjs');
const { eventually } = await import('../tests/end_to_end/support/daemon.mjs');
const { Client } = await import('../tests/end_to_end/support/client.mjs');
const { compareFences } = await import('./harness/fence_comparison.mjs');
const { authorization } = await import('../tests/end_to_end/support/token.mjs');
if (needsRoot) throw new Error(needsRoot);

const wants = (scenario) => !values.only || values.only.split(',').includes(scenario);
const rounds = 5;
const name = 'allowed.test';
const port = '4433';
const pinned = (cpu, command) => ['taskset', '--cpu-list', String(cpu), ...command];

// Owns everything that is started here: see cleanUpAfter().
const bench = { undo: [], after(undo) { this.undo.push(undo); } };
async function finish(code) {
  for (const undo of bench.undo.splice(0).reverse()) await undo().catch((error) => console.error(error));
  process.exit(code);
}
process.on('SIGINT', () => finish(130));
process.on('SIGTERM', () => finish(143));

function percentile(numbers, part) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}
const median = (numbers) => percentile(numbers, 0.5);

const results = [];
function report(scenario, contestant, stats) {
  results.push({ scenario, contestant, ...stats });
  const text = Object.entries(stats).map(([key, value]) => `${key} ${value}`).join('  ');
  console.log(`${scenario.padEnd(10)} ${contestant.padEnd(10)} ${text}`);
}

// Returns the user and system time of a process so far, in microseconds (proc(5): fields 14 and 15 of stat, in ticks of 10 ms).
function cpuTime(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

// nginx stays away from the fence's CPU, where it would wait for it: a remote server never does.
const createWorld = (owner) => World.create(owner, { serverPrefix: pinned(1, []) });

function allowance(world) {
  return world.writeList(`${name}\n${name}:${port}\n`);
}

async function startDaemon(world) {
  await allowance(world);
  return world.startDaemon(bench, { LOG_LEVEL: 'info' }, { prefix: pinned(0, world.host.prefix) });
}

// Runs a client to its end as the fenced user. Returns its lines as numbers.
async function client(world, ...words) {
  const { status, output, errors } = await world.runAs(fencedUid, pinned(1, [traffic, ...words.map(String)]), { timeoutMs: 120_000 });
  if (status !== 0) throw new Error(`fence_traffic ${words.join(' ')}: ${status} ${errors}`);
  return output.trim().split('\n').map(Number);
}

// Returns the kernel's own counters of the queue in that namespace: packets passed to its program, and packets dropped.
function queueCounters(world) {
  const line = readFileSync(`/proc/${world.host.pid}/net/netfilter/nfnetlink_queue`, 'utf8').trim();
  const [, , waiting, , , full, lost, id] = line.split(/\s+/).map(Number);
  return { waiting, given: id - lost, dropped: full + lost };
}

// Sends SYNs to a raw address, which the contestant denies, for `length` seconds.
async function sendSyns(world, length) {
  const command = [...pinned(1, world.host.prefix), 'setpriv', `--reuid=${fencedUid}`, `--regid=${fencedUid}`, '--clear-groups',
                   '--inh-caps=+net_raw', '--ambient-caps=+net_raw', '--', traffic, 'flood', addresses.host, addresses.sink, '443'];
  const child = spawn(command[0], [...command.slice(1), String(length)], { stdio: ['ignore', 'ignore', 'inherit'] });
  const code = await new Promise((resolve) => child.on('exit', resolve));
  if (code !== 0) throw new Error(`the flood ended with ${code}`);
}

const queueEmpties = (world) => eventually('the queue is empty', () => queueCounters(world).waiting === 0, 10_000, 2);

async function flood(world, pid) {
  await sendSyns(world, 0.2);
  await queueEmpties(world);
  const before = queueCounters(world);
  const cpuBefore = cpuTime(pid);
  const began = performance.now();
  await sendSyns(world, seconds);
  await queueEmpties(world);
  const lasted = (performance.now() - began) / 1000;
  const { given, dropped } = queueCounters(world);
  const verdicts = given - before.given;
  return { cpu: (cpuTime(pid) - cpuBefore) / verdicts, rate: verdicts / lasted, dropped: dropped - before.dropped };
}

async function floodPicortex(world) {
  const daemon = await startDaemon(world);
  const round = await flood(world, daemon.pid);
  await daemon.stop();
  return round;
}

async function floodPlainLoop(world) {
  const command = pinned(0, [...world.host.prefix, join(programs, 'plain_queue')]);
  const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'inherit', 'inherit'] });
  const exited = new Promise((resolve) => child.on('exit', resolve));
  bench.after(async () => child.kill('SIGKILL'));
  await eventually('the plain loop has the queue', () => {
    if (child.exitCode !== null) throw new Error('the plain loop has ended');
    try {
      return queueCounters(world).given >= 0;
    } catch {
      return false;
    }
  });
  const round = await flood(world, child.pid);
  child.kill('SIGKILL');
  await exited;
  return round;
}

async function measureFlood(world) {
  const contestants = { 'plain loop': floodPlainLoop, picortex: floodPicortex };
  const taken = { 'plain loop': [], picortex: [] };
  for (let round = 0; round < rounds; ++round) {
    for (const [contestant, run] of Object.entries(contestants)) taken[contestant].push(await run(world));
  }
  const cost = (contestant) => median(taken[contestant].map((round) => round.cpu));
  for (const [contestant, list] of Object.entries(taken)) {
    report('flood', contestant, {
      cpu_us_a_verdict: Number(cost(contestant).toFixed(2)),
      verdicts_a_second: Math.round(median(list.map((round) => round.rate))),
      dropped: list.reduce((sum, round) => sum + round.dropped, 0),
      to_plain_loop: Number((cost(contestant) / cost('plain loop')).toFixed(2)),
    });
  }
}

// Makes the fence learn the address, as every client's own look-up does.
async function lookUp(world) {
  const { output } = await world.runAs(fencedUid, ['dig', '+short', name, 'A']);
  if (!output.includes(addresses.shared)) throw new Error(`no answer for ${name}: ${output}`);
}

async function measureLatency(worlds, scenario, batch, ...words) {
  const taken = {};
  for (let round = 0; round < 2 * rounds; ++round) {
    for (const [contestant, world] of Object.entries(worlds)) {
      await lookUp(world);
      taken[contestant] ??= [];
      taken[contestant].push(...(await client(world, ...words, batch)));
    }
  }
  for (const [contestant, list] of Object.entries(taken)) {
    report(scenario, contestant, {
      p50_us: Number(median(list).toFixed(1)),
      p99_us: Number(percentile(list, 0.99).toFixed(1)),
      p50_over_ipset_us: Number((median(list) - median(taken.ipset)).toFixed(1)),
    });
  }
}

async function measureBulk(worlds) {
  const taken = {};
  for (let round = 0; round < rounds; ++round) {
    for (const [contestant, world] of Object.entries(worlds)) {
      await lookUp(world);
      taken[contestant] ??= [];
      taken[contestant].push((await client(world, 'upload', addresses.shared, port, name, seconds))[0] / 1e9);
    }
  }
  for (const [contestant, list] of Object.entries(taken)) {
    report('bulk', contestant, {
      gigabits_a_second: Number(median(list).toFixed(2)),
      to_no_rules: Number((median(list) / median(taken['no rules'])).toFixed(3)),
    });
  }
}

async function measureBurst(world, daemon) {
  const api = new Client(daemon.api);
  const stats = async () => (await api.get('/api/status', await authorization(daemon.dataDir))).json.egress;
  const before = await stats();
  const memoryBefore = daemon.residentBytes;
  const [refused] = await client(world, 'burst', addresses.sink, 443, 10_000);
  const after = await eventually('the counters add up', async () => {
    const now = await stats();
    return now.seen - before.seen >= 10_000 && now.seen === now.allowed + now.denied + now.passed + now.overrun && now;
  });
  api.close();
  report('burst', 'picortex', {
    refused_to_client: refused, seen: after.seen - before.seen, denied: after.denied - before.denied,
    overrun: after.overrun - before.overrun,
    rss_before_mib: Number((memoryBefore / 2 ** 20).toFixed(1)), rss_after_mib: Number((daemon.residentBytes / 2 ** 20).toFixed(1)),
  });
}

// Sets up the peers' host, without the fence: an ipset of addresses, and a rejection of everything else.
function installIpset(world) {
  const rules = (...words) => world.host.run('iptables', '-A', 'OUTPUT', ...words);
  const user = ['-m', 'owner', '--uid-owner', String(fencedUid)];
  world.host.run('ipset', 'create', 'allowed', 'hash:ip');
  for (const address of [addresses.shared, addresses.other, addresses.resolver]) world.host.run('ipset', 'add', 'allowed', address);
  rules('-m', 'conntrack', '--ctstate', 'ESTABLISHED,RELATED', '-j', 'ACCEPT');
  rules(...user, '-m', 'set', '--match-set', 'allowed', 'dst', '-j', 'ACCEPT');
  rules(...user, '-j', 'REJECT');
}

// `certificate`: the files of one, for what reads the server's answer.
const serve = (world, ...certificate) =>
  world.outside.start(bench, pinned(1, [traffic, 'serve', addresses.shared, port, ...certificate]), ['ignore', 'ignore', 'inherit']);

async function measurePeers() {
  await compareFences({
    owner: bench, createWorld, serve, startFence: startDaemon, lookUp, client, median, rounds, seconds, port,
    report: (contestant, stats) => report('peers', contestant, stats),
  });
}

// In worlds of their own.
async function measureAlone() {
  const worlds = {};
  for (const contestant of ['no rules', 'ipset', 'picortex']) {
    worlds[contestant] = await createWorld(bench);
    serve(worlds[contestant]);
  }
  installIpset(worlds.ipset);
  if (wants('flood')) await measureFlood(worlds.picortex);
  const daemon = await startDaemon(worlds.picortex);
  if (wants('hello')) await measureLatency(worlds, 'hello', 200, 'hello', addresses.shared, port, name);
  if (wants('tls')) await measureLatency(worlds, 'tls', 100, 'tls', addresses.shared, 443, name);
  if (wants('bulk')) await measureBulk(worlds);
  if (wants('burst')) await measureBurst(worlds.picortex, daemon);
}

try {
  if (['flood', 'hello', 'tls', 'bulk', 'burst'].some(wants)) await measureAlone();
  if (wants('peers')) await measurePeers();
  if (values.json) writeFileSync(values.json, results.map((result) => `${JSON.stringify(result)}\n`).join(''));
  await finish(0);
} catch (error) {
  console.error(error);
  await finish(1);
}
