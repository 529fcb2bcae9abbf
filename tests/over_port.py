"""python-socketio's own client over a port, with the methods of the client in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import socketio
from live_sockets import Live

from specter.sansio.socket_packets import from_arguments, to_arguments
from specter.testing import Disconnected, Refused


class Real:
    """python-socketio's client with the methods of ours."""

    def __init__(self, client: socketio.AsyncClient, namespaces: tuple[str, ...]) -> None:
        self.client = client
        self.namespaces = namespaces
        self.sids: dict[str, str] = {}
        self.answers: dict[tuple[str, str], Callable[..., Any]] = {}
        self.inbox: list[tuple[str, str, list[Any]]] = []
        self.left: set[str] = set()
        self.refusals: list[tuple[str, Any]] = []
        self.changed = anyio.Event()
        for namespace in namespaces:
            client.on("*", self._on_event(namespace), namespace=namespace)
            client.on("disconnect", self._on_disconnect(namespace), namespace=namespace)
            client.on("connect_error", self._on_refusal(namespace), namespace=namespace)

    @property
    def sid(self) -> str:
        return self.sid_in(self.namespaces[0])

    def sid_in(self, namespace: str) -> str:
        return self.sids[namespace]

    @property
    def connected(self) -> bool:
        return len(self.left) < len(self.namespaces)

    async def connect(self, url: str, auth: Any, headers: Any, query: dict[str, str]) -> None:
        query_string = "&".join(f"{name}={value}" for name, value in query.items())
        try:
            await self.client.connect(
                f"{url}?{query_string}",
                auth=auth,
                headers=headers or {},
                namespaces=list(self.namespaces),
                transports=["websocket"],
                wait_timeout=10,
            )
        except socketio.exceptions.ConnectionError:
            namespace, data = self.refusals[0]
            message = data["message"] if isinstance(data, dict) else data
            raise Refused(namespace, message, data.get("data") if isinstance(data, dict) else None) from None
        self.sids = {namespace: self.client.get_sid(namespace) for namespace in self.namespaces}

    async def emit(self, event: str, data: Any = None, *, namespace: str | None = None) -> None:
        await self.client.emit(event, data, namespace=namespace or self.namespaces[0])

    async def call(
        self, event: str, data: Any = None, *, namespace: str | None = None, timeout: float | None = 5.0
    ) -> Any:
        try:
            return await self.client.call(event, data, namespace=namespace or self.namespaces[0], timeout=timeout)
        except socketio.exceptions.TimeoutError:
            raise TimeoutError from None

    async def receive(self, event: str, *, namespace: str | None = None, timeout: float | None = 5.0) -> Any:
        namespace = namespace or self.namespaces[0]
        with anyio.fail_after(timeout):
            while True:
                for one in self.inbox:
                    if one[:2] == (namespace, event):
                        self.inbox.remove(one)
                        return from_arguments(one[2])
                if namespace in self.left:
                    raise Disconnected(namespace, "told by the client")
                await self.changed.wait()

    def received(self, *, namespace: str | None = None) -> list[tuple[str, Any]]:
        wanted = namespace or self.namespaces[0]
        return [(event, from_arguments(arguments)) for of, event, arguments in self.inbox if of == wanted]

    def answer(self, event: str, fn: Callable[..., Any], *, namespace: str | None = None) -> None:
        self.answers[namespace or self.namespaces[0], event] = fn

    async def disconnect(self) -> None:
        await self.client.disconnect()

    def _on_event(self, namespace: str) -> Callable[..., Any]:
        def heard(event: str, *arguments: Any) -> Any:
            self.inbox.append((namespace, event, list(arguments)))
            self._go_on()
            answer = self.answers.get((namespace, event))
            return tuple(to_arguments(answer(*arguments))) if answer is not None else None

        return heard

    def _on_disconnect(self, namespace: str) -> Callable[..., Any]:
        def left(reason: str) -> None:
            self.left.add(namespace)
            self._go_on()

        return left

    def _on_refusal(self, namespace: str) -> Callable[..., Any]:
        return lambda data=None: self.refusals.append((namespace, data))

    def _go_on(self) -> None:
        changed, self.changed = self.changed, anyio.Event()
        changed.set()


@asynccontextmanager
async def over_port(
    live: Live,
    *,
    auth: Any = None,
    namespaces: str | tuple[str, ...] = "/",
    headers: Any = None,
    query: dict[str, str] | None = None,
) -> AsyncIterator[Real]:
    """A connection with the options of `specter.testing.socket`."""
    async with live.client(connect=False) as client:
        names = (namespaces,) if isinstance(namespaces, str) else tuple(namespaces)
        real = Real(client, names)
        await real.connect(live.url, auth, headers, query or {})
        yield real
