"""A logging handler that brings records to a picortex daemon, with the standard library alone.

    import logging, picortex_logging
    logging.getLogger().addHandler(picortex_logging.PicortexHandler())

Records are sent in batches by a thread. Each has an event ID, so that it may be sent again and is stored once. While the
daemon does not answer they wait in a file of this process (bounded), and a later process of the same user delivers what is
left. What does not fit is counted and reported, on stderr and as an event `client.dropped`.
"""

import atexit
import contextlib
import http.client
import json
import logging
import os
import random
import threading
import time
from collections import deque

from ._context import child_environment, context, new_id
from ._record import encode, render
from ._server import Server
from ._spool import BATCH_BYTES, BATCH_LINES, Spool

__all__ = ["PicortexHandler", "context", "child_environment"]

_PATH = "/api/events?partial=1&keep=any"
_PAUSE_FIRST = 0.1
_PAUSE_MAX = 5.0
_RETRY_AFTER_MAX = 60.0


class PicortexHandler(logging.Handler):
    """Sends records to the daemon as events of type `log`, or of the type that `extra={"event_type": …}` names.

    url            http://HOST:PORT or unix:/PATH; default: $PICORTEX_URL, else $PICORTEX_LISTEN, else 127.0.0.1:8787
    token          default: $PICORTEX_TOKEN, else the content of token_file
    token_file     default: $PICORTEX_TOKEN_FILE, else $PICORTEX_DATA_DIR/token, else ./var/token, else
                   /var/lib/picortex/token
    server_uid     the user whose process may listen there, besides root, this user and the token file's owner
    spool_folder   default: picortex/python below $XDG_STATE_HOME, else ~/.local/state
    spool_bytes    the most that waits there: 16 MiB
    memory_lines   the most records that wait in memory: 20,000
    exit_seconds   how long the end of the process waits for the daemon: 3
    """

    def __init__(self, level=logging.NOTSET, *, url=None, token=None, token_file=None, server_uid=None, spool_folder=None,
                 spool_bytes=16 * 1024 * 1024, memory_lines=20_000, timeout=10.0, exit_seconds=3.0):
        super().__init__(level)
        environment = os.environ
        listen = environment.get("PICORTEX_LISTEN", "").split(",")[0].strip()
        if listen and not listen.startswith("unix:"):
            listen = f"http://{listen}"
        self._server = Server(url or environment.get("PICORTEX_URL") or listen or "http://127.0.0.1:8787")
        self._token = token or environment.get("PICORTEX_TOKEN")
        self._token_files = _token_files(token_file, environment)
        self._server_uid = server_uid
        self._timeout = timeout
        self._exit_seconds = exit_seconds
        self._memory_lines = memory_lines
        self._spool = Spool(spool_folder or _spool_folder(environment), spool_bytes)
        self._dropped = 0
        self._problem = ""
        self._is_down = False
        self._is_closing = False
        self._deadline = None
        self._begin()
        os.register_at_fork(after_in_child=self._begin_in_child)
        atexit.register(self.close)

    def emit(self, record):
        try:
            line = render(record)
        except Exception:  # as logging.Handler asks of its subclasses
            self.handleError(record)
            return
        with self._condition:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="picortex", daemon=True)
                self._thread.start()
            if len(self._lines) >= self._memory_lines:
                self._dropped += 1
            else:
                self._lines.append(line)
            self._condition.notify()

    def flush(self):
        """Returns once everything so far is stored or in the spool, at the latest after exit_seconds."""
        until = time.monotonic() + self._exit_seconds
        with self._condition:
            while self._thread is not None and (self._lines or self._is_sending) and time.monotonic() < until:
                self._condition.notify_all()
                self._condition.wait(0.05)

    def close(self):
        with self._condition:
            if self._is_closing:
                return
            self._is_closing = True
            self._deadline = time.monotonic() + self._exit_seconds
            self._condition.notify_all()
        if self._thread is not None:
            self._thread.join(self._exit_seconds + self._timeout)
        atexit.unregister(self.close)
        super().close()

    def _begin(self):
        self._lines = deque()
        self._condition = threading.Condition()
        self._thread = None
        self._connection = None
        self._is_sending = False

    # A thread does not survive fork(). What the parent has not sent yet, the parent sends.
    def _begin_in_child(self):
        self._begin()
        self._spool = self._spool.emptied()

    def _work(self):
        pause = _PAUSE_FIRST
        pending_spool = True  # an earlier process may have left something
        while True:
            batch = self._take()
            try:
                if pending_spool:
                    self._spool.deliver(self._post)
                    pending_spool = False
                if batch:
                    self._post(batch)
                self._on_stored()
                pause = _PAUSE_FIRST
            except (OSError, http.client.HTTPException, _NotStored) as error:
                self._keep(batch, error)
                pending_spool = True
                self._wait(getattr(error, "after", None) or pause * random.uniform(0.75, 1.25))
                pause = min(pause * 2, _PAUSE_MAX)
            with self._condition:
                self._is_sending = False
                self._condition.notify_all()
                if self._is_closing and not self._lines:
                    break
        if self._connection is not None:
            self._connection.close()

    def _take(self):
        """The next batch; empty while the daemon is away and nothing has come."""
        with self._condition:
            if not self._lines and not self._is_closing and not self._is_down:
                self._condition.wait(60)
            if self._lines and not self._is_closing:
                self._condition.wait(0.1)  # others that come meanwhile go with it
            batch, size = [], 0
            while self._lines and len(batch) < BATCH_LINES and size < BATCH_BYTES:
                line = self._lines.popleft()
                size += len(line) + 1
                batch.append(line)
            self._is_sending = True
            return batch

    def _wait(self, seconds):
        until = time.monotonic() + seconds
        with self._condition:
            while not self._is_closing and (left := until - time.monotonic()) > 0 and len(self._lines) < BATCH_LINES:
                self._condition.wait(left)

    def _keep(self, batch, error):
        problem = str(error)
        if not self._is_down or problem != self._problem:
            _report(f"events are not delivered: {problem}; they are kept for the next try")
        self._is_down = True
        self._problem = problem
        if batch:
            try:
                self._spool.append(batch)
            except OSError as full:
                if self._dropped == 0:
                    _report(f"events are being lost: {full}")
                self._dropped += len(batch)

    def _on_stored(self):
        if self._is_down:
            _report(f"{self._server.text} stores events again")
        self._is_down = False
        if self._dropped:
            dropped = self._dropped
            ms = int(time.time() * 1000)
            self._post([encode({"level": "error", "time": ms, "event_type": "client.dropped", "dropped": dropped,
                                 "msg": f"{dropped} events were lost: {self._problem}", "id": str(new_id(ms))})])
            self._dropped -= dropped

    def _post(self, lines):
        """Raises when the daemon has not stored them."""
        timeout = self._timeout
        if self._deadline is not None:
            timeout = min(timeout, self._deadline - time.monotonic())
            if timeout <= 0:
                raise _NotStored("the process ends")
        token, owner = self._read_token()
        headers = {"Content-Type": "application/x-ndjson"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        try:
            if self._connection is None:
                trusted = {os.getuid(), owner, self._server_uid}
                self._connection = self._server.connect(timeout, trusted)
            self._connection.sock.settimeout(timeout)
            self._connection.request("POST", _PATH, b"\n".join(lines), headers)
            reply = self._connection.getresponse()
            body = reply.read(4 * 1024 * 1024)
            if reply.will_close or not reply.isclosed():
                self._drop_connection()
        except ConnectionRefusedError:
            self._drop_connection()
            raise _NotStored(f"nothing listens on {self._server.text}. Is picortex serve running?") from None
        except (OSError, http.client.HTTPException):
            self._drop_connection()
            raise
        self._on_reply(reply, body, lines)

    def _on_reply(self, reply, body, lines):
        try:
            answer = json.loads(body)
        except ValueError:
            answer = {}
        if reply.status == 200 and isinstance(answer.get("rejected"), list):
            for rejected in answer["rejected"]:
                self._on_rejected(lines[rejected["index"]], rejected["reason"])
        elif reply.status in (400, 413) and len(lines) > 1:
            for half in (lines[:len(lines) // 2], lines[len(lines) // 2:]):
                self._post(half)
        elif reply.status in (400, 413):
            self._on_rejected(lines[0], answer.get("message", f"HTTP status {reply.status}"))
        else:
            raise _NotStored(f"{self._server.text} answered {reply.status}: {answer.get('message', '')}",
                             _retry_after(reply.getheader("Retry-After")))

    def _on_rejected(self, line, reason):
        _report(f"a record was rejected, and is kept as an event client.rejected: {reason}")
        if b'"event_type":"client.rejected"' in line:
            return
        ms = int(time.time() * 1000)
        self._post([encode({"level": "warn", "time": ms, "event_type": "client.rejected", "id": str(new_id(ms)),
                             "msg": f"a record was rejected: {reason}", "line": line[:8_192].decode("utf-8", "replace")})])

    def _drop_connection(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _read_token(self):
        if self._token:
            return self._token, None
        problems = []
        for path in self._token_files:
            try:
                with open(path, encoding="ascii") as file:
                    return file.read(4096).strip(), os.fstat(file.fileno()).st_uid
            except (OSError, UnicodeDecodeError) as error:
                problems.append(f"cannot read the token in {path} ({getattr(error, 'strerror', None) or error})")
        if self._server.path is not None:
            return None, None  # the daemon knows the peers of its socket
        raise _NotStored(", ".join(problems) + ". Set PICORTEX_TOKEN or PICORTEX_TOKEN_FILE")


class _NotStored(Exception):
    def __init__(self, what, after=None):
        super().__init__(what)
        self.after = after


def _token_files(token_file, environment):
    if token_file or environment.get("PICORTEX_TOKEN_FILE"):
        return [token_file or environment["PICORTEX_TOKEN_FILE"]]
    if environment.get("PICORTEX_DATA_DIR"):
        return [os.path.join(environment["PICORTEX_DATA_DIR"], "token")]
    return ["var/token", "/var/lib/picortex/token"]


def _spool_folder(environment):
    for base in (environment.get("XDG_STATE_HOME"), os.path.join(environment.get("HOME", ""), ".local/state")):
        if base and base.startswith("/"):
            return os.path.join(base, "picortex", "python")
    return None


def _retry_after(text):
    try:
        return min(max(float(text), 0.05), _RETRY_AFTER_MAX)
    except (TypeError, ValueError):
        return None


def _report(what):
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.write(2, f"picortex: {what}\n".encode("utf-8", "replace"))
