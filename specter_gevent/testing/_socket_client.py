"""A Socket.IO client for tests, over Flask-SocketIO's own test client: no port, no server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from gevent.event import Event

from specter._testing.blocks import PlainBlock
from specter.sansio.duration import limit
from specter.sansio.socket_client import ClientSession, namespaces_of, not_come
from specter.sansio.socket_packets import Decoder, Kind, Packet, encode, from_arguments, to_arguments
from specter_gevent._limit import within

from ._serving import Serving
from ._socket_connection import SocketConnection
from ._target import Target


def socket(
    app: Any,
    *,
    auth: Any = None,
    namespaces: str | Iterable[str] = "/",
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
) -> SocketClient:
    """
    Give a Socket.IO client of an application: ``with socket(app) as sio:`` connects it.

    Args:
        app: A manager, or its Flask application. Booted meanwhile, if it is not.
        auth: Sent on connect, what JSON has; `None` for nothing.
        namespaces: Those to connect to. Where a method is not told which one is meant, it is the first.
        headers: Of the request that opens the connection.
        query: Parameters in its URL.

    Raises:
        TypeError: There is no Flask-SocketIO in *app*.
        ValueError: A namespace is none.
    """
    target = Target.of(app)
    if target.flask is None or target.socketio is None:
        raise TypeError("socket() needs an application with Socket.IO: boot(app, flask_socketio.SocketIO(app))")
    return SocketClient(target, namespaces_of(namespaces), auth, headers, query)


class SocketClient(PlainBlock):
    """
    One client, from its connection to its end. `socket` makes it.

    Waits for events, never for time: exact in virtual time. Calls of several greenlets at once do not disturb each
    other. As with Flask-SocketIO's own test client, the server handles an event within the call that sends it.
    """

    _made = "socket(...)"

    def __init__(
        self,
        target: Target,
        namespaces: tuple[str, ...],
        auth: Any,
        headers: Mapping[str, str] | None,
        query: Mapping[str, str] | None,
    ) -> None:
        self._target = target
        self._how: dict[str, Any] = {"namespaces": namespaces, "auth": auth, "headers": headers, "query": query}
        self._session = ClientSession(namespaces, auth)
        self._decoder = Decoder()
        self._connection: SocketConnection | None = None
        self._serving: Serving | None = None
        self._used = False
        # Set, and replaced, whenever something has come.
        self._changed = Event()

    def __repr__(self) -> str:
        return f"<SocketClient {self._session}>"

    def __enter__(self) -> Self:
        """
        Boot the application, and connect to all namespaces.

        Raises:
            Refused: The server does not let the client in; has its message and data.
            Exception: A handler has failed by this error.
            RuntimeError: This client was connected before.
        """
        if self._used:
            raise RuntimeError("this client was connected before: make another one by socket(...)")
        self._used = True
        try:
            self._serving = Serving.join(self._target)
            self._connect()
        except BaseException:
            self._session.untold()  # it comes out now
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """
        Disconnect, and shut down what was booted.

        Raises:
            Exception: The connection has failed by this error, which no method has raised yet. It is a note of the
                block's own error, if there is one.
        """
        try:
            self.close()
        except Exception as failure:
            if error is None or failure is not self._session.error:
                raise
            error.add_note(f"the connection has failed as well: {failure!r}")

    # What it is.

    @property
    def connected(self) -> bool:
        """Whether it is connected, to one namespace at least."""
        return bool(self._session.connected)

    @property
    def sid(self) -> str:
        """
        Its session id in the first namespace.

        Raises:
            Disconnected: It has never been connected.
        """
        return self._session.sid(None)

    def sid_in(self, namespace: str) -> str:
        """
        Its session id in a namespace.

        Raises:
            Disconnected: It has never been connected.
            ValueError: The namespace is none of this client.
        """
        return self._session.sid(namespace)

    # What it does.

    def emit(self, event: str, data: Any = None, *, namespace: str | None = None) -> None:
        """
        Send an event. The server has handled it when this returns.

        Args:
            event: Its name.
            data: Its argument, JSON and `bytes` at any depth; a tuple is several arguments, `None` is none.
            namespace: The first if not given.

        Raises:
            Disconnected: The client is not connected.
            PacketError: *data* cannot be sent.
            Exception: What a handler that is none of Specter's raised.
        """
        self._emit(self._session.choose(namespace), event, data)

    def call(self, event: str, data: Any = None, *, namespace: str | None = None, timeout: float | None = 5.0) -> Any:
        """
        Send an event, and wait for its acknowledgement.

        Args:
            event: Its name.
            data: As for `emit`.
            namespace: The first if not given.
            timeout: Seconds; `None` waits for as long as it takes.

        Returns:
            What the server answered: `None` for nothing, a tuple for several values.

        Raises:
            TimeoutError: It did not answer in time.
            Disconnected: The connection ended before the answer.
            PacketError: *data* cannot be sent.
            TypeError, ValueError: *timeout* is no time.
        """
        session, namespace = self._session, self._session.choose(namespace)
        number = session.expect(namespace)
        try:
            self._emit(namespace, event, data, number)
            arguments = self._come(
                lambda: session.acknowledged(namespace, number),
                f"the acknowledgement of {event!r}",
                namespace,
                timeout,
            )
        finally:
            session.forget(namespace, number)
        return from_arguments(arguments)

    def receive(self, event: str, *, namespace: str | None = None, timeout: float | None = 5.0) -> Any:
        """
        Take the oldest event of a name that has come and was not taken; wait for it if there is none.

        Args:
            event: Its name.
            namespace: The first if not given.
            timeout: Seconds; `None` waits for as long as it takes.

        Returns:
            Its data: `None` for nothing, a tuple for several arguments.

        Raises:
            TimeoutError: None came in time; names what has come.
            Disconnected: The connection ended before one came.
            TypeError, ValueError: *timeout* is no time.
        """
        namespace = self._session.choose(namespace)
        arguments = self._come(lambda: self._session.take(namespace, event), repr(event), namespace, timeout)
        return from_arguments(arguments)

    def received(self, *, namespace: str | None = None) -> list[tuple[str, Any]]:
        """What has come and `receive` has not taken, oldest first: ``(event, data)``. Never waits."""
        return self._session.waiting(self._session.choose(namespace))

    def answer(self, event: str, fn: Callable[..., Any], *, namespace: str | None = None) -> None:
        """
        Have an event of the server acknowledged by what *fn* returns; nothing is, if there is none.

        Args:
            event: Its name.
            fn: Plain; called with the event's arguments. An error in it ends the connection, and is raised in the test.
            namespace: The first if not given.
        """
        self._session.answers[self._session.choose(namespace), event] = fn

    def disconnect(self) -> None:
        """
        Leave, as a client does that is told to. Does nothing if it has left.

        When this returns, the server's disconnect handlers have run.

        Raises:
            Exception: What a handler that is none of Specter's raised.
        """
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            for packet in self._session.goodbye("the client has disconnected"):
                if packet.kind is Kind.DISCONNECT:  # there is no transport to be closed
                    connection.send_frames(encode(packet))
        finally:
            connection.forget()
            self._go_on()

    def close(self) -> None:
        """The end of the block; see `__exit__`. May be called again."""
        try:
            self.disconnect()
        finally:
            serving, self._serving = self._serving, None
            if serving is not None:
                serving.leave()
        error = self._session.untold()
        if error is not None:
            raise error

    # The connection.

    def _connect(self) -> None:
        session = self._session
        self._connection = SocketConnection(self._target.flask, self._target.socketio, self._heard, **self._how)
        if session.refusal is not None:
            raise session.refusal
        if session.error is not None:
            raise session.error

    def _come(self, find: Callable[[], Any], what: str, namespace: str, timeout: float | None) -> Any:
        limit(timeout)
        with within(timeout):
            while (found := find()) is None:
                self._session.require(namespace)
                self._changed.wait()
            return found
        raise TimeoutError(not_come(what, timeout or 0, self._session, namespace))

    def _emit(self, namespace: str, event: str, data: Any, number: int | None = None) -> None:
        self._session.require(namespace)
        assert self._connection is not None
        self._connection.send_frames(encode(Packet(Kind.EVENT, namespace, [event, *to_arguments(data)], number)))

    def _heard(self, connection: SocketConnection, frame: str | bytes) -> None:
        try:
            packet = self._decoder.feed(frame)
            answers = self._session.hear(packet) if packet is not None else []
        except Exception as error:
            self._session.fail(error)
            answers = []
        self._go_on()
        for answer in answers:
            connection.send_frames(encode(answer))

    def _go_on(self) -> None:
        changed, self._changed = self._changed, Event()
        changed.set()
