"""What watchers of the tests follow, and what they tell."""

import anyio
import anyio.to_thread
from anyio.lowlevel import checkpoint

# Waits between tries are no longer than this here. Seconds.
SHORT = 0.02


async def until_told(watcher, count):
    """The first values that a subscriber of a new watcher hears."""
    told = []
    enough = anyio.Event()

    def hear(value, _):
        told.append(value)
        if len(told) >= count:
            enough.set()

    unsubscribe = watcher.subscribe(hear)
    await watcher.start()
    with anyio.fail_after(10):
        await enough.wait()
    await watcher.stop()
    unsubscribe()
    return told[:count]


async def async_values():
    """A stream of three values, which waits before each."""
    for value in "abc":
        await checkpoint()
        yield value
