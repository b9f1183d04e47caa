// The fence next to others that allow by name, in turn, in one run: what each adds to a new TLS connection, its processor time for
// one, one at a time and 16 at once, what it leaves of bulk throughput and takes for it, and its memory.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { addresses, fencedUid } from '../../tests/end_to_end/support/namespaces.mjs';
import { eventually } from '../../tests/end_to_end/support/daemon.mjs';
import { fencePeers, missing } from './fence_peers.mjs';

const atOnce = 16;
const name = 'allowed.test';

// Returns the time that all threads of a process have run so far, in microseconds (proc(5): schedstat).
function cpuTime(pid) {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => {
    try {
      return sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1000;
    } catch {
      return sum;   // it has ended
    }
  }, 0);
}

function residentMib(pid) {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]) / 1024;
}

// Until the fence has stopped working on what it was sent: its time stands still.
async function settles(pid) {
  let before = -1;
  await eventually('the fence is idle', () => {
    const now = cpuTime(pid);
    const isStill = now - before < 500;
    before = now;
    return isStill;
  }, 10_000, 100);
}

// { result, cpu }: of what is done, and of the fence meanwhile.
async function billed(pid, work) {
  if (!pid) return { result: await work(), cpu: 0 };
  await settles(pid);
  const before = cpuTime(pid);
  const result = await work();
  await settles(pid);
  return { result, cpu: cpuTime(pid) - before };
}

class Contestant {
  constructor(label, world, { pid, proxy } = {}) {
    Object.assign(this, { label, world, pid, proxy, us: [], cpuAlone: [], cpuCrowd: [], gigabits: [], cpuGigabyte: [] });
  }

  // Where clients connect to, and what they ask there first.
  place(port) {
    return this.proxy ? [this.proxy.address, this.proxy.port, name, port] : [addresses.shared, port, name];
  }
}

async function startPeer({ owner, createWorld }, peer) {
  const world = await createWorld(owner);
  const child = peer.start(owner, world);
  const proxied = peer.proxy ? ['--proxy', `http://${peer.proxy.address}:${peer.proxy.port}`] : [];
  const fetched = (host) => world.fetchAs(fencedUid, `https://${host}/`, ...proxied).status === 0;
  try {
    await eventually('allowed.test is reached', () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
      return fetched(name);
    }, 15_000, 250);
    // By its name or its address: both are those of another host. One that has just started may let it pass.
    await eventually('another host is denied', () => !fetched('notgithub.com'), 15_000, 250);
  } catch (error) {
    throw new Error(`${error.message.split('\n')[0]} ${child.errors.trim().split('\n').at(-1)}`.trim());
  }
  return new Contestant(peer.name, world, { pid: child.pid, proxy: peer.proxy });
}

// Returns the contestants that work here. `startFence` starts this project's daemon in a world.
async function start(bench) {
  const { owner, createWorld, serve, startFence, report } = bench;
  const contestants = [new Contestant('no rules', await createWorld(owner))];
  const world = await createWorld(owner);
  contestants.push(new Contestant('picortex', world, { pid: (await startFence(world)).pid }));
  for (const peer of fencePeers) {
    const reason = missing(peer);
    if (reason) {
      report(peer.name, { not_measured: reason });
      continue;
    }
    try {
      contestants.push(await startPeer(bench, peer));
    } catch (error) {
      report(peer.name, { not_measured: error.message });
    }
  }
  for (const { world: one } of contestants) serve(one, join(one.directory, 'tls.pem'), join(one.directory, 'tls.key'));
  return contestants;
}

async function round({ lookUp, client, seconds, port }, one) {
  const { world, pid } = one;
  await lookUp(world);
  const alone = await billed(pid, () => client(world, one.proxy ? 'tls-by-proxy' : 'tls', ...one.place(443), 200));
  one.us.push(...alone.result);
  one.cpuAlone.push(alone.cpu / 200);
  const crowd = await billed(pid, () => Promise.all(Array.from({ length: atOnce }, () =>
    client(world, one.proxy ? 'tls-by-proxy' : 'tls', ...one.place(443), 25))));
  one.cpuCrowd.push(crowd.cpu / (atOnce * 25));
  const bulk = await billed(pid, () => client(world, one.proxy ? 'upload-by-proxy' : 'upload', ...one.place(port), seconds));
  const gigabits = bulk.result[0] / 1e9;
  one.gigabits.push(gigabits);
  one.cpuGigabyte.push(bulk.cpu / 1000 / (gigabits * seconds / 8));
}

// `bench` has what fence_bench.mjs measures with: owner, createWorld(owner), serve(world, ...certificate), startFence(world),
// lookUp(world), client(world, …words), report(contestant, stats), median(numbers), rounds, seconds, port.
export async function compareFences(bench) {
  const { report, median } = bench;
  const contestants = await start(bench);
  for (let i = 0; i < bench.rounds; ++i) {
    for (const one of contestants) await round(bench, one);
  }
  const [none] = contestants;
  for (const one of contestants) {
    report(one.label, {
      p50_us: Number(median(one.us).toFixed(0)),
      added_us: Number((median(one.us) - median(none.us)).toFixed(0)),
      gigabits_a_second: Number(median(one.gigabits).toFixed(2)),
      ...(one.pid && {
        cpu_us_a_connection: Number(median(one.cpuAlone).toFixed(0)),
        cpu_us_16_at_once: Number(median(one.cpuCrowd).toFixed(0)),
        cpu_ms_a_gigabyte: Number(median(one.cpuGigabyte).toFixed(1)),
        memory_mib: Number(residentMib(one.pid).toFixed(1)),
      }),
    });
  }
}
