"""Notes every packet that comes over a device and says whose it is. On "report" it prints what it has seen since the last one.

usage: sniffer.py DEVICE [PORT]    with PORT only what goes to it is looked at (for lo, where the proxy's questions pass too)

An attempt is known by its own address as destination or in a source route, or by its mark anywhere in a packet or in
the bytes of a TCP stream, put together whatever the order of the segments and whichever copy of a byte one takes."""
import json, re, select, socket, struct, sys
from wire import MAGIC

device, only_port = sys.argv[1], int((sys.argv + ['', '0'])[2] or 0)
TEXT = re.compile(rb'leak([0-9a-f]{4})', re.I)
BINARY = re.compile(re.escape(MAGIC) + rb'(..)', re.S)
PLACES_V4 = re.compile(rb'\x5d\xbe(..)', re.S)
OWN_V6 = socket.inet_pton(10, '2606:2800:300::')[:14]
# The router, the resolver, the two allowed addresses, and what the kernel itself sends on a link.
EXPECTED = {'93.184.0.1', '93.184.0.2', '93.184.0.3', '93.184.216.34', '93.184.216.35', '224.0.0.22', '224.0.0.1',
            *(f'2606:2800:0:1::{n}' for n in (1, 2, 3)), '2606:2800:220:1::34', '2606:2800:220:1::35', 'ff02::16', 'ff02::2'}

tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
tap.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
tap.bind((device, 3))
seen, streams, others, packets = {}, {}, {}, 0


def credit(number, size, what):
    entry = seen.setdefault(number, [0, 0, what])
    entry[0] += size
    entry[1] += 1


def owners(packet, head, destination, protocol, body):
    found = {int(m, 16) for m in TEXT.findall(packet)} | {struct.unpack('>H', m)[0] for m in BINARY.findall(packet)}
    if packet[0] >> 4 == 4:
        if destination.startswith('93.190.') or destination.startswith('239.167.'): found.add(struct.unpack('>H', packet[18:20])[0])
        found |= {struct.unpack('>H', m)[0] for m in PLACES_V4.findall(packet[20:head])}
        if protocol == 2 and body[8:10] == b'\xef\xa7': found.add(struct.unpack('>H', body[10:12])[0])
        for at in range(8, len(body) - 7, 8) if protocol == 2 and body[:1] == b'\x22' else ():
            if body[at + 4:at + 6] == b'\xef\xa7': found.add(struct.unpack('>H', body[at + 6:at + 8])[0])
    else:
        at = packet.find(OWN_V6, 24)
        if at >= 0: found.add(struct.unpack('>H', packet[at + 14:at + 16])[0])
    return found


def take(packet):
    global packets
    packets += 1
    version = packet[0] >> 4
    if version == 4:
        head, protocol, size = (packet[0] & 15) * 4, packet[9], struct.unpack('>H', packet[2:4])[0]
        source, destination, ports = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20]), not packet[6] & 0x1f and not packet[7]
    elif version == 6:
        head, protocol, size, ports = 40, packet[6], 40 + struct.unpack('>H', packet[4:6])[0], True
        source, destination = socket.inet_ntop(10, packet[8:24]), socket.inet_ntop(10, packet[24:40])
        while protocol in (0, 43, 60) and len(packet) >= head + 8: protocol, head = packet[head], head + 8 + 8 * packet[head + 1]
    else:
        return
    packet = packet[:size or len(packet)]
    body = packet[head:]
    target = struct.unpack('>H', body[2:4])[0] if ports and protocol in (6, 17, 136) and len(body) >= 4 else 0
    if only_port and target != only_port: return
    what = f'protocol {protocol} {destination}:{target}'
    found = owners(packet, head, destination, protocol, body)
    for number in found: credit(number, len(packet), what)
    if protocol == 6 and len(body) >= 20:
        data = body[(body[12] >> 4) * 4:]
        if data and not found: streams.setdefault((source, destination, body[:4]), []).append((struct.unpack('>I', body[4:8])[0], data))
    # Neighbours that know each other ask now and then whether the other is still there (RFC 4861, section 7.3).
    if protocol == 58 and body[:1] in (b'\x87', b'\x88') and destination.startswith('fe80::') and not found: return
    if not found and not only_port and destination not in EXPECTED and not destination.startswith('ff02::1:ff'):
        others[what] = others.get(what, 0) + len(packet)


def handshake(text):
    """The bytes inside of TLS records, however small the records are."""
    at, inside = 0, b''
    while at + 5 <= len(text):
        size = struct.unpack('>H', text[at + 3:at + 5])[0]
        inside += text[at + 5:at + 5 + size]
        at += 5 + size
    return inside


def search_streams():
    """The first copy of each byte, then the last: whichever a server takes, the mark is found."""
    for (source, destination, ports), segments in streams.items():
        base = segments[0][0]
        for order in (segments, segments[::-1]):
            space = {}
            for sequence, data in order:
                for at, byte in enumerate(data[:4096]): space.setdefault((sequence - base + at) & 0xffffffff, byte)
            text = bytes(space[at] for at in sorted(space))
            for mark in set(TEXT.findall(text)) | set(TEXT.findall(handshake(text))): credit(int(mark, 16), len(text), f'stream to {destination}')
    streams.clear()


def drain():
    while True:
        try: packet, link = tap.recvfrom(70000, socket.MSG_DONTWAIT)
        except BlockingIOError: return
        if link[2] == 4 and not only_port: continue  # PACKET_OUTGOING: the router's own, and what it passes to the host
        if link[1] in (0x800, 0x86dd) and len(packet) >= 20: take(packet)


print(json.dumps({'ready': True}), flush=True)
poll = select.poll()
poll.register(tap, select.POLLIN)
poll.register(sys.stdin, select.POLLIN)
while True:
    for number, _ in poll.poll():
        if number != sys.stdin.fileno():
            drain()
            continue
        if not sys.stdin.readline(): sys.exit()
        drain()
        search_streams()
        lost = struct.unpack('II', tap.getsockopt(263, 6, 8))[1]  # PACKET_STATISTICS
        print(json.dumps({'seen': seen, 'others': others, 'packets': packets, 'lost': lost}), flush=True)
        seen, others, packets = {}, {}, 0
