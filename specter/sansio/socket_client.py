"""
What a Socket.IO client knows of its connection: who let it in, what has come, what is still to come.

    OPEN ──▶ CONNECT to each namespace ──▶ CONNECT: in ──▶ events and acknowledgements ──▶ left, with a reason
                                      └──▶ CONNECT_ERROR: refused

The twin brings each packet, sends what is given back, and wakes those who wait.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from .errors import Disconnected, Refused
from .socket_packets import ROOT, Kind, Packet, from_arguments, to_arguments


def namespaces_of(given: str | Iterable[str]) -> tuple[str, ...]:
    """
    Check the namespaces to connect to.

    Raises:
        ValueError: There is none, or one that no namespace can be called.
    """
    names = (given,) if isinstance(given, str) else tuple(dict.fromkeys(given))
    wrong = [name for name in names if not name.startswith("/") or "," in name]
    if not names or wrong:
        raise ValueError(f"namespaces must be one or more that begin with '/' and have no comma, got {given!r}")
    return names


class ClientSession:
    """
    One connection of one client.

    Args:
        namespaces: Those to connect to; where none is named, the first is meant.
        auth: Sent to each of them; `None` for nothing.

    Attributes:
        sids: ``{namespace: session id}`` of those that have let it in, also when it has left since.
        left: ``{namespace: reason}`` of those that it has left.
        refusal: That of the first namespace to refuse; `None` if none has.
        error: What went wrong in the connection, on either side; `None` if nothing has.
        engine_sid: The transport's own session id; `None` before it is open.
        answers: ``{(namespace, event): what computes the acknowledgement}``.
    """

    def __init__(self, namespaces: tuple[str, ...], auth: Any) -> None:
        self.sids: dict[str, str] = {}
        self.left: dict[str, str] = {}
        self.refusal: Refused | None = None
        self.error: BaseException | None = None
        self.engine_sid: str | None = None
        self.answers: dict[tuple[str, str], Callable[..., Any]] = {}
        self._namespaces = namespaces
        self._auth = auth
        self._error_was_told = False
        # Oldest first.
        self._events: list[tuple[str, str, list[Any]]] = []
        self._last_number: Counter[str] = Counter()
        # The acknowledgements that somebody waits for; `None` while one has not come.
        self._awaited: dict[tuple[str, int], list[Any] | None] = {}

    @property
    def connected(self) -> list[str]:
        """The namespaces that it is connected to."""
        return [namespace for namespace in self.sids if namespace not in self.left]

    def __str__(self) -> str:
        if self.connected:
            return f"connected to {', '.join(self.connected)}"
        if self.refusal is not None:
            return f"refused: {self.refusal.message}"
        if self.left:
            return f"disconnected: {next(iter(self.left.values()))}"
        return "not connected yet"

    @property
    def decided(self) -> bool:
        """Whether it is connected to all namespaces, or will never be."""
        return len(self.sids) == len(self._namespaces) or bool(self.refusal or self.left or self.error)

    @property
    def over(self) -> bool:
        """Whether it has left every namespace that has let it in."""
        return len(self.left) == len(self._namespaces)

    def hear(self, packet: Packet) -> list[Packet]:
        """
        Take in what the server says.

        Returns:
            What to send in return, in order.
        """
        match packet.kind:
            case Kind.OPEN:
                self.engine_sid = (packet.data or {}).get("sid")
                return [Packet(Kind.CONNECT, namespace, self._auth) for namespace in self._namespaces]
            case Kind.CLOSE:
                self.leave_all("the server closed the transport")
            case Kind.PING:
                return [Packet(Kind.PONG, data=packet.data)]
            case Kind.CONNECT:
                self.sids[packet.namespace] = str((packet.data or {}).get("sid"))
            case Kind.DISCONNECT:
                told = f": {_message(packet.data)}" if packet.data else ""
                self.left.setdefault(packet.namespace, f"the server disconnected the client{told}")
            case Kind.CONNECT_ERROR:
                extra = packet.data.get("data") if isinstance(packet.data, dict) else None
                self.refusal = self.refusal or Refused(packet.namespace, _message(packet.data), extra)
            case Kind.EVENT:
                return self._event(packet)
            case Kind.ACK:
                key = packet.namespace, packet.number or 0
                if key in self._awaited:  # else nobody waits any more
                    self._awaited[key] = packet.data
        return []

    def goodbye(self, reason: str) -> list[Packet]:
        """Leave by oneself. Gives what to send: to each namespace, and then to the transport."""
        packets = [Packet(Kind.DISCONNECT, namespace) for namespace in self.connected]
        self.leave_all(reason)
        return [*packets, Packet(Kind.CLOSE)]

    def leave_all(self, reason: str) -> None:
        """Note that the connection has ended; what was known before stays."""
        for namespace in self._namespaces:
            self.left.setdefault(namespace, reason)

    def fail(self, error: BaseException) -> None:
        """Note that the connection has ended by an error; the first one counts."""
        self.error = self.error or error
        self.leave_all(str(error))

    def untold(self) -> BaseException | None:
        """Give the error by which the connection has ended, unless somebody was told of it; `None` if there is none."""
        error = None if self._error_was_told else self.error
        self._error_was_told = True
        return error

    def sid(self, namespace: str | None) -> str:
        """
        The session id in a namespace, also when it has been left since.

        Raises:
            Disconnected: It has never been connected.
            ValueError: The namespace is none of this client.
        """
        namespace = self.choose(namespace)
        if namespace not in self.sids:
            self.require(namespace)
        return self.sids[namespace]

    def choose(self, namespace: str | None) -> str:
        """
        The namespace that is meant.

        Raises:
            ValueError: The client does not connect to it.
        """
        if namespace is not None and namespace not in self._namespaces:
            raise ValueError(f"namespace {namespace!r} is none of those of this client: {', '.join(self._namespaces)}")
        return self._namespaces[0] if namespace is None else namespace

    def require(self, namespace: str) -> None:
        """
        Refuse to use what is not connected.

        Raises:
            Disconnected: It is not, or not any more.
            BaseException: The connection has ended by this error.
        """
        if self.error is not None:
            self._error_was_told = True
            raise self.error
        if namespace in self.left:
            raise Disconnected(namespace, self.left[namespace])
        if namespace not in self.sids:
            raise Disconnected(namespace, "it has not been connected yet, enter the block of the client first")

    # Events.

    def take(self, namespace: str, event: str) -> list[Any] | None:
        """
        Take out the oldest event of a name.

        Returns:
            Its arguments; `None` if there is none.
        """
        for index, (of, name, arguments) in enumerate(self._events):
            if (of, name) == (namespace, event):
                del self._events[index]
                return arguments
        return None

    def waiting(self, namespace: str) -> list[tuple[str, Any]]:
        """The events that were not taken, oldest first, each with its data."""
        return [(name, from_arguments(arguments)) for of, name, arguments in self._events if of == namespace]

    # Acknowledgements.

    def expect(self, namespace: str) -> int:
        """Give the number of an event whose acknowledgement is awaited."""
        self._last_number[namespace] += 1
        number = self._last_number[namespace]
        self._awaited[namespace, number] = None
        return number

    def acknowledged(self, namespace: str, number: int) -> list[Any] | None:
        """The arguments of an acknowledgement; `None` before it comes."""
        return self._awaited[namespace, number]

    def forget(self, namespace: str, number: int) -> None:
        """Await an acknowledgement no more."""
        del self._awaited[namespace, number]

    def _event(self, packet: Packet) -> list[Packet]:
        name, *arguments = packet.data
        self._events.append((packet.namespace, name, arguments))
        if packet.number is None:
            return []
        answer = self.answers.get((packet.namespace, name))
        answered = to_arguments(answer(*arguments)) if answer is not None else []
        return [Packet(Kind.ACK, packet.namespace, answered, packet.number)]


def not_come(what: str, timeout: float, session: ClientSession, namespace: str) -> str:
    """What a `TimeoutError` says."""
    there = [name for name, _ in session.waiting(namespace)]
    at = "" if namespace == ROOT else f" in {namespace!r}"
    return f"{what} has not come within {timeout} s{at}; not taken yet: {', '.join(map(repr, there)) or 'nothing'}"


def _message(data: Any) -> str:
    """What a server says in a refusal: an object with a message, as servers send it, or a text, as older ones do."""
    told = data.get("message") if isinstance(data, dict) else data
    return str(told) if told is not None else "it gave no reason"
