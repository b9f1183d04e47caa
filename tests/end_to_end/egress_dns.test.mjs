// Names behind the fence: whose questions they are, what survives a restart, and what an answer has to look like.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { testFile } from './support/cleanup.mjs';
import { eventually } from './support/daemon.mjs';
import { egressStats } from './support/egress_stats.mjs';
import { World, addresses, fencedUid, needsRoot, otherUid } from './support/namespaces.mjs';

// dnsmasq has an address for every name below open.test.
const list = 'allowed.test\n*.a.open.test\n';

// Helpers of the programs below: the question for a name, and the answer's code and first address.
const dns = `
import errno, select, socket, struct, sys, time
def wire(name): return b''.join(bytes([len(l)]) + l.encode() for l in name.split('.')) + b'\\0'
def query(name, kind=1, id=7): return struct.pack('!6H', id, 0x100, 1, 0, 0, 0) + wire(name) + struct.pack('!2H', kind, 1)
def outcome(answer):
    code, count = answer[3] & 15, struct.unpack('!H', answer[6:8])[0]
    return (['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'][code], socket.inet_ntoa(answer[-4:]) if count else '')
`;

// Each daemon has its own budget of lines: after a flood of names only a new one reports single names.
async function restart(signal = 'SIGTERM') {
  const { dataDir } = daemon;
  daemon.kill(signal);
  await daemon.exited;
  await eventually('its ring has released its sockets', () => world.host.run('ss', '-Hltun', 'sport = :8787 or sport = :8753') === '');
  daemon = await world.startDaemon(testFile, { PICORTEX_DATA_DIR: dataDir }, { dataDir });
}

function follow(child) {
  const lines = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  return lines;
}

const world = needsRoot ? undefined : await World.create(testFile);
await world?.writeList(list);
let daemon = await world?.startDaemon(testFile);

describe('names behind the fence', { skip: needsRoot }, () => {
  it('answers 10,000 look-ups each of two users at once, and never one for the other', async () => {
    // Both take their source ports from the same few hundred, so that each port changes hands all the time.
    const lookUps = `${dns}
zone, seen = sys.argv[1], {}
port = 0
for i in range(10000):
    while True:
        port = (port + 1) % 300
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(15)
        try: s.bind(('', 20000 + port)); break
        except OSError: s.close()
    try:
        s.connect(('${addresses.resolver}', 53)); s.send(query('n%d.%s' % (i, zone))); result = ' '.join(outcome(s.recv(600)))
    except OSError as error: result = type(error).__name__ + str(error.errno)
    seen[result] = seen.get(result, 0) + 1
    s.close()
print(__import__('json').dumps(seen))`;
    const run = (uid, zone) => world.runAs(uid, ['/usr/bin/python3', '-c', lookUps, zone], { timeoutMs: 120_000 });
    // The fenced user may not ask for what the other asks for.
    const ended = await Promise.all([run(fencedUid, 'a.open.test'), run(otherUid, 'b.open.test')]);
    for (const { output, errors } of ended) {
      assert.deepEqual(JSON.parse(output || '{}'), { [`NOERROR ${addresses.shared}`]: 10000 }, errors);
    }
    assert.equal(daemon.lines.filter((line) => line.host?.endsWith('.b.open.test')).length, 0);
    assert.equal((await egressStats(daemon)).dns_lost, 0);
  });

  it('turns the questions of others away that come to the proxy itself', async () => {
    const before = await egressStats(daemon);
    const ask = `${dns}
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5); s.connect(('127.0.0.1', 8753))
s.send(query('never-asked.test')); print(outcome(s.recv(600))[0])
t = socket.create_connection(('127.0.0.1', 8753)); t.settimeout(5)
try: t.sendall(b'\\0\\x20' + query('never-asked.test')); print(len(t.recv(600)))
except ConnectionError: print(0)`;
    assert.equal((await world.python(otherUid, ask)).output, 'REFUSED\n0\n');
    const after = await egressStats(daemon);
    assert.equal(after.dns_strangers - before.dns_strangers, 2);
    assert.equal(daemon.lines.filter((line) => line.host === 'never-asked.test').length, 0);
  });

  it('answers a burst of 4,096 questions whole', async () => {
    const { output, errors } = await world.python(fencedUid, `${dns}
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('${addresses.resolver}', 53))
sockets = [s] + [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for i in range(63)]
for s in sockets: s.connect(('${addresses.resolver}', 53)); s.setblocking(False)
for i in range(4096): sockets[i % 64].send(query('b%d.%s' % (i, 'a.open.test' if i % 4 else 'c.open.test'), id=i))
seen, until = set(), time.time() + 15
while len(seen) < 4096 and time.time() < until:
    for s in select.select(sockets, [], [], 1)[0]:
        answer = s.recv(600); seen.add(answer[:2])
        assert outcome(answer)[0] == ('NOERROR' if struct.unpack('!H', answer[:2])[0] % 4 else 'NXDOMAIN'), answer
print(len(seen))`, { timeoutMs: 40_000 });
    assert.equal(output, '4096\n', errors);
    // The names have used up what a minute has for reports, and what follows counts on its own.
    await daemon.stop();
    daemon = await world.startDaemon(testFile);
  });

  it('leaves no trace of direct questions in the connection table, and drops those of odd sources', async () => {
    const { output, errors } = await world.python(fencedUid, `${dns}
answers = 0
for port in range(30000, 30500):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5); s.bind(('127.0.0.1', port)); s.connect(('127.0.0.1', 8753))
    s.send(query('allowed.test')); answers += outcome(s.recv(600))[0] == 'NOERROR'; s.close()
print(answers)
for target in ('127.0.0.1', 8753), ('127.0.0.1', 53), ('${addresses.resolver}', 53):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.7', 0))
    try: s.sendto(query('allowed.test'), target); print('sent')
    except PermissionError: print('EPERM')
    except OSError as error: print(error)`);
    assert.deepEqual(output.split('\n').slice(0, 3), ['500', 'EPERM', 'EPERM'], errors + output);
    assert.doesNotMatch(output.split('\n')[3], /sent/);
    // Each line has both directions: a direct question would name the proxy's port in the first one.
    const table = world.host.run('sh', '-c', 'grep -cE "sport=30[0-4][0-9][0-9] dport=8753|sport=8753 dport=30[0-4][0-9][0-9]" /proc/net/nf_conntrack || true');
    assert.equal(table, '0\n');
  });

  it('reports no services, search domains or host names of this machine', async (t) => {
    await restart();
    const resolvConf = world.ownFile('/etc/resolv.conf');
    t.after(() => writeFile(resolvConf, `nameserver ${addresses.resolver}\n`));
    await writeFile(resolvConf, `search corp.example\noptions ndots:5\nnameserver ${addresses.resolver}\n`);
    const own = world.host.run('hostname').trim();
    const ask = (name, type) => world.runAs(fencedUid, ['dig', '+noall', '+comments', name, type]);
    // The file is looked at every few seconds.
    let asked = 0;
    await eventually('the search domain is known', async () => {
      const name = `name${++asked}.a.open.test.corp.example`;
      await ask(name, 'A');
      await ask(`marker${asked}.evil.test`, 'A');
      await daemon.line((line) => line.host === `marker${asked}.evil.test`);
      return !daemon.lines.some((line) => line.host === name);
    });
    const began = daemon.lines.length;
    assert.match((await ask('_http._tcp.allowed.test', 'SRV')).output, /status: NOERROR/);
    assert.match((await ask(`${own}.corp.example`, 'AAAA')).output, /status: NXDOMAIN/);
    assert.match((await ask('localhost', 'A')).output, /status: NXDOMAIN/);
    assert.match((await ask('_http._tcp.evil.test', 'SRV')).output, /status: NXDOMAIN/);
    await daemon.line((line) => line.host === '_http._tcp.evil.test');
    const hosts = new Set(daemon.lines.slice(began).filter((line) => line.event_type?.startsWith('egress.')).map((line) => line.host));
    assert.deepEqual([...hosts].filter((host) => !host.startsWith('marker')), ['_http._tcp.evil.test']);
  });

  it('says in the answer why a name is denied, and what the operator can do', async () => {
    const ask = async (...words) => (await world.runAs(fencedUid, ['dig', '+noall', '+comments', '+nocookie', ...words])).output;
    const reason = '; EDE: 15 (Blocked): (no rule of the egress allowlist has denied.evil.test; the operator can add one: picortex egress allow denied.evil.test)';
    for (const transport of ['+notcp', '+tcp']) {
      const answer = await ask(transport, 'denied.evil.test');
      assert.match(answer, /status: NXDOMAIN/);
      assert.ok(answer.includes(reason), answer);
    }
    assert.doesNotMatch(await ask('+noedns', 'denied.evil.test'), /EDE|EDNS/);
    assert.doesNotMatch(await ask('allowed.test'), /EDE/);
    assert.doesNotMatch(await ask('localhost'), /EDE/);
    // Within the size that the client takes: its code alone.
    const long = `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(30)}.evil.test`;
    const cut = await ask('+bufsize=512', '+ignore', long);
    assert.match(cut, /EDE: 15 \(Blocked\)$/m);
    assert.match(cut, /flags: qr rd ra;/);
  });

  it('lets names below a wildcard carry out no more than a little', async () => {
    await restart();
    const { output, errors } = await world.python(fencedUid, `${dns}
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('${addresses.resolver}', 53)); s.settimeout(2)
sent, refused = 0, 0
while refused <= 500 and sent < 4000:
    for i in range(32): s.send(query(('x' * 60 + '.') * 3 + 'n%d.a.open.test' % (sent + i)))
    sent += 32
    try:
        for i in range(32): refused += outcome(s.recv(600))[0] == 'SERVFAIL'
    except TimeoutError: pass
print(sent, refused)`, { timeoutMs: 40_000 });
    const [sent, refused] = output.split(' ').map(Number);
    assert.ok(refused > 500 && sent < 4000, output + errors);
    const line = await daemon.line((l) => l.event_type === 'egress.rejected' && l.reason === 'dns_rate_limited');
    assert.equal(line.host, 'a.open.test');
  });

  it('keeps what was answered over SIGTERM and SIGKILL', async () => {
    const client = `${dns}
import ssl
address = socket.getaddrinfo('allowed.test', 443, socket.AF_INET)[0][4]
context = ssl.create_default_context()
print('resolved', flush=True)
for line in sys.stdin:
    try:
        with context.wrap_socket(socket.create_connection(address, 5), server_hostname='allowed.test') as s: print('connected', flush=True)
    except OSError as error: print(error, flush=True)`;
    const child = world.startAs(testFile, fencedUid, ['/usr/bin/python3', '-uc', client]);
    const lines = follow(child);
    await eventually('it has resolved', () => lines.length === 1);
    for (const signal of ['SIGKILL', 'SIGTERM', 'SIGKILL']) {
      await restart(signal);
      const began = lines.length;
      child.stdin.write('\n');
      await eventually('it has tried', () => lines.length > began);
      assert.equal(lines.at(-1), 'connected', JSON.stringify(daemon.lines.filter((line) => line.reason)));
      assert.ok((await daemon.line((line) => line.event_type === 'egress.addresses_restored')).addresses > 0);
      assert.equal(daemon.lines.filter((line) => line.reason === 'address_unknown').length, 0);
    }
  });

  it('believes no answer that does not repeat the question to the letter', async (t) => {
    // A resolver and an impostor: over UDP wrong addresses, first with wrong IDs, then with the question in
    // small letters; the truth over TCP.
    const resolver = `${dns}
import threading
def serve(sock):
    while True:
        q, peer = sock.recvfrom(600); end = q.index(b'\\0', 12) + 5; id = struct.unpack('!H', q[:2])[0]
        record = b'\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\x3c\\0\\4' + socket.inet_aton('${addresses.sink}')
        head = lambda n: struct.pack('!6H', n, 0x8180, 1, 1, 0, 0)
        for n in range(id + 1, id + 40) if b'x' in q[12:16].lower() else [id]: sock.sendto(head(n % 65536) + q[12:end].lower() + record, peer)
def connections(listener):
    while True:
        c = listener.accept()[0]; q = c.recv(600)[2:]; end = q.index(b'\\0', 12) + 5
        a = q[:2] + struct.pack('!5H', 0x8180, 1, 1, 0, 0) + q[12:end] + b'\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\x3c\\0\\4' + socket.inet_aton('${addresses.shared}')
        c.sendall(struct.pack('!H', len(a)) + a); c.close()
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('${addresses.other}', 53))
l = socket.create_server(('${addresses.other}', 53)); print('ready', flush=True)
threading.Thread(target=connections, args=(l,), daemon=True).start(); serve(u)`;
    const server = world.outside.start(t, ['/usr/bin/python3', '-uc', resolver]);
    await eventually('it serves', () => new Promise((resolve) => server.stdout.once('data', () => resolve(true))));
    const resolvConf = world.ownFile('/etc/resolv.conf');
    t.after(() => writeFile(resolvConf, `nameserver ${addresses.resolver}\n`));
    await writeFile(resolvConf, `nameserver ${addresses.other}\n`);
    const before = (await egressStats(daemon)).dns_mismatches;
    const ask = (name) => world.runAs(fencedUid, ['dig', `@${addresses.resolver}`, '+short', '+tries=1', '+time=10', name]);
    await eventually('the other resolver is asked', async () => {
      await ask('allowed.test');
      return (await egressStats(daemon)).dns_mismatches > before;
    });
    for (let i = 0; i < 12; ++i) {
      const name = `${i % 2 ? 'x' : 'casecasecasecasecase'}${i}.a.open.test`;
      assert.equal((await ask(name)).output.trim(), addresses.shared, name);
    }
    // After a few of them everything is asked over TCP: each was one guess, and there are no more.
    const { dns_mismatches } = await egressStats(daemon);
    assert.ok(dns_mismatches - before <= 8, String(dns_mismatches));
    await daemon.line((line) => line.event_type === 'egress.dns_mismatch');
  });
});
