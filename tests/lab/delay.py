"""delay.py PID ADDRESS GATEWAY MILLISECONDS DEVICE - a slow wire to a node, in user space.

For kernels without netem: two tun devices, DEVICE here and eth0 in the network namespace
of process PID, and every packet between them waits half of the round trip's MILLISECONDS.
Ends with that process.
"""

import ctypes
import fcntl
import heapq
import os
import select
import struct
import subprocess
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
pid, address, gateway, wait, device = int(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4]) / 2000, sys.argv[5]


def tun(name):
    wire = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(wire, TUNSETIFF, struct.pack("16sH14x", name.encode(), IFF_TUN | IFF_NO_PI))
    return wire


def ip(command):
    subprocess.check_call(["ip"] + command.split())


def enter(namespace):
    if ctypes.CDLL(None, use_errno=True).setns(namespace, 0) != 0:
        raise OSError(ctypes.get_errno(), "setns")


node = os.pidfd_open(pid)
home = os.open("/proc/self/ns/net", os.O_RDONLY)
there = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
outer = tun(device)
ip(f"link set {device} up mtu 1400")
ip(f"route replace {address}/32 dev {device} src {gateway}")
enter(there)
inner = tun("eth0")
ip("link set eth0 up mtu 1400")
ip(f"addr add {address} peer {gateway} dev eth0")
enter(home)
os.close(there)

waiting, count, other = [], 0, {outer: inner, inner: outer}
while True:
    pause = max(0, waiting[0][0] - time.monotonic()) if waiting else None
    for wire in select.select([outer, inner, node], [], [], pause)[0]:
        if wire == node:
            sys.exit()
        try:
            packet = os.read(wire, 65536)
        except BlockingIOError:
            continue
        count += 1
        heapq.heappush(waiting, (time.monotonic() + wait, count, other[wire], packet))
    now = time.monotonic()
    while waiting and waiting[0][0] <= now:
        _, _, wire, packet = heapq.heappop(waiting)
        try:
            os.write(wire, packet)
        except OSError:
            pass  # a device that is down loses packets, as wires do
