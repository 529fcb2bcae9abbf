"""
The TCP sockets of this process that wait for somebody outside.

What one socket of an event loop sends to another one of it has arrived before the loop looks again. A peer elsewhere,
in another process or in a thread of its own, cannot be seen at work. But Linux knows when a socket has sent last and
when it has received last, and who has asked and has heard nothing since is waiting.
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from threading import get_ident
from typing import Any

from .maker import maker
from .noted import Noted

# After a byte, more may be on its way. Seconds, real.
_SILENCE = 0.05

# Of ``struct tcp_info`` (linux/tcp.h): the state, and how many milliseconds ago it has sent and received data.
_TCP_INFO = struct.Struct("=B43xI4xI")
_ESTABLISHED, _SYN_SENT = 1, 2


@dataclass(frozen=True)
class Note:
    """
    What is known of a socket.

    Attributes:
        line: Where it was made.
        thread: By which thread.
    """

    line: str
    thread: int


sockets: Noted[Note] = Noted()

_noted: set[type[Any]] = set()


def note_sockets(kind: type[Any] = socket.socket) -> None:
    """Note each TCP socket that *kind* makes from now on; none where the kernel is not Linux."""
    if kind not in _noted and sys.platform == "linux":
        _noted.add(kind)
        kind.__init__ = _noting(kind.__init__)


def sockets_at_work(patience: float) -> dict[Any, str]:
    """
    Give ``{socket: its description}`` of those of the calling thread that wait for somebody outside.

    Args:
        patience: How long an answer is waited for. Seconds.
    """
    own: dict[Any, Note] = {}
    for each, note in sockets.items():
        if each.fileno() == -1:
            sockets.discard(each)
        elif note.thread == get_ident():
            own[each] = note
    waiting = [each for each in own if _waits(each, patience)]
    if not waiting:
        return {}
    ends = {_ports(each) for each in own}
    outside = [each for each in waiting if _ports(each)[::-1] not in ends]
    return {each: f"the peer of the socket made at {own[each].line}" for each in outside}


def _noting(init: Callable[..., None]) -> Callable[..., None]:
    @wraps(init)
    def __init__(self: Any, *args: Any, **options: Any) -> None:
        init(self, *args, **options)
        if self.family in (socket.AF_INET, socket.AF_INET6) and self.type & socket.SOCK_STREAM:
            sockets.add(self, Note(maker(), get_ident()))

    return __init__


def _waits(each: Any, patience: float) -> bool:
    try:
        info = each.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        state, sent, received = _TCP_INFO.unpack(info)
    except (OSError, struct.error):  # closed meanwhile, or a protocol that only looks like TCP
        return False
    if state == _SYN_SENT:
        return True
    recent = min(sent, received) < _SILENCE * 1000
    return bool(state == _ESTABLISHED and (recent or sent < min(received, patience * 1000)))


def _ports(each: Any) -> tuple[int, int]:
    """Its own and that of its peer; the addresses of both ends may be written in different ways."""
    try:
        return each.getsockname()[1], each.getpeername()[1]
    except OSError:  # it has none yet, or none any more
        return -1, -2
