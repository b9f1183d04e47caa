// Five hosts ship to two ClickHouse servers in network namespaces, while the servers are killed, paused and cut off in mid-batch, their disks are
// filled, all in turn, and the shippers are killed. At the end each acknowledged event must be in each server exactly once.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ClickHouse } from '../harness/clickhouse.mjs';
import { binary, newFolder } from '../harness/contestants.mjs';
import { allCpus, output, sleep, start } from '../harness/children.mjs';
import { Namespace } from '../harness/network.mjs';

const hostCount = 5;
const batchesPerSecond = 10;
const shipperKills = 50;
// Of a server's data: more than ten minutes of events take, so that only the filler fills it.
const diskMegabytes = 3000;

class Host {
  constructor(number, prefix, targets) {
    this.name = `host-${number}`;
    this.number = number;
    this.prefix = prefix;
    this.targets = targets;
    this.data = newFolder();
    this.socket = join(this.data, 'api.sock');
    this.acknowledged = new Uint8Array(0);
    this.sent = 0;
    this.kills = 0;
  }

  async start() {
    this.daemon = start(allCpus, [binary, 'serve', '--listen', `unix:${this.socket}`, '--data-dir', this.data], { env: { LOG_LEVEL: 'warn', PICORTEX_TMUX_SOCKET: 'none' }, files: ['ignore', 'ignore', 'inherit'] });
    for (let tries = 0; ; tries += 1) {
      try {
        this.token = readFileSync(join(this.data, 'token'), 'utf8').trim();
        await this.post('/api/events', '[]').catch((error) => (error.status ? undefined : Promise.reject(error)));
        break;
      } catch (error) {
        if (tries === 200) throw error;
        await sleep(50);
      }
    }
    this.startShipper();
  }

  startShipper() {
    this.shipper = start(allCpus, [...this.prefix, binary, 'ship', '--data-dir', this.data, '--host', this.name, ...this.targets.flatMap((target) => ['--to', target])], { files: ['ignore', 'ignore', 'ignore'] });
  }

  async killShipper() {
    process.kill(-this.shipper.pid, 'SIGKILL');
    await this.shipper.ended;
    this.kills += 1;
    this.startShipper();
  }

  post(path, body) {
    return new Promise((resolve, reject) => {
      const asked = request({ socketPath: this.socket, path, method: 'POST', headers: { host: 'localhost', authorization: `Bearer ${this.token}`, 'content-type': 'application/json' } }, (answer) => {
        answer.resume();
        answer.on('end', () => (answer.statusCode === 200 ? resolve() : reject(Object.assign(new Error(`status ${answer.statusCode}`), { status: answer.statusCode }))));
      });
      asked.on('error', reject);
      asked.end(body);
    });
  }

  // A batch of events that are known by their number.
  async send(count) {
    const first = this.sent;
    this.sent += count;
    const events = Array.from({ length: count }, (_, i) => ({ event_type: 'fleet', chat_id: `chat-${(first + i) % 50}`, msg: String(first + i), filler: 'x'.repeat(200) }));
    await this.post('/api/events', JSON.stringify(events));
    if (this.acknowledged.length < this.sent) {
      const grown = new Uint8Array(2 * this.sent);
      grown.set(this.acknowledged);
      this.acknowledged = grown;
    }
    this.acknowledged.fill(1, first, first + count);
  }

  async status() {
    const text = await output(allCpus, [binary, 'ship', 'status', '--json', '--data-dir', this.data]);
    return text.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  }
}

// The frozen batches of the hosts for the server, which are there while they are on their way.
function batchesFor(server, hosts) {
  return hosts.flatMap((host) => {
    const targets = join(host.data, 'ship');
    return readdirSync(targets).filter((target) => target.includes(`-${server.address}-`)).map((target) => join(targets, target, 'batch'));
  });
}

// Cuts the cable once a batch is on its way, and counts whether it still is at the end of the cut.
function cutOff(server, cabled, cable, hosts, state) {
  let sent;
  const frozenAt = (batch) => statSync(batch, { throwIfNoEntry: false })?.mtimeMs;
  return {
    what: 'cut off',
    async begin() {
      for (const end = Date.now() + 2000; Date.now() < end; await sleep(1)) {
        sent = batchesFor(server, hosts).map((batch) => ({ batch, at: frozenAt(batch) })).find(({ at }) => at !== undefined);
        if (sent) break;
      }
      cabled.ip(`link set ${cable} down`);
    },
    end() {
      if (sent && frozenAt(sent.batch) === sent.at) state.cutInMidBatch += 1;
      cabled.ip(`link set ${cable} up`);
    },
  };
}

// Leaves no room on the file system of the server's data.
function fill(server, place) {
  place.run('sh', '-c', 'free=$(df --output=avail --block-size=1M "$0" | tail -n 1); fallocate -l "$((free - 8))M" "$0/filler"; dd if=/dev/zero of="$0/filler.rest" bs=64k status=none 2>/dev/null; true', server.data);
}

// Makes room again, and counts whether a shipper has been answered that there was none.
async function empty(server, place, hosts, state) {
  const targets = (await Promise.all(hosts.map((host) => host.status()))).flat();
  if (targets.some(({ target, error }) => target.includes(server.address) && /space/.test(error))) state.fullAnswers += 1;
  place.run('rm', '-f', join(server.data, 'filler'), join(server.data, 'filler.rest'));
}

// Each way to trouble a server, and the end of it.
function troubles(servers, places, cabled, hosts, state) {
  const each = (server, i) => [
    { what: 'killed', begin: () => server.kill(), end: () => server.start() },
    { what: 'paused', begin: () => server.signal('SIGSTOP'), end: () => server.signal('SIGCONT') },
    cutOff(server, cabled, `cable${i}`, hosts, state),
    { what: 'full', begin: () => fill(server, places[i]), end: () => empty(server, places[i], hosts, state) },
  ];
  const [first, second] = servers.map(each);
  return first.flatMap((trouble, i) => [trouble, second[(i + 1) % second.length]]);
}

async function makeTrouble(list, state) {
  for (let i = 0; !state.ends; i += 1) {
    const trouble = list[i % list.length];
    await trouble.begin();
    state.troubles[trouble.what] = (state.troubles[trouble.what] ?? 0) + 1;
    await sleep(3000);
    await trouble.end();
    await sleep(2000);
  }
}

// Kills them in turn, at equal distances of the time.
async function killShippers(hosts, seconds) {
  const begin = Date.now();
  for (let i = 0; i < shipperKills; i += 1) {
    await sleep(Math.max(0, begin + (1000 * seconds * (i + 0.5)) / shipperKills - Date.now()));
    await hosts[i % hosts.length].killShipper();
  }
}

async function load(host, rate, state) {
  const begin = Date.now();
  for (let batch = 1; !state.ends; batch += 1) {
    await host.send(Math.round(rate / hostCount / batchesPerSecond)).catch(() => (state.rejected += 1));
    await sleep(Math.max(0, begin + (batch * 1000) / batchesPerSecond - Date.now()));
  }
}

// How often each event of the host is in the server.
async function countsIn(server, host) {
  const query = `SELECT msg FROM fleet FINAL WHERE host = '${host.name}' AND event_type = 'fleet' FORMAT TSV`;
  const [program, ...words] = server.asking(query);
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const counts = new Uint8Array(host.sent);
  const exited = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) counts[Number(line)] += 1;
  const [status] = await exited;
  if (status !== 0) throw new Error(`curl ended with ${status}`);
  return counts;
}

async function compare(server, hosts) {
  const found = { acknowledged: 0, missing: 0, twice: 0 };
  for (const host of hosts) {
    const counts = await countsIn(server, host);
    for (let i = 0; i < host.sent; i += 1) {
      if (host.acknowledged[i] === 1) found.acknowledged += 1;
      if (host.acknowledged[i] === 1 && counts[i] === 0) found.missing += 1;
      if (counts[i] > 1) found.twice += 1;
    }
  }
  return found;
}

async function awaitNoLag(hosts, limitSeconds) {
  const begin = Date.now();
  while (Date.now() - begin < 1000 * limitSeconds) {
    const lags = (await Promise.all(hosts.map((host) => host.status()))).flat();
    if (lags.every((target) => target.lag_events === 0)) return (Date.now() - begin) / 1000;
    await sleep(500);
  }
  throw new Error(`there is still a lag after ${limitSeconds} s`);
}

export async function fleet(options) {
  const seconds = options.fleetSeconds;
  const rate = options.fleetRate;
  const cabled = await Namespace.open();
  const places = [await Namespace.open(), await Namespace.open()];
  const servers = places.map((place, i) => {
    cabled.join(place, `cable${i}`, `10.99.${i}.1`, `10.99.${i}.2`);
    return new ClickHouse({ address: `10.99.${i}.2`, prefix: place.prefix, mount: (directory) => place.mount(directory, diskMegabytes) });
  });
  for (const server of servers) await server.start();
  const targets = servers.map((server) => server.target('fleet'));
  await output(allCpus, [...cabled.prefix, binary, 'ship', 'init', '--apply', ...targets.flatMap((target) => ['--to', target])]);
  const hosts = Array.from({ length: hostCount }, (_, i) => new Host(i + 1, cabled.prefix, targets));
  for (const host of hosts) await host.start();
  cabled.ip('link show'); // is ready then
  const state = { ends: false, troubles: {}, cutInMidBatch: 0, fullAnswers: 0, rejected: 0 };
  const work = [...hosts.map((host) => load(host, rate, state)), makeTrouble(troubles(servers, places, cabled, hosts, state), state), killShippers(hosts, seconds)];
  let longestLagMs = 0;
  // At distances that are no multiple of the troubles'.
  for (const end = Date.now() + 1000 * seconds; Date.now() < end; await sleep(1300)) {
    const lags = (await Promise.all(hosts.map((host) => host.status()))).flat();
    longestLagMs = Math.max(longestLagMs, ...lags.map((target) => target.lag_ms));
    options.progress(`fleet: ${Math.round((end - Date.now()) / 1000)} s are left, the longest lag is ${Math.max(...lags.map((target) => target.lag_ms))} ms`);
  }
  state.ends = true;
  await Promise.all(work);
  const caughtUp = await awaitNoLag(hosts, 120 + seconds);
  const text = [`fleet, ${hostCount} hosts, ${rate} events a second together, ${seconds} s, each host to both servers`];
  text.push(`  servers: ${Object.entries(state.troubles).map(([what, times]) => `${times} times ${what}`).join(', ')} (${state.cutInMidBatch} cuts in mid-batch, ${state.fullAnswers} answers about a full disk); shippers: ${hosts.reduce((sum, host) => sum + host.kills, 0)} times killed`);
  text.push(`  longest lag ${(longestLagMs / 1000).toFixed(1)} s; none ${caughtUp.toFixed(1)} s after the end; ${state.rejected} batches rejected by the daemons`);
  let isWhole = true;
  for (const [i, server] of servers.entries()) {
    const { acknowledged, missing, twice } = await compare(server, hosts);
    isWhole &&= missing === 0 && twice === 0;
    text.push(`  server ${i + 1}: of ${acknowledged} acknowledged events ${missing} are missing, ${twice} are there twice`);
    await server.kill();
  }
  for (const host of hosts) {
    for (const child of [host.shipper, host.daemon]) process.kill(-child.pid, 'SIGTERM');
  }
  if (!isWhole) throw new Error(text.join('\n'));
  return text.join('\n');
}
