"""Services that tell what happens to them, and what they run."""

from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from specter import Service, bus


class Part(Service):
    """
    Acquires one of everything, and keeps a log.

    Args:
        name: Before each entry of the log.
        log: Shared with other parts, to see the order.
        start: Called at the end of `on_start`, awaited if it can be.
        stop: Called in `on_stop`, likewise.
    """

    def __init__(
        self,
        name: str = "part",
        log: list[str] | None = None,
        start: Callable[[], Any] = lambda: None,
        stop: Callable[[], Any] = lambda: None,
    ) -> None:
        super().__init__(name)
        self.log: list[str] = [] if log is None else log
        self.start_hook, self.stop_hook = start, stop
        self.child = Service(f"{name}'s child")

    def note(self, what: str) -> None:
        self.log.append(f"{self.name} {what}")

    async def on_start(self) -> None:
        self.note("starts")
        await self.adopt(self.child)
        self.spawn(self.sleep, label="sleep")
        self.interval(lambda: self.note("ticks"), 1000)
        self.timeout(lambda: self.note("times out"), 1000)
        self.listen(f"{self.name}:event", self.note)
        self.watch(lambda state, service: None, immediate=False)
        self.add_cleanup(lambda: self.note("cleans up"))
        await waited(self.start_hook())

    async def on_stop(self) -> None:
        self.note("stops")
        await waited(self.stop_hook())

    async def sleep(self) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            self.note("task ends")

    def is_clean(self) -> bool:
        """Whether nothing of all this is left."""
        heard = bus.listener_count(f"{self.name}:event")
        return not (self.running or self.child.running or heard or self._ledger)


async def waited(value: Any) -> Any:
    """Await *value* if it can be."""
    return await value if isinstance(value, Awaitable) else value


async def forever() -> None:
    """Wait until cancelled."""
    await anyio.sleep_forever()
