"""Connections to an address that is allowed, whose bytes are not: each mark stands in what must not arrive."""
import ctypes, mmap, os, select, socket, ssl, struct
from technique import technique, variants
from wire import extension, hello, hello_message, http, record, sized

libc = ctypes.CDLL(None, use_errno=True)
NAME = 'allowed.test'


def forbidden(a):
    """As long as the allowed name, so that one takes the other's place in a page."""
    return a.mark + '.tes'


def cut_in_name(a, more):
    """A hello up to its name's end, and `more` bytes."""
    text, name = hello(forbidden(a)), forbidden(a).encode()
    return text[:text.index(name) + len(name) + more]


@variants('tls', {
    'other_name': lambda a: [hello(forbidden(a))],
    'no_name': lambda a: [hello('', random=a.mark.encode().ljust(32, b'.'))],
    'one_byte_segments': lambda a: [bytes([b]) for b in hello(forbidden(a))],
    'two_records': lambda a: [record(hello_message(forbidden(a))[:40]) + record(hello_message(forbidden(a))[40:])],
    'name_below_allowed': lambda a: [hello(f'{a.mark}.{NAME}')],
    'name_with_nul': lambda a: [hello(f'{NAME}\0.{a.mark}.test')],
    'look_alike': lambda a: [hello(f'allowed-{a.mark}.test')],
    'two_names': lambda a: [hello('', more=extension(0, sized(b'\0' + sized(NAME.encode()) + b'\0' + sized(forbidden(a).encode()))))],
    'name_twice': lambda a: [hello(NAME, more=extension(0, sized(b'\0' + sized(forbidden(a).encode()))))],
    'encrypted_hello': lambda a: [hello(NAME, more=extension(0xfe0d, a.data))],
    'early_data': lambda a: [hello(NAME, more=extension(42, b'')) + record(a.data, 23)],
    'not_tls': lambda a: [a.noise],
    'ssl_2': lambda a: [b'\x80\x2e\1\3\1\0\3\0\0\0\x20' + a.data],
    'old_version': lambda a: [hello(forbidden(a), version=b'\2\0')],
    'odd_version': lambda a: [hello(forbidden(a), version=b'\4\3')],
    'odd_record_version': lambda a: [b'\x16\x7f\x7f' + hello(forbidden(a))[3:]],
    'alert_first': lambda a: [record(b'\1\0', 21) + hello(forbidden(a))],
    'empty_record_first': lambda a: [record(b'') + hello(forbidden(a))],
    'application_data_first': lambda a: [record(a.data, 23)],
    'http_on_443': lambda a: [http(forbidden(a))],
    'hello_inside_hello': lambda a: [record(hello_message(NAME) + hello_message(forbidden(a)))],
    'hello_behind_hello': lambda a: [hello(NAME) + hello(forbidden(a))],
    'without_end': lambda a: [hello(forbidden(a))[:-1]],
    'without_end_of_name': lambda a: [cut_in_name(a, -1)],
    'name_in_two_segments': lambda a: [cut_in_name(a, -3), hello(forbidden(a))[len(cut_in_name(a, -3)):]],
    'name_by_bytes': lambda a: [cut_in_name(a, -len(forbidden(a)))] + [bytes([b]) for b in forbidden(a).encode()],
    'name_in_one_byte_records': lambda a: [b''.join(record(bytes([b])) for b in hello_message(forbidden(a)))[:-6]],
    'second_name_without_end': lambda a: [hello(NAME, more=extension(0, sized(b'\0' + sized(forbidden(a).encode()))))[:-40]],
    'before_name_without_end': {'make': lambda a: [hello(NAME, random=a.mark.encode().ljust(32, b'.'))[:60]],
                                'options': {'residual': 'at the address that a rule names, until the hello has named a host'}},
    'padded': lambda a: [hello('', more=extension(21, bytes(9000)) + extension(0, sized(b'\0' + sized(forbidden(a).encode()))))],
})
def tls(a, pieces):
    s = a.dial()
    pieces = (pieces['make'] if isinstance(pieces, dict) else pieces)(a)
    yield
    s.setblocking(False)
    for piece in pieces: s.send(piece)
    yield
    s.send(a.noise)


@technique('tls')
def out_of_band(a):
    s = a.dial()
    yield
    s.setblocking(False)
    s.send(a.noise, socket.MSG_OOB)


@technique('tls')
def out_of_band_inside(a):
    """An urgent byte that the server leaves out of the name."""
    s = a.dial()
    text = hello(forbidden(a))
    yield
    s.setblocking(False)
    s.send(text[:60])
    s.send(text[60:61], socket.MSG_OOB)
    s.send(text[61:])


SECOND = {'same': b'\3\3', 'major_4': b'\4\3', 'major_7f': b'\x7f\x7f', 'major_ff': b'\xff\xff', 'ssl_3': b'\3\0', 'minor_ff': b'\3\xff'}


def wait_for_answer(s, limit=2):
    return bool(select.select([s], [], [], limit)[0]) and s.recv(65536)


@variants('second hello', SECOND)
def second_hello(a, version):
    """The server asks for a second hello, which names somebody else."""
    s = a.dial()
    s.sendall(hello(NAME, share=False))
    wait_for_answer(s)
    yield
    s.setblocking(False)
    s.send(hello(forbidden(a), version=version))
    yield
    s.send(hello(forbidden(a), version=version))


@variants('second hello', {
    'with_cipher_change': lambda a, m: b'\x14\3\3\0\1\1' + record(m),
    'two_records': lambda a, m: record(m[:3]) + record(m[3:]),
    'one_byte_records': lambda a, m: b''.join(record(m[i:i + 1]) for i in range(len(m))),
    'behind_empty': lambda a, m: record(b'') + record(m),
    'record_version': lambda a, m: b'\x16\4\4' + record(m)[3:],
    'in_one_go': lambda a, m: record(hello_message(NAME)) + record(m),
})
def second_hello_cut(a, cut):
    s = a.dial()
    s.sendall(hello(NAME, share=False))
    wait_for_answer(s)
    text = cut(a, hello_message(forbidden(a)))
    yield
    s.setblocking(False)
    s.send(text)


def pages(a, text):
    number = os.memfd_create('page')
    os.ftruncate(number, 4096)
    view = mmap.mmap(number, 4096)
    view[:len(text)] = text
    return number, view


def send_pages(a, s, number, view, size, how):
    if how == 'sendfile': os.sendfile(s.fileno(), number, 0, size)
    elif how == 'zerocopy':
        s.setsockopt(socket.SOL_SOCKET, 60, 1)
        s.send(memoryview(view)[:size], 0x4000000)
    else:
        reader, writer = os.pipe()
        address = ctypes.addressof(ctypes.c_char.from_buffer(view))
        if libc.vmsplice(writer, struct.pack('QQ', address, size), 1, 0) != size: raise OSError(ctypes.get_errno(), 'vmsplice')
        os.splice(reader, s.fileno(), size)


@variants('page swap', {f'{how}{"_hops" if hops else ""}{"_http" if port == 80 else ""}':
                        {'value': (how, hops, port), 'options': {} if hops else {'control': f'page_swap_{how}_hops{"_http" if port == 80 else ""}'}}
                        for how in ('sendfile', 'zerocopy', 'vmsplice') for hops in (True, False) for port in (443, 80)})
def page_swap(a, value):
    """The fence is shown the allowed name; the page says another one when the segment is sent, or sent again."""
    how, hops, port = value['value']
    a.again = b''
    s = a.dial(port)
    shown = hello(NAME) if port == 443 else http(NAME)
    real = shown.replace(NAME.encode(), forbidden(a).encode())
    number, view = pages(a, shown)
    yield
    if hops: a.ttl(s, 1)
    send_pages(a, s, number, view, len(shown), how)
    if hops: select.select([], [], [], 0.03)
    view[:len(real)] = real
    a.ttl(s, 64)


@technique('page swap')
def page_swap_after_answer(a):
    """A second piece of an undecided head, swapped while it is on its way."""
    s = a.dial(80)
    a.again = b''
    head = http(NAME)
    cut = head.index(NAME.encode())
    number, view = pages(a, head[cut:])
    s.sendall(head[:cut])
    yield
    a.ttl(s, 1)
    os.sendfile(s.fileno(), number, 0, len(head) - cut)
    select.select([], [], [], 0.03)
    view[:len(NAME)] = forbidden(a).encode()
    a.ttl(s, 64)


GOOD = http(NAME, method='GET', path='/good')
HEADS = {
    'bare_lf': lambda a: http(forbidden(a), body=a.data, end='\n'),
    'bare_lf_good_host': lambda a: http(NAME, end='\n') + http(forbidden(a), body=a.data, end='\n'),
    'mixed_ends': lambda a: f'POST / HTTP/1.1\r\nHost: {forbidden(a)}\n\r\n'.encode(),
    'bare_cr': lambda a: http(forbidden(a), end='\r'),
    'version_0_9': lambda a: f'GET /{a.mark}\r\n'.encode(),
    'version_0_9_lf': lambda a: f'GET /{a.mark}\n'.encode(),
    'lf_behind_good': lambda a: GOOD + http(forbidden(a), body=a.data, end='\n'),
    'version_0_9_behind_good': lambda a: GOOD + f'GET /{a.mark}\r\n'.encode(),
    'other_host': lambda a: http(forbidden(a), body=a.data),
    'behind_good': lambda a: GOOD + http(forbidden(a)),
    'blank_lines_first': lambda a: b'\r\n\n\r\n' + http(forbidden(a), end='\n'),
    'absolute': lambda a: http(NAME, path=f'http://{forbidden(a)}/'),
    'absolute_lf': lambda a: f'GET http://{forbidden(a)}/ HTTP/1.0\n\n'.encode(),
    'two_hosts': lambda a: http(NAME, more=[f'Host: {forbidden(a)}']),
    'two_hosts_turned': lambda a: http(forbidden(a), more=[f'Host: {NAME}']),
    'folded': lambda a: f'GET / HTTP/1.1\r\nHost: {NAME}\r\n {forbidden(a)}\r\n\r\n'.encode(),
    'space_before_colon': lambda a: f'GET / HTTP/1.1\r\nHost : {forbidden(a)}\r\nHost: {NAME}\r\n\r\n'.encode(),
    'no_host': lambda a: f'GET /{a.mark} HTTP/1.0\r\n\r\n'.encode(),
    'user_info': lambda a: http(f'{NAME}@{forbidden(a)}'),
    'look_alike': lambda a: http(f'{NAME}.{a.mark}.test'),
    'port': lambda a: http(f'{forbidden(a)}:80'),
    'nul': lambda a: http(f'{NAME}\0{a.mark}'),
    'tab': lambda a: http(f'{NAME}\t{a.mark}'),
    'connect': lambda a: f'CONNECT {forbidden(a)}:443 HTTP/1.1\r\nHost: {NAME}\r\n\r\n'.encode(),
    'http_2': lambda a: b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + a.data,
    'no_http': lambda a: a.noise,
    'text_without_end': lambda a: a.data,
    'text_behind_target': lambda a: f'GET / {a.mark}'.encode(),
    'target_of_nobody': lambda a: f'GET {a.mark}'.encode(),
    'host_without_end': lambda a: f'GET / HTTP/1.1\r\nHost: {forbidden(a)}'.encode(),
    'host_without_end_of_name': lambda a: f'GET / HTTP/1.1\r\nHost: {forbidden(a)[:-2]}'.encode(),
    'absolute_without_end_of_name': lambda a: f'GET http://{forbidden(a)[:-2]}'.encode(),
    'absolute_without_end': lambda a: f'GET http://{forbidden(a)}/x'.encode(),
    'field_without_colon': lambda a: f'GET / HTTP/1.1\r\nX {a.mark}'.encode(),
    'request_without_end': {'make': lambda a: f'GET /{a.mark}'.encode(), 'options': {'residual': 'at the address that a rule names, until the head has named a host'}},
    'two_lengths': lambda a: http(NAME, more=['Content-Length: 5']) + http(forbidden(a)),
    'length_and_chunks': lambda a: (f'POST / HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n').encode() + http(forbidden(a)),
    'odd_chunks': lambda a: f'POST / HTTP/1.1\r\nHost: {NAME}\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n'.encode() + http(forbidden(a)),
    'after_chunks': lambda a: f'POST / HTTP/1.1\r\nHost: {NAME}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'.encode() + http(forbidden(a)),
    'tls_on_80': lambda a: hello(forbidden(a)),
    'endless_head': lambda a: f'GET / HTTP/1.1\r\nHost: {forbidden(a)}\r\nX: '.encode() + b'x' * 3000,
}


@variants('http', HEADS)
def head(a, make):
    s = a.dial(80)
    text = (make['make'] if isinstance(make, dict) else make)(a)
    yield
    s.setblocking(False)
    s.send(text)
    yield
    s.send(a.noise)


@variants('http', {'other_host': '\r\n', 'bare_lf': '\n'})
def second_request(a, end):
    s = a.dial(80)
    s.sendall(GOOD)
    wait_for_answer(s)
    yield
    s.setblocking(False)
    s.send(http(forbidden(a), body=a.data, end=end))


@technique('turned', privileged=True)
def allowed_then_turned(a):
    """An allowed connection whose further segments go over another place."""
    s = a.dial()
    s.sendall(hello(NAME))
    wait_for_answer(s)
    yield
    if a.family == 4: s.setsockopt(0, 4, a.route())
    else: s.setsockopt(41, 57, a.segments(a.own))
    s.setsockopt(a.level, 1 if a.family == 4 else 67, 8)
    s.setblocking(False)
    s.send(record(b'x' * 100, 23))
    yield
    s.send(record(b'x' * 100, 23))


@technique('turned', privileged=True)
def pending_then_turned(a):
    """The same before anything was judged."""
    s = a.dial()
    yield
    if a.family == 4: s.setsockopt(0, 4, a.route())
    else: s.setsockopt(41, 57, a.segments(a.own))
    s.setsockopt(a.level, 1 if a.family == 4 else 67, 8)
    s.setblocking(False)
    s.send(hello(NAME))


@technique('tls', privileged=True)
def reset_then_closed(a):
    """A socket that lets no reset in goes on sending."""
    s = a.dial()
    code = b''.join(struct.pack('HBBI', *one) for one in ((0x30, 0, 0, 13), (0x45, 0, 1, 4), (6, 0, 0, 0), (6, 0, 0, 0xffffffff)))
    program = ctypes.create_string_buffer(code)
    s.setsockopt(socket.SOL_SOCKET, 26, struct.pack('HL', len(code) // 8, ctypes.addressof(program)))
    yield
    s.setblocking(False)
    s.send(a.noise)
