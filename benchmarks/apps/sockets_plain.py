"""python-socketio alone."""

from typing import Any

import socketio

sio = socketio.AsyncServer(async_mode="asgi")
asgi = socketio.ASGIApp(sio)


@sio.event
async def echo(sid: str, data: Any) -> Any:
    return data


@sio.event
async def shout(sid: str, data: Any) -> None:
    await sio.emit("heard", data)
