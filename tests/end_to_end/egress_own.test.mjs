// What is the fenced user's own: its UIDs, its servers on loopback, and its flood of names, which hides nothing else.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { testFile } from './support/cleanup.mjs';
import { binary, eventually } from './support/daemon.mjs';
import { World, addresses, fencedUid, needsRoot, otherUid } from './support/namespaces.mjs';

const world = needsRoot ? undefined : await World.create(testFile);
let daemon = await world?.startDaemon(testFile);

// Answers one byte with another on each connection, and prints its port.
const server = (family, address) => `
import socket, socketserver
class Echo(socketserver.BaseRequestHandler):
    def handle(self): self.request.sendall(self.request.recv(1))
class Server(socketserver.ThreadingTCPServer): address_family = socket.${family}
with Server(('${address}', 0), Echo) as s:
    print(s.server_address[1]); s.serve_forever()`;

function line(child) {
  return new Promise((resolve) => child.stdout.once('data', (text) => resolve(String(text).trim())));
}

async function serve(uid, family, address) {
  return line(world.startAs(testFile, uid, ['/usr/bin/python3', '-uc', server(family, address)]));
}

async function reach(uid, address, port) {
  const { output } = await world.python(uid, `
import socket
try:
    s = socket.create_connection(('${address}', ${port}), 5); s.sendall(b'x'); print(s.recv(1))
except OSError as error: print(type(error).__name__)`);
  return output.trim();
}

// Returns each datagram to its sender.
function startReceiver(uid, family, address) {
  return world.startAs(testFile, uid, ['/usr/bin/python3', '-uc', `
import socket
s = socket.socket(socket.${family}, socket.SOCK_DGRAM)
if socket.${family} == socket.AF_INET6: s.setsockopt(41, 26, 0)
s.bind(('${address}', 0)); print(s.getsockname()[1])
while True: s.sendto(*s.recvfrom(100))`]);
}

// What comes back of three datagrams.
async function exchange(uid, family, address, port) {
  const { output } = await world.python(uid, `
import socket
s = socket.socket(socket.${family}, socket.SOCK_DGRAM); s.connect(('${address}', ${port})); s.settimeout(3)
try:
    answers = b''
    for _ in range(3): s.send(b'x'); answers += s.recv(10)
    print(answers)
except OSError as error: print(type(error).__name__)`);
  return output.trim();
}

describe('the fence and what is the user\'s own', { skip: needsRoot }, () => {
  it('lets the user reach its own servers on loopback, and no other user\'s', async () => {
    for (const [family, address] of [['AF_INET', '127.0.0.1'], ['AF_INET', '127.0.0.9'], ['AF_INET6', '::1']]) {
      const own = await serve(fencedUid, family, address);
      const others = await serve(otherUid, family, address);
      assert.equal(await reach(fencedUid, address, own), "b'x'", address);
      assert.equal(await reach(otherUid, address, own), "b'x'", address);
      assert.equal(await reach(fencedUid, address, others), 'ConnectionRefusedError', address);
    }
  });

  it('lets datagrams pass between two sockets of the user on loopback, and to no other user\'s', async () => {
    for (const [family, address] of [['AF_INET', '127.0.0.1'], ['AF_INET6', '::1']]) {
      const own = await line(startReceiver(fencedUid, family, address));
      const others = await line(startReceiver(otherUid, family, address));
      assert.equal(await exchange(fencedUid, family, address, own), "b'xxx'", address);
      assert.equal(await exchange(otherUid, family, address, own), "b'xxx'", address);
      assert.equal(await exchange(otherUid, family, address, others), "b'xxx'", address);
      assert.equal(await exchange(fencedUid, family, address, others), 'ConnectionRefusedError', address);
    }
    const mapped = await line(startReceiver(fencedUid, 'AF_INET6', '::'));
    assert.equal(await exchange(fencedUid, 'AF_INET', '127.0.0.1', mapped), "b'xxx'", 'a socket of both families');
  });

  it('denies an answer to a port that has become another user\'s', async () => {
    const first = world.startAs(testFile, fencedUid, ['/usr/bin/python3', '-uc', `
import socket, sys
server, client = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
for s in (server, client): s.bind(('127.0.0.1', 0))
client.sendto(b'x', server.getsockname())
asker = server.recvfrom(10)[1]
server.sendto(b'x', asker)
assert client.recv(10) == b'x'
client.close()
print(asker[1])
sys.stdin.readline()
for _ in range(2):
    try: server.sendto(b'stray', asker); print('sent')
    except OSError as error: print(type(error).__name__)`]);
    const port = await line(first);
    const heir = world.startAs(testFile, otherUid, ['/usr/bin/python3', '-uc', `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', ${port})); s.settimeout(1.5)
print('bound')
try: print(s.recv(10))
except TimeoutError: print('nothing')`]);
    let heard = '';
    const done = new Promise((resolve) => heir.on('exit', resolve));
    heir.stdout.on('data', (text) => (heard += text));
    await eventually('the port is another user\'s', () => heard.startsWith('bound'));
    first.stdin.write('\n');
    await done;
    assert.equal(heard, 'bound\nnothing\n');
  });

  it('fences UIDs that are granted while it runs', async () => {
    const granted = 480_005;
    const fetch = () => world.fetchAs(granted, 'https://forbidden.test/').status;
    const before = daemon.lines.length;
    assert.equal(fetch(), 0, 'it is another user before');
    await writeFile(world.ownFile('/etc/subuid'), `${fencedUid}:470100:100\n${fencedUid}:480000:10\n`);
    const renewals = () => daemon.lines.slice(before).filter((one) => one.event_type === 'egress.user_renewed').map((one) => one.ranges);
    await eventually('both grants are fenced', () => renewals().length > 0);
    assert.deepEqual(renewals(), [3], 'the file was empty for a moment, which took no grant away');
    assert.notEqual(fetch(), 0);
    await writeFile(world.ownFile('/etc/subuid'), `${fencedUid}:470100:100\n`);
    await eventually('the grant is gone again', () => fetch() === 0);
  });

  it('hides no connection in a flood of names', async () => {
    const before = daemon.lines.length;
    await world.python(fencedUid, `
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('127.0.0.1', 8753)); s.settimeout(1)
def ask(name, i):
    labels = b''.join(bytes([len(l)]) + l.encode() for l in name.split('.'))
    s.send(struct.pack('!HHHHHH', i, 0x100, 1, 0, 0, 0) + labels + b'\\0\\0\\1\\0\\1')
    try: s.recv(512)
    except OSError: pass
for i in range(2300): ask(f'j{i}.junk', i)
for address in ('${addresses.sink}', '8.8.8.8'):
    for port in (443, 22, 25):
        c = socket.socket(); c.settimeout(2)
        try: c.connect((address, port))
        except OSError: pass
try: socket.getaddrinfo('the-real-exfiltration.example', 443)
except OSError: pass`);
    const find = (type, test) => daemon.lines.slice(before).filter((one) => one.event_type === type && test(one));
    for (const address of [addresses.sink, '8.8.8.8']) {
      await eventually(`three attempts at ${address}`, () => find('egress.rejected', (one) => one.host === address).length === 3);
      assert.equal(find('egress.new_host', (one) => one.host === address).length, 1);
    }
    await eventually('the name', () => find('egress.rejected', (one) => one.host === 'the-real-exfiltration.example').length === 1);
    assert.ok(find('egress.rejected', (one) => one.host?.endsWith('.junk')).length < 300);
    assert.ok(find('egress.rejected', (one) => one.folded === '*.junk').length > 0);
  });

  it('shows hosts with the outcomes of all attempts', async () => {
    assert.equal(world.fetchAs(fencedUid, 'https://allowed.test/').status, 0);
    const hosts = async () => (await world.runAs(0, [binary, 'egress', 'hosts', '--utc', '--data-dir', daemon.dataDir])).output.split('\n');
    await eventually('it is there', async () => (await hosts()).some((row) => /^allowed\.test +tcp +[1-9]\d* +0 +0 +(-|\d+) +(-|\d+) +\d{4}-/.test(row)));
    const [zone, header] = await hosts();
    assert.match(zone, /^times are UTC/);
    assert.match(header, /^host +kind +allowed +learned +denied +bytes up +bytes down +first +last$/);
  });

  it('reports an address that several names lead to under none of them', async () => {
    await world.writeList('allowed.test\nforbidden.test\n');
    await daemon.line((one) => one.event_type === 'egress.reloaded');
    await eventually('both names lead there', () => ['allowed', 'forbidden'].every((name) => world.fetchAs(fencedUid, `https://${name}.test/`).status === 0));
    await world.python(fencedUid, `
import socket
try: socket.create_connection(('${addresses.shared}', 22), 5)
except OSError: pass`);
    const line = await daemon.line((one) => one.event_type === 'egress.rejected' && one.port === 22 && one.address === addresses.shared);
    assert.equal(line.host, addresses.shared);
    assert.equal(line.reason, 'port_not_listed');
    assert.deepEqual(line.candidates.toSorted(), ['allowed.test', 'forbidden.test']);
    assert.match(line.msg, /, an address of (allowed|forbidden)\.test, (allowed|forbidden)\.test$/);
    // Which process asked is found only while its socket is open, and when nothing more urgent waits.
    for (const name of ['allowed.test', 'forbidden.test']) {
      await world.python(fencedUid, `
import socket, struct, time
asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); asker.connect(('127.0.0.1', 8753)); asker.settimeout(3)
labels = b''.join(bytes([len(l)]) + l.encode() for l in '${name}'.split('.'))
for i in range(20):
    asker.send(struct.pack('!HHHHHH', i, 0x100, 1, 0, 0, 0) + labels + b'\\0\\0\\1\\0\\1')
    asker.recv(512)
    try: socket.create_connection(('${addresses.shared}', 25), 5)
    except OSError: pass
    time.sleep(0.1)`);
      const told = await daemon.line((one) => one.event_type === 'egress.rejected' && one.port === 25 && one.host === name);
      assert.equal(told.candidates, undefined);
    }
  });

  it('cuts after a restart only what a removed rule allowed', async () => {
    await world.writeList('allowed.test\nremovable.test\n');
    await eventually('removable.test is allowed', () => world.fetchAs(fencedUid, 'https://removable.test/').status === 0);
    const held = world.startAs(testFile, fencedUid, ['/usr/bin/python3', '-uc', `
import http.client, sys
c = http.client.HTTPSConnection('allowed.test')
for _ in range(2):
    c.request('GET', '/'); print(c.getresponse().read().decode().strip()); sys.stdin.readline()`]);
    assert.equal(await line(held), 'hello allowed.test');
    await daemon.stop();
    daemon = await world.startDaemon(testFile, {}, { dataDir: daemon.dataDir });
    await world.writeList('allowed.test\n');
    await daemon.line((one) => one.event_type === 'egress.reloaded');
    held.stdin.write('\n');
    assert.equal(await line(held), 'hello allowed.test');
  });
});
