"""Children that the tests of asyncio start, and what they write."""

from subprocess import PIPE

from children import STUBBORN

from specter import ManagedProcess, start_process


async def first_line(process, stream="stdout"):
    """The first line that *process* writes."""
    async for line in process.lines(stream):
        return line


async def stubborn(**keywords):
    """A process that ends only by SIGKILL, when it is so far."""
    process = ManagedProcess("stubborn", **keywords)
    await process.start(STUBBORN, stdout=PIPE)
    assert await first_line(process) == b"ready"
    return process


def shell(script, **keywords):
    """A process that runs *script*, whose output can be read."""
    return start_process("shell", ["sh", "-c", script], **{"stdout": PIPE, **keywords})


async def heard(process, stream="stdout", **keywords):
    """All that a handler hears of a process that ends by itself."""
    items = []
    task = process.watch_stream(stream, items.append, **keywords)
    await task.wait()
    await process.stop()
    return items
