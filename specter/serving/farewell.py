"""The clients of an Engine.IO server by their calls, and the last words to one that is gone already."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs


def is_client(query: str) -> bool:
    """Whether a call with this query string carries a Socket.IO client, by polling or by websocket."""
    return "EIO=" in query


def is_known_client(query: str) -> bool:
    """Whether it is one that was given its id: told to go, it hears that in the answer to a call of its own."""
    return "EIO=" in query and "sid=" in query


def farewell(engineio: Any, method: str, query: str) -> bytes | None:
    """
    What a polling client still has to hear that was told to go between two of its polls.

    Engine.IO answers that poll with an error, which the client takes for a broken connection.

    Args:
        engineio: The server whose clients are being told.
        method: Of the request.
        query: Its query string.

    Returns:
        The body of the answer; `None` if the client is there, and the server answers by itself.
    """
    from engineio.packet import CLOSE, Packet
    from engineio.payload import Payload

    sid = parse_qs(query).get("sid", [""])[0]
    client = engineio.sockets.get(sid)
    if client is not None and not client.closed:
        return None
    if method != "GET":
        return b"ok"
    packets = []
    while client is not None and not client.queue.empty():
        packets.append(client.queue.get_nowait())
        client.queue.task_done()
    body: str = Payload(packets=[packet for packet in packets if packet is not None] or [Packet(CLOSE)]).encode()
    return body.encode()
