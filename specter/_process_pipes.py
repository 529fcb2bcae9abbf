"""The read end of one output of a child: items, be it lines or chunks, taken out one after another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Self

import anyio

from ._process_output import Output


class Reader(Protocol):
    """Who takes items out of a pipe: a task, or an iteration."""

    @property
    def label(self) -> str: ...

    @property
    def done(self) -> bool: ...


class Pipe(Output):
    """
    One output of a child, and who reads it.

    Args:
        stream: As `subprocess.Popen` made it.
        name: For logs and errors, like ``stdout of 'ffmpeg'``.
        on_leave: Called when a reader has left.
    """

    def __init__(self, stream: Any, name: str, on_leave: Callable[[], None]) -> None:
        super().__init__(stream, name)
        self._on_leave = on_leave
        self.reader: Reader | None = None

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

    async def fill(self) -> bool:
        """Wait until there are items. False at the end of the stream."""
        while not self.items:
            if self.items.ended:
                return False
            await self._wait_and_read()
        return True

    def close(self) -> None:
        """Close the stream. A task that waits for it goes on, and finds its end."""
        if not self._stream.closed:
            anyio.notify_closing(self._fd)
            self._stream.close()

    async def _wait_and_read(self) -> None:
        if self._stream.closed:
            self._end()
            return
        try:
            await anyio.wait_readable(self._fd)
        except anyio.ClosedResourceError:
            return  # `finish` has taken in what there was
        self._read()


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
        items = self._pipe.items
        items.split(None, bare=self._strip)
        try:
            if not await self._pipe.fill():
                raise StopAsyncIteration
        finally:
            self.done = True
            self._pipe.leave()
        line, trim = items.take(), items.trim
        return line if trim is None else trim(line)
