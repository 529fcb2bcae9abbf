"""
What a Socket.IO client and its server say to each other over a websocket, to and from frames.

A text frame begins with digits that say what it is; one that carries bytes is followed by a binary frame for each:

    0{"sid":...}          OPEN, with what the transport has to know    40/room,{"token":1}   CONNECT, with auth
    1                     CLOSE, of the transport                      41/room,              DISCONNECT
    2  3                  PING, PONG                                   42/room,7["event",1]  EVENT, to be acknowledged
    5  6                  UPGRADE, NOOP                                43/room,7[1]          ACK of number 7
                                                                       44/room,{"message":1} CONNECT_ERROR
    452-["event",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]  and two binary frames: EVENT with bytes
    461-7[{"_placeholder":true,"num":0}]                                       and one: ACK with bytes

The namespace is left out where it is ``/``.

Source: https://socket.io/docs/v4/engine-io-protocol/ (revision 4) and https://socket.io/docs/v4/socket-io-protocol/
(revision 5).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from .errors import PacketError

ROOT = "/"

_PLACEHOLDER = "_placeholder"
# What stands between the kind and the data. A number of more digits than JavaScript can count to is none.
_COUNT = re.compile(r"([0-9]{1,9})-")
_NAMESPACE = re.compile(r"(/[^,]*),?")
_NUMBER = re.compile(r"[0-9]{1,16}")


class Kind(Enum):
    """What a packet is; the value begins its frame."""

    OPEN = "0"
    CLOSE = "1"
    PING = "2"
    PONG = "3"
    UPGRADE = "5"
    NOOP = "6"
    CONNECT = "40"
    DISCONNECT = "41"
    EVENT = "42"
    ACK = "43"
    CONNECT_ERROR = "44"


# In a frame these two have a kind of their own when they carry bytes.
_WITH_BYTES = {Kind.EVENT: "45", Kind.ACK: "46"}
_KINDS = {kind.value: kind for kind in Kind}
_BINARY = {prefix: kind for kind, prefix in _WITH_BYTES.items()}


@dataclass(frozen=True)
class Packet:
    """
    One thing said.

    Attributes:
        kind: What it is.
        namespace: Of the transport's own packets always ``/``.
        data: Of an EVENT its name and its arguments, of an ACK the arguments, both as a list; of PING and PONG a text.
            Else what JSON has, and in EVENT and ACK also `bytes`, at any depth. `None` if there is nothing.
        number: Pairs an EVENT with its ACK; `None` if none is wanted.
    """

    kind: Kind
    namespace: str = ROOT
    data: Any = None
    number: int | None = None


def encode(packet: Packet) -> list[str | bytes]:
    """
    Make the frames of a packet.

    Returns:
        A text, and after it a `bytes` for each that the data contain.

    Raises:
        PacketError: The data are not what this kind can carry, or the namespace is none.
    """
    _check_namespace(packet.namespace)
    _check_data(packet)
    attachments: list[bytes] = []
    kind = packet.kind.value
    head = "" if packet.namespace == ROOT else f"{packet.namespace},"
    if packet.number is not None:
        head += str(packet.number)
    if packet.kind in (Kind.PING, Kind.PONG):
        return [f"{kind}{packet.data or ''}"]
    data = packet.data
    if packet.kind in _WITH_BYTES:
        data = _without_bytes(data, attachments)
        if attachments:
            kind = f"{_WITH_BYTES[packet.kind]}{len(attachments)}-"
    return [f"{kind}{head}{_to_json(data, packet.kind)}", *attachments]


class Decoder:
    """Puts the packets of one connection together from its frames."""

    def __init__(self) -> None:
        # The packet whose attachments are not all there, and those that are.
        self._begun: Packet | None = None
        self._wanted = 0
        self._attachments: list[bytes] = []

    def feed(self, frame: str | bytes) -> Packet | None:
        """
        Take in the next frame.

        Returns:
            The packet that it completes; `None` if attachments are still to come.

        Raises:
            PacketError: It is no frame of the protocol, or none that can come here.
        """
        if isinstance(frame, str):
            if self._begun is not None:
                missing = self._wanted - len(self._attachments)
                raise PacketError(f"{missing} binary frames should have come before {_shown(frame)}")
            packet, self._wanted = _decode(frame)
            if not self._wanted:
                return packet
            self._begun, self._attachments = packet, []
            return None
        if self._begun is None:
            raise PacketError(f"a binary frame of {len(frame)} bytes belongs to no packet")
        self._attachments.append(bytes(frame))
        if len(self._attachments) < self._wanted:
            return None
        begun, self._begun = self._begun, None
        data = _with_bytes(begun.data, self._attachments)
        return Packet(begun.kind, begun.namespace, data, begun.number)


def to_arguments(data: Any) -> list[Any]:
    """The arguments that an event or acknowledgement has: a tuple is several, `None` is none, all else is one."""
    if data is None:
        return []
    return list(data) if isinstance(data, tuple) else [data]


def from_arguments(arguments: list[Any]) -> Any:
    """What a caller is given for arguments: `None` for none, the one there is, or a tuple of several."""
    return arguments[0] if len(arguments) == 1 else tuple(arguments) or None


def _decode(frame: str) -> tuple[Packet, int]:
    """A packet as its text frame has it, and how many binary frames belong to it."""
    prefix = frame[:2] if frame[:1] == "4" else frame[:1]
    kind = _KINDS.get(prefix) or _BINARY.get(prefix)
    if kind is None:
        raise PacketError(f"a frame must begin with the digit of a packet, got {_shown(frame)}")
    rest = frame[len(prefix) :]
    if kind in (Kind.PING, Kind.PONG):
        return Packet(kind, data=rest or None), 0
    wanted = 0
    if prefix in _BINARY:
        count = _COUNT.match(rest)
        if count is None:
            raise PacketError(f"the number of binary frames is missing in {_shown(frame)}")
        wanted, rest = int(count[1]), rest[count.end() :]
    namespace, number = ROOT, None
    if len(prefix) == 2 and (found := _NAMESPACE.match(rest)):
        namespace, rest = found[1], rest[found.end() :]
    if kind in _WITH_BYTES and (found := _NUMBER.match(rest)):
        number, rest = int(found[0]), rest[found.end() :]
    packet = Packet(kind, namespace, _from_json(rest, frame), number)
    _check_data(packet)
    return packet, wanted


def _check_namespace(namespace: str) -> None:
    if not namespace.startswith("/") or "," in namespace:
        raise PacketError(f"a namespace must begin with '/' and have no comma, got {namespace!r}")


def _check_data(packet: Packet) -> None:
    data, number = packet.data, packet.number
    if packet.kind is Kind.EVENT and not (isinstance(data, list) and data and isinstance(data[0], str)):
        raise PacketError(f"an EVENT must be a list that begins with the name of the event, got {_shown(data)}")
    if packet.kind is Kind.ACK and not (isinstance(data, list) and number is not None):
        raise PacketError(f"an ACK must have a number and a list, got {number!r} and {_shown(data)}")
    if number is not None and (packet.kind not in _WITH_BYTES or number < 0):
        raise PacketError(f"{packet.kind.name} cannot have the number {number!r}")


def _to_json(data: Any, kind: Kind) -> str:
    if data is None:
        return ""
    try:
        return json.dumps(data, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        also = " and bytes" if kind in _WITH_BYTES else ""
        raise PacketError(f"{kind.name} can carry JSON{also}, but not {_shown(data)}: {error}") from error


def _from_json(text: str, frame: str) -> Any:
    if not text:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PacketError(f"no JSON in {_shown(frame)}: {error}") from error


def _without_bytes(data: Any, attachments: list[bytes]) -> Any:
    """Put a placeholder where bytes are, and these into *attachments*."""
    if isinstance(data, bytes | bytearray | memoryview):
        attachments.append(bytes(data))
        return {_PLACEHOLDER: True, "num": len(attachments) - 1}
    return _each(data, lambda value: _without_bytes(value, attachments))


def _with_bytes(data: Any, attachments: list[bytes]) -> Any:
    """The reverse."""
    if isinstance(data, dict) and data.get(_PLACEHOLDER) is True:
        number = data.get("num")
        if type(number) is not int or not 0 <= number < len(attachments):
            raise PacketError(f"there are {len(attachments)} binary frames, and no number {number!r} among them")
        return attachments[number]
    return _each(data, lambda value: _with_bytes(value, attachments))


def _each(data: Any, change: Callable[[Any], Any]) -> Any:
    """A copy of a list or dict with its values changed; all else as it is."""
    if isinstance(data, list | tuple):
        return [change(value) for value in data]
    if isinstance(data, dict):
        return {key: change(value) for key, value in data.items()}
    return data


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:100]}…"
