// Upload budgets: what a server received by the time that the fence ended its connections, whatever the client tried.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { testFile } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { binary, eventually } from './support/daemon.mjs';
import { events } from './support/database.mjs';
import { World, addresses, fencedUid, needsRoot } from './support/namespaces.mjs';

const budget = 1 << 20;
const slack = 64 << 10;   // what may be missing of a budget: the largest packet, which no longer fits
const slowBudget = 128 << 10;
const framing = 16 << 10; // more of that for what TLS and HTTP/2 add to 1 MiB
const segment = 1460;     // at most
const manyPorts = Array.from({ length: 20 }, (_, at) => 9100 + at);

// Prints, whenever it is asked by a line on stdin, what each connection to each port has brought so far: the fence ends the
// client's socket, and the server hears nothing of it. A first line with a number asks for as many bytes.
const server = `
import json, resource, socket, sys, threading
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
ports = {}
def serve(c, counts, at):
    first = b''
    try:
        while (part := c.recv(65536)):
            if counts[at] < 32: first += part
            counts[at] += len(part)
            if first.endswith(b'\\n') and first[:-1].isdigit(): c.sendall(b'x' * int(first)); first = b''
    except OSError: pass
def accept(l, counts):
    while True:
        c = l.accept()[0]
        counts.append(0)
        threading.Thread(target=serve, args=(c, counts, len(counts) - 1), daemon=True).start()
def listen(address, family, port):
    l = socket.create_server((address, port), family=family, backlog=1024)
    threading.Thread(target=accept, args=(l, ports.setdefault(f'{address} {port}', [])), daemon=True).start()
for port in (*range(9000, 9007), *range(${manyPorts[0]}, ${manyPorts.at(-1) + 1})): listen(sys.argv[1], socket.AF_INET, port)
listen(sys.argv[2], socket.AF_INET6, 9000)
listen(sys.argv[3], socket.AF_INET, 80)
print('{}', flush=True)
for _ in sys.stdin: print(json.dumps(ports), flush=True)`;

// Opens connections and sends on each of them in turn, piece by piece, until it fails.
const client = `
import resource, socket, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
host, port, connections, total, piece = sys.argv[1], *map(int, sys.argv[2:6])
head = sys.argv[6].encode().decode('unicode_escape').encode() if len(sys.argv) > 6 else b''
open_ones = []
for _ in range(connections):
    try:
        c = socket.create_connection((host, port), timeout=60)
        c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if head: c.sendall(head)
        open_ones.append([c, total])
    except OSError: pass
while open_ones:
    for one in list(open_ones):
        try:
            one[0].sendall(b'u' * min(piece, one[1])); one[1] -= piece
        except OSError: one[1] = 0
        if one[1] <= 0: open_ones.remove(one); one[0].close()`;

// Sends pieces with a pause after each, or, without one, as soon as the last one is acknowledged: slowly, or in bursts.
const pacedClient = `
import fcntl, socket, struct, sys, termios, time
host, port, piece, pause = sys.argv[1], *map(int, sys.argv[2:4]), float(sys.argv[4])
def unacknowledged(c): return struct.unpack('i', fcntl.ioctl(c, termios.TIOCOUTQ, bytes(4)))[0]
c = socket.create_connection((host, port), timeout=60)
c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
try:
    while True:
        c.sendall(b'u' * piece)
        if pause: time.sleep(pause)
        else:
            while unacknowledged(c): time.sleep(0.001); c.send(b'')
except OSError: pass`;

const http2Server = (directory) => `
const fs = require('fs'), http2 = require('http2');
const server = http2.createSecureServer({ key: fs.readFileSync('${directory}/tls.key'), cert: fs.readFileSync('${directory}/tls.pem') });
const counts = [];
server.on('session', (session) => {
  const at = counts.push(0) - 1;
  session.on('error', () => {});
  session.on('stream', (stream) => { stream.on('data', (data) => { counts[at] += data.length; }); stream.on('error', () => {}); });
});
server.on('sessionError', () => {});
server.listen(443, '${addresses.depot}', () => console.log('{}'));
process.stdin.on('data', () => console.log(JSON.stringify({ '${addresses.depot} 443': counts })));`;

const http2Client = `
const http2 = require('http2');
const session = http2.connect('https://depot.test');
session.on('error', () => process.exit(0));
session.on('close', () => process.exit(0));
for (let i = 0; i < 8; ++i) {
  const stream = session.request({ ':method': 'POST', ':path': '/' });
  stream.on('error', () => {});
  stream.end(Buffer.alloc(1 << 20));
}`;

const conntrackFlush = fileURLToPath(new URL('../attack/conntrack_flush.py', import.meta.url));

async function startWorld(owner) {
  const world = await World.create(owner);
  world.waitForAcknowledgements();
  const { sink, sink6, depot } = addresses;
  await world.writeList(`${sink}:9000 upload=1M/1h\n[${sink6}]:9000 upload=1M/1h\n${sink}:9001 upload=256K/conn\n${sink}:9002 upload=64K/1h\n` +
    `${sink}:9003 upload=1M/1h\n${sink}:9004 upload=128K/1m\n${sink}:9005 upload=1M/1h\n${sink}:9006 upload=1M/1h\ndepot.test upload=1M/1h\ndepot.test:80 upload=1M/1h\nallowed.test\n` +
    manyPorts.map((port) => `${sink}:${port} upload=1M/1h\n`).join(''));
  // A client's kernel answers with a reset what comes for a socket that was ended; it would take from the server what it has not read yet.
  for (const command of ['iptables', 'ip6tables']) world.outside.run(command, '-A', 'INPUT', '-p', 'tcp', '--tcp-flags', 'RST', 'RST', '-j', 'DROP');
  world.servers = [];
  for (const command of [['/usr/bin/python3', '-uc', server, sink, sink6, depot], [process.execPath, '-e', http2Server(world.directory)]]) {
    const child = world.outside.start(owner, command, ['pipe', 'pipe', 'pipe']);
    const lines = createInterface({ input: child.stdout });
    await once(lines, 'line');
    world.servers.push({ child, lines });
  }
  return world;
}

const world = needsRoot ? undefined : await startWorld(testFile);
let daemon = await world?.startDaemon(testFile);
const api = daemon && new Client(daemon.api, '127.0.0.1:8787');
testFile.after(() => api?.close());

describe('an upload budget', { skip: needsRoot }, () => {
  const send = (host, port, { connections = 1, total = 8 << 20, piece = 65536, head = '', environment = [] } = {}) =>
    world.runAs(fencedUid, ['env', ...environment, '/usr/bin/python3', '-c', client, host, String(port), String(connections), String(total), String(piece), head], { timeoutMs: 120_000 });

  async function counts() {
    const all = await Promise.all(world.servers.map(async ({ child, lines }) => {
      const answer = once(lines, 'line');
      child.stdin.write('\n');
      return JSON.parse((await answer)[0]);
    }));
    return Object.assign({}, ...all);
  }
  const connectionsTo = async (place) => (await counts())[place].length;
  const sum = (list) => list.reduce((total, one) => total + one, 0);
  // What is sent again counts against a budget, and arrives once.
  const retransmitted = () => segment * Number(/^TcpRetransSegs +(\d+)/m.exec(world.host.run('nstat', '-asz', 'TcpRetransSegs'))[1]);
  let before = 0;
  beforeEach(() => { before = retransmitted(); });
  const sentAgain = () => retransmitted() - before;
  const assertSpent = (bytes, most = budget, missing = slack) =>
    assert.ok(bytes <= most && bytes >= most - missing - sentAgain(), `${bytes} bytes of ${most}, ${sentAgain()} sent again`);
  // What arrived there on connections beyond the first `from` ones, once it is `least` in all and nothing more does: the
  // client has ended, but the server may be slow to read.
  async function receivedAt(place, { from = 0, least = budget - slack } = {}) {
    let now = [];
    let last = '';
    const isAll = async () => {
      now = (await counts())[place].slice(from);
      const isStill = JSON.stringify(now) === last;
      last = JSON.stringify(now);
      return isStill && sum(now) >= least - sentAgain();
    };
    await eventually(`${least} bytes arrive at ${place}`, isAll, 60_000).catch((error) => {
      throw new Error(`${error.message}: ${last}, ${sentAgain()} sent again`);
    });
    return now;
  }
  const picortex = (...args) => world.runAs(0, ['env', `PICORTEX_DATA_DIR=${daemon.dataDir}`, `PICORTEX_EGRESS_ALLOWLIST=${world.listPath}`, `PICORTEX_EGRESS_USER=${fencedUid}`,
                                                'PICORTEX_EGRESS_MODE=enforce', 'PICORTEX_LISTEN=127.0.0.1:8787', binary, 'egress', ...args]);

  it('ends one connection, is reported once with its turn, and denies the next one for that reason', async () => {
    const requestId = randomUUID();
    await send(addresses.sink, 9000, { environment: [`PICORTEX_REQUEST_ID=${requestId}`, 'PICORTEX_CHAT_ID=chat-b'] });
    assertSpent(sum(await receivedAt(`${addresses.sink} 9000`)));
    const line = await daemon.line((l) => l.event_type === 'egress.budget');
    assert.equal(line.host, addresses.sink);
    assert.equal(line.rule, `${addresses.sink}:9000 upload=1M/1h`);
    assert.deepEqual([line.budget, line.budget_bytes, line.port], ['1M/1h', budget, 9000]);
    assertSpent(line.bytes_up);
    assert.equal(line.request_id, requestId);
    // Another program, since a second denial of the same one is only counted.
    await world.runAs(fencedUid, ['curl', '-sS', '--max-time', '30', `http://${addresses.sink}:9000/`], { timeoutMs: 120_000 });
    const next = await daemon.line((l) => l.event_type === 'egress.rejected' && l.executable?.endsWith('/curl'));
    assert.deepEqual([next.reason, next.port], ['upload_budget_spent', 9000]);
    await eventually('the denial is recorded', async () => (await events(daemon.dataDir, `event_type = 'egress.rejected' AND data LIKE '%/curl"%'`)).length > 0);
    assert.equal((await events(daemon.dataDir, `event_type = 'egress.budget'`)).length, 1);
    const why = await picortex('why', addresses.sink);
    assert.match(why.output, /as much as the host's budget allows/);
    assert.match(why.output, /--upload SIZE --for 1h/);
    const list = await picortex('list');
    assert.match(list.output, new RegExp(`${addresses.sink}:9000 upload=1M/1h .*, ${line.bytes_up} bytes of upload 1M/1h, used up`));
    assert.equal((await picortex('status')).output.split('\n')[0], 'the rules are as expected');
    // Packets that were in the queue after the one that did not fit are no further attempts.
    assert.ok(daemon.lines.every((l) => l.event_type !== 'egress.rejected' || l.executable), 'each denial has its process');
  });

  it('is raised by an exception, which counts what was sent before', async () => {
    const from = await connectionsTo(`${addresses.sink} 9000`);
    const { status, errors } = await picortex('allow', `${addresses.sink}:9000`, '--upload', '3M', '--for', '1h');
    assert.equal(status, 0, errors);
    await eventually('the list is read', async () => (await api.get('/api/status')).json.egress.reloads > 0);
    await send(addresses.sink, 9000);
    const more = sum(await receivedAt(`${addresses.sink} 9000`, { from, least: 2 * budget - slack }));
    assertSpent(more, 2 * budget + slack, 2 * slack);
  });

  it('adds up over 1,000 connections, in small pieces, over IPv6', async () => {
    await send(addresses.sink6, 9000, { connections: 1000, total: 4000, piece: 500 });
    const received = await receivedAt(`${addresses.sink6} 9000`);
    assert.equal(received.length, 1000);
    assertSpent(sum(received));
  });

  // So slowly that it goes into several slots of the window.
  it('ends an upload that trickles, and one in bursts', async () => {
    const paced = (port, piece, pause) => world.runAs(fencedUid, ['/usr/bin/python3', '-c', pacedClient, addresses.sink, String(port), String(piece), String(pause)], { timeoutMs: 120_000 });
    const began = performance.now();
    await paced(9004, 1000, 0.015);
    assert.ok(performance.now() - began > 1500, 'it was not slow');
    assertSpent(sum(await receivedAt(`${addresses.sink} 9004`, { least: slowBudget - (8 << 10) })), slowBudget, 8 << 10);
    await paced(9005, 200_000, 0);
    assertSpent(sum(await receivedAt(`${addresses.sink} 9005`)));
  });

  // The packet that does not fit ends its connection; those before it may still wait for their record.
  it('lets every packet leave that it has counted', async () => {
    for (const port of manyPorts) await send(addresses.sink, port, { total: 2 << 20 });
    const { rules } = (await api.get('/api/egress')).json;
    for (const port of manyPorts) {
      const counted = rules.find((one) => one.rule.startsWith(`${addresses.sink}:${port} `)).upload.used;
      assertSpent(counted);
      assertSpent(sum(await receivedAt(`${addresses.sink} ${port}`, { least: counted })), counted, 0);
    }
  });

  it('of each connection ends that one, and no other', async () => {
    await send(addresses.sink, 9001, { connections: 3 });
    const received = await receivedAt(`${addresses.sink} 9001`, { least: 3 * ((256 << 10) - slack) });
    assert.equal(received.length, 3);
    for (const up of received) assertSpent(up, 256 << 10);
    const line = await daemon.line((l) => l.event_type === 'egress.budget' && l.port === 9001);
    assert.equal(line.budget, '256K/conn');
  });

  it('does not count what is received', async () => {
    const { status, errors } = await world.python(fencedUid, `
import socket
c = socket.create_connection(('${addresses.sink}', 9002), timeout=60)
for _ in range(2):
    c.sendall(b'20000000\\n')
    left = 20000000
    while left: left -= len(c.recv(min(left, 1 << 20)))
c.close()`, { timeoutMs: 120_000 });
    assert.equal(status, 0, errors);
    const { rules } = (await api.get('/api/egress')).json;
    const rule = rules.find((one) => one.rule.startsWith(`${addresses.sink}:9002`));
    assert.deepEqual(rule.upload, { budget: '64K/1h', used: 18, spent: false });
  });

  it('holds for the streams of HTTP/2, and for a request of HTTP/1', async () => {
    await world.runAs(fencedUid, [process.execPath, '-e', http2Client], { timeoutMs: 120_000 });
    assertSpent(sum(await receivedAt(`${addresses.depot} 443`, { least: budget - slack - framing })), budget, slack + framing);
    await send('depot.test', 80, { head: 'POST / HTTP/1.1\\r\\nHost: depot.test\\r\\nContent-Length: 9000000\\r\\n\\r\\n' });
    assertSpent(sum(await receivedAt(`${addresses.depot} 80`)));
    assert.equal(world.fetchAs(fencedUid, 'https://allowed.test/').status, 0);
  });

  it('outlives the daemon, and so does a connection', async (t) => {
    const open = world.startAs(t, fencedUid, ['/usr/bin/python3', '-uc', `
import socket, sys
c = socket.create_connection(('${addresses.sink}', 9003)); c.sendall(b'u' * 600000)
print('sent', flush=True); sys.stdin.readline()
try:
    while True: c.sendall(b'v' * 4096)
except OSError: print('ended', flush=True)
sys.stdin.readline()`]);
    const said = [];
    createInterface({ input: open.stdout }).on('line', (line) => said.push(line));
    const used = async (client) => (await client.get('/api/egress')).json.rules.find((one) => one.rule.startsWith(`${addresses.sink}:9003`))?.upload.used;
    await eventually('it has sent', async () => said.includes('sent') && (await used(api)) === 600_000, 60_000);
    daemon.kill('SIGKILL');
    await daemon.exited;
    daemon = await world.startDaemon(testFile, {}, { dataDir: daemon.dataDir });
    const second = new Client(daemon.api, '127.0.0.1:8787');
    t.after(() => second.close());
    const restored = await used(second);
    assert.equal(restored, 600_000);
    open.stdin.write('\n');
    await eventually('it is ended', () => said.includes('ended'), 60_000);
    assertSpent(sum(await receivedAt(`${addresses.sink} 9003`)));
  });

  it('outlives the entry of its connection in the kernel\'s table', async (t) => {
    const open = world.startAs(t, fencedUid, ['/usr/bin/python3', '-uc', `
import socket, sys
c = socket.create_connection(('${addresses.sink}', 9006)); c.sendall(b'u' * 600000)
sys.stdin.readline()
try:
    while True: c.sendall(b'v' * 4096)
except OSError: print('ended', flush=True)`]);
    const ended = once(createInterface({ input: open.stdout }), 'line');
    await receivedAt(`${addresses.sink} 9006`, { least: 600_000 });
    world.host.run('/usr/bin/python3', conntrackFlush);
    open.stdin.write('\n');
    assert.equal((await ended)[0], 'ended');
    assert.equal(sum(await receivedAt(`${addresses.sink} 9006`, { least: 600_000 })), 600_000, 'its beginning is not known any more');
    await send(addresses.sink, 9006);
    assertSpent(sum(await receivedAt(`${addresses.sink} 9006`)));
  });

  it('that is taken away leaves no rule', async () => {
    assert.equal((await picortex('deny', `${addresses.sink}:9000`)).status, 0);
    await world.writeList('allowed.test\n');
    await eventually('the rules are as without budgets', () => !/0x8f000000|0x80000000/.test(world.host.run('iptables-save') + world.host.run('ip6tables-save')));
    assert.equal(world.fetchAs(fencedUid, 'https://allowed.test/').status, 0);
  });
});
