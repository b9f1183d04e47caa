"""Every other kind of socket that a kernel may give an unprivileged user."""
import ctypes, os, socket, struct
from technique import DEVICE, technique, variants

libc = ctypes.CDLL(None, use_errno=True)


@variants('socket type', {'sctp': (1, 132), 'sctp_packets': (5, 132), 'dccp': (6, 33), 'l2tp': (2, 115), 'raw_udp': (3, 17),
                          'raw_any': (3, 255), 'raw_icmp': (3, 1), 'raw_tcp': (3, 6), 'raw_gre': (3, 47), 'smc': (1, 256)},
          optional=True)
def inet(a, kind):
    s = a.socket(*kind)
    yield
    s.setblocking(False)
    if kind[0] in (1, 5, 6): s.connect((a.own, 9999))
    else: s.sendto(a.data, (a.own, 9999))


# Address family: (number, type, protocol, an address of it where Python has none)
FAMILIES = {'ax25': (3, 5), 'ipx': (4, 2), 'appletalk': (5, 2), 'x25': (9, 5), 'decnet': (12, 5), 'key': (15, 3, 2), 'packet': (17, 3),
            'packet_dgram': (17, 2), 'atm': (20, 2), 'rds': (21, 5), 'irda': (23, 1), 'pppox': (24, 2), 'llc': (26, 1), 'infiniband': (27, 5),
            'mpls': (28, 3), 'can': (29, 3, 1), 'tipc': (30, 1), 'bluetooth': (31, 3), 'rxrpc': (33, 2, 2), 'phonet': (35, 2),
            'ieee802154': (36, 2), 'caif': (37, 5), 'alg': (38, 5), 'nfc': (39, 5), 'vsock': (40, 1), 'kcm': (41, 2), 'qipcrtr': (42, 2),
            'smc': (43, 1), 'xdp': (44, 3), 'mctp': (45, 2)}


@variants('family', FAMILIES, optional=True, families=(4,))
def family(a, kind):
    s = a.socket(kind[1], kind[2] if len(kind) > 2 else 0, af=kind[0])
    yield
    s.setblocking(False)
    if kind[0] == 17: s.sendto(a.data, (DEVICE, 0x800))
    elif kind[0] == 40: s.connect((2, 9999))
    else: libc.sendto(s.fileno(), a.data, len(a.data), 0, struct.pack('H30x', kind[0]), 32)


@technique('socket type', optional=True)
def user_namespace_raw(a):
    """Root of a user namespace of its own has raw sockets, but not in the host's network."""
    if libc.unshare(0x10000000) != 0: raise OSError(ctypes.get_errno(), 'unshare')
    s = a.socket(socket.SOCK_RAW, 17)
    yield
    s.sendto(bytes(8) + a.data, (a.own, 9999))


@technique('socket type')
def user_namespace_udp(a):
    """In a user namespace the UID reads as 65534; the socket's owner is the same."""
    if libc.unshare(0x10000000) != 0: raise OSError(ctypes.get_errno(), 'unshare')
    s = a.socket()
    yield
    s.sendto(a.data, (a.own, 9999))


@technique('socket type')
def user_namespace_tcp(a):
    if libc.unshare(0x10000000) != 0: raise OSError(ctypes.get_errno(), 'unshare')
    s = a.tcp()
    yield
    a.start(s)


@technique('socket type', optional=True)
def network_namespace(a):
    if libc.unshare(0x10000000 | 0x40000000) != 0: raise OSError(ctypes.get_errno(), 'unshare')
    s = a.socket()
    yield
    s.sendto(a.data, (a.own, 9999))


@technique('socket type', optional=True)
def tun_device(a):
    number = os.open('/dev/net/tun', os.O_RDWR)
    a.files.append(number)
    yield
    os.write(number, a.data)
