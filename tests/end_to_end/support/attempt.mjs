// Python that the attempts to get around the fence begin with.
import { addresses } from './namespaces.mjs';

// What the attempts have in common. answer() tells whether the server said anything to the bytes sent.
export const prelude = `
import ctypes, os, select, socket, ssl, struct, sys, time
SHARED, OTHER, SINK, SINK6 = ${JSON.stringify([addresses.shared, addresses.other, addresses.sink, addresses.sink6])}
def hello(name):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()
def dial(address, port=443, timeout=3):
    s = socket.create_connection((address, port), timeout)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s
def answer(s):
    try:
        data = s.recv(65536)
        return 'answered' if data else 'closed'
    except OSError as error:
        return type(error).__name__
def resolve(name):
    return socket.getaddrinfo(name, 443, type=socket.SOCK_STREAM)
def report(attempt):
    try:
        print(attempt())
    except OSError as error:
        print(type(error).__name__, error.errno)
def drop_resets(s):
    # Classic BPF, seeing the TCP header: what has the flag RST is not let in.
    code = b''.join(struct.pack('HBBI', *one) for one in ((0x30, 0, 0, 13), (0x45, 0, 1, 4), (6, 0, 0, 0), (6, 0, 0, 0xffffffff)))
    program = ctypes.create_string_buffer(code)
    s.setsockopt(socket.SOL_SOCKET, 26, struct.pack('HL', len(code) // 8, ctypes.addressof(program)))
def route_over(s, address):
    s.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, bytes([131, 7, 4]) + socket.inet_aton(address) + b'\\0')
    s.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 8)  # forgets the route that it had
def fill(s):
    # Sends until nothing more is taken: most of it waits for the receiver.
    s.setblocking(False); sent = 0
    try:
        while True: sent += s.send(b'SECRET' * 1000)
    except OSError: return sent
`;
