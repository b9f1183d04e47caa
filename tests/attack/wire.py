"""What the attempts say: TLS hellos, DNS questions, and the marks by which the sniffer knows whose bytes it sees."""
import os, ssl, struct

MAGIC = b'\xa7\x3b\x70\x78'  # in front of the attempt's number, where bytes are free
OWN_V4, OWN_V6 = '93.190.', '2606:2800:300::'  # a place of its own for each attempt; none is ever allowed


def own_address(number, family):
    return f'{OWN_V4}{number >> 8}.{number & 255}' if family == 4 else f'{OWN_V6}{number:x}'


def text_mark(number):
    return f'leak{number:04x}'


def binary_mark(number):
    return MAGIC + struct.pack('>H', number)


def sized(data, width=2):
    return len(data).to_bytes(width, 'big') + data


def extension(kind, data):
    return struct.pack('>H', kind) + sized(data)


def hello_message(name, share=True, more=b'', version=b'\x03\x03', random=b'r' * 32):
    """A ClientHello; without a key share the server asks for a second one."""
    shares = struct.pack('>HH', 29, 32) + os.urandom(32) if share else b''
    server_name = extension(0, sized(b'\0' + sized(name.encode()))) if name else b''
    extensions = (server_name + extension(10, b'\0\2\0\x1d') + extension(13, b'\0\6\4\3\x08\4\4\1') +
                  extension(43, b'\2\3\4') + more + extension(51, sized(shares)))
    body = version + random + sized(b's' * 32, 1) + sized(b'\x13\x01') + b'\1\0' + sized(extensions)
    return b'\1' + sized(body, 3)


def record(data, kind=22, version=b'\x03\x01'):
    return bytes([kind]) + version + sized(data)


def hello(name, **options):
    return record(hello_message(name, **options))


def question(name, kind=1, more=b'', count=1, identifier=0x1234):
    labels = b''.join(sized(label.encode(), 1) for label in name.split('.')) + b'\0'
    return struct.pack('>HHHHHH', identifier, 0x100, count, 0, 0, 1 if more else 0) + (labels + struct.pack('>HH', kind, 1)) * count + more


def edns_option(data, code=10):
    option = struct.pack('>H', code) + sized(data)
    return b'\0' + struct.pack('>HHIH', 41, 1232, 0, len(option)) + option


def http(host, path='/', method='POST', body=b'', end='\r\n', version='HTTP/1.1', more=()):
    lines = [f'{method} {path} {version}', f'Host: {host}', f'Content-Length: {len(body)}', *more, '', '']
    return end.join(lines).encode() + body
