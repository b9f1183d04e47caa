// What a socket sends after its user has closed it: the kernel's packets have no owner then. Each attempt sees to it that
// they have no connection mark either.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { attemptIn } from './support/attempt.mjs';
import { testFile } from './support/cleanup.mjs';
import { eventually } from './support/daemon.mjs';
import { World, addresses, fencedUid, needsRoot, otherUid } from './support/namespaces.mjs';

const port = 7777;

const world = needsRoot ? undefined : await World.create(testFile);
await world?.writeList(`sink.test\nsink.test:${port}\n`);
const daemon = await world?.startDaemon(testFile);

// Socket filters and IP options are everybody's on most kernels, and some administrators' alone on others.
const attempt = attemptIn(world, { capabilities: '+net_raw,+net_admin' });

// Notes the destination of every IPv4 packet with SECRET in it that comes over the cable.
function sniff(owner) {
  const sniffer = world.outside.start(owner, ['/usr/bin/python3', '-uc', `
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
print('ready')
while True:
    packet, link = s.recvfrom(70000)
    if link[0] == 'pcx-w' and b'SECRET' in packet: print(socket.inet_ntoa(packet[16:20]))`]);
  const seen = [];
  sniffer.stdout.setEncoding('utf8').on('data', (text) => seen.push(...text.trim().split('\n')));
  return seen;
}

// As far as the kernel looks, what a server of TLS answers to a hello.
const serverHello = "c.recv(5000); c.send(b'\\x16\\3\\3\\0\\x4a\\2\\0\\0\\x46\\3\\3' + b'r' * 68)";

// A server that reads nothing but the hello until 2 s have gone by: by then the client has closed its socket.
async function startLateReader(owner) {
  const server = world.outside.start(owner, ['/usr/bin/python3', '-uc', `
import socket, time
l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); l.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 20000)
l.bind(('${addresses.sink}', ${port})); l.listen(); print('ready')
c, _ = l.accept(); ${serverHello}; time.sleep(2)
while c.recv(65536): pass`]);
  let ready = false;
  server.stdout.once('data', () => (ready = true));
  await eventually('the server listens', () => ready);
}

const turnElsewhere = (localPort) => `
resolve('sink.test')
s = socket.socket(); s.bind(('', ${localPort})); s.settimeout(3); s.connect((SINK, ${port})); s.sendall(hello('sink.test', ssl.TLSVersion.TLSv1_2)); s.recv(1000)
assert fill(s) > 20000
route_over(s, OTHER); s.close(); print('closed')`;

// A packet in the middle of no connection, from the one that the data is to be turned to.
const midwayPacket = (localPort) => `
import socket, struct
def checksum(data):
    total = sum(struct.unpack('>%dH' % (len(data) // 2), data))
    while total >> 16: total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
source, target = socket.inet_aton('${addresses.other}'), socket.inet_aton('${addresses.host}')
head = struct.pack('>HHIIBBHHH', ${port}, ${localPort}, 1, 1, 0x50, 0x10, 1000, 0, 0)
head = head[:16] + struct.pack('>H', checksum(source + target + struct.pack('>HH', 6, len(head)) + head)) + head[18:]
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP); s.bind(('${addresses.other}', 0)); s.sendto(head, ('${addresses.host}', 0))`;

describe('data that no socket owns', { skip: needsRoot }, () => {
  it('does not get out of a socket that let no reset in, once the table has lost the denied connection', async () => {
    world.host.run('sh', '-c', 'echo 1 > /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close');
    assert.equal(await attempt(`
resolve('sink.test')
for address in (SINK, SINK6):
    s = dial(address); drop_resets(s); s.send(b'SECRET\\n'); s.close()
print('closed')`), 'closed');
    await sleep(7500);  // sent again after 0.2, 0.6, 1.4, 3.0 and 6.2 s
    assert.deepEqual(world.arrivals.filter((arrival) => arrival.data), []);
  });

  it('nor when the other end speaks first by then', async (t) => {
    world.host.run('sh', '-c', 'echo 1 > /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close');
    const server = world.outside.start(t, ['/usr/bin/python3', '-uc', `
import socket, time
l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); l.bind(('${addresses.sink}', ${port})); l.listen(); print('ready')
c, _ = l.accept(); time.sleep(5); c.send(b'x'); print('spoken')
c.settimeout(3)
try: print('got', c.recv(100))
except OSError as error: print(type(error).__name__)`]);
    let text = '';
    server.stdout.setEncoding('utf8').on('data', (more) => (text += more));
    await eventually('the server listens', () => text.includes('ready'));
    assert.equal(await attempt(`resolve('sink.test'); s = dial(SINK, ${port}); drop_resets(s); s.send(b'SECRET\\n'); s.close(); print('closed')`), 'closed');
    await eventually('the server has waited', () => text.split('\n').length === 4, 12_000);
    assert.doesNotMatch(text, /SECRET/);
  });

  it('nor of an allowed connection that a source route redirects', async (t) => {
    const seen = sniff(t);
    await startLateReader(t);
    assert.equal(await attempt(turnElsewhere(41717)), 'closed');
    await sleep(3500);
    assert.ok(seen.includes(addresses.sink));
    assert.ok(!seen.includes(addresses.other), 'it got out');
  });

  it('nor when the place it is turned to has spoken first', async (t) => {
    const seen = sniff(t);
    await startLateReader(t);
    world.outside.run('/usr/bin/python3', '-c', midwayPacket(41718));
    assert.equal(await attempt(turnElsewhere(41718)), 'closed');
    await sleep(3500);
    assert.ok(seen.includes(addresses.sink));
    assert.ok(!seen.includes(addresses.other), 'it got out');
  });

  it('lets out what belongs out: the last data of other users, and of an allowed connection', async (t) => {
    for (const uid of [otherUid, fencedUid]) {
      const seen = sniff(t);
      const received = world.outside.start(t, ['/usr/bin/python3', '-uc', `
import socket, time
l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); l.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 20000)
l.bind(('${addresses.sink}', ${port})); l.listen(); print('ready')
c, _ = l.accept(); hello = c.recv(5000, socket.MSG_PEEK); ${serverHello}; time.sleep(1); size = len(hello)
while data := c.recv(65536): size += len(data)
print(size)`]);
      let text = '';
      received.stdout.setEncoding('utf8').on('data', (more) => (text += more));
      await eventually('the server listens', () => text.includes('ready'));
      const sent = await attempt(`
resolve('sink.test')
s = dial(SINK, ${port}); first = hello('sink.test', ssl.TLSVersion.TLSv1_2); s.sendall(first); s.recv(1000); print(len(first) + fill(s)); s.close()`, uid);
      await eventually('all of it arrives', () => text.trim().endsWith(`\n${sent}`));
      assert.ok(seen.length > 0);
    }
    assert.ok(daemon.alive);
  });
});
