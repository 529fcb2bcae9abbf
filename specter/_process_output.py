"""
What one output of a child has given: read without waiting, handed out in items, be it lines or chunks.

Both runtimes have it from here; each waits in its own way until there is something to read.
"""

from __future__ import annotations

import logging
import os
from typing import Any

from .sansio.lines import LONGEST_LINE, Decoder, Items

log = logging.getLogger(__name__)

_READ = 65536  # what a pipe holds on Linux

# What is left in a pipe when its writers are gone is less. More comes only from a process that lives on.
_LAST_READS = 16


class Output:
    """
    One output of a child.

    Args:
        stream: As `subprocess.Popen` made it: its file descriptor is read, the object itself only closed.
        name: For logs and errors, like ``stdout of 'ffmpeg'``.
        longest: What is longer is no line. Characters or bytes.
    """

    def __init__(self, stream: Any, name: str, longest: int = LONGEST_LINE) -> None:
        self.name = name
        self.items = Items(_decoder(stream), longest)
        self._stream = stream
        self._fd: int = stream.fileno()
        self._error_told = self._cut_told = False
        os.set_blocking(self._fd, False)

    @property
    def closed(self) -> bool:
        """Whether nothing more can be read; what was read before can still be taken out."""
        return bool(self._stream.closed)

    def finish(self) -> None:
        """Take in what can be read without waiting, which is all if the writers are gone, and close the stream."""
        for _ in range(_LAST_READS):
            if self.items.ended or not self._read():
                break
        if not self.items.ended:
            self._end()
        self.close()

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()

    def _read(self) -> bool:
        """Read what is there. False if nothing is, or the stream was closed."""
        if self._stream.closed:
            return False
        try:
            data = os.read(self._fd, _READ)
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


def close_now(stream: Any, name: str) -> None:
    """Close without waiting: text that was never taken in by the child is dropped with the pipe."""
    if stream.closed:
        return
    try:
        os.set_blocking(stream.fileno(), False)
        stream.close()
    except OSError as error:
        log.debug("a stream of process %r was closed with text in it: %s", name, error)


def _decoder(stream: Any) -> Decoder | None:
    encoding = getattr(stream, "encoding", None)
    return Decoder(encoding, stream.errors or "strict") if encoding else None
