// What the world received, as two sniffers saw it: one on the router, one on the host's loopback device, where another
// user's port is the place that is not allowed.
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const othersPort = 7099;
const program = fileURLToPath(new URL('../sniffer.py', import.meta.url));

class Sniffer {
  static async start(owner, namespace, ...args) {
    const sniffer = new Sniffer();
    const child = namespace.start(owner, ['/usr/bin/python3', program, ...args], ['pipe', 'pipe', 'inherit']);
    sniffer.input = child.stdin;
    sniffer.lines = createInterface({ input: child.stdout });
    await once(sniffer.lines, 'line');
    return sniffer;
  }

  async report() {
    const answer = once(this.lines, 'line');
    this.input.write('report\n');
    return JSON.parse((await answer)[0]);
  }
}

export class Oracle {
  static async start(owner, world) {
    const oracle = new Oracle();
    oracle.sniffers = [await Sniffer.start(owner, world.router, 'pcx-w'), await Sniffer.start(owner, world.host, 'lo', String(othersPort))];
    // A server must listen there, or reaching it could not be observed.
    const listener = world.host.start(owner, ['/usr/bin/python3', '-uc', `
import socket, sys
sockets = []
for family, address in ((socket.AF_INET, '0.0.0.0'), (socket.AF_INET6, '::')):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        s = socket.socket(family, kind)
        if family == socket.AF_INET6: s.setsockopt(41, 26, 1)
        s.bind((address, ${othersPort}))
        if kind == socket.SOCK_STREAM: s.listen(4096)
        sockets.append(s)
print('ready')
sys.stdin.read()`], ['pipe', 'pipe', 'inherit']);
    await once(listener.stdout, 'data');
    return oracle;
  }

  // What arrived since the last report: { seen: Map of attempt → { bytes, packets, what }, others: { what: bytes } }.
  async report() {
    const seen = new Map();
    const others = {};
    for (const sniffer of this.sniffers) {
      const report = await sniffer.report();
      if (report.lost > 0) throw new Error(`the sniffer lost ${report.lost} packets: what they were is not known`);
      for (const [number, [bytes, packets, what]] of Object.entries(report.seen)) {
        const entry = seen.get(Number(number)) ?? { bytes: 0, packets: 0, what };
        seen.set(Number(number), { bytes: entry.bytes + bytes, packets: entry.packets + packets, what });
      }
      for (const [what, bytes] of Object.entries(report.others)) others[what] = (others[what] ?? 0) + bytes;
    }
    return { seen, others };
  }
}
