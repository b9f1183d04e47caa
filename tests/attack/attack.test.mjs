// The fence under attack: every technique, with every fate of its socket, in every state of the daemon, in both
// families of addresses. What counts is what the router saw, never what the log says. The same attempts without a fence
// have to be seen, or the oracle would be blind; in each state another user's must arrive as well.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { testFile } from '../end_to_end/support/cleanup.mjs';
import { binary, eventually } from '../end_to_end/support/daemon.mjs';
import { World, fencedUid, needsRoot, otherUid, subUid } from '../end_to_end/support/namespaces.mjs';
import { Batch, number, product, techniques } from './support/attempts.mjs';
import { Oracle } from './support/oracle.mjs';
import { Table, residual } from './support/table.mjs';

const only = process.env.PICORTEX_ATTACK ? new RegExp(process.env.PICORTEX_ATTACK) : /./;
const fewStates = process.env.PICORTEX_ATTACK_STATES?.split(',');
const firstRetransmissionMs = 450;   // a segment that got lost is sent again after 200 ms, and after 400 ms more
const queuePackets = 4096;
const script = (name) => fileURLToPath(new URL(name, import.meta.url));

const world = needsRoot ? undefined : await World.create(testFile, { routed: true });
world?.outside.run('ip', 'route', 'add', 'local', '93.190.0.0/16', 'dev', 'lo');
world?.outside.run('ip', '-6', 'route', 'add', 'local', '2606:2800:300::/48', 'dev', 'lo');
const oracle = await (world && Oracle.start(testFile, world));
const table = new Table();
const possible = new Map();   // technique, fate, family → true when the world saw it without a fence

const attacked = new Map();   // every attempt of the fenced user so far: what comes late is a leak as well

const keyOf = ({ technique, fate, family }) => `${technique} ${fate} ${family}`;
const controls = new Map(techniques.map((technique) => [technique.name, technique.control]));
const optional = new Set(techniques.filter((technique) => technique.optional).map((technique) => technique.name));

async function waitingPackets() {
  const text = world.host.run('cat', '/proc/net/netfilter/nfnetlink_queue');
  return text.split('\n').reduce((sum, line) => sum + Number(line.trim().split(/\s+/)[2] ?? 0), 0);
}

const queueIsEmpty = () => eventually('the queue is empty', async () => (await waitingPackets()) === 0, 20_000, 10);

// What is done to the daemon before the attempts fire, and after: { before, after } give what has to be awaited.
const states = {
  alive: { before() {}, after: queueIsEmpty },
  stopped: {
    before: (daemon) => daemon.kill('SIGSTOP'),
    async after(daemon) {
      daemon.kill('SIGCONT');
      await queueIsEmpty();
    },
  },
  killed: {
    async before(daemon) {
      daemon.kill('SIGKILL');
      await daemon.exited;
    },
    after() {},
  },
  'queue full': {
    async before(daemon, flooded) {
      daemon.kill('SIGSTOP');
      await world.runAs(fencedUid, ['/usr/bin/python3', script('flood.py'), `93.190.${flooded >> 8}.${flooded & 255}`, String(queuePackets + 1000)]);
    },
    async after(daemon) {
      daemon.kill('SIGCONT');
      await queueIsEmpty();
    },
  },
  'entry deleted': {
    before: (daemon) => daemon.kill('SIGSTOP'),
    async after(daemon) {
      world.host.run('/usr/bin/python3', script('conntrack_flush.py'));
      daemon.kill('SIGCONT');
      await queueIsEmpty();
      world.host.run('/usr/bin/python3', script('conntrack_flush.py'));
    },
  },
};

// One batch as the fenced user, one as another user at the same time, from the first packet to the last retransmission.
async function run({ fenced, others, uid = fencedUid, before = () => {}, afterwards = () => {} }) {
  await oracle.report();
  const batches = [new Batch(world, uid, fenced), new Batch(world, otherUid, others)];
  const each = (step) => Promise.all(batches.map(step));
  await each((batch) => batch.prepared());
  await before();
  await each((batch) => batch.fire());
  await afterwards();
  await each((batch) => batch.later());
  await sleep(firstRetransmissionMs);
  const report = await oracle.report();
  await each((batch) => batch.end());
  for (const batch of batches) for (const [id, why] of batch.failed) report.failed = (report.failed ?? new Map()).set(id, why);
  return report;
}

const wanted = (technique) => only.test(technique.name);

// Without a fence: everything arrives, or this kernel has no such thing.
async function control(family) {
  const attempts = number(product(family, { which: wanted }));
  const { seen, failed = new Map() } = await run({ fenced: attempts, others: [] });
  const blind = [];
  const seenKeys = new Set(attempts.filter((attempt) => seen.has(attempt.id)).map(keyOf));
  for (const attempt of attempts) {
    const control = controls.get(attempt.technique);
    possible.set(keyOf(attempt), seenKeys.has(keyOf({ ...attempt, technique: control ?? attempt.technique })));
    if (control) continue;
    if (!seen.has(attempt.id) && !optional.has(attempt.technique)) blind.push(`${keyOf(attempt)}: ${failed.get(attempt.id) ?? 'sent, not seen'}`);
    if (!seen.has(attempt.id)) table.impossible(attempt, failed.get(attempt.id));
  }
  return blind;
}

async function attack(configuration, daemon, state, family, choice) {
  const fenced = number(product(family, { ...choice, which: wanted }).filter((attempt) => possible.get(keyOf(attempt))));
  const others = number(product(family, { fates: ['kept'], which: (technique) => wanted(technique) && sampled(technique) })
    .filter((attempt) => possible.get(keyOf(attempt))));
  const [flood] = number([{ technique: 'queue_flood', fate: 'closed', family: 4 }]);
  const report = await run({
    fenced, others, uid: configuration.uid,
    before: () => states[state].before(daemon, flood.id), afterwards: () => states[state].after(daemon),
  });
  const leaks = [];
  for (const attempt of [...fenced, flood]) {
    table.count(configuration.name, state, attempt, report.seen.get(attempt.id));
    attacked.set(attempt.id, attempt);
  }
  for (const [id, arrived] of report.seen) {
    const attempt = attacked.get(id);
    if (attempt && attempt.id < fenced[0]?.id) table.late(configuration.name, state, attempt, arrived);
    if (attempt && !residual.has(attempt.technique)) leaks.push(`${keyOf(attempt)}: ${arrived.bytes} bytes in ${arrived.packets} packets, ${arrived.what}`);
  }
  for (const [what, bytes] of Object.entries(report.others)) {
    table.unexplained(configuration.name, state, what, bytes);
    leaks.push(`unowned: ${bytes} bytes, ${what}`);
  }
  const missing = others.filter((attempt) => !report.seen.has(attempt.id)).map((attempt) => `${keyOf(attempt)}: ${report.failed?.get(attempt.id) ?? 'sent, not seen'}`);
  return { leaks, missing };
}

// What another user does during the attack. No user may send to loopback's addresses by the network.
const sampled = ({ name, group }) => ['datagram', 'stream', 'device'].includes(group) && !name.startsWith('proxy_address');

function show(lines) {
  return `${lines.length} of them:\n${lines.slice(0, 400).join('\n')}`;
}

// What the network of the world looks like, for a failure that is none of the fence's.
function networkState() {
  const commands = ['ip -s address', 'ip route', 'ip neigh', 'cat /proc/net/stat/nf_conntrack', 'cat /proc/net/snmp'];
  return [world.host, world.router, world.outside].filter(Boolean)
    .map((namespace) => namespace.run('sh', '-c', commands.join('; '))).join('\n---\n');
}

async function daemonOf(t, configuration) {
  const daemon = await world.startDaemon(t, configuration.settings);
  try {
    await eventually('what is allowed works', () => world.fetchAs(fencedUid, 'https://allowed.test/').status === 0);
  } catch (error) {
    error.message += `\n${networkState()}\n${daemon.lines.slice(-40).map((line) => JSON.stringify(line)).join('\n')}`;
    throw error;
  }
  return daemon;
}

async function removeRules(settings = {}) {
  const { status, errors } = await world.runAs(0, ['env', ...Object.entries(settings).map(([name, value]) => `${name}=${value}`), binary, 'egress', 'remove']);
  assert.equal(status, 0, errors);
}

describe('attack', { skip: needsRoot }, () => {
  after(() => world && console.log(table.text()));

  for (const family of [4, 6]) {
    it(`IPv${family} without a fence: the oracle sees every attempt`, async () => {
      const blind = await control(family);
      assert.equal(blind.length, 0, show(blind));
    });
  }

  const configurations = [
    { name: 'nft', settings: {}, states: Object.keys(states) },
    // The older iptables, and a UID that /etc/subuid grants.
    { name: 'legacy', legacy: true, settings: {}, uid: subUid, states: ['alive', 'stopped', 'killed'], fates: ['closed', 'passed'] },
  ];
  for (const configuration of configurations) {
    it(`${configuration.name}, enforce`, async (t) => {
      if (configuration.legacy) configuration.settings.PATH = await world.legacyPath();
      let daemon = await daemonOf(t, configuration);
      for (const state of configuration.states) {
        if (fewStates && !fewStates.includes(state)) continue;
        for (const family of [4, 6]) {
          await t.test(`${state}, IPv${family}`, async () => {
            const { leaks, missing } = await attack(configuration, daemon, state, family, { fates: configuration.fates });
            if (!daemon.alive) daemon = await daemonOf(t, configuration);
            assert.equal(world.fetchAs(fencedUid, 'https://allowed.test/').status, 0, 'what is allowed works afterwards');
            assert.ok(missing.length + leaks.length === 0, `leaks, ${show(leaks)}\nanother user is held up, ${show(missing)}`);
          });
        }
      }
      assert.equal((await daemon.stop()).code, 0);
      await removeRules(configuration.settings);
    });
  }

  it('learn mode blocks nothing but what is addressed to loopback by the network', async (t) => {
    const daemon = await world.startDaemon(t, { PICORTEX_EGRESS_MODE: 'learn' });
    for (const family of [4, 6]) {
      const attempts = number(product(family, { fates: ['kept'], which: (technique) => wanted(technique) && ['datagram', 'stream', 'device'].includes(technique.group) })
        .filter((attempt) => possible.get(keyOf(attempt))));
      const { seen, failed = new Map() } = await run({ fenced: attempts, others: [] });
      const byNetwork = ({ technique }) => technique.startsWith('proxy_address') || technique.startsWith('resolver_by_device');
      const leaks = attempts.filter((attempt) => byNetwork(attempt) && seen.has(attempt.id));
      const missing = attempts.filter((attempt) => !byNetwork(attempt) && !seen.has(attempt.id)).map((attempt) => `${keyOf(attempt)}: ${failed.get(attempt.id)}`);
      assert.ok(leaks.length + missing.length === 0, `leaks, ${show(leaks.map(keyOf))}\nheld up, ${show(missing)}`);
    }
    assert.equal((await daemon.stop()).code, 0);
    await removeRules();
  });
});
