"""
A small ASGI application without Specter, whose faults are asked for by path, or chosen by name.

    specter run plain:site
"""

import asyncio
import logging
import subprocess
import sys
import time

import anyio

ORPHAN = """
from subprocess import DEVNULL, Popen
print(Popen(['sleep', '300'], stdout=DEVNULL, stderr=DEVNULL, start_new_session=True).pid)
"""

log = logging.getLogger("plain")


class Site:
    """Answers requests; *startup* and *shutdown* are awaited in its lifespan."""

    def __init__(self, startup=None, shutdown=None):
        self.startup, self.shutdown = startup, shutdown
        self.tasks = []

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await self.live(receive, send)
            return
        path = scope["path"].strip("/") or "index"
        log.info("%s is asked for", path)
        text = await getattr(self, path)()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": text.encode()})

    async def live(self, receive, send):
        try:
            for phase, act in (("startup", self.startup), ("shutdown", self.shutdown)):
                await receive()
                log.info("%s begins", phase)
                if act is not None:
                    await act()
                await send({"type": f"lifespan.{phase}.complete"})
        except OSError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
        finally:
            log.info("the lifespan is left")

    async def index(self):
        return "hello"

    async def block(self):
        time.sleep(30)  # noqa: ASYNC251 - that is the fault

    async def hold(self):
        return str(sum(range(10**11)))  # one call into C, which neither comes back nor lets another thread run

    async def thread(self):
        self.tasks.append(asyncio.ensure_future(asyncio.to_thread(sleep_in_a_thread)))
        return "started"

    async def worker(self):
        await asyncio.to_thread(time.sleep, 0)
        await anyio.to_thread.run_sync(time.sleep, 0)
        return "done"

    async def swallow(self):
        self.tasks.append(asyncio.ensure_future(swallow_cancellation()))
        return "started"

    async def generate(self):
        """Leave an async generator in the midst, whose end hangs."""
        self.tasks.append(endless())
        return await anext(self.tasks[-1])

    async def exit(self):
        self.tasks.append(asyncio.ensure_future(leave()))
        return "leaving"

    async def orphan(self):
        """Start a process in a session of its own, below one that ends at once."""
        return subprocess.run([sys.executable, "-c", ORPHAN], capture_output=True, text=True).stdout  # noqa: ASYNC221


def sleep_in_a_thread():
    time.sleep(30)


async def swallow_cancellation():
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            log.info("swallowed")


async def endless():
    try:
        yield "started"
    finally:
        await asyncio.sleep(3600)


async def leave():
    sys.exit(3)


async def hang():
    await asyncio.sleep(3600)


async def fail():
    raise OSError("no database on port 5432")


site = Site()
hanging = Site(startup=hang)
failing = Site(startup=fail)
hung = Site(shutdown=hang)


def make():
    return Site()
