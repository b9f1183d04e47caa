"""Enough of io_uring for sockets, with no library: one request at a time."""
import ctypes, mmap, os, socket, struct

libc = ctypes.CDLL(None, use_errno=True)
SETUP, ENTER, REGISTER = 425, 426, 427
CONNECT, SEND, SOCKET = 16, 26, 45
FIXED_FILE = 1


class Ring:
    def __init__(self, direct):
        parameters = ctypes.create_string_buffer(120)
        self.number = libc.syscall(SETUP, 8, parameters)
        if self.number < 0: raise OSError(ctypes.get_errno(), 'io_uring_setup')
        fields = struct.unpack('30I', parameters.raw)
        self.sq, self.cq = fields[10:20], fields[20:30]   # offsets: head tail mask entries flags dropped array | head tail mask entries overflow cqes
        size = max(self.sq[6] + fields[0] * 4, self.cq[5] + fields[1] * 16)
        self.rings = mmap.mmap(self.number, size)
        self.entries = mmap.mmap(self.number, fields[0] * 64, offset=0x10000000)
        self.mask, self.cq_mask = self.u32(self.sq[2]), self.u32(self.cq[2])
        self.direct, self.file = direct, -1
        if direct and libc.syscall(REGISTER, self.number, 2, struct.pack('i', -1), 1) != 0:
            raise OSError(ctypes.get_errno(), 'io_uring_register')

    def u32(self, at):
        return struct.unpack_from('I', self.rings, at)[0]

    def run(self, opcode, number, offset=0, address=0, length=0, file_index=0, flags=0, wait=True):
        tail = self.u32(self.sq[1])
        struct.pack_into('BBHiQQIIQHHI', self.entries, (tail & self.mask) * 64, opcode, flags, 0, number, offset, address, length, 0, 1, 0, 0, file_index)
        struct.pack_into('I', self.rings, self.sq[6] + (tail & self.mask) * 4, tail & self.mask)
        struct.pack_into('I', self.rings, self.sq[1], tail + 1)
        if libc.syscall(ENTER, self.number, 1, 1 if wait else 0, 1 if wait else 0, None, 0) < 0: raise OSError(ctypes.get_errno(), 'io_uring_enter')
        if not wait: return 0
        head = self.u32(self.cq[0])
        result = struct.unpack_from('i', self.rings, self.cq[5] + (head & self.cq_mask) * 16 + 8)[0]
        struct.pack_into('I', self.rings, self.cq[0], head + 1)
        if result < 0: raise OSError(-result, os.strerror(-result))
        return result

    def open(self, family, kind):
        result = self.run(SOCKET, family, offset=kind, file_index=1 if self.direct else 0)
        self.file = 0 if self.direct else result

    def connect(self, address, port, wait=True):
        if ':' in address: self.place = struct.pack('=H', socket.AF_INET6) + struct.pack('>HI16sI', port, 0, socket.inet_pton(10, address), 0)
        else: self.place = struct.pack('=H', socket.AF_INET) + struct.pack('>H4s8x', port, socket.inet_aton(address))
        self.buffer = ctypes.create_string_buffer(self.place, len(self.place))
        return self.run(CONNECT, self.file, offset=len(self.place), address=ctypes.addressof(self.buffer), flags=FIXED_FILE if self.direct else 0, wait=wait)

    def send(self, data):
        self.buffer = ctypes.create_string_buffer(data, len(data))
        return self.run(SEND, self.file, address=ctypes.addressof(self.buffer), length=len(data), flags=FIXED_FILE if self.direct else 0)
