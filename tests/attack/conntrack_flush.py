"""Deletes every entry of the connection table of this network namespace (ctnetlink, IPCTNL_MSG_CT_DELETE of no tuple)."""
import socket, struct
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
s.send(struct.pack('=IHHIIBBH', 20, 1 << 8 | 2, 0x5, 1, 0, 0, 0, 0))
answer = s.recv(4096)
assert struct.unpack('=i', answer[16:20])[0] == 0, answer
