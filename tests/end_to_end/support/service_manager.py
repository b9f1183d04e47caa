"""What systemd is to a service, for tests: listens on a TCP socket of its own, passes it to each service that it is asked
to start (sd_listen_fds), and hears what they say (sd_notify). Commands come as lines on stdin; each thing that
happens is a line of JSON on stdout.

  start ARGUMENT…   (JSON array) starts a service, several at a time if requested
"""
import json
import os
import socket
import subprocess
import sys
import threading

directory, watchdog_usec = sys.argv[1:3]
listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
notify_path = os.path.join(directory, "notify")
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(notify_path)
lock = threading.Lock()


def report(**what):
    with lock:
        print(json.dumps(what), flush=True)


def hear():
    while True:
        report(notify=notify.recv(65536).decode())


def pass_listener():
    os.dup2(listener.fileno(), 3)
    os.set_inheritable(3, True)


def start(arguments):
    # The shell knows the process id that the service will have.
    service = subprocess.Popen(
        ["sh", "-c", 'LISTEN_PID=$$ WATCHDOG_PID=$$ exec "$@"', "sh", *arguments],
        env={**os.environ, "LISTEN_FDS": "1", "LISTEN_FDNAMES": "http", "NOTIFY_SOCKET": notify_path,
             "WATCHDOG_USEC": watchdog_usec},
        preexec_fn=pass_listener, close_fds=False, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    report(started=service.pid)
    threading.Thread(target=lambda: report(exited=service.wait()), daemon=True).start()
    return service


threading.Thread(target=hear, daemon=True).start()
report(port=listener.getsockname()[1])
services = []
try:
    for line in sys.stdin:
        services.append(start(json.loads(line)))
finally:
    for service in services:
        service.poll() is None and service.kill()
