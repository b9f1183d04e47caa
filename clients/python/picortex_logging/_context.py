"""Whose work the current code does: the request ID and the chat, and event IDs."""

import contextlib
import contextvars
import os
import secrets
import threading
import time
import uuid

_request_id = contextvars.ContextVar("picortex_request_id", default=None)
_chat_id = contextvars.ContextVar("picortex_chat_id", default=None)


@contextlib.contextmanager
def context(request_id=None, chat_id=None):
    """Gives the records of a block the request ID (default: the current one, else a new one) and the chat."""
    chosen = request_id or current_request_id() or str(new_id(int(time.time() * 1000)))
    uuid.UUID(chosen)  # raises ValueError for what is not a UUID
    request_token = _request_id.set(chosen)
    chat_token = _chat_id.set(chat_id if chat_id is not None else current_chat_id())
    try:
        yield chosen
    finally:
        _chat_id.reset(chat_token)
        _request_id.reset(request_token)


def child_environment(environment=None):
    """The environment for child processes: with the IDs of the current context."""
    merged = dict(os.environ if environment is None else environment)
    for name, value in (("PICORTEX_REQUEST_ID", current_request_id()), ("PICORTEX_CHAT_ID", current_chat_id())):
        if value is not None:
            merged[name] = value
    return merged


def current_request_id():
    return _request_id.get() or os.environ.get("PICORTEX_REQUEST_ID") or None


def current_chat_id():
    return _chat_id.get() or os.environ.get("PICORTEX_CHAT_ID") or None


class _Ids:
    """UUIDs of version 7 whose 20 bits after the time count up within a millisecond: the daemon keeps that order."""

    def __init__(self):
        self._lock = threading.Lock()
        self._ms = -1
        self._sequence = 0

    def next(self, ms):
        with self._lock:
            if ms != self._ms or self._sequence + 1 >= 1 << 20:
                self._ms = ms
                self._sequence = secrets.randbits(19)
            else:
                self._sequence += 1
            sequence = self._sequence
        value = ms << 80 | 7 << 76 | (sequence >> 8) << 64 | 2 << 62 | (sequence & 0xFF) << 54 | secrets.randbits(54)
        return uuid.UUID(int=value)


_ids = _Ids()
new_id = _ids.next
