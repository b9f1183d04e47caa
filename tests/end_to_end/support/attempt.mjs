// Python that the attempts to get around the fence begin with.
import assert from 'node:assert/strict';
import { addresses, fencedUid } from './namespaces.mjs';

// What the attempts have in common. answer() returns whether the server said anything to the bytes sent.
export const prelude = `
import ctypes, os, select, socket, ssl, struct, sys, time
SHARED, OTHER, SINK, SINK6 = ${JSON.stringify([addresses.shared, addresses.other, addresses.sink, addresses.sink6])}
def hello(name, newest=ssl.TLSVersion.MAXIMUM_SUPPORTED):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = newest
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()
def hello_1_3(name, share, more=b''):
    # Without a share of a key the server asks for a second hello.
    def extension(kind, data): return struct.pack('>HH', kind, len(data)) + data
    shares = struct.pack('>HH', 29, 32) + os.urandom(32) if share else b''
    extensions = (extension(0, struct.pack('>HBH', len(name) + 3, 0, len(name)) + name.encode()) + extension(10, b'\\0\\2\\0\\x1d')
        + extension(13, b'\\0\\6\\4\\3\\x08\\4\\4\\1') + extension(43, b'\\2\\3\\4') + more + extension(51, struct.pack('>H', len(shares)) + shares))
    body = b'\\3\\3' + b'r' * 32 + b'\\x20' + b's' * 32 + b'\\0\\2\\x13\\1\\1\\0' + struct.pack('>H', len(extensions)) + extensions
    message = b'\\1' + struct.pack('>I', len(body))[1:] + body
    return b'\\x16\\3\\1' + struct.pack('>H', len(message)) + message
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

// Returns a function that runs such Python as the fenced user, or as another, and returns what it printed.
export function attemptIn(world, options) {
  return async (program, uid = fencedUid) => {
    const { output, errors } = await world.python(uid, prelude + program, options);
    assert.equal(errors, '');
    return output.trim();
  };
}
