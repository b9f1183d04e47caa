// What leaves is what was judged: packets whose socket is closed, pages that change under way, a second hello, heads that
// other servers read otherwise, and what else the kernel sends by itself.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Arrivals } from './support/arrivals.mjs';
import { attemptIn } from './support/attempt.mjs';
import { testFile } from './support/cleanup.mjs';
import { eventually } from './support/daemon.mjs';
import { World, addresses, fencedUid, needsRoot, otherUid } from './support/namespaces.mjs';

const world = needsRoot ? undefined : await World.create(testFile);
await world?.writeList('allowed.test\nallowed.test:80\nallowed.test:7777\n');
const daemon = await world?.startDaemon(testFile);

const attempt = attemptIn(world);

const arrivals = world && await Arrivals.of(testFile, world);

async function nothingLeft() {
  assert.deepEqual((await arrivals.since(0)).filter((text) => text === 'SECRET'), []);
}

describe('what leaves is what was judged', { skip: needsRoot }, () => {
  it('not the packet of a socket that is closed while it waits', async () => {
    await attempt(`
for family, address in ((socket.AF_INET, SINK), (socket.AF_INET6, SINK6)):
    for kind, protocol in ((socket.SOCK_DGRAM, 17), (socket.SOCK_DGRAM, 136), (socket.SOCK_DGRAM, 1 if family == socket.AF_INET else 58)):
        for i in range(30):
            try:
                s = socket.socket(family, kind, protocol)
                s.sendto(b'\\x08\\0\\0\\0\\0\\0\\0\\0SECRET' if family == socket.AF_INET else b'\\x80\\0\\0\\0\\0\\0\\0\\0SECRET', (address, 5000))
            except OSError: pass
            s.close()
    for i in range(30):
        s = socket.socket(family); s.setblocking(False)
        try: s.sendto(b'SECRET', 0x20000000, (address, 443))
        except OSError: pass
        s.close()`);
    await nothingLeft();
  });

  it('not other bytes than were judged, when they are sent again', async () => {
    world.outside.run('iptables', '-I', 'INPUT', '-m', 'ttl', '--ttl-eq', '1', '-j', 'DROP');
    assert.equal(await attempt(`
resolve('allowed.test'); shown = hello('allowed.test'); other = shown.replace(b'allowed.test', b'SECRETS.test')
file = open('/dev/shm/hello-%d' % os.getpid(), 'w+b', buffering=0); os.unlink(file.name); file.write(shown)
s = dial(SHARED); s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
os.sendfile(s.fileno(), file.fileno(), 0, len(shown)); time.sleep(0.05)
os.pwrite(file.fileno(), other, 0); s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 64); print(answer(s))`), 'ConnectionResetError');
    await daemon.line((line) => line.reason === 'overlapping_segments_differ');
    await nothingLeft();
  });

  it('the same bytes, sent again from their page', async () => {
    assert.equal(await attempt(`
resolve('allowed.test'); shown = hello('allowed.test')
file = open('/dev/shm/hello-%d' % os.getpid(), 'w+b', buffering=0); os.unlink(file.name); file.write(shown)
s = dial(SHARED); s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
os.sendfile(s.fileno(), file.fileno(), 0, len(shown)); time.sleep(0.05)
s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 64); print(answer(s))`), 'answered');
  });

  it('no second hello of whatever version', async () => {
    for (const version of ['3, 3', '4, 3', '0x7f, 0x7f']) {
      assert.equal(await attempt(`
resolve('allowed.test'); s = dial(SHARED); s.sendall(hello_1_3('allowed.test', False)); assert answer(s) == 'answered'
second = bytearray(hello_1_3('SECRETS.test', True)); second[9:11] = bytes([${version}]); s.sendall(second); print(answer(s))`), 'ConnectionResetError');
    }
    await nothingLeft();
  });

  it('no request that a server reads and the fence does not', async () => {
    for (const text of ['POST /SECRET HTTP/1.1\\nHost: forbidden.test\\n\\n', 'GET /SECRET\\r\\n', 'GET http://forbidden.test/SECRET HTTP/1.0\\n\\n',
                        'GET / HTTP/1.1\\r\\nHost: allowed.test\\r\\n\\r\\nGET /SECRET HTTP/1.1\\nHost: forbidden.test\\n\\n']) {
      assert.equal(await attempt(`resolve('allowed.test'); s = dial(SHARED, 80); s.sendall(b'${text}'); print(answer(s))`), 'ConnectionResetError');
    }
    await nothingLeft();
  });

  it('no packet to this host by a network device', async () => {
    await attempt(`
for family, home, away in ((socket.AF_INET, '127.0.0.1', SINK), (socket.AF_INET6, '::1', SINK6)):
    for to in ((home, 8753), (home, 9), (away, 53)):
        s = socket.socket(family, socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET, 25, b'pcx-h')
        try: s.sendto(b'SECRET', to)
        except OSError: pass`);
    await nothingLeft();
  });

  it('no connection of several paths', async (t) => {
    const multipath = `
import socket
try: s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
except OSError: s = None; print('the kernel has no MPTCP')`;
    const server = world.outside.start(t, ['/usr/bin/python3', '-uc', `${multipath}
if s: s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(('${addresses.shared}', 7777)); s.listen(); print('ready'); keep = [s.accept() for i in range(9)]`]);
    let ready = false;
    server.stdout.once('data', () => (ready = true));
    await eventually('the server listens', () => ready);
    const connect = (uid) => attempt(`${multipath}
if s: resolve('allowed.test'); s.settimeout(3); s.connect((SHARED, 7777)); print(s.getsockopt(socket.IPPROTO_TCP, 43))`, uid);
    const other = await connect(otherUid);
    assert.match(other, /^(1|the kernel has no MPTCP)$/);
    assert.equal(await connect(fencedUid), other === '1' ? '0' : other);
  });

  it('nor the ports on which the user listens', async (t) => {
    const server = world.startAs(t, fencedUid, ['/usr/bin/python3', '-uc', `
import socket, time
keep = []
for family, any in ((socket.AF_INET, '0.0.0.0'), (socket.AF_INET6, '::')):
    for port in range(20000, 20032, 2):
        s = socket.socket(family); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6: s.setsockopt(socket.IPPROTO_IPV6, 26, 1)
        s.bind((any, port)); s.listen(); keep.append(s)
print('ready'); time.sleep(60)`]);
    let ready = false;
    server.stdout.once('data', () => (ready = true));
    await eventually('the user listens', () => ready);
    const answers = world.outside.run('/usr/bin/python3', '-c', `
import socket
answers = set()
for address in ('${addresses.host}', '${addresses.host6}'):
    for port in range(20000, 20032):
        s = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET); s.settimeout(5)
        try: s.connect((address, port)); answers.add('open')
        except OSError as error: answers.add(type(error).__name__)
print(*answers)`);
    assert.equal(String(answers).trim(), 'ConnectionRefusedError');
    const local = await attempt(`s = dial('127.0.0.1', 20000); print('open')`, otherUid);
    assert.equal(local, 'open');
  });
});

describe('cleartext HTTP that is no way out', { skip: needsRoot }, () => {
  it('uploads in chunks', async () => {
    const { output } = await world.runAs(fencedUid, ['curl', '-sS', '--max-time', '5', '-H', 'Transfer-Encoding: chunked', '--data-binary', '@-',
                                                     'http://allowed.test/', 'http://allowed.test/'], { input: 'x'.repeat(300_000) });
    assert.equal(output, 'hello allowed.test\nhello allowed.test\n');
  });

  it('becomes a WebSocket where the list allows it', async () => {
    const open = (name) => attempt(`
resolve('${name}'); s = dial(SHARED, 80)
s.sendall(b'GET / HTTP/1.1\\r\\nHost: ${name}\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n\\r\\n'); print(answer(s))`);
    assert.equal(await open('allowed.test'), 'ConnectionResetError');
    await world.writeList('allowed.test\nallowed.test:80 upgrade\n');
    await daemon.line((line) => line.event_type === 'egress.reloaded');
    assert.equal(await open('allowed.test'), 'answered');
  });
});
