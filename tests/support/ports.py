"""Ports for programs that are told theirs.

    ports.py <count> <command>...    runs the command with the first of so many ports in a row as PORT

Python programs import it after `sys.path.insert(0, "<this folder>")`.
"""

import os
import socket
import sys

_reserved = []


def free_ports(count=1):
    """Ports of the loopback in a row, on which nobody listens; the first one. They stay reserved until this process
    ends: a socket is bound to each, so that no other program gets one by chance, not even for a connection of its
    own, while a server that sets SO_REUSEADDR may listen on it."""
    for _ in range(1000):
        sockets = []
        try:
            for number in range(count):
                sockets.append(socket.socket())
                sockets[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sockets[-1].bind(("127.0.0.1", sockets[0].getsockname()[1] + number if number else 0))
            _reserved.extend(sockets)
            return sockets[0].getsockname()[1]
        except (OSError, OverflowError):  # the next one is in use, or beyond the last one
            for each in sockets:
                each.close()
    raise RuntimeError(f"there are no {count} free ports in a row")


def free_port():
    return free_ports(1)


if __name__ == "__main__":
    environment = {**os.environ, "PORT": str(free_ports(int(sys.argv[1])))}
    for each in _reserved:
        each.set_inheritable(True)
    os.execvpe(sys.argv[2], sys.argv[2:], environment)
