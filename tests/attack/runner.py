"""Runs attempts, each in a process of its own, in steps that the caller drives over stdin:

  a line of JSON [{"id": 1, "technique": "udp", "fate": "closed", "family": 4}, …]   → {"prepared": {id: what failed}}
  "fire"   every attempt sends, then its socket is kept, closed, lost with its process, or passed on  → {"fired": …}
  "later"  what an attempt does once the daemon has gone on (page swaps, second sends)                → {"later": …}
  "end"    everything ends.

A technique is a generator: up to its first yield it prepares, up to its second it fires, the rest is for later."""
import array, importlib, json, os, select, signal, socket, sys, time

import contents, datagrams, families, names, streams  # noqa: F401  each fills TECHNIQUES
from technique import TECHNIQUES, Attempt, drop_privileges, explain

STEP_LIMIT_S = 6


class Child:
    def __init__(self, order):
        self.order, self.done = order, False
        self.gate_reader, self.gate = os.pipe()


def run_child(child, results, holder):
    order = child.order
    attempt = Attempt(order['id'], order['family'], order['fate'])

    def say(step, text=''):
        os.write(results, f'{order["id"]} {step} {text[:200]}\n'.encode())

    technique = TECHNIQUES[order['technique']]
    if not technique.privileged: drop_privileges()
    steps = technique.run(attempt)
    failed = ''
    for step in ('prepared', 'fired', 'later'):
        try:
            if steps: next(steps)
        except StopIteration:
            steps = None
        except Exception as error:  # an attempt that is denied is a result, not a fault
            failed, steps = explain(error), None
        if step == 'fired':
            if order['fate'] == 'killed':
                say(step, failed)
                os.kill(os.getpid(), signal.SIGKILL)
            if order['fate'] == 'closed': attempt.close()
            if order['fate'] == 'passed': attempt.pass_on(holder)
        say(step, failed)
        if step == 'fired' and order['fate'] == 'passed': os._exit(0)
        if not os.read(child.gate_reader, 1): os._exit(0)
    os._exit(0)


def collect(children, results, step, pending):
    """What each attempt answered; one that is gone has answered for good."""
    failed, until = {}, time.monotonic() + STEP_LIMIT_S
    waiting = {c.order['id']: c for c in children if not c.done}
    while waiting and time.monotonic() < until:
        if select.select([results], [], [], 0.2)[0]:
            pending += os.read(results, 65536)
            *lines, rest = pending.split(b'\n')
            pending[:] = rest
            for line in lines:
                number, said, text = line.decode().split(' ', 2)
                if said == step: waiting.pop(int(number), None)
                if text: failed[number] = text
        while True:
            try: pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError: break
            if pid == 0: break
            child = next((c for c in children if c.pid == pid), None)
            if child: child.done = True
        for number in [n for n, c in waiting.items() if c.done]: del waiting[number]
    for number in waiting: failed[str(number)] = f'still busy: {step}'
    print(json.dumps({step: failed}), flush=True)


def send_again(holder, kept):
    """Takes the sockets that were passed on and sends on each of them what its attempt would send."""
    while True:
        try: data, ancillary, _, _ = holder.recvmsg(65536, socket.CMSG_SPACE(64 * 4), socket.MSG_DONTWAIT)
        except BlockingIOError: return
        for _, _, raw in ancillary:
            numbers = array.array('i')
            numbers.frombytes(raw[:len(raw) - len(raw) % 4])
            for number in numbers:
                s = socket.socket(fileno=number)
                kept.append(s)
                if data == b'-': continue
                try: s.send(data, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
                except (OSError, ValueError): pass


def main():
    orders = json.loads(sys.stdin.readline())
    results, writer = os.pipe()
    holder, giver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    children, kept, pending = [], [], bytearray()
    for order in orders:
        child = Child(order)
        child.pid = os.fork()
        if child.pid == 0:
            for other in children: os.close(other.gate)
            os.close(child.gate)
            try: run_child(child, writer, giver)
            finally: os._exit(1)
        os.close(child.gate_reader)
        children.append(child)
    collect(children, results, 'prepared', pending)
    for step, answer in (('fire', 'fired'), ('later', 'later')):
        if sys.stdin.readline().strip() != step: break
        for child in children:
            try: os.write(child.gate, b'x')
            except BrokenPipeError: child.done = True
        if step == 'later': send_again(holder, kept)
        collect(children, results, answer, pending)
        send_again(holder, kept)
    sys.stdin.readline()
    for child in children:
        if not child.done: os.kill(child.pid, signal.SIGKILL)


signal.signal(signal.SIGPIPE, signal.SIG_IGN)
if len(sys.argv) > 1 and sys.argv[1] == 'list':
    print(json.dumps([{'name': t.name, 'families': t.families, 'fates': t.fates, 'optional': t.optional, 'control': t.control, 'residual': t.residual, 'group': t.group}
                      for t in TECHNIQUES.values()]))
else:
    main()
