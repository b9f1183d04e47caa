// The fence with real clients: allowed hosts work with each, forbidden ones fail at once.
import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { testFile } from './support/cleanup.mjs';
import { eventually } from './support/daemon.mjs';
import { egressStats } from './support/egress_stats.mjs';
import { World, addresses, fencedUid, needsRoot, otherUid } from './support/namespaces.mjs';

// A denial arrives within this time, not counting the client's own start.
// A client that is not answered waits for seconds; how fast a denial is on which machine is for bench.sh.
const refusalMs = 2_000;

const world = needsRoot ? undefined : await World.create(testFile);
const daemon = await world?.startDaemon(testFile);

describe('the fence', { skip: needsRoot }, () => {
  for (const family of ['-4', '-6']) {
    it(`lets curl ${family} fetch from an allowed host`, async () => {
      const { status, output, errors } = await world.runAs(fencedUid, ['curl', '-sS', family, 'https://allowed.test/']);
      assert.equal(status, 0, errors);
      assert.equal(output, 'hello allowed.test\n');
    });

    it(`denies curl ${family} a forbidden host at once`, async () => {
      const { status, errors, ms } = await world.runAs(fencedUid, ['curl', '-sS', family, 'https://forbidden.test/']);
      assert.equal(status, 6, errors);
      assert.ok(ms < refusalMs, `${ms} ms`);
    });
  }

  it('lets curl fetch over plain HTTP where the list allows it', async () => {
    const { status, output } = await world.runAs(fencedUid, ['curl', '-sS', 'http://allowed.test/']);
    assert.equal(status, 0);
    assert.equal(output, 'hello allowed.test\n');
  });

  it('lets git clone over https', async () => {
    const target = `/tmp/picortex-clone-${process.pid}`;
    testFile.after(() => rm(target, { recursive: true, force: true }));
    const { status, errors } = await world.runAs(fencedUid, ['git', 'clone', '-q', 'https://github.com/repository.git', target]);
    assert.equal(status, 0, errors);
  });

  it('denies git a forbidden host at once', async () => {
    const { status, ms } = await world.runAs(fencedUid, ['git', 'ls-remote', 'https://forbidden.test/repository.git']);
    assert.notEqual(status, 0);
    assert.ok(ms < refusalMs, `${ms} ms`);
  });

  it('lets node fetch from an allowed host and denies it a forbidden one', async () => {
    const program = (url) => `fetch('${url}').then(async (r) => console.log(await r.text()), (e) => { console.log(e.cause.code); process.exit(3); })`;
    const allowed = await world.runAs(fencedUid, [process.execPath, '-e', program('https://pypi.org/')]);
    assert.equal(allowed.output, 'hello pypi.org\n\n', allowed.errors);
    const forbidden = await world.runAs(fencedUid, [process.execPath, '-e', program('https://forbidden.test/')]);
    assert.equal(forbidden.status, 3);
    assert.match(forbidden.output, /ENOTFOUND/);
  });

  it('lets openssl s_client shake hands with an allowed host', async () => {
    const { output } = await world.runAs(fencedUid, ['openssl', 's_client', '-connect', 'allowed.test:443', '-servername', 'allowed.test', '-brief'],
                                         { input: 'Q\n' });
    const again = await world.runAs(fencedUid, ['openssl', 's_client', '-connect', 'allowed.test:443', '-servername', 'allowed.test']);
    assert.match(again.output + output, /subject=CN = allowed\.test/);
  });

  it('answers dig for allowed names and NXDOMAIN for the others, over UDP and TCP', async () => {
    for (const transport of ['+notcp', '+tcp']) {
      const allowed = await world.runAs(fencedUid, ['dig', transport, '+short', 'allowed.test']);
      assert.equal(allowed.output.trim(), addresses.shared);
      const forbidden = await world.runAs(fencedUid, ['dig', transport, 'forbidden.test']);
      assert.match(forbidden.output, /status: NXDOMAIN/);
    }
  });

  it('lets python fetch from an allowed host', async () => {
    const { output, errors } = await world.python(fencedUid,
      'import urllib.request; print(urllib.request.urlopen("https://allowed.test/").read().decode())');
    assert.match(output, /hello allowed\.test/, errors);
  });

  it('lets names below a wildcard pass', async () => {
    const { status, output, errors } = await world.runAs(fencedUid, ['curl', '-sS', 'https://www.wild.test/']);
    assert.equal(status, 0, errors);
    assert.equal(output, 'hello www.wild.test\n');
  });

  it('carries much data both ways once a connection is allowed', async () => {
    const { status, output, errors } = await world.runAs(fencedUid, ['curl', '-sS', '-o', '/dev/null', '-w', '%{size_download}',
                                                                     'https://allowed.test/bulk']);
    assert.equal(status, 0, errors);
    assert.equal(output, String(16 << 20));
  });

  it('leaves other users alone', async () => {
    for (const uid of [0, otherUid]) {
      assert.equal(world.fetchAs(uid, 'https://forbidden.test/').status, 0);
      assert.equal((await world.runAs(uid, ['dig', '+short', `@${addresses.resolver}`, 'forbidden.test'])).output.trim(),
                   addresses.shared);
    }
  });

  it('lets the user reach the daemon, and no other port of loopback', async () => {
    const health = await world.runAs(fencedUid, ['curl', '-sS', 'http://127.0.0.1:8787/livez']);
    assert.equal(health.status, 0, health.errors);
    world.startAs(testFile, otherUid, ['/usr/bin/python3', '-m', 'http.server', '18080', '--bind', '127.0.0.1']);
    await eventually('another user serves', () => world.fetchAs(otherUid, 'http://127.0.0.1:18080/').status === 0);
    assert.equal(world.fetchAs(fencedUid, 'http://127.0.0.1:18080/').status, 7);
    await world.writeList('allowed.test\nallowed.test:80\n*.wild.test\nalias.test\n127.0.0.1:18080\n');
    await eventually('the list has been read', () => world.fetchAs(fencedUid, 'http://127.0.0.1:18080/').status === 0);
    await world.writeList('allowed.test\nallowed.test:80\n*.wild.test\nalias.test\n');
    await eventually('the list has been read', () => world.fetchAs(fencedUid, 'http://127.0.0.1:18080/').status === 7);
  });

  it('cuts a connection on loopback whose rule is removed, and no other one', async () => {
    const base = 'allowed.test\nallowed.test:80\n*.wild.test\nalias.test\n';
    const echo = `import socketserver
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(100): self.request.sendall(data)
class Server(socketserver.ThreadingTCPServer): allow_reuse_address = True
Server(('127.0.0.1', PORT), Echo).serve_forever()`;
    world.startAs(testFile, otherUid, ['/usr/bin/python3', '-c', echo.replace('PORT', '18090')]);
    world.startAs(testFile, fencedUid, ['/usr/bin/python3', '-c', echo.replace('PORT', '18091')]);
    const client = (port) => `
import socket, sys, time
for i in range(100):
    try: s = socket.create_connection(('127.0.0.1', ${port})); break
    except OSError: time.sleep(0.05)
s.sendall(b'a'); print(s.recv(9)); sys.stdin.readline()
try: s.sendall(b'b'); print(s.recv(9))
except OSError as error: print(type(error).__name__)`;
    await world.writeList(`${base}127.0.0.1:18090\n`);
    const clients = [[fencedUid, 18090], [otherUid, 18091]].map(([uid, port]) => {
      const child = world.startAs(testFile, uid, ['/usr/bin/python3', '-uc', client(port)]);
      child.text = '';
      child.stdout.on('data', (text) => (child.text += text));
      return child;
    });
    await eventually('both are answered', () => clients.every((child) => child.text === "b'a'\n"));
    await world.writeList(base);
    await daemon.line((line) => line.event_type === 'egress.cut');
    for (const child of clients) child.stdin.write('\n');
    await eventually('one is cut, the other is not',
                     () => /Connection(Aborted|Reset)Error|BrokenPipe/.test(clients[0].text) && clients[1].text === "b'a'\nb'b'\n");
  });

  it('answers other users of a server of the user on loopback', async () => {
    world.startAs(testFile, fencedUid, ['/usr/bin/python3', '-m', 'http.server', '18081', '--bind', '127.0.0.1']);
    await eventually('it answers', () => world.fetchAs(otherUid, 'http://127.0.0.1:18081/').status === 0);
  });

  it('reports a denial with host, evidence and reason', async () => {
    await world.runAs(fencedUid, ['curl', '-sS', '--resolve', `reported.test:443:${addresses.shared}`, 'https://reported.test/']);
    const line = await daemon.line((l) => l.event_type === 'egress.rejected' && l.host === 'reported.test');
    assert.equal(line.evidence, 'sni');
    assert.equal(line.reason, 'name_not_allowed');
    assert.equal(line.address, addresses.shared);
    assert.equal(line.port, 443);
    assert.equal(line.uid, fencedUid);
  });

  it('finds its rules in place, names what differs, and repairs it', async () => {
    const { binary } = await import('./support/daemon.mjs');
    const egress = (what) => {
      const settings = ['env', 'PICORTEX_EGRESS_MODE=enforce', `PICORTEX_EGRESS_USER=${fencedUid}`, 'PICORTEX_LISTEN=127.0.0.1:8787', binary, 'egress', what];
      return world.runAs(0, settings);
    };
    assert.deepEqual(await egress('status').then(({ status, output }) => ({ status, output })),
                     { status: 0, output: 'the rules are as expected\n' });
    world.host.run('iptables', '-I', 'OUTPUT', '1', '-j', 'ACCEPT');
    world.host.run('ip6tables', '-F', 'PICORTEX-REFUSE');
    const broken = await egress('status');
    assert.equal(broken.status, 1);
    assert.match(broken.output, /IPv4 filter: OUTPUT has rules ahead of its jump to PICORTEX-EGRESS/);
    assert.match(broken.output, /IPv6 filter: missing: -A PICORTEX-REFUSE/);
    assert.equal((await egress('install')).status, 0);
    world.host.run('iptables', '-D', 'OUTPUT', '-j', 'ACCEPT');
    assert.equal((await egress('status')).status, 0);
    assert.equal((await egress('install')).output, 'the rules are in place already\n');
  });

  it('reports a resolver that looks names up under its own user', async (t) => {
    const { binary } = await import('./support/daemon.mjs');
    const status = () => world.runAs(0, ['env', 'PICORTEX_EGRESS_MODE=enforce', `PICORTEX_EGRESS_USER=${fencedUid}`,
                                         'PICORTEX_LISTEN=127.0.0.1:8787', binary, 'egress', 'status']);
    const file = world.ownFile('/etc/nsswitch.conf');
    const before = await readFile(file);
    t.after(() => writeFile(file, before));
    await writeFile(file, 'hosts: files resolve [!UNAVAIL=return] dns\n');
    world.host.run('sh', '-c', 'mount -t tmpfs none /run && mkdir -p /run/systemd/resolve && touch /run/systemd/resolve/io.systemd.Resolve');
    t.after(() => world.host.run('umount', '/run'));
    const open = await status();
    assert.equal(open.status, 1);
    assert.match(open.output, /^the rules are as expected\nhole: \/etc\/nsswitch\.conf .*\nhole: systemd-resolved .*\n$/);
    const other = await World.create(t);
    await writeFile(other.ownFile('/etc/nsswitch.conf'), 'hosts: resolve\n');
    const started = await other.startDaemon(t);
    assert.equal((await started.line((line) => line.event_type === 'egress.hole')).level, 'warn');
  });

  it('counts every packet once', async () => {
    const { seen, allowed, denied, passed, overrun } = await eventually('the counters agree', async () => {
      const counted = await egressStats(daemon);
      const [, , , , , full, lost, id] = world.host.run('cat', '/proc/net/netfilter/nfnetlink_queue').trim().split(/\s+/).map(Number);
      return counted.seen === id + full && counted.overrun === full + lost && counted;
    });
    assert.equal(seen, allowed + denied + passed + overrun);
    assert.ok(allowed > 0 && denied > 0 && passed > 0);
  });
});
