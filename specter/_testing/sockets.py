"""
The TCP sockets of this process that wait for somebody outside.

What one socket of an event loop sends to another one of it has arrived before the loop looks again. A peer elsewhere,
in another process or in a thread of its own, cannot be seen at work. But Linux counts what a socket has sent and
received: who has sent something since it has last heard something waits for an answer.
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from threading import get_native_id
from typing import Any, NamedTuple

from .maker import maker
from .noted import Noted

# After a byte, more may be on its way. Seconds, real.
_SILENCE = 0.05

# Of ``struct tcp_info`` (linux/tcp.h): the state; how many milliseconds ago it has sent and received data; how many
# packets with data it has received and sent.
_TCP_INFO = struct.Struct("=B43xI4xI96xII")
_ESTABLISHED, _SYN_SENT = 1, 2


class _Info(NamedTuple):
    state: int
    sent_ago: int
    received_ago: int
    received: int
    sent: int


@dataclass
class Note:
    """
    What is known of a socket.

    Attributes:
        line: Where it was made.
        thread: By which thread, by the number that gevent does not patch.
        received: How many packets it had received when it was last looked at.
        sent: How many it had sent when it had received the last of these.
    """

    line: str
    thread: int
    received: int = 0
    sent: int = 0


sockets: Noted[Note] = Noted()

_noted: set[type[Any]] = set()


def note_sockets(kind: type[Any] = socket.socket) -> None:
    """Note each TCP socket that *kind* makes from now on; none where the kernel is not Linux."""
    if kind not in _noted and sys.platform == "linux":
        _noted.add(kind)
        kind.__init__ = _noting(kind.__init__)


def note_answers() -> None:
    """Note what the sockets of the calling thread have received, before anybody reads it and sends more."""
    for each, note in _own():
        _look_at(each, note)


def sockets_at_work(patience: float) -> dict[Any, str]:
    """
    Give ``{socket: its description}`` of those of the calling thread that wait for somebody outside.

    Args:
        patience: How long an answer is waited for. Seconds.
    """
    own = _own()
    waiting = [(each, note) for each, note in own if _waits(_look_at(each, note), note, patience)]
    if not waiting:
        return {}
    ends = {_ports(each) for each, _ in own}
    return {
        each: f"the peer of the socket made at {note.line}" for each, note in waiting if _ports(each)[::-1] not in ends
    }


def _noting(init: Callable[..., None]) -> Callable[..., None]:
    @wraps(init)
    def __init__(self: Any, *args: Any, **options: Any) -> None:
        init(self, *args, **options)
        if self.family in (socket.AF_INET, socket.AF_INET6) and self.type & socket.SOCK_STREAM:
            sockets.add(self, Note(maker(), get_native_id()))

    return __init__


def _own() -> list[tuple[Any, Note]]:
    own = []
    for each, note in sockets.items():
        if each.fileno() == -1:
            sockets.discard(each)
        elif note.thread == get_native_id():
            own.append((each, note))
    return own


def _look_at(each: Any, note: Note) -> _Info | None:
    try:
        info = _Info._make(_TCP_INFO.unpack(each.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)))
    except (OSError, struct.error):  # closed meanwhile; a protocol that only looks like TCP; a kernel before 4.6
        return None
    if info.received > note.received:
        note.received, note.sent = info.received, info.sent
    return info


def _waits(info: _Info | None, note: Note, patience: float) -> bool:
    if info is None or info.state != _ESTABLISHED:
        return info is not None and info.state == _SYN_SENT
    recent = min(info.sent_ago, info.received_ago) < _SILENCE * 1000
    return recent or (info.sent > note.sent and info.sent_ago < patience * 1000)


def _ports(each: Any) -> tuple[int, int]:
    """Its own and that of its peer; the addresses of both ends may be written in different ways."""
    try:
        return each.getsockname()[1], each.getpeername()[1]
    except OSError:  # it has none yet, or none any more
        return -1, -2
