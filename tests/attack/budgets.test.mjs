// Upload budgets under attack: what a router saw go to an address with a budget, whatever way it was sent. Without a fence the
// same ways send more than the budget, or the router would be blind.
import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { testFile } from '../end_to_end/support/cleanup.mjs';
import { binary, eventually } from '../end_to_end/support/daemon.mjs';
import { World, addresses, fencedUid, needsRoot } from '../end_to_end/support/namespaces.mjs';

const budget = 512 << 10;
const slack = 64 << 10;
const conntrackFlush = fileURLToPath(new URL('conntrack_flush.py', import.meta.url));
const sender = fileURLToPath(new URL('budgets.py', import.meta.url));
const ways = ['one', 'many', 'thousand', 'closed', 'urgent', 'file', 'streams', 'slow', 'bursts', 'syn', 'held', 'flushed'];
const interrupted = ['held', 'flushed'];   // halfway
const portOf = (way) => 9100 + ways.indexOf(way);
const sinkOf = { 4: addresses.sink, 6: addresses.sink6 };

const world = needsRoot ? undefined : await World.create(testFile, { routed: true });
world?.waitForAcknowledgements();

// Takes all, on every port, of both families, for as long as its sockets last.
const server = `
import resource, socket, sys, threading
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
def serve(c):
    try:
        while c.recv(1 << 20): pass
    except OSError: pass
def listen(l):
    while True: threading.Thread(target=serve, args=(l.accept()[0],), daemon=True).start()
for address, family in ((sys.argv[1], socket.AF_INET), (sys.argv[2], socket.AF_INET6)):
    for port in range(9100, 9100 + ${ways.length}):
        l = socket.socket(family); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        l.setsockopt(socket.IPPROTO_TCP, 23, 64); l.bind((address, port)); l.listen(1024)
        threading.Thread(target=listen, args=(l,), daemon=True).start()
print('listens', flush=True)
sys.stdin.read()`;

const tables = { 4: 'iptables', 6: 'ip6tables' };

// The data that the router has passed to a port: bytes less the headers, of which an established connection's have time stamps.
function passed(family, port) {
  const rows = world.router.run(tables[family], '-nvxL', 'FORWARD').split('\n').filter((row) => row.includes(`dpt:${port}`));
  assert.equal(rows.length, 1);
  const [packets, bytes] = rows[0].trim().split(/\s+/).map(Number);
  return bytes - packets * (family === 4 ? 52 : 72);
}

// What has passed, once it is `least` and nothing more does; or what has passed in the end if it never is.
async function settledBytes(family, port, least) {
  let now, last;
  const isAll = () => {
    last = now;
    now = passed(family, port);
    return now === last && now >= least;
  };
  await eventually(`${least} bytes pass to ${port}`, isAll, 30_000, 250).catch(() => {});
  return now;
}

async function send(t, way, family, { least = 0, interrupt } = {}) {
  const child = world.startAs(t, fencedUid, ['/usr/bin/python3', '-u', sender, sinkOf[family], String(portOf(way)), way]);
  const said = [];
  createInterface({ input: child.stdout }).on('line', (line) => said.push(line));
  if (interrupted.includes(way)) {
    await eventually('half is sent', () => said.includes('half') || said.includes('sent'), 60_000);
    await interrupt?.();
    child.stdin.write('\n');
    if (!interrupt) return void (await eventually('it is more than the budget', () => passed(family, portOf(way)) > 2 * budget, 60_000));
  }
  await eventually(`${way} has sent`, () => said.includes('sent'), 120_000);
  return settledBytes(family, portOf(way), least);
}

describe('an upload budget under attack', { skip: needsRoot }, () => {
  it('is exceeded in every way where there is no fence', async (t) => {
    const child = world.outside.start(testFile, ['/usr/bin/python3', '-uc', server, addresses.sink, addresses.sink6], ['pipe', 'pipe', 'inherit']);
    await new Promise((resolve) => child.stdout.once('data', resolve));
    for (const family of [4, 6]) {
      for (const way of ways) world.router.run(tables[family], '-A', 'FORWARD', '-p', 'tcp', '-d', sinkOf[family], '--dport', String(portOf(way)));
    }
    for (const way of ways) {
      await send(t, way, 4, { least: budget + slack + 1 });
      assert.ok(passed(4, portOf(way)) > budget + slack, `${way}: ${passed(4, portOf(way))} bytes`);
    }
  });

  for (const variant of ['nft', 'legacy']) {
    it(`holds, ${variant}, also over a restart and without the connection's entry`, async (t) => {
      const settings = variant === 'legacy' ? { PATH: await world.legacyPath() } : {};
      const rules = ways.flatMap((way) => [`${addresses.sink}:${portOf(way)} upload=512K/1h`, `[${addresses.sink6}]:${portOf(way)} upload=512K/1h`]);
      await world.writeList(`${rules.join('\n')}\n`);
      let daemon = await world.startDaemon(t, settings);
      const restart = async () => {
        daemon.kill('SIGKILL');
        await daemon.exited;
        daemon = await world.startDaemon(t, settings, { dataDir: daemon.dataDir });
      };
      const interrupts = { held: restart, flushed: () => world.host.run('/usr/bin/python3', conntrackFlush) };
      for (const family of variant === 'nft' ? [4, 6] : [6]) {
        world.router.run(tables[family], '-Z', 'FORWARD');
        for (const way of ways) {
          const bytes = await send(t, way, family, interrupted.includes(way) ? { interrupt: interrupts[way] } : { least: budget - slack });
          assert.ok(bytes <= budget + slack, `IPv${family}, ${way}: ${bytes} bytes`);
          const reported = () => daemon.lines.filter((line) => line.port === portOf(way)).map((line) => JSON.stringify(line)).join('\n');
          if (!interrupted.includes(way)) assert.ok(bytes >= budget - slack, `IPv${family}, ${way}: only ${bytes} bytes\n${reported()}`);
        }
      }
      assert.equal((await daemon.stop()).code, 0);
      const { status, errors } = await world.runAs(0, ['env', ...Object.entries(settings).map(([name, value]) => `${name}=${value}`), binary, 'egress', 'remove']);
      assert.equal(status, 0, errors);
    });
  }
});
