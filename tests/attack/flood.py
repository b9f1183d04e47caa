"""Fills the fence's queue with SYNs to an address that no rule allows, as the fenced user, while the daemon sleeps.

usage: flood.py ADDRESS COUNT"""
import socket, sys
address, count = sys.argv[1], int(sys.argv[2])
for i in range(count):
    s = socket.socket()
    s.setblocking(False)
    try: s.connect((address, 1024 + i % 60000))
    except OSError: pass
    s.close()
