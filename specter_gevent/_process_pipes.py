"""The read end of one output of a child: items, be it lines or chunks, taken out one after another."""

from __future__ import annotations

import io
import os
import sys
from collections import deque
from collections.abc import Callable

# gevent's would close at its next turn, and costs a watcher.
from posix import close
from typing import Any, Self

from gevent.event import Event
from gevent.hub import get_hub

import specter_gevent
from specter._process_output import Output
from specter.sansio.lines import Data, without_ending


class Pipe(Output):
    """
    One output of a child, and who reads it.

    Args:
        stream: As `subprocess.Popen` made it.
        name: For logs and errors, like ``stdout of 'ffmpeg'``.

    Attributes:
        ready: What can be taken out now.
        readers: Greenlets that watch the stream; each item goes to one of them.
        iterating: An iteration waits for a line.
    """

    def __init__(self, stream: Any, name: str) -> None:
        # No line is too long, as with readline().
        super().__init__(stream, name, longest=sys.maxsize)
        self.ready = self.items.ready
        self.readers: set[Any] = set()
        self.iterating = False
        # As without us: what is not buffered comes as it is read.
        self._at_once = isinstance(getattr(stream, "io", stream), io.RawIOBase)
        # A file of our own: libev aborts the process when a file that it watches is closed, as an application may do.
        self._own = io.FileIO(os.dup(self._fd))
        self._fd = self._own.fileno()
        # Who waits for something to read, and how each is woken.
        self._waiting: dict[Event, Any] = {}
        self._take_what_was_buffered()

    @property
    def at_end(self) -> bool:
        """Whether all was read, and every reader has handed it on."""
        return (self.closed or self.items.ended) and not self.readers

    def split(self, chunk_size: int | None) -> None:
        """Give chunks of a size from now on, or lines if that is `None`."""
        self.items.split(chunk_size, at_once=self._at_once)

    def require_free(self) -> None:
        """
        Refuse a second reader.

        Raises:
            RuntimeError: There is one.
        """
        if self.readers or self.iterating:
            raise RuntimeError(f"{self.name} is read already: one reader at a time")

    def fill(self) -> bool:
        """Wait until `ready` has an item. False at the end of the stream."""
        while not self.ready:
            if self.items.ended:
                return False
            self._wait_and_read()
        return True

    def item(self) -> Data | None:
        """Wait for the next item, and take it out. `None` at the end of the stream."""
        return self.ready.popleft() if self.fill() else None

    def close(self) -> None:
        """Close the stream. A greenlet that waits for it goes on, and finds its end."""
        self._let_go()
        self._stream.close()

    def _end(self) -> None:
        super()._end()
        self._let_go()

    def _let_go(self) -> None:
        """Read no more; who waits looks again."""
        for woken, readable in self._waiting.items():
            readable.close()
            woken.set()
        self._own.close()

    def _wait_and_read(self) -> None:
        if self._stream.closed:
            self._end()
        elif not self._read():
            self._wait()

    def _wait(self) -> None:
        woken = Event()
        readable = get_hub().loop.io(self._fd, 1)
        self._waiting[woken] = readable
        readable.start(woken.set)
        try:
            woken.wait()
        finally:
            del self._waiting[woken]
            readable.close()

    def _take_what_was_buffered(self) -> None:
        """
        Take what a read of the application's own has left in the buffers of the stream.

        Nothing tells how much that is, and asking for more would wait. So for a moment the stream is one at its end.
        """
        fd, end = self._stream.fileno(), os.open(os.devnull, os.O_RDONLY)
        os.dup2(end, fd, inheritable=False)
        try:
            # One by one, so that a character which is not complete yet takes none with it.
            while item := self._stream.read(1):
                self.items.feed_decoded(item)
        except UnicodeDecodeError as error:
            self.items.feed(error.object[error.start :])
        finally:
            os.dup2(self._fd, fd, inheritable=False)
            close(end)


class Substitute:
    """
    What a test has put in the place of an output: read by its own ``readline`` and ``read``.

    It has of `Pipe` what a reader needs.
    """

    at_end = True
    iterating = False

    def __init__(self, stream: Any, name: str) -> None:
        self.name = name
        self.readers: set[Any] = set()
        self._stream = stream
        self._chunk_size: int | None = None
        self.ready: deque[Data] = deque()

    def split(self, chunk_size: int | None) -> None:
        """Give chunks of a size from now on, or lines if that is `None`."""
        self._chunk_size = chunk_size

    def require_free(self) -> None:
        """Nobody is refused."""

    def fill(self) -> bool:
        """Have an item in `ready`. False at the end of the stream, and after an error, which is logged."""
        if not self.ready and (item := self._item()):
            self.ready.append(item)
        return bool(self.ready)

    def item(self) -> Data | None:
        """Take the next item out. `None` at the end of the stream."""
        return self.ready.popleft() if self.fill() else None

    def finish(self) -> None:
        """Close the stream."""
        self.close()

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()

    def _item(self) -> Data | None:
        try:
            return self._stream.readline() if self._chunk_size is None else self._stream.read(self._chunk_size)
        except StopIteration:  # a fake that was given a list of lines
            return None
        except Exception:
            specter_gevent.process.logger.error("reading %s failed", self.name, exc_info=True)
            return None


class LineIteration:
    """
    The lines of one stream, taken by whoever iterates. It is the reader only while it waits for a line.

    Args:
        pipe: The stream.
        strip: Take the ending off each line.
        on_leave: Called after each line.
    """

    def __init__(self, pipe: Pipe | Substitute, strip: bool, on_leave: Callable[[], None]) -> None:
        self._pipe = pipe
        self._strip = strip
        self._on_leave = on_leave

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        self._pipe.require_free()
        self._pipe.iterating = True
        try:
            line = self._pipe.item()
        finally:
            self._pipe.iterating = False
            self._on_leave()
        if line is None:
            raise StopIteration
        return without_ending(line) if self._strip else line
