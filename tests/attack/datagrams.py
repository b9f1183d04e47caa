"""UDP, UDP-Lite and ICMP to an address that no rule allows, by every call and with every option that needs no privilege."""
import ctypes, errno, os, select, socket, struct
from ring import Ring
from technique import DEVICE, OTHERS_PORT, technique, variants

libc = ctypes.CDLL(None, use_errno=True)
PORT = 9999


@variants('datagram', {'dns': 53, 'quic': 443, 'ntp': 123, 'other': PORT, 'proxy': 8753})
def udp_port(a, port):
    s = a.socket()
    yield
    for _ in range(3): s.sendto(a.data, (a.own, port)) if port != 53 else s.sendto(a.data, (a.own, 54))
    yield
    s.sendto(a.data, (a.own, port if port != 53 else 54))


# name: (option's level, option, value for IPv4; the same for IPv6); None: the family has no such thing.
INT = lambda n: struct.pack('i', n)
OPTIONS = {
    'hops_1': ((0, 2, INT(1)), (41, 16, INT(1))),
    'bound_to_device': ((1, 25, DEVICE.encode()), (1, 25, DEVICE.encode())),
    'bound_to_index': ((1, 62, 'index'), (1, 62, 'index')),
    'unicast_interface': ((0, 50, 'network index'), (41, 76, 'network index')),
    'tos': ((0, 1, INT(0x1e)), (41, 67, INT(0x1e))),
    'priority': ((1, 12, INT(6)), (1, 12, INT(6))),
    'dont_route': ((1, 5, INT(0)), (1, 5, INT(0))),
    'record_route': ((0, 4, bytes([7, 11, 4]) + bytes(8) + b'\0'), None),
    'timestamps': ((0, 4, bytes([68, 12, 5, 0]) + bytes(8)), None),
    'pmtu_probe': ((0, 10, INT(3)), (41, 23, INT(3))),
    'no_checksum': ((1, 11, INT(1)), (17, 101, INT(1))),
    'freebind': ((0, 15, INT(1)), (0, 15, INT(1))),
    'busy_poll': ((1, 46, INT(0)), (1, 46, INT(0))),
    'gso': ((17, 103, INT(20)), (17, 103, INT(20))),
    'corked': ((17, 1, INT(1)), (17, 1, INT(1))),
    'timestamping': ((1, 37, INT(0x52)), (1, 37, INT(0x52))),
    'transmit_time': ((1, 61, struct.pack('iI', 1, 0)), (1, 61, struct.pack('iI', 1, 0))),
    'flow_label': (None, (41, 33, INT(1))),
}


def set_option(a, s, name):
    entry = OPTIONS[name][0 if a.family == 4 else 1]
    if entry is None: raise OSError(errno.EOPNOTSUPP, 'not of this family')
    level, option, value = entry
    index = socket.if_nametoindex(DEVICE)
    if value == 'index': value = INT(index)
    if value == 'network index': value = struct.pack('>I', index)
    s.setsockopt(level, option, value)


FAMILIES_OF = {'record_route': (4,), 'timestamps': (4,), 'flow_label': (6,)}


@variants('datagram', {name: {'name': name, 'options': {'families': FAMILIES_OF.get(name, (4, 6)), 'optional': name in ('transmit_time', 'bound_to_index')}} for name in OPTIONS})
def udp_option(a, value):
    s = a.socket()
    set_option(a, s, value['name'])
    yield
    s.sendto(a.data, (a.own, PORT))
    if value['name'] == 'corked': s.setsockopt(17, 1, 0)
    yield
    s.sendto(a.data, (a.own, PORT))


@technique('datagram')
def udp_connected(a):
    s = a.socket()
    s.connect((a.own, PORT))
    yield
    s.send(a.data)
    yield
    s.send(a.data)


@technique('datagram')
def udp_reconnected(a):
    s = a.socket()
    s.connect((a.shared, 443))
    yield
    s.connect((a.own, PORT))
    s.send(a.data)


@technique('datagram')
def udp_fragmented(a):
    s = a.socket()
    yield
    s.sendto(a.data + a.mark.encode() * 600, (a.own, PORT))


@technique('datagram')
def udp_empty(a):
    s = a.socket()
    yield
    s.sendto(b'', (a.own, PORT))


@technique('datagram')
def udp_zerocopy(a):
    s = a.socket()
    s.setsockopt(socket.SOL_SOCKET, 60, 1)
    yield
    s.sendmsg([a.data], [], 0x4000000, (a.own, PORT))


@technique('datagram')
def udp_sendfile(a):
    s = a.socket()
    s.connect((a.own, PORT))
    number = a.file(a.data)
    yield
    os.sendfile(s.fileno(), number, 0, len(a.data))


@technique('datagram')
def udp_splice(a):
    s = a.socket()
    s.connect((a.own, PORT))
    reader, writer = os.pipe()
    os.write(writer, a.data)
    yield
    os.splice(reader, s.fileno(), len(a.data))


@technique('datagram')
def udp_more(a):
    s = a.socket()
    s.connect((a.own, PORT))
    yield
    s.send(a.data, socket.MSG_MORE)
    s.send(a.data)


@technique('datagram')
def udp_burst(a):
    s = a.socket()
    yield
    for _ in range(16): s.sendto(a.data, (a.own, PORT))


@technique('datagram')
def udp_reuseport(a):
    """One socket keeps the port; another with the same one sends."""
    pair = [a.socket(), a.socket()]
    for s in pair: s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    pair[0].bind(('', 0))
    pair[1].bind(('', pair[0].getsockname()[1]))
    yield
    pair[1].sendto(a.data, (a.own, PORT))
    pair[1].close()
    yield
    pair[0].sendto(a.data, (a.own, PORT))


@technique('datagram')
def udp_short_lived(a):
    yield
    for _ in range(4):
        s = a.socket()
        s.sendto(a.data, (a.own, PORT))
        s.close()


@technique('datagram')
def udp_forked(a):
    s = a.socket()
    s.connect((a.own, PORT))
    yield
    if os.fork() == 0:
        s.send(a.data)
        os._exit(0)
    os.wait()


@technique('datagram')
def udp_executed(a):
    s = a.socket()
    s.connect((a.own, PORT))
    yield
    number = a.file(a.data)
    os.lseek(number, 0, 0)
    pid = os.posix_spawn('/bin/cat', ['cat'], {}, file_actions=[(os.POSIX_SPAWN_DUP2, number, 0), (os.POSIX_SPAWN_DUP2, s.fileno(), 1)])
    os.waitpid(pid, 0)


@technique('datagram')
def udp_other_thread(a):
    """CLONE_FILES without CLONE_VM is what a thread group with its own table of descriptors does: unshare(CLONE_FILES)."""
    s = a.socket()
    yield
    libc.unshare(0x400)
    s.sendto(a.data, (a.own, PORT))


@technique('datagram', families=(4,))
def udp_mapped(a):
    s = a.socket(af=socket.AF_INET6)
    yield
    s.sendto(a.data, ('::ffff:' + a.own, PORT))


@technique('datagram', privileged=True)
def udp_source_route(a):
    """To an allowed address, over one that is not."""
    s = a.socket()
    if a.family == 4: s.setsockopt(socket.IPPROTO_IP, 4, a.route())
    else: s.setsockopt(socket.IPPROTO_IPV6, 57, a.segments(a.own))
    yield
    s.sendto(a.data, (a.shared, PORT))


@technique('datagram', optional=True)
def udp_foreign_source(a):
    s = a.socket()
    s.setsockopt(socket.IPPROTO_IP, 15, 1)
    s.bind((a.own, 0))
    yield
    s.sendto(a.data, (a.shared, PORT))


def device_message(a):
    """Ancillary data that names the device to send by."""
    index = socket.if_nametoindex(DEVICE)
    if a.family == 4: return [(0, 8, struct.pack('i', index) + bytes(8))]
    return [(41, 50, bytes(16) + struct.pack('i', index))]


@variants('device', {'device': 25, 'index': 62, 'unicast': 50, 'message': 0})
def proxy_address_by(a, option):
    """Loopback's address, but out by the network."""
    s, more = a.socket(), []
    if option == 25: s.setsockopt(1, 25, DEVICE.encode())
    elif option == 62: s.setsockopt(1, 62, socket.if_nametoindex(DEVICE))
    elif option == 50: s.setsockopt(a.level, 50 if a.family == 4 else 76, struct.pack('>I', socket.if_nametoindex(DEVICE)))
    else: more = device_message(a)
    yield
    for port in (8753, 53, 8787): s.sendmsg([a.data], more, 0, (a.loopback, port))


@technique('device')
def resolver_by_device(a):
    """nat turns it to loopback, and the device is the network still."""
    s = a.socket()
    s.setsockopt(1, 25, DEVICE.encode())
    yield
    s.sendto(a.data, (a.own, 53))


@technique('device')
def resolver_by_device_tcp(a):
    s = a.tcp()
    s.setsockopt(1, 25, DEVICE.encode())
    yield
    a.start(s, port=53)


@technique('datagram', families=(6,))
def udp_link_local(a):
    s = a.socket()
    yield
    s.sendto(a.data, (f'fe80::a73b:7078:{a.number:x}', PORT, 0, socket.if_nametoindex(DEVICE)))
    s.sendto(a.data, ('ff02::1', PORT, 0, socket.if_nametoindex(DEVICE)))


@technique('datagram')
def udp_multicast(a):
    s = a.socket()
    yield
    if a.family == 4: s.sendto(a.data, (f'239.167.{a.number >> 8}.{a.number & 255}', PORT))
    else: s.sendto(a.data, (f'ff05::a73b:7078:{a.number:x}', PORT, 0, socket.if_nametoindex(DEVICE)))


@technique('datagram', families=(4,))
def udp_broadcast(a):
    s = a.socket()
    s.setsockopt(1, 6, 1)
    yield
    s.sendto(a.data, ('93.184.0.255', PORT))
    s.sendto(a.data, ('255.255.255.255', PORT))


REPORTS = 'membership reports, which the kernel sends to the link without an owner'


@technique('group', fates=('kept',), residual=REPORTS)
def group_join(a):
    """The report carries a group of the user's choice to the link, and no socket owns it."""
    s = a.socket()
    index = struct.pack('i', socket.if_nametoindex(DEVICE))
    def turn(v4, v6):
        if a.family == 4: s.setsockopt(0, v4, struct.pack('4s4s', bytes([239, 167, a.number >> 8, a.number & 255]), bytes(4)) + index)
        else: s.setsockopt(41, v6, socket.inet_pton(10, f'ff05::a73b:7078:{a.number:x}') + index)
    turn(35, 20)  # the kernel reports within a second, when it likes
    yield
    turn(36, 21)
    turn(35, 20)
    yield
    turn(36, 21)


@technique('group', fates=('kept',), residual=REPORTS)
def group_source_join(a):
    """MCAST_JOIN_SOURCE_GROUP: the list of sources is the user's as well."""
    s = a.socket()
    index = socket.if_nametoindex(DEVICE)
    if a.family == 4:
        place = lambda *octets: struct.pack('HH4s120x', socket.AF_INET, 0, bytes(octets))
        group, source = place(239, 167, a.number >> 8, a.number & 255), place(93, 190, a.number >> 8, a.number & 255)
    else:
        place = lambda text: struct.pack('HHI16s104x', socket.AF_INET6, 0, 0, socket.inet_pton(10, text))
        group, source = place(f'ff05::a73b:7078:{a.number:x}'), place(a.own)
    yield
    s.setsockopt(a.level, 46, struct.pack('I4x', index) + group + source)


@technique('datagram')
def udp_lite(a):
    s = a.socket(protocol=136)
    yield
    s.sendto(a.data, (a.own, PORT))
    yield
    s.sendto(a.data, (a.own, PORT))


def echo(a):
    return bytes([8 if a.family == 4 else 128, 0, 0, 0, 0, 0, 0, 1]) + a.data


@variants('datagram', {'plain': {}, 'hops': {'option': 1}, 'device': {'option': 25}, 'route': {'option': 4, 'options': {'privileged': True}}})
def icmp(a, value):
    option = value.get('option')
    s = a.socket(protocol=1 if a.family == 4 else 58)
    if option == 1: a.ttl(s, 1)
    if option == 25: s.setsockopt(1, 25, DEVICE.encode())
    if option == 4 and a.family == 4: s.setsockopt(0, 4, a.route())
    if option == 4 and a.family == 6: s.setsockopt(41, 57, a.segments(a.own))
    yield
    s.sendto(echo(a), (a.shared if option == 4 else a.own, 0))
    yield
    s.sendto(echo(a), (a.shared if option == 4 else a.own, 0))


@variants('io_uring', {'direct': True, 'plain': False}, optional=True)
def udp_ring(a, direct):
    ring = Ring(direct)
    ring.open(a.af, socket.SOCK_DGRAM)
    yield
    ring.connect(a.own, PORT)
    ring.send(a.data)
    yield
    ring.send(a.data)


@variants('io_uring', {'direct': True, 'plain': False}, optional=True)
def tcp_ring(a, direct):
    ring = Ring(direct)
    ring.open(a.af, socket.SOCK_STREAM)
    yield
    ring.connect(a.own, 443, wait=False)


@variants('loopback', {'loopback': True, 'host': False})
def others_port_udp(a, loopback):
    """Another user's socket on this host."""
    s = a.socket()
    yield
    address = a.loopback if loopback else {4: '93.184.0.2', 6: '2606:2800:0:1::2'}[a.family]
    s.sendto(a.data, (address, OTHERS_PORT))


@technique('loopback')
def others_port_tcp(a):
    s = a.tcp()
    yield
    s.setblocking(False)
    s.connect_ex((a.loopback, OTHERS_PORT))
    if select.select([], [s], [], 1)[1] and s.getsockopt(1, 4) == 0: s.send(a.data)


def own_pair(a):
    """Two sockets of the user's that have sent each other a datagram on loopback, which passes."""
    first, second = a.socket(), a.socket()
    for s in (first, second): s.bind((a.loopback, 0))
    first.sendto(b'ask', second.getsockname())
    second.sendto(b'answer', second.recvfrom(100)[1])
    first.recv(100)
    return first, second


@technique('loopback')
def others_port_udp_after_own(a):
    """A socket whose datagrams to the user's own have passed, turned to another user's."""
    pair = own_pair(a)
    yield
    for s in pair: s.sendto(a.data, (a.loopback, OTHERS_PORT))


@technique('loopback')
def others_port_udp_reconnected(a):
    first, second = own_pair(a)
    first.connect(second.getsockname())
    first.send(b'more')
    yield
    first.connect((a.loopback, OTHERS_PORT))
    first.send(a.data)


@technique('loopback', families=(4,))
def others_port_udp_broadcast(a):
    """To all on loopback, the user's own socket among them."""
    listener, s = a.socket(), a.socket()
    for one in (listener, s):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    try: listener.bind(('127.255.255.255', OTHERS_PORT))
    except OSError: pass  # its address is another on this kernel
    yield
    s.sendto(a.data, ('127.255.255.255', OTHERS_PORT))


@technique('loopback', families=(4,))
def others_port_udp_mapped(a):
    s = a.socket(af=socket.AF_INET6)
    yield
    s.sendto(a.data, ('::ffff:127.0.0.1', OTHERS_PORT))
