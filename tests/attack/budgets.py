"""Sends to an address with an upload budget, as much as it can, in one way: ADDRESS PORT WAY. Says "sent" when nothing more goes."""
import os, socket, struct, sys, tempfile, threading

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


def syn():
    """Data in the first packet, and a connection for each."""
    for _ in range(600):
        s = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET, socket.SOCK_STREAM)
        s.settimeout(2)
        s.setsockopt(socket.IPPROTO_TCP, 34, 1)  # TCP_FASTOPEN_NO_COOKIE
        try: s.sendto(b'u' * 1300, 0x20000000, (address, port))
        except OSError: pass
        s.close()


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
