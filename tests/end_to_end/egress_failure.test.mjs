// The fence when things go wrong: the daemon killed, floods, connections from before it, missing rights.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { Client } from './support/client.mjs';
import { binary, eventually, sanitized } from './support/daemon.mjs';
import { egressStats } from './support/egress_stats.mjs';
import { World, addresses, fencedUid, needsRoot, otherUid } from './support/namespaces.mjs';

const burst = `
import errno, resource, select, socket, sys, time
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
addresses, ports, count = sys.argv[1].split(','), [int(p) for p in sys.argv[2].split(',')], int(sys.argv[3])
outcomes, open_sockets = {}, {}
poll = select.epoll()
def settle(s):
    code = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    name = errno.errorcode.get(code, 'CONNECTED'); outcomes[name] = outcomes.get(name, 0) + 1
    poll.unregister(s); del open_sockets[s.fileno()]; s.close()
def turn(timeout):
    for fd, _ in poll.poll(timeout): settle(open_sockets[fd])
for i in range(count):
    s = socket.socket(); s.setblocking(False)
    code = s.connect_ex((addresses[i % len(addresses)], ports[i % len(ports)]))
    open_sockets[s.fileno()] = s; poll.register(s, select.EPOLLOUT)
    if len(open_sockets) > 3000: turn(0.1)
until = time.time() + 30
while open_sockets and time.time() < until: turn(1)
outcomes['PENDING'] = len(open_sockets)
print(__import__('json').dumps(outcomes))
`;

const fetches = (host) => `
import time, urllib.request, sys
while True:
    began = time.time()
    try: urllib.request.urlopen('https://${host}/', timeout=5).read(); outcome = 'ok'
    except OSError as error: outcome = 'denied'
    print(outcome, round((time.time() - began) * 1000), flush=True)
    time.sleep(0.02)
`;

function follow(child) {
  const lines = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  return lines;
}

describe('the fence in trouble', { skip: needsRoot }, () => {
  it('closes when the daemon is killed, and opens within a second of its return', async (t) => {
    const world = await World.create(t);
    const daemon = await world.startDaemon(t);
    const fenced = follow(world.startAs(t, fencedUid, ['/usr/bin/python3', '-uc', fetches('allowed.test')]));
    const others = follow(world.startAs(t, otherUid, ['/usr/bin/python3', '-uc', fetches('forbidden.test')]));
    const bulk = world.startAs(t, fencedUid, ['curl', '-sS', '--limit-rate', '4M', '-o', '/dev/null', '-w', '%{size_download}', 'https://allowed.test/bulk']);
    const bulkEnd = new Promise((resolve) => bulk.stdout.once('data', (text) => resolve(String(text))));
    await eventually('both fetch', () => fenced.includes(fenced.find((l) => l.startsWith('ok'))) && others.length > 5);
    daemon.kill('SIGKILL');
    await daemon.exited;
    await sleep(300);
    const before = fenced.length;
    await eventually('it is tried again', () => fenced.length > before + 5);
    for (const line of fenced.slice(before + 1)) {
      const [outcome, ms] = line.split(' ');
      assert.equal(outcome, 'denied');
      assert.ok(Number(ms) < 2_000, line);
    }
    assert.equal(world.fetchAs(fencedUid, '-k', 'https://93.184.216.77/').status, 7);
    const again = await world.startDaemon(t, {}, { dataDir: daemon.dataDir });
    const since = fenced.length;
    await eventually('it is let out again', () => fenced.slice(since + 1).some((l) => l.startsWith('ok')), 10_000, 5);
    assert.ok(others.every((line) => line.startsWith('ok')), 'another user noticed');
    assert.equal(await bulkEnd, String(16 << 20), 'an allowed connection continues');
    assert.ok(again.alive);
  });

  it('lets nothing out while the daemon hangs, and denies at once when it is killed then', async (t) => {
    const world = await World.create(t);
    await world.writeList('allowed.test\nsink.test\n');
    const daemon = await world.startDaemon(t);
    const held = world.startAs(t, fencedUid, ['/usr/bin/python3', '-uc', `
import socket, sys
socket.getaddrinfo('sink.test', 443)
s = socket.create_connection(('${addresses.sink}', 443)); print('open'); sys.stdin.readline(); s.settimeout(2)
try:
    s.sendall(b'SECRET not yet judged'); print(s.recv(9))
except OSError as error: print(type(error).__name__)`]);
    const lines = follow(held);
    await eventually('it is open', () => lines.includes('open'));
    world.arrivals.length = 0;
    const others = follow(world.startAs(t, otherUid, ['/usr/bin/python3', '-uc', fetches('forbidden.test')]));
    daemon.kill('SIGSTOP');
    held.stdin.write('\n');
    const hangs = await world.runAs(fencedUid, ['curl', '-sS', '--max-time', '2', '--resolve', `allowed.test:443:${addresses.shared}`, 'https://allowed.test/']);
    assert.equal(hangs.status, 28, hangs.errors);
    await eventually('the open connection has tried', () => lines.length === 2);
    assert.deepEqual(world.arrivals, []);
    daemon.kill('SIGKILL');
    await daemon.exited;
    // The kernel gives the queue up a moment after the process is gone.
    await eventually('the queue is gone', () => world.host.run('cat', '/proc/net/netfilter/nfnetlink_queue').trim() === '');
    const times = [];
    for (let i = 0; i < 3; ++i) {
      const { status, ms } = await world.runAs(fencedUid, ['curl', '-sS', '--max-time', '5', '--resolve', `allowed.test:443:${addresses.shared}`, 'https://allowed.test/']);
      assert.equal(status, 7);
      times.push(ms);
    }
    assert.ok(Math.min(...times) < 1000, times.join());  // not only when it has asked again, after a second
    await sleep(1000);
    assert.deepEqual(world.arrivals, []);
    assert.ok(others.length > 0 && others.every((line) => line.startsWith('ok')), 'another user noticed');
  });

  it('allows none of 10,000 attempts in a burst, counts them all, and answers meanwhile', async (t) => {
    const world = await World.create(t);
    const daemon = await world.startDaemon(t, { LOG_LEVEL: 'info' });
    const api = new Client(daemon.api, '127.0.0.1:8787');
    t.after(() => api.close());
    const memory = daemon.residentBytes;
    const running = world.runAs(fencedUid, ['/usr/bin/python3', '-c', burst,
      [addresses.sink, addresses.other, addresses.shared, '93.184.216.77'].join(), '443,9999,22', '10000'], { timeoutMs: 60_000 });
    let ended = false;
    running.then(() => (ended = true));
    let polls = 0;
    while (!ended) {
      const answer = await api.request('GET', '/health', { timeoutMs: 2000 });
      assert.ok([200, 503].includes(answer.status));
      ++polls;
      await sleep(5);
    }
    const { output, errors, ms } = await running;
    const outcomes = JSON.parse(output || errors);
    t.diagnostic(`${output.trim()} in ${Math.round(ms)} ms, ${polls} health polls, processor ${daemon.processorMs} ms`);
    assert.equal(outcomes.CONNECTED ?? 0, 0);
    assert.deepEqual(world.arrivals, []);
    const counted = await eventually('the counters agree', async () => {
      const now = await egressStats(daemon);
      const [, , , , , full, lost, id] = world.host.run('cat', '/proc/net/netfilter/nfnetlink_queue').trim().split(/\s+/).map(Number);
      return now.seen === id + full && now.overrun === full + lost && now;
    });
    assert.ok(counted.seen >= 10_000);
    assert.equal(counted.allowed, 0);
    assert.equal(counted.seen, counted.allowed + counted.denied + counted.passed + counted.overrun);
    assert.ok(daemon.residentBytes - memory < (sanitized ? 256 : 48) << 20, `${daemon.residentBytes - memory} bytes`);
  });

  it('ends connections from before the fence', async (t) => {
    const world = await World.create(t);
    const held = world.startAs(t, fencedUid, ['/usr/bin/python3', '-uc', `
import socket, sys
s = [socket.create_connection(('${addresses.sink}', 9999)) for i in range(3)]
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.connect(('${addresses.sink}', 9999)); u.send(b'early')
print('open'); sys.stdin.readline()
for sock in (s[0], u):
    try: sock.send(b'SECRET'); sock.send(b'SECRET'); print('sent')
    except OSError as error: print(type(error).__name__)
s[1].setblocking(False)
try: s[1].send(b'SECRET')
except OSError: pass
s[1].close()`]);
    const lines = follow(held);
    await eventually('it is open', () => lines.includes('open') && world.arrivals.some((a) => a.data === 'early'));
    await world.startDaemon(t);
    held.stdin.write('\n');
    await eventually('it has tried', () => lines.length === 3);
    assert.ok(!lines.includes('sent'), lines.join());
    await sleep(1000);
    assert.deepEqual(world.arrivals.filter((arrival) => arrival.data?.includes('SECRET')), []);
  });

  it('learns: allows, and says what it would have denied', async (t) => {
    const world = await World.create(t);
    const daemon = await world.startDaemon(t, { PICORTEX_EGRESS_MODE: 'learn' });
    const { status, output } = await world.runAs(fencedUid, ['curl', '-sS', 'https://forbidden.test/']);
    assert.equal(status, 0);
    assert.equal(output, 'hello forbidden.test\n');
    await daemon.line((line) => line.event_type === 'egress.allowed' && line.learned === true &&
                                line.host === 'forbidden.test' && line.evidence === 'dns');
    const udp = await world.python(fencedUid, `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('${addresses.sink}', 9999)); s.send(b'learnt')`);
    assert.equal(udp.errors, '');
    await eventually('the datagram arrives', () => world.arrivals.some((arrival) => arrival.data === 'learnt'));
  });

  it('ends what learn mode let pass once it enforces', async (t) => {
    const world = await World.create(t);
    const learning = await world.startDaemon(t, { PICORTEX_EGRESS_MODE: 'learn' });
    const held = world.startAs(t, fencedUid, ['/usr/bin/python3', '-uc', `
import socket, sys, time
s = [socket.create_connection(('${addresses.sink}', 9999)) for i in range(2)]
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.connect(('${addresses.sink}', 9999))
for sock in (*s, u): sock.send(b'early')
print('open'); sys.stdin.readline()
for sock in (s[0], u):
    try: sock.send(b'SECRET'); time.sleep(0.2); sock.send(b'SECRET'); print('sent')
    except OSError as error: print(type(error).__name__)
s[1].send(b'SECRET'); s[1].close()`]);
    const lines = follow(held);
    await eventually('all of it arrives', () => world.arrivals.filter((arrival) => arrival.data === 'early').length === 3);
    await learning.stop();
    await world.startDaemon(t, {}, { dataDir: learning.dataDir });
    held.stdin.write('\n');
    await eventually('it has tried', () => lines.length === 3);
    assert.ok(!lines.slice(1).includes('sent'), lines.join());
    await sleep(1000);
    assert.deepEqual(world.arrivals.filter((arrival) => arrival.data?.includes('SECRET')), []);
  });

  it('takes the good lines of a changed list, names the bad ones, and reads it on SIGHUP', async (t) => {
    const world = await World.create(t);
    const daemon = await world.startDaemon(t);
    await world.writeList('allowed.test\nnot a rule\nforbidden.test\n');
    const bad = await daemon.line((line) => line.event_type === 'egress.bad_rule');
    assert.equal(bad.line, 2);
    await eventually('the new rule holds', () => world.fetchAs(fencedUid, 'https://forbidden.test/').status === 0);
    const reloads = (await egressStats(daemon)).reloads;
    daemon.kill('SIGHUP');
    await eventually('it is read again', async () => (await egressStats(daemon)).reloads === reloads + 1);
    assert.ok(daemon.alive);
  });

  it('keeps the fence closed after an orderly end, until its rules are removed', async (t) => {
    const world = await World.create(t);
    const daemon = await world.startDaemon(t);
    assert.deepEqual(await daemon.stop(), { code: 0, signal: null });
    assert.notEqual(world.fetchAs(fencedUid, 'https://allowed.test/').status, 0);
    const removed = await world.runAs(0, [binary, 'egress', 'remove']);
    assert.equal(removed.output, 'the rules are removed: no user is fenced\n');
    assert.equal(world.fetchAs(fencedUid, 'https://forbidden.test/').status, 0);
    assert.doesNotMatch(world.host.run('iptables-save') + world.host.run('ip6tables-save'), /PICORTEX/);
  });

  it('fails to start rather than run open, in one line with the fix', async (t) => {
    const world = await World.create(t);
    await world.writeList('');
    const serve = (settings, ...prefix) => world.runAs(0, [...prefix, 'env', 'PICORTEX_LISTEN=127.0.0.1:0', `PICORTEX_DATA_DIR=${world.directory}/data`,
      'PICORTEX_EGRESS_MODE=enforce', `PICORTEX_EGRESS_USER=${fencedUid}`, `PICORTEX_EGRESS_ALLOWLIST=${world.listPath}`, ...settings, binary, 'serve']);
    const refused = async (answer, pattern) => {
      const { status, errors } = await answer;
      assert.equal(status, 1, errors);
      assert.match(errors, pattern);
      assert.equal(errors.split('\n').length, 2, errors);
    };
    await refused(serve([], 'setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin'), /CAP_NET_ADMIN/);
    await refused(serve(['PICORTEX_EGRESS_USER=nobody-such']), /there is no user nobody-such/);
    await refused(serve(['PICORTEX_EGRESS_USER=root']), /root/);
    await refused(serve(['PATH=/nowhere'], 'unshare', '-m', 'sh', '-c',
                        'mount --bind /dev/null /usr/sbin/iptables-save && exec "$@"', 'sh'), /iptables/);
    await refused(serve([`PICORTEX_EGRESS_ALLOWLIST=${world.directory}`]), /not a regular file/);
  });

  it('answers names however few source ports the host has', async (t) => {
    const world = await World.create(t);
    world.host.run('sh', '-c', 'echo 50000 50060 > /proc/sys/net/ipv4/ip_local_port_range');
    await world.startDaemon(t);
    for (let i = 0; i < 60; ++i) {
      const { output } = await world.runAs(fencedUid, ['dig', '+tries=1', i % 2 ? 'forbidden.test' : 'allowed.test']);
      assert.match(output, i % 2 ? /NXDOMAIN/ : /NOERROR/);
    }
  });

  it('leaves nothing on this machine', () => {
    const rules = execFileSync('iptables-save').toString() + execFileSync('ip6tables-save').toString();
    assert.doesNotMatch(rules, /PICORTEX/);
    assert.doesNotMatch(execFileSync('ip', ['link']).toString(), /pcx-/);
  });
});
