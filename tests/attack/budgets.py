"""Sends to an address with an upload budget, as much as it can, in one way: ADDRESS PORT WAY. Says "sent" when nothing more goes."""
import fcntl, os, resource, socket, struct, sys, tempfile, termios, threading, time

address, port, way = sys.argv[1], int(sys.argv[2]), sys.argv[3]
TOTAL, PIECE = 4 << 20, 65536
data = b'u' * PIECE


def connected():
    s = socket.create_connection((address, port), timeout=60)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def one():
    s = connected()
    for _ in range(TOTAL // PIECE): s.sendall(data)


def many():
    """At once, from threads."""
    def run():
        try:
            s = connected()
            for _ in range(8): s.sendall(data)
        except OSError: pass
    threads = [threading.Thread(target=run) for _ in range(32)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()


def thousand():
    """Open at once, a little on each."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    opened = [connected() for _ in range(1000)]
    for _ in range(8):
        for s in opened:
            try: s.sendall(data[:500])
            except OSError: pass


def closed():
    """What the kernel sends for sockets that are gone."""
    for _ in range(32):
        s = connected()
        s.setblocking(False)
        try: s.send(data * 4)
        finally: s.close()


def urgent():
    s = connected()
    for _ in range(TOTAL // PIECE): s.send(data, socket.MSG_OOB)


def file():
    """Pages that are the sender's no more."""
    with tempfile.TemporaryFile() as f:
        f.truncate(TOTAL)
        s = connected()
        s.settimeout(None)
        sent = 0
        while sent < TOTAL: sent += os.sendfile(s.fileno(), f.fileno(), sent, TOTAL - sent)


def streams():
    """HTTP/2 without TLS, on eight streams that ask for no permission: the flow control of RFC 9113 is the client's."""
    def frame(kind, flags, stream, payload=b''): return struct.pack('>I', len(payload))[1:] + bytes((kind, flags)) + struct.pack('>I', stream) + payload
    s = connected()
    s.sendall(b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + frame(4, 0, 0))
    for stream in range(1, 17, 2): s.sendall(frame(1, 4, stream, b'\x83\x86\x84'))
    for at in range(TOTAL // 16384): s.sendall(frame(0, 0, 1 + 2 * (at % 8), data[:16384]))


def slow():
    """In segments of 4 kB, one at a time."""
    s = connected()
    for _ in range(TOTAL // 4096):
        s.sendall(data[:4096])
        time.sleep(0.002)


def bursts():
    """As much as fits, again as soon as all of it is acknowledged."""
    s = connected()
    for _ in range(TOTAL // (4 * PIECE)):
        s.sendall(data * 4)
        while struct.unpack('i', fcntl.ioctl(s, termios.TIOCOUTQ, bytes(4)))[0]:
            time.sleep(0.001)
            s.send(b'')


def syn():
    """Data in the first packet, and a connection for each."""
    for _ in range(600):
        s = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET, socket.SOCK_STREAM)
        s.settimeout(2)
        s.setsockopt(socket.IPPROTO_TCP, 34, 1)  # TCP_FASTOPEN_NO_COOKIE
        try: s.sendto(b'u' * 1300, 0x20000000, (address, port))
        except OSError: pass
        s.close()


def flushed():
    """Half before the connection's entry in the kernel's table is deleted, the rest after it, on it and on another."""
    s = connected()
    s.sendall(data * 4)
    print('half', flush=True)
    sys.stdin.readline()
    try:
        while True: s.sendall(data)
    except OSError: pass
    s = connected()
    while True: s.sendall(data)


def held():
    """Half before the next line on stdin, the rest after it."""
    s = connected()
    s.sendall(b'u' * (512 << 10))
    print('half', flush=True)
    sys.stdin.readline()
    while True: s.sendall(data)


try: globals()[way]()
except OSError: pass
print('sent', flush=True)
