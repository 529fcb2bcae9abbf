"""The types of ASGI, and the answers that the gate gives itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

# "Service Restart" of the IANA registry of close codes: clients reconnect after it.
WEBSOCKET_RESTART = 1012


def query(scope: Scope) -> str:
    """The query string of a call."""
    encoded: bytes = scope.get("query_string", b"")
    return encoded.decode("latin-1")


async def send_unavailable(scope: Scope, send: Send) -> None:
    """Answer a request with 503, and have the client come back on a connection of its own."""
    headers = [(b"content-length", b"0"), (b"retry-after", b"1")]
    if scope.get("http_version", "1.1").startswith("1"):
        headers.append((b"connection", b"close"))  # RFC 9113, 8.2.2: no such field in HTTP/2
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send_last_chunk(send)


async def send_text(send: Send, body: bytes) -> None:
    """Answer a request with 200 and *body*."""
    headers = [(b"content-type", b"text/plain; charset=UTF-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_last_chunk(send: Send) -> None:
    """End the body of a response."""
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def send_close(send: Send) -> None:
    """Close a websocket; one that was not accepted yet is refused by it."""
    await send({"type": "websocket.close", "code": WEBSOCKET_RESTART})
