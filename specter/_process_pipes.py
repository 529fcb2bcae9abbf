"""The read end of one output of a child: items, be it lines or chunks, taken out one after another."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Callable
from typing import Any, Protocol, Self

import anyio

from .sansio.lines import LONGEST_LINE, Data, Decoder, Items, without_ending

log = logging.getLogger(__name__)

_READ = 65536  # what a pipe holds on Linux

# What is left in a pipe when its writers are gone is less. More comes only from a process that lives on.
_LAST_READS = 16


class Reader(Protocol):
    """Who takes items out of a pipe: a task, or an iteration."""

    @property
    def label(self) -> str: ...

    @property
    def done(self) -> bool: ...


class Pipe:
    """
    One output of a child.

    Args:
        stream: As `subprocess.Popen` made it: its file descriptor is read, the object itself only closed.
        name: For logs and errors, like ``stdout of 'ffmpeg'``.
        on_leave: Called when a reader has left.
    """

    def __init__(self, stream: Any, name: str, on_leave: Callable[[], None]) -> None:
        self.name = name
        self._on_leave = on_leave
        self.items = Items(_decoder(stream))
        self._stream = stream
        self.reader: Reader | None = None
        self._error_told = self._cut_told = False
        os.set_blocking(stream.fileno(), False)

    @property
    def closed(self) -> bool:
        """Whether nothing more can be read; what was read before can still be taken out."""
        return bool(self._stream.closed)

    @property
    def at_end(self) -> bool:
        """Whether all was read, and a reader that is a task of its own has handed it on."""
        return (self.closed or self.items.ended) and (self.reader is None or self.reader.done)

    def require_free(self) -> None:
        """
        Refuse a second reader.

        Raises:
            RuntimeError: There is one, which is not done.
        """
        if self.reader is not None and not self.reader.done:
            raise RuntimeError(f"{self.name} is read already, by {self.reader.label!r}: one reader at a time")

    def leave(self) -> None:
        """Be its reader no more."""
        self.reader = None
        self._on_leave()

    async def item(self) -> Data | None:
        """Wait for the next item, and take it out. `None` at the end of the stream."""
        while not self.items:
            if self.items.ended:
                return None
            await self._wait_and_read()
        return self.items.take()

    def finish(self) -> None:
        """Take in what can be read without waiting, which is all if the writers are gone, and close the stream."""
        for _ in range(_LAST_READS):
            if self.items.ended or not self._read():
                break
        if not self.items.ended:
            self._end()
        self.close()

    def close(self) -> None:
        """Close the stream. A task that waits for it goes on, and finds its end."""
        if not self._stream.closed:
            anyio.notify_closing(self._stream.fileno())
            self._stream.close()

    async def _wait_and_read(self) -> None:
        if self._stream.closed:
            self._end()
            return
        try:
            await anyio.wait_readable(self._stream.fileno())
        except anyio.ClosedResourceError:
            return  # `finish` has taken in what there was
        self._read()

    def _read(self) -> bool:
        """Read what is there. False if nothing is, or the stream was closed."""
        if self._stream.closed:
            return False
        try:
            data = os.read(self._stream.fileno(), _READ)
        except BlockingIOError:
            return False
        except OSError as error:
            log.error("reading %s failed: %s", self.name, error)
            data = b""
        if data:
            self.items.feed(data)
            self._tell_what_does_not_fit()
        else:
            self._end()
        return True

    def _end(self) -> None:
        self.items.end()
        self._tell_what_does_not_fit()
        if self.items.left_out:
            log.error("%s: %s characters of lines over %s were left out", self.name, self.items.left_out, LONGEST_LINE)

    def _tell_what_does_not_fit(self) -> None:
        if self.items.error is not None and not self._error_told:
            self._error_told = True
            log.error("%s: %s; such bytes are given as \\xNN", self.name, self.items.error)
        if self.items.left_out and not self._cut_told:
            self._cut_told = True
            log.error("%s: a line is longer than %s, its rest is left out; chunk_size= reads without such a limit",
                      self.name, LONGEST_LINE)  # fmt: skip


class LineIteration:
    """The lines of one stream, taken by whoever iterates. It is the reader only while it waits for a line."""

    label = "an iteration over its lines"

    def __init__(self, pipe: Pipe, strip: bool) -> None:
        self.done = True
        self._pipe = pipe
        self._strip = strip

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        self._pipe.require_free()
        self._pipe.reader = self
        self.done = False
        try:
            line = await self._pipe.item()
        finally:
            self.done = True
            self._pipe.leave()
        if line is None:
            raise StopAsyncIteration
        return without_ending(line) if self._strip else line


def _decoder(stream: Any) -> Decoder | None:
    if not isinstance(stream, io.TextIOWrapper):
        return None
    return Decoder(stream.encoding, stream.errors or "strict")
