"""
A Socket.IO server over a Quart application, without a manager, for clients that misbehave.

    specter run hard:asgi
"""

import asyncio
import contextlib
import logging

import socketio
from quart import Quart, request, websocket

log = logging.getLogger("hard")
app = Quart(__name__)
sio = socketio.AsyncServer(async_mode="asgi")
asgi = socketio.ASGIApp(sio, app)
swallowed = []


@app.post("/upload")
async def upload():
    log.info("upload begins")
    return str(len(await request.get_data()))


@app.websocket("/echo")
async def echo():
    log.info("echo begins")
    try:
        while True:
            await websocket.send(await websocket.receive())
    finally:
        log.info("echo ends")


@sio.on("flood")
async def flood(sid):
    for _ in range(40):
        await sio.emit("water", "x" * 1_000_000, to=sid)
    log.info("flooded")


@sio.on("swallow")
async def swallow(sid):
    log.info("swallow begins")
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(600)


@sio.on("disconnect")
async def disconnect(sid, reason):
    log.info("disconnect: %s", reason)
