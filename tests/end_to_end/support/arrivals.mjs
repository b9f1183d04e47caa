// What leaves the host of a world, read where it arrives: on its cable's other end, from any sender.
import { createInterface } from 'node:readline';
import { attemptIn } from './attempt.mjs';
import { eventually } from './daemon.mjs';
import { otherUid } from './namespaces.mjs';

const program = `
import socket, struct
s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3)); s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
print('ready')
while True:
    packet, link = s.recvfrom(70000)
    if link[0] != 'pcx-w' or link[2] == socket.PACKET_OUTGOING: continue
    v6 = packet[0] >> 4 == 6
    at = 40 if v6 else (packet[0] & 15) * 4
    to = socket.inet_ntop(socket.AF_INET6, packet[24:40]) if v6 else socket.inet_ntoa(packet[16:20])
    if packet[6 if v6 else 9] == 6 and packet[at + 13] & 0x17 == 2: print('SYN', to, struct.unpack('>H', packet[at + 2:at + 4])[0])
    if b'SECRET' in packet: print('SECRET')
    if b'END' in packet: print('END')`;

export class Arrivals {
  #attempt;
  // SYNs as "SYN ADDRESS PORT", and "SECRET" for everything with that in it.
  seen = [];

  static async of(owner, world) {
    const arrivals = new Arrivals();
    arrivals.#attempt = attemptIn(world);
    const sniffer = world.outside.start(owner, ['/usr/bin/python3', '-uc', program]);
    createInterface({ input: sniffer.stdout }).on('line', (line) => arrivals.seen.push(line));
    await eventually('the sniffer listens', () => arrivals.seen.includes('ready'));
    return arrivals;
  }

  // Returns what has arrived since there were `mark` of them: another user's datagram is the last of it.
  async since(mark) {
    const before = this.seen.length;
    await this.#attempt(`socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'END', (SINK, 9))`, otherUid);
    await eventually('the last datagram arrives', () => this.seen.slice(before).includes('END'));
    return this.seen.slice(mark).filter((text) => text !== 'END');
  }
}
