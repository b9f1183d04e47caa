// Connections that open at once: the SYN to an address that an allowed name led to does not wait for the daemon, and what its
// connection sends does. What counts is what arrives over the cable.
import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { Arrivals } from './support/arrivals.mjs';
import { attemptIn, prelude } from './support/attempt.mjs';
import { testFile } from './support/cleanup.mjs';
import { binary, eventually } from './support/daemon.mjs';
import { egressStats } from './support/egress_stats.mjs';
import { World, addresses, fencedUid, needsRoot } from './support/namespaces.mjs';

const world = needsRoot ? undefined : await World.create(testFile);
await world?.writeList('allowed.test\nallowed.test:80\nsink.test upload=1M/1h\nremovable.test\ndepot.test dns-only\n');
// A SYN of the world's own curl may wait for its neighbour to be discovered, and would leave later.
if (world) await eventually('IPv6 is there', () => world.fetchAs(0, 'https://allowed.test/', '--ipv6').status === 0);
let daemon = await world?.startDaemon(testFile, { LOG_LEVEL: 'info' });

const attempt = attemptIn(world);

const arrivals = world && await Arrivals.of(testFile, world);

// Runs `during` as the fenced user while the daemon is stopped, after `before`. Both see `s` of the one program, whose last
// part `after` runs when the daemon goes on. Returns [what `during` printed, what `after` printed, what arrived before it].
async function whileStopped(before, during, after) {
  const child = world.startAs(testFile, fencedUid, ['/usr/bin/python3', '-uc',
    `${prelude}\n${before}\nprint('ready'); sys.stdin.readline()\n${during}\nprint('done'); sys.stdin.readline()\n${after}\nprint('end')`]);
  const said = [];
  createInterface({ input: child.stdout }).on('line', (line) => said.push(line));
  child.stderr.setEncoding('utf8').on('data', (text) => said.push(`error: ${text}`));
  const reaches = (word) => eventually(word, () => {
    assert.ok(!said.some((line) => line.startsWith('error')), said.join('\n'));
    return said.includes(word);
  });
  await reaches('ready');
  await egressStats(daemon);   // the iteration of the answers is over, so the kernel knows the addresses
  const mark = arrivals.seen.length;
  let left;
  daemon.kill('SIGSTOP');
  try {
    child.stdin.write('\n');
    await reaches('done');
    left = await arrivals.since(mark);
  } finally {
    daemon.kill('SIGCONT');
  }
  child.stdin.write('\n');
  await reaches('end');
  const [first, second] = said.slice(1).join('\n').split('done').map((text) => text.replace('end', '').trim());
  return [first, second, left];
}

async function fenceStatus() {
  const { errors } = await world.runAs(0, ['env', 'PICORTEX_EGRESS_MODE=enforce', `PICORTEX_EGRESS_USER=${fencedUid}`,
                                           `PICORTEX_EGRESS_ALLOWLIST=${world.listPath}`, binary, 'egress', 'status']);
  return errors;
}

// Gives up after a moment: what waits for the daemon would wait for as long as it is stopped.
const tries = (address, port) => `
s = socket.socket(socket.AF_INET6 if ':' in '${address}' else socket.AF_INET); s.settimeout(1)
report(lambda: s.connect(('${address}', ${port})) or 'open')`;

describe('connections that open at once', { skip: needsRoot }, () => {
  it('do so while the daemon is stopped, and their hello waits', async () => {
    for (const [address, family] of [[addresses.shared, 'AF_INET'], [addresses.shared6, 'AF_INET6']]) {
      const before = await egressStats(daemon);
      const [during, after, left] = await whileStopped(
        `socket.getaddrinfo('allowed.test', 443, socket.${family})`,
        `${tries(address, 443)}\ns.sendall(hello('allowed.test'))\nprint(answer(s))`,
        `s.settimeout(20)\nprint(answer(s))`);
      assert.equal(during, 'open\nTimeoutError');
      assert.deepEqual(left, [`SYN ${address} 443`]);
      assert.equal(after, 'answered');
      const now = await egressStats(daemon);
      assert.equal(now.openings, before.openings + 1);
      assert.equal(now.openings_lost, 0);
      assert.ok(now.opening_addresses > 0);
    }
  });

  it('show a name that is denied as before', async () => {
    const [during, after, left] = await whileStopped(
      `resolve('allowed.test')`,
      `${tries(addresses.shared, 443)}\ns.sendall(hello('SECRET.test'))`,
      `s.settimeout(20)\nprint(answer(s))`);
    assert.equal(during, 'open');
    assert.deepEqual(left, [`SYN ${addresses.shared} 443`]);
    assert.equal(after, 'ConnectionResetError');
    assert.deepEqual(await arrivals.since(arrivals.seen.length), []);
    await daemon.line((line) => line.host === 'secret.test' && line.reason === 'name_not_allowed' && line.uid === fencedUid);
  });

  it('speak HTTP where a rule has the port', async () => {
    assert.equal(world.fetchAs(fencedUid, 'http://allowed.test/').output, 'hello allowed.test\n');
    const [during, after] = await whileStopped(
      `resolve('allowed.test')`, `${tries(addresses.shared, 80)}\ns.sendall(b'GET / HTTP/1.1\\r\\nHost: allowed.test\\r\\n\\r\\n')`,
      `s.settimeout(20)\nprint(answer(s))`);
    assert.deepEqual([during, after], ['open', 'answered']);
  });

  it('are none where no rule has the port, an upload budget applies, the address alone suffices, or the name was not asked', async () => {
    for (const [name, address, port] of [['allowed.test', addresses.shared, 8443], ['sink.test', addresses.sink, 443],
                                         ['depot.test', addresses.depot, 443], ['allowed.test', addresses.other, 443]]) {
      const [during, , left] = await whileStopped(`resolve('${name}')`, tries(address, port), '');
      assert.match(during, /^(TimeoutError|timeout)/, `${name} ${port}`);
      assert.deepEqual(left, [], `${name} ${port}`);
    }
  });

  it('carry no data with the SYN', async () => {
    world.host.run('sh', '-c', 'echo 7 > /proc/sys/net/ipv4/tcp_fastopen');  // data without a cookie
    const [during, , left] = await whileStopped(`resolve('allowed.test')`, `
s = socket.socket(); s.setblocking(False)
report(lambda: s.sendto(b'SECRET' * 10, 0x20000000, (SHARED, 443)))
print(select.select([], [s], [s], 0.3))`, '');
    assert.equal(during, '60\n([], [], [])');  // taken, and still not connected
    assert.deepEqual(left, []);
  });

  it('are denied when they speak if the copy of their SYN has been lost', async () => {
    const [rule] = world.host.run('iptables-save', '-t', 'mangle').split('\n').filter((line) => line.includes('-j NFLOG'));
    world.host.run('iptables', '-t', 'mangle', ...rule.replace('-A', '-D').split(' '));
    try {
      assert.equal(await attempt(`resolve('allowed.test'); s = dial(SHARED); s.sendall(hello('allowed.test')); print(answer(s))`),
                   'ConnectionResetError');
      await daemon.line((line) => line.reason === 'untracked_flow' && line.uid === fencedUid);
    } finally {
      world.host.run('iptables', '-t', 'mangle', ...rule.replace('-A PICORTEX-OPENING', '-I PICORTEX-OPENING 4').split(' '));
    }
    assert.equal(await attempt(`resolve('allowed.test'); s = dial(SHARED); s.sendall(hello('allowed.test')); print(answer(s))`), 'answered');
  });

  it('are new ones on a port that is used again', async () => {
    assert.equal(await attempt(`
resolve('allowed.test'); outcomes = set()
for i in range(20):
    s = socket.socket(); s.settimeout(3); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(('${addresses.host}', 40123))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    s.connect((SHARED, 443)); s.sendall(hello('allowed.test' if i % 2 == 0 else 'SECRET.test')); outcomes.add((i % 2, answer(s))); s.close()
print(sorted(outcomes))`), "[(0, 'answered'), (1, 'ConnectionResetError')]");
    assert.deepEqual((await arrivals.since(0)).filter((text) => text === 'SECRET'), []);
  });

  it('end with the rule that permitted them', async () => {
    const [during, after, left] = await whileStopped(`resolve('removable.test')`, tries(addresses.other, 443), '');
    assert.deepEqual([during, after, left], ['open', '', [`SYN ${addresses.other} 443`]]);
    const mark = arrivals.seen.length;
    await world.writeList('allowed.test\nallowed.test:80\n');
    await eventually('the list is read', async () => (await egressStats(daemon)).reloads === 1);
    assert.equal((await egressStats(daemon)).opening_addresses, 0);
    assert.equal(await attempt(tries(addresses.other, 443)), 'ConnectionRefusedError 111');
    assert.deepEqual(await arrivals.since(mark), []);
    // What is still permitted waits once more, and is known again.
    const open = `s = dial(SHARED); s.sendall(hello('allowed.test')); print(answer(s))`;
    assert.equal(await attempt(open), 'answered');
    const before = (await egressStats(daemon)).openings;
    assert.equal(await attempt(open), 'answered');
    assert.equal((await egressStats(daemon)).openings, before + 1);
  });

  it('end with the daemon, however it ends', async () => {
    for (const signal of ['SIGKILL', 'SIGTERM']) {
      assert.equal(await attempt(`resolve('allowed.test'); ${tries(addresses.shared, 443)}`), 'open');
      assert.doesNotMatch(await fenceStatus(), /when they are opened/);
      daemon.kill(signal);
      await daemon.exited;
      const mark = arrivals.seen.length;
      assert.match(await attempt(tries(addresses.shared, 443)), /^(ConnectionRefusedError 111|TimeoutError)/);
      assert.deepEqual(await arrivals.since(mark), []);
      assert.match(await fenceStatus(), /note: connections wait for a verdict when they are opened as well/);
      daemon = await world.startDaemon(testFile, { LOG_LEVEL: 'info' }, { dataDir: daemon.dataDir });
    }
  });
});
