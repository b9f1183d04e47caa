"""What techniques are made of. An attempt owns its sockets, its address and its mark."""
import array, ctypes, os, socket, struct
from wire import binary_mark, own_address, text_mark

SHARED = {4: '93.184.216.34', 6: '2606:2800:220:1::34'}   # allowed.test's
RESOLVER = {4: '93.184.0.1', 6: '2606:2800:0:1::1'}
LOOPBACK = {4: '127.0.0.1', 6: '::1'}
DEVICE = 'pcx-h'
OTHERS_PORT = 7099   # root's, on loopback
libc = ctypes.CDLL(None, use_errno=True)
FATES = ('kept', 'closed', 'killed', 'passed')
TECHNIQUES = {}


class Technique:
    def __init__(self, run, group, families=(4, 6), fates=FATES, optional=False, privileged=False, control=None, residual=''):
        self.name, self.run, self.group = run.__name__, run, group
        self.families, self.fates, self.optional = families, fates, optional
        self.privileged, self.control, self.residual = privileged, control, residual


def technique(group, **options):
    """`optional`: some kernels lack it; then it is shown as not possible here. `privileged`: with CAP_NET_RAW and
    CAP_NET_ADMIN, because some kernels give everybody these options and others do not. `control`: the technique that shows, without
    a fence, that the oracle sees this one; for a race with the verdict, which needs a verdict. `residual`: why
    it leaves nevertheless, which the documents say as well; counted apart, so that it is seen."""
    def register(run):
        TECHNIQUES[run.__name__] = Technique(run, group, **options)
        return run
    return register


def variants(group, table, **options):
    """One technique for each entry of the table, named after the function and the entry."""
    def register(make):
        for name, value in table.items():
            def run(attempt, value=value): return make(attempt, value)
            run.__name__ = f'{make.__name__}_{name}'
            TECHNIQUES[run.__name__] = Technique(run, group, **{**options, **(value.get('options', {}) if isinstance(value, dict) else {})})
        return make
    return register


def explain(error):
    name = getattr(error, 'errno', None)
    return f'{type(error).__name__} {os.strerror(name) if isinstance(name, int) else error}'


def drop_privileges():
    """What an ordinary user is left with: nothing (capset(2), version 3)."""
    if libc.prctl(47, 4, 0, 0, 0) != 0 or libc.syscall(126, struct.pack('Ii', 0x20080522, 0), bytes(24)) != 0: os._exit(3)


class Attempt:
    def __init__(self, number, family, fate):
        self.number, self.family, self.fate = number, family, fate
        self.af = socket.AF_INET if family == 4 else socket.AF_INET6
        self.level = socket.IPPROTO_IP if family == 4 else socket.IPPROTO_IPV6
        self.own = own_address(number, family)
        self.mark = text_mark(number)
        self.data = (self.mark + ' bytes that must not leave').encode()
        self.noise = b'\0' + self.data   # reads as the start of nothing: no TLS, no HTTP
        self.binary = binary_mark(number)
        self.shared, self.resolver, self.loopback = SHARED[family], RESOLVER[family], LOOPBACK[family]
        self.sockets, self.files = [], []
        self.again = self.noise  # what is sent by the process to which a socket is passed on

    def socket(self, kind=socket.SOCK_DGRAM, protocol=0, af=None):
        s = socket.socket(self.af if af is None else af, kind, protocol)
        s.settimeout(3)
        self.sockets.append(s)
        return s

    def tcp(self, **options):
        s = self.socket(socket.SOCK_STREAM, **options)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def start(self, s, address=None, port=443):
        """Sends a SYN, and waits for nothing."""
        s.setblocking(False)
        error = s.connect_ex((address or self.own, port))
        if error not in (0, 115): raise OSError(error, os.strerror(error))

    def resolve(self, name='allowed.test'):
        for kind in (socket.AF_INET, socket.AF_INET6): socket.getaddrinfo(name, 443, kind, socket.SOCK_STREAM)

    def dial(self, port=443, name='allowed.test'):
        """A connection to an address that is allowed."""
        self.resolve(name)
        s = self.tcp()
        s.connect((self.shared, port))
        return s

    def ttl(self, s, hops):
        if self.family == 4: s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)
        else: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hops)

    def file(self, data):
        number = os.memfd_create('data')
        os.write(number, data)
        self.files.append(number)
        return number

    def route(self, address=None):
        """An IP_OPTIONS value: loose source route over the address."""
        return bytes([131, 7, 4]) + socket.inet_aton(address or self.own) + b'\0'

    def segments(self, first):
        """An IPV6_RTHDR value (RFC 8754) that goes over `first` to where the packet is addressed."""
        return bytes([0, 4, 4, 1, 1, 0, 0, 0]) + bytes(16) + socket.inet_pton(10, first)

    def close(self):
        for s in self.sockets: s.close()

    def pass_on(self, holder):
        numbers = [s.fileno() for s in self.sockets if s.fileno() >= 0]
        if numbers: holder.sendmsg([self.again or b'-'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', numbers))])
