// What connections of the fenced user carry, as the kernel counted it: events, hosts, rules and turns.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { testFile } from './support/cleanup.mjs';
import { Client } from './support/client.mjs';
import { binary, eventually } from './support/daemon.mjs';
import { events, query } from './support/database.mjs';
import { World, addresses, fencedUid, needsRoot, otherUid } from './support/namespaces.mjs';

// Receives all that a client sends until its end, answers with as many bytes as the first line asks for, and prints both.
const server = `
import json, socket, sys, threading
printing = threading.Lock()
def serve(c):
    data = b''
    while b'\\n' not in data: data += c.recv(65536)
    line, rest = data.split(b'\\n', 1)
    answer, up = int(line), len(data)
    while (part := c.recv(65536)): up += len(part)
    c.sendall(b'x' * answer); c.close()
    with printing: print(json.dumps({'up': up, 'down': answer}), flush=True)
listeners = [socket.create_server((a, 9000), family=f, backlog=1024) for a, f in ((sys.argv[1], socket.AF_INET), (sys.argv[2], socket.AF_INET6))]
def listen(l):
    while True: threading.Thread(target=serve, args=(l.accept()[0],)).start()
for l in listeners[1:]: threading.Thread(target=listen, args=(l,), daemon=True).start()
print('{}', flush=True)
listen(listeners[0])`;

// Connects to each of the addresses, sends \`up\` bytes, and reads the answer to its end.
const client = `
import socket, sys
up, down = int(sys.argv[1]), int(sys.argv[2])
for address in sys.argv[3:]:
    c = socket.create_connection((address, 9000))
    head = b'%d\\n' % down
    c.sendall(head + b'u' * (up - len(head))); c.shutdown(socket.SHUT_WR)
    got = 0
    while (part := c.recv(65536)): got += len(part)
    assert got == down, got
    c.close()`;

// The headers of IP and TCP of a packet that carries no more than 1,000 bytes, and of those without data.
const overheadOf = (bytes, connections) => connections * 2000 + bytes / 5;

async function startWorld(t) {
  const world = await World.create(t);
  // Entries last two minutes after a connection is closed; the tests do not.
  world.host.run('sh', '-c', 'iptables -A OUTPUT -m conntrack --ctstate NEW -j ACCEPT; cd /proc/sys/net/netfilter; echo 1 > nf_conntrack_tcp_timeout_time_wait; echo 1 > nf_conntrack_tcp_timeout_close; iptables -D OUTPUT -m conntrack --ctstate NEW -j ACCEPT');
  await world.writeList(`allowed.test\nallowed.test:80\n*.wild.test\n${addresses.sink}:9000\n[${addresses.sink6}]:9000\n127.0.0.1:9000\n`);
  const counter = world.outside.start(t, ['/usr/bin/python3', '-uc', server, addresses.sink, addresses.sink6]);
  world.counted = [];
  createInterface({ input: counter.stdout }).on('line', (line) => world.counted.push(JSON.parse(line)));
  await eventually('the server listens', () => world.counted.length > 0, 10_000);
  world.counted.length = 0;
  return world;
}

// Entries whose time is up stay until somebody meets them: a look at the whole table does.
const look = `
import socket, struct
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
s.sendto(struct.pack('=IHHIIBBH', 20, 0x101, 0x301, 1, 0, 0, 0, 0), (0, 0))
while struct.unpack('=H', s.recv(65536)[4:6])[0] != 3: pass`;

const lookAtTable = (world) => world.host.run('/usr/bin/python3', '-c', look);

// The events of the ends of connections, once they are of as many connections.
async function closed(host, fromDaemon, where, connections) {
  return eventually(`${connections} connections have ended`, async () => {
    lookAtTable(host);
    const rows = (await events(fromDaemon.dataDir, `event_type = 'egress.closed'`)).filter(where);
    const found = rows.reduce((sum, row) => sum + row.data.connections, 0);
    assert.ok(found <= connections, `${found} connections`);
    return found === connections && rows;
  }, 90_000);
}

function assertAgrees(rows, counted) {
  assert.equal(rows.reduce((total, { data }) => total + data.connections, 0), counted.length);
  const sum = (list, member) => list.reduce((total, one) => total + one[member], 0);
  for (const direction of ['up', 'down']) {
    const reported = sum(rows.map((row) => row.data), `bytes_${direction}`);
    const served = sum(counted, direction);
    assert.ok(reported >= served, `${reported} bytes ${direction} reported, ${served} served`);
    assert.ok(reported <= served + overheadOf(served, counted.length), `${reported} bytes ${direction} reported, ${served} served`);
  }
}

const world = needsRoot ? undefined : await startWorld(testFile);
const daemon = await world?.startDaemon(testFile);
const api = daemon && new Client(daemon.api, '127.0.0.1:8787');
testFile.after(() => api?.close());

describe('the bytes of connections', { skip: needsRoot }, () => {
  const send = (up, down, to, environment = []) =>
    world.runAs(fencedUid, ['env', ...environment, '/usr/bin/python3', '-c', client, String(up), String(down), ...to], { timeoutMs: 60_000 });

  for (const [family, address] of [['IPv4', addresses.sink], ['IPv6', addresses.sink6]]) {
    it(`are those that the server counted, over ${family}, with turn, process and duration`, async () => {
      const requestId = randomUUID();
      world.counted.length = 0;
      const { status, errors } = await send(3_000_000, 500_000, [address], [`PICORTEX_REQUEST_ID=${requestId}`, 'PICORTEX_CHAT_ID=chat-b']);
      assert.equal(status, 0, errors);
      const rows = await closed(world, daemon, (row) => row.data.host === address, 1);
      assertAgrees(rows, world.counted);
      const [{ request_id, chat_id, data }] = rows;
      assert.equal(request_id, requestId);
      assert.equal(chat_id, 'chat-b');
      assert.equal(data.port, 9000);
      assert.equal(data.protocol, 'tcp');
      assert.equal(data.id_source, 'claimed');
      assert.match(data.executable, /\/python3/);
      assert.ok(data.client_pid > 0);
      assert.ok(data.duration_ms >= 0 && data.duration_ms < 60_000, String(data.duration_ms));
      const turn = await eventually('the turn has them', async () =>
        (await query(daemon.dataDir, `SELECT bytes_up FROM turn WHERE hex(request) = '${requestId.replaceAll('-', '').toUpperCase()}' AND bytes_up > 0`))[0]);
      assert.equal(turn.bytes_up, data.bytes_up);
    });
  }

  it('are reported under the name by which a TLS connection was allowed, and none of what was denied', async () => {
    assert.equal(world.fetchAs(fencedUid, 'https://allowed.test/bulk', '-o', '/dev/null').status, 0);
    assert.notEqual(world.fetchAs(fencedUid, 'https://forbidden.test/', '--resolve', `forbidden.test:443:${addresses.shared}`).status, 0);
    assert.equal(world.fetchAs(fencedUid, 'http://allowed.test/').status, 0);
    const [tls] = await closed(world, daemon, (row) => row.data.host === 'allowed.test' && row.data.port === 443, 1);
    assert.ok(tls.data.bytes_down > 16 << 20);
    assert.equal(tls.data.rule, 'allowed.test');
    const { hosts, rules } = (await api.get('/api/egress')).json;
    const host = hosts.find((one) => one.host === 'allowed.test' && one.port === 443);
    assert.deepEqual([host.connections_ended, host.bytes_up, host.bytes_down], [1, tls.data.bytes_up, tls.data.bytes_down]);
    const rule = rules.find((one) => one.rule === 'allowed.test');
    assert.deepEqual([rule.bytes_up, rule.bytes_down], [tls.data.bytes_up, tls.data.bytes_down]);
    const [http] = await closed(world, daemon, (row) => row.data.host === 'allowed.test' && row.data.port === 80, 1);
    assert.ok(http.data.bytes_up > 100 && http.data.bytes_up < 3000);
    const others = (await events(daemon.dataDir, `event_type = 'egress.closed'`)).filter((row) => row.data.address === addresses.shared && row.data.host !== 'allowed.test');
    assert.deepEqual(others, []);
    const before = (await api.get('/api/status')).json.egress;
    assert.equal(world.fetchAs(otherUid, 'https://allowed.test/').status, 0);
    // The end of a connection of the fenced user that comes after it shows that there is nothing left to come.
    assert.equal(world.fetchAs(fencedUid, 'https://www.wild.test/').status, 0);
    await closed(world, daemon, (row) => row.data.host === 'www.wild.test', 1);
    const status = (await api.get('/api/status')).json.egress;
    assert.equal(status.connections_ended, before.connections_ended + 1);  // other users' are none of the daemon's business
    assert.equal(status.ends_lost, 0);
    assert.ok(status.connections_ended >= 4);
  });

  it('of many short connections are one event with a count, and add up by host', async () => {
    world.counted.length = 0;
    const many = 60;
    const before = (await api.get('/api/status')).json.egress.connections_ended;
    const { status, errors } = await send(2000, 3000, Array(many).fill(addresses.sink));
    assert.equal(status, 0, errors);
    await eventually('they have ended', async () => {
      lookAtTable(world);
      return (await api.get('/api/status')).json.egress.connections_ended === before + many;
    }, 90_000);
    await daemon.stop();  // which reports what has only been added up so far
    const rows = await events(daemon.dataDir, `event_type = 'egress.closed' AND data LIKE '%"host":"${addresses.sink}"%'`);
    const short = rows.filter(({ data }) => data.id_source === 'none');
    assert.ok(short.length >= 2 && short.length <= 4, `${short.length} events`);
    assert.equal(short.reduce((sum, { data }) => sum + data.connections, 0), many);
    assertAgrees(short, world.counted);
    const up = rows.reduce((sum, { data }) => sum + data.bytes_up, 0);
    const down = rows.reduce((sum, { data }) => sum + data.bytes_down, 0);
    const { output } = await world.runAs(0, ['env', `PICORTEX_DATA_DIR=${daemon.dataDir}`, binary, 'egress', 'hosts', '--utc']);
    assert.match(output, new RegExp(`^${addresses.sink.replaceAll('.', '\\.')}:9000 .* ${up} +${down} `, 'm'));
  });
});

describe('the bytes of connections in learn mode', { skip: needsRoot }, () => {
  it('are reported without a rule', async (t) => {
    const world = await startWorld(t);
    await world.writeList('allowed.test\n');
    const daemon = await world.startDaemon(t, { PICORTEX_EGRESS_MODE: 'learn' });
    const { status, errors } = await world.runAs(fencedUid, ['/usr/bin/python3', '-c', client, '5000', '6000', addresses.sink]);
    assert.equal(status, 0, errors);
    const rows = await closed(world, daemon, (row) => row.data.host === addresses.sink, 1);
    assertAgrees(rows, world.counted);
    assert.equal(rows[0].data.rule, undefined);
  });
});

describe('the bytes of connections where /proc/sys is read-only, as for a service', { skip: needsRoot }, () => {
  it('are counted all the same, without a duration', async (t) => {
    const world = await startWorld(t);
    world.host.run('sh', '-c', 'echo 0 > /proc/sys/net/netfilter/nf_conntrack_acct; mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys');
    const daemon = await world.startDaemon(t);
    const { status, errors } = await world.runAs(fencedUid, ['/usr/bin/python3', '-c', client, '5000', '6000', addresses.sink]);
    assert.equal(status, 0, errors);
    const rows = await closed(world, daemon, (row) => row.data.host === addresses.sink, 1);
    assertAgrees(rows, world.counted);
    assert.equal(rows[0].data.duration_ms, undefined);
    assert.ok(!daemon.lines.some((line) => line.event_type === 'egress.not_counted'));
  });
});

describe('the bytes of connections from before a restart', { skip: needsRoot }, () => {
  it('are reported once, by the daemon that is there when the kernel removes the entry', async (t) => {
    const world = await startWorld(t);
    const first = await world.startDaemon(t);
    const hold = `
import socket, sys
c = socket.create_connection(('${addresses.sink}', 9000)); c.sendall(b'7000\\n' + b'u' * 200000)
print('sent', flush=True); sys.stdin.readline()
c.sendall(b'v' * 300000); c.shutdown(socket.SHUT_WR)
while c.recv(65536): pass
print('done', flush=True); sys.stdin.readline()`;
    const open = world.startAs(t, fencedUid, ['env', 'PICORTEX_REQUEST_ID=0190aaaa-0000-7000-8000-00000000000a', '/usr/bin/python3', '-uc', hold]);
    const said = [];
    createInterface({ input: open.stdout }).on('line', (line) => said.push(line));
    await eventually('it has sent', () => said.includes('sent'), 10_000);
    await first.line((line) => line.event_type === 'egress.allowed' && line.port === 9000);
    await first.stop();
    const second = await world.startDaemon(t, {}, { dataDir: first.dataDir });
    open.stdin.write('\n');
    await eventually('it has ended', () => said.includes('done') && world.counted.length === 1, 10_000);
    const rows = await closed(world, second, () => true, 1);
    assertAgrees(rows, world.counted);
    assert.equal(rows[0].data.host, addresses.sink);
    assert.equal(rows[0].data.rule, `${addresses.sink}:9000`);
    assert.equal(rows[0].request_id, '0190aaaa-0000-7000-8000-00000000000a');
    assert.match(rows[0].data.executable, /\/python3/);
  });
});
