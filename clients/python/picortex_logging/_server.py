"""Where the daemon is, and whose process listens there."""

import http.client
import socket
import sys
from urllib.parse import urlsplit


class Server:
    """Where the daemon is, and whose process may listen there."""

    def __init__(self, url):
        self.text = url
        self.path = url[len("unix:"):] if url.startswith("unix:/") else None
        if self.path is None:
            parts = urlsplit(url)
            is_plain = parts.path in ("", "/") and not parts.query and not parts.username
            if parts.scheme not in ("http", "https") or not parts.hostname or not is_plain:
                raise ValueError(f"url {url!r} is not allowed. Give http://HOST:PORT, https://HOST or unix:/PATH.")
            self.is_tls = parts.scheme == "https"
            self.host = parts.hostname
            self.port = parts.port or (443 if self.is_tls else 80)

    def connect(self, timeout, trusted):
        if self.path is not None:
            connection = _UnixConnection(self.path, timeout)
        elif self.is_tls:
            connection = http.client.HTTPSConnection(self.host, self.port, timeout=timeout)
        else:
            connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        connection.connect()
        owner = self._owner(connection.sock)
        if owner is not None and owner != 0 and owner not in trusted:
            connection.close()
            whose = "a process that cannot be identified" if owner < 0 else f"user {owner}"
            raise PermissionError(f"{self.text} belongs to {whose}, not to root, this user or the token's owner: "
                                  "it is not sent the token")
        return connection

    def _owner(self, connected):
        """The user who listens there; -1: cannot be found; None: not on this host."""
        if self.path is not None:
            _, uid, _ = _peer_credentials(connected)
            return uid
        address, port = connected.getpeername()[:2]
        if not sys.platform.startswith("linux") or not (address.startswith("127.") or address == "::1"):
            return None
        return _listener_owner(address, port)


def _peer_credentials(connected):
    packed = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return tuple(int.from_bytes(packed[i:i + 4], sys.byteorder) for i in (0, 4, 8))


def _listener_owner(address, port):
    """The chat user reaches loopback too, and could listen in the daemon's place: /proc/net/tcp says whose a port is."""
    if address == "::1":
        wanted = [("tcp6", "0" * 24 + "01000000"), ("tcp6", "0" * 32)]
    else:
        four = socket.inet_aton(address)[::-1].hex().upper()
        wanted = [("tcp", four), ("tcp6", "0" * 16 + "FFFF0000" + four), ("tcp", "0" * 8), ("tcp6", "0" * 32)]
    for name, local in wanted:
        try:
            with open(f"/proc/net/{name}", encoding="ascii") as table:
                for line in table:
                    fields = line.split()
                    if fields[1] == f"{local}:{port:04X}" and fields[3] == "0A":
                        return int(fields[7])
        except FileNotFoundError:
            continue
    return -1


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
