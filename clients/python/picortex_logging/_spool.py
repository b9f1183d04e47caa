"""Lines on disk that the daemon has not stored yet."""

import contextlib
import fcntl
import os
import re
import stat
import uuid

BATCH_LINES = 2_000
BATCH_BYTES = 512 * 1024


class Spool:
    """Lines on disk, in one file for each process of the user, locked while the process lives."""

    _NAME = re.compile(r"^python-[0-9a-f-]+\.ndjson$")

    def __init__(self, folder, bytes_max):
        self._folder = folder
        self._bytes_max = bytes_max
        self._own = None

    def emptied(self):
        """The same folder for a forked child, which must not write into its parent's file."""
        return Spool(self._folder, self._bytes_max)

    def append(self, lines):
        """Raises OSError when they are not kept."""
        if not self._folder:
            raise OSError("neither HOME nor XDG_STATE_HOME names a place for them")
        if self._own is None:
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            status = os.lstat(self._folder)
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
                raise OSError(f"{self._folder} is not a folder of this user's own")
            path = os.path.join(self._folder, f"python-{uuid.uuid4()}.ndjson")
            number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
            fcntl.flock(number, fcntl.LOCK_EX)
            self._own = open(number, "r+b", buffering=0)
            self._own_path = path
        data = b"".join(line + b"\n" for line in lines)
        if self._used() + len(data) > self._bytes_max:
            raise OSError(f"{self._folder} is full")
        size = os.fstat(self._own.fileno()).st_size
        try:
            written = 0
            while written < len(data):
                written += self._own.write(data[written:])
        except OSError:
            os.ftruncate(self._own.fileno(), size)
            raise

    def deliver(self, post):
        """Hands files to `post`, in parts of whole lines, and deletes those that it takes: it raises for what it does not."""
        if self._own is not None:
            self._deliver_file(self._own, self._own_path, post)
            self._own.close()
            self._own = None
        for name in self._names():
            path = os.path.join(self._folder, name)
            try:
                file = open(path, "r+b", buffering=0)
            except OSError:
                continue  # another process delivered it
            with file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue  # its process lives
                self._deliver_file(file, path, post)

    @staticmethod
    def _deliver_file(file, path, post):
        file.seek(0)
        rest = b""
        while part := file.read(BATCH_BYTES):
            *lines, rest = (rest + part).split(b"\n")
            for start in range(0, len(lines), BATCH_LINES):
                post([line for line in lines[start:start + BATCH_LINES] if line])
        if rest:
            post([rest])
        os.unlink(path)

    def _names(self):
        try:
            return sorted(name for name in os.listdir(self._folder or "") if self._NAME.match(name))
        except OSError:
            return []

    def _used(self):
        used = 0
        for name in self._names():
            with contextlib.suppress(OSError):
                used += os.stat(os.path.join(self._folder, name)).st_size
        return used
