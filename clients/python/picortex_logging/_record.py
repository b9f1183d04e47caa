"""Records as lines of JSON."""

import json
import logging
import traceback

from ._context import current_chat_id, current_request_id, new_id

_LINE_BYTES = 64 * 1024

# What a LogRecord has by itself; anything else came with `extra`.
_OWN = set(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {"message", "asctime", "taskName"}


def render(record):
    ms = int(record.created * 1000)
    event = {"level": _level_of(record.levelno), "time": ms, "event_type": "log", "msg": record.getMessage(),
             "logger": record.name, "pid": record.process}
    for name, value in (("request_id", current_request_id()), ("chat_id", current_chat_id())):
        if value is not None:
            event[name] = value
    if record.exc_info and record.exc_info[0] is not None:
        event["err"] = {"type": record.exc_info[0].__name__, "message": str(record.exc_info[1]),
                        "stack": "".join(traceback.format_exception(*record.exc_info))[:16_384]}
    for name, value in vars(record).items():
        if name not in _OWN:
            event["log_id" if name == "id" else name] = value
    event["id"] = str(new_id(ms))
    line = encode(event)
    if len(line) > _LINE_BYTES:
        kept = {name: event[name] for name in ("level", "time", "event_type", "request_id", "chat_id", "id") if name in event}
        line = encode({**kept, "msg": event["msg"][:8_192], "cut": {"bytes": len(line), "line": line[:8_192].decode("utf-8", "replace")}})
    return line


def _level_of(number):
    for least, label in ((50, "fatal"), (40, "error"), (30, "warn"), (20, "info"), (10, "debug")):
        if number >= least:
            return label
    return "trace"


def encode(event):
    try:
        text = _dump(event)
    except ValueError:
        try:  # NaN and infinities are no JSON: they become texts
            text = _dump(json.loads(json.dumps(event, default=str, skipkeys=True), parse_constant=str))
        except ValueError:  # a value that contains itself
            text = _dump({name: value if isinstance(value, (str, int)) else repr(value) for name, value in event.items()})
    return text.encode("ascii")


def _dump(value):
    return json.dumps(value, default=str, allow_nan=False, separators=(",", ":"), skipkeys=True)
