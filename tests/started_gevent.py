"""Children that the tests of gevent start, and what they write."""

from subprocess import PIPE

from children import STUBBORN
from greenlets import ended

from specter_gevent import ManagedProcess, start_process


def stubborn(**keywords):
    """A process that ends only by SIGKILL, when it is so far."""
    process = ManagedProcess("stubborn", **keywords)
    process.start(STUBBORN, stdout=PIPE)
    assert next(process.lines()) == b"ready"
    return process


def shell(script, **popen):
    """A process that runs *script*, whose output can be read."""
    return start_process("shell", ["sh", "-c", script], **{"stdout": PIPE, **popen})


def heard(process, stream="stdout", **keywords):
    """All that a handler hears, to the end of the stream; the process is stopped."""
    items = []
    ended(process.watch_stream(stream, items.append, **keywords))
    process.stop()
    return items
