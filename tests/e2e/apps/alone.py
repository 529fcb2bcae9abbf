"""
A manager without a web server, which runs until a signal ends it.

    python alone.py asyncio             or trio
    python alone.py asyncio hanging     its boot hangs, or fails, or its stop hangs: `hanging`, `failing`, `stuck`
"""

import logging
import sys

import anyio

from specter import Service, ServiceManager

log = logging.getLogger("alone")
logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
backend, how = sys.argv[1], sys.argv[2:]


class Child(Service):
    """Owns a process; the pid is in the log."""

    async def on_start(self):
        process = await self.start_process(["sleep", "600"])
        log.info("child %d", process.pid)


class Last(Service):
    depends_on = ("child",)

    async def on_start(self):
        if how == ["failing"]:
            raise OSError("no database on port 5432")
        if how == ["hanging"]:
            log.info("the boot hangs")
            await anyio.sleep(600)

    async def on_stop(self):
        if how == ["stuck"]:
            log.info("the stop hangs")
            await anyio.sleep(600)


manager = ServiceManager().register_service(Last("last")).register_service(Child("child"))
anyio.run(manager.run, backend=backend)
log.info("run has returned")
