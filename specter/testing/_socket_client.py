"""A Socket.IO client for tests: it speaks the protocol to the application in memory, with no port."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

import anyio
from anyio.lowlevel import checkpoint

from specter._shield import run_whole
from specter._testing.blocks import AsyncBlock
from specter.sansio.duration import limit
from specter.sansio.errors import Refused
from specter.sansio.socket_client import ClientSession, namespaces_of, not_come
from specter.sansio.socket_packets import Decoder, Kind, Packet, encode, from_arguments, to_arguments
from specter.serving.asgi import Scope

from ._serving import Serving
from ._socket_connection import SocketConnection, end_pings, scope_of
from ._target import Target


def socket(
    app: Any,
    *,
    auth: Any = None,
    namespaces: str | Iterable[str] = "/",
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    path: str = "/socket.io/",
) -> SocketClient:
    """
    Give a Socket.IO client of an application: ``async with socket(app) as sio:`` connects it.

    Args:
        app: A manager, its Quart application, ``manager.asgi``, or another ASGI application with Socket.IO. Booted
            meanwhile, if it is not.
        auth: Sent on connect, what JSON has; `None` for nothing.
        namespaces: Those to connect to. Where a method is not told which one is meant, it is the first.
        headers: Of the request that opens the websocket.
        query: Parameters in its URL.
        path: Where the Socket.IO server is.

    Raises:
        TypeError: There is no Socket.IO in *app*.
        ValueError: A namespace is none.
    """
    target = Target.of(app)
    manager = target.manager
    if target.asgi is target.quart or (manager and manager.socketio is None and target.asgi is manager.asgi):
        raise TypeError(
            "socket() needs an application with Socket.IO: boot(app, socketio.AsyncServer(async_mode='asgi')), or "
            "another ASGI application with it"
        )
    return SocketClient(target, namespaces_of(namespaces), auth, scope_of(path, headers, query))


class SocketClient(AsyncBlock):
    """
    One client, from its connection to its end. `socket` makes it.

    Waits for events, never for time: exact in virtual time. Calls of several tasks at once do not disturb each other.
    """

    _made = "socket(...)"

    def __init__(self, target: Target, namespaces: tuple[str, ...], auth: Any, scope: Scope) -> None:
        self._target = target
        self._scope = scope
        self._session = ClientSession(namespaces, auth)
        self._decoder = Decoder()
        self._connection: SocketConnection | None = None
        self._serving: Serving | None = None
        # Set, and replaced, whenever something has come.
        self._changed = anyio.Event()

    def __repr__(self) -> str:
        return f"<SocketClient {self._session}>"

    async def __aenter__(self) -> Self:
        """
        Boot the application, and connect to all namespaces.

        Raises:
            Refused: The server does not let the client in; has its message and data.
            Exception: The boot, or the application's call, has failed by this error.
            RuntimeError: This client was connected before.
        """
        if self._connection is not None or self._serving is not None:
            raise RuntimeError("this client was connected before: make another one by socket(...)")
        try:
            self._serving = await Serving.join(self._target)
            await self._connect()
        except BaseException:
            self._session.untold()  # it comes out now
            await self.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """
        Disconnect, and shut down what was booted.

        Raises:
            Exception: The application's call has failed by this error, which no method has raised yet. It is a note of
                the block's own error, if there is one.
        """
        try:
            await self.aclose()
        except Exception as failure:
            if error is None or failure is not self._session.error:
                raise
            error.add_note(f"the application has failed as well: {failure!r}")

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

    async def emit(self, event: str, data: Any = None, *, namespace: str | None = None) -> None:
        """
        Send an event. The server may not have handled it yet when this returns.

        Args:
            event: Its name.
            data: Its argument, JSON and `bytes` at any depth; a tuple is several arguments, `None` is none.
            namespace: The first if not given.

        Raises:
            Disconnected: The client is not connected.
            PacketError: *data* cannot be sent.
        """
        self._emit(self._session.choose(namespace), event, data)
        await checkpoint()

    async def call(
        self, event: str, data: Any = None, *, namespace: str | None = None, timeout: float | None = 5.0
    ) -> Any:
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
            arguments = await self._come(
                lambda: session.acknowledged(namespace, number),
                f"the acknowledgement of {event!r}",
                namespace,
                timeout,
            )
        finally:
            session.forget(namespace, number)
        return from_arguments(arguments)

    async def receive(self, event: str, *, namespace: str | None = None, timeout: float | None = 5.0) -> Any:
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
        arguments = await self._come(lambda: self._session.take(namespace, event), repr(event), namespace, timeout)
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

    async def disconnect(self) -> None:
        """
        Leave, as a client does that is told to. Does nothing if it has left.

        When this returns, the server's disconnect handlers have run. A cancellation is heard after that.

        Raises:
            RuntimeError: They do not end within 5 seconds.
        """
        if self._connection is not None:
            await run_whole(self._leave, "disconnect of a client under test")

    async def aclose(self) -> None:
        """The end of the block; see `__aexit__`. May be called again."""
        try:
            await self.disconnect()
        finally:
            serving, self._serving = self._serving, None
            if serving is not None:
                await serving.leave()
        error = self._session.untold()
        if error is not None:
            raise error

    # The connection.

    async def _connect(self) -> None:
        session = self._session
        self._connection = SocketConnection(self._target.asgi, self._scope, self._heard, self._ended)
        with self._target.as_served():
            self._connection.open()
        while not session.decided:
            await self._changed.wait()
        if session.refusal is not None:
            raise session.refusal
        if session.error is not None:
            raise session.error
        if not session.sids:
            raise Refused(None, next(iter(session.left.values())))

    async def _leave(self) -> None:
        assert self._connection is not None
        self._send(*self._session.goodbye("the client has disconnected"))
        try:
            await self._connection.gone()
        finally:
            end_pings(self._session.engine_sid)

    async def _come(self, find: Callable[[], Any], what: str, namespace: str, timeout: float | None) -> Any:
        with anyio.move_on_after(limit(timeout)):
            while (found := find()) is None:
                self._session.require(namespace)
                await self._changed.wait()
            return found
        raise TimeoutError(not_come(what, timeout or 0, self._session, namespace))

    def _emit(self, namespace: str, event: str, data: Any, number: int | None = None) -> None:
        self._session.require(namespace)
        self._send(Packet(Kind.EVENT, namespace, [event, *to_arguments(data)], number))

    def _send(self, *packets: Packet) -> None:
        assert self._connection is not None
        for packet in packets:
            self._connection.send(encode(packet))

    def _heard(self, frame: str | bytes) -> None:
        try:
            packet = self._decoder.feed(frame)
            if packet is not None:
                self._send(*self._session.hear(packet))
        except Exception as error:
            self._session.fail(error)
        self._go_on()

    def _ended(self, how: str | BaseException) -> None:
        if isinstance(how, BaseException):
            self._session.fail(how)
        else:
            self._session.leave_all(how)
        self._go_on()

    def _go_on(self) -> None:
        if self._session.over and self._connection is not None:
            self._connection.close()
        changed, self._changed = self._changed, anyio.Event()
        changed.set()
