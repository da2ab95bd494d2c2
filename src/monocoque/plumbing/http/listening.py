"""Sockets that listen, bound before anything starts.

Rules: a port that is taken is our own error, and a free port (0) is known before anything is made;
loopback only, unless told otherwise, and both its addresses where the machine has both.

Left out on purpose: whatever answers on them; so who only binds loads no server.
"""

import errno
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from monocoque.contracts.errors import PortInUse, SettingInvalid

LOOPBACK = ("127.0.0.1", "::1")


@dataclass(frozen=True)
class Listener:
    """Sockets that are bound to one port and do not yet answer; to be used with ``with``."""

    port: int
    sockets: tuple[socket.socket, ...]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Give the port back; harmless when the server has done so."""
        for each in self.sockets:
            each.close()


def listen(port: int, addresses: Sequence[str] = LOOPBACK) -> Listener:
    """Bind the port on every address that the machine has.

    port: 0 for any free one. Raises PortInUse, or SettingInvalid when an address is not ours or the
    port may not be bound.
    """
    bound: list[socket.socket] = []
    try:
        for address in addresses:
            one = _bind(address, bound[0].getsockname()[1] if bound else port)
            if one is not None:
                bound.append(one)
    except OSError as error:
        for one in bound:
            one.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(f"Port {port} is taken by another program.") from error
        raise SettingInvalid(f"Port {port} cannot be bound: {error.strerror}.") from error
    if not bound:
        raise SettingInvalid("The machine has none of the addresses to listen on.")
    return Listener(bound[0].getsockname()[1], tuple(bound))


def _bind(address: str, port: int) -> socket.socket | None:
    """A bound socket, or None on a machine without IPv6."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        # With the protocol named, asyncio sets TCP_NODELAY on what is accepted; without it, an
        # answer whose head and body are written apart waits 40 ms for an acknowledgement.
        one = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError:
        if family is socket.AF_INET6:
            return None
        raise
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind((address, port))
        one.listen()
        one.setblocking(False)
    except OSError as error:
        one.close()
        if family is socket.AF_INET6 and error.errno == errno.EADDRNOTAVAIL:
            return None
        raise
    return one
