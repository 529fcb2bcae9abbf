"""
What a child writes, put together again: bytes into text, text into lines or chunks.

    reads of any size → Decoder → Lines or Chunks → Items

A read ends anywhere: within a character, between the two characters of a line ending, within a line. Whatever the
splits were, the items are those that one read of everything would have given.
"""

from __future__ import annotations

import codecs
import io
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

# Text where a stream is decoded, else bytes.
Data: TypeAlias = Any

# Characters or bytes. Sixteen times asyncio's limit for a line (64 KiB): long enough for records in JSON, small enough
# for hundreds of children that write without end.
LONGEST_LINE = 1024 * 1024


class Decoder:
    """
    Turn the reads of one stream into text, with every line ending as ``\\n``, as Python's own text files do.

    A byte that does not fit the encoding loses nothing: from the first one on, such bytes come as ``\\xNN``.

    Args:
        encoding: The name of a codec.
        errors: How to treat bytes that do not fit: ``strict``, ``replace``, ...

    Attributes:
        error: Why the first bytes that did not fit were refused, or `None`.

    Raises:
        LookupError: There is no such codec.
    """

    def __init__(self, encoding: str, errors: str = "strict") -> None:
        self.error: UnicodeError | None = None
        self._use(encoding, errors)

    def decode(self, data: bytes, final: bool = False) -> str:
        """
        Decode one read; what is incomplete at its end waits for the next.

        Args:
            data: May be empty.
            final: Nothing follows: what is incomplete counts as bytes that do not fit.
        """
        before = self._newlines.getstate()
        try:
            return self._newlines.decode(data, final)
        except UnicodeError as error:
            self.error = self.error or error
        self._newlines.setstate(before)
        self._bytes.errors = "backslashreplace"
        try:
            return self._newlines.decode(data, final)
        except UnicodeError:
            # UTF-16 and UTF-32 without a byte order mark: nothing that follows can be read in them.
            self._use("ascii", "backslashreplace")
            return self._newlines.decode(before[0] + data, final)

    def _use(self, encoding: str, errors: str) -> None:
        self._bytes = codecs.getincrementaldecoder(encoding)(errors)
        self._newlines = io.IncrementalNewlineDecoder(self._bytes, translate=True)


class Lines:
    """
    Whole lines, each with its newline; the last one comes without one if it has none.

    A line longer than *longest* is given as far as that, with a newline, and the rest of it is left out.

    Args:
        newline: ``"\\n"`` for text, ``b"\\n"`` for bytes.
        longest: Characters or bytes, 1 or more.
        bare: Give them without their newlines.

    Attributes:
        bare: As given.
        left_out: Characters or bytes of long lines that were left out so far.
    """

    def __init__(self, newline: Data, longest: int = LONGEST_LINE, *, bare: bool = False) -> None:
        self.bare = bare
        self.left_out = 0
        self._newline = newline
        self._ending = newline[:0] if bare else newline
        self._longest = longest
        # The line that has begun, in pieces: joining them at every read would cost the square of its length.
        self._begun: list[Data] = []
        self._size = 0

    def feed(self, data: Data) -> list[Data]:
        """Take what was read, and give the lines that it completes."""
        first, *others = data.split(self._newline)
        self._add(first)
        if not others:
            return []
        *whole, last = others
        lines = [self._end()]
        if len(data) > self._longest:  # most reads are shorter than any line that would be cut
            lines += map(self._whole, whole)
        else:
            lines += whole if self.bare else [line + self._newline for line in whole]
        self._add(last)
        return lines

    def rest(self) -> Data:
        """Take out the line that has begun, as far as it goes: at the end of the stream it is the last line."""
        line = self._newline[:0].join(self._begun)
        self._begun, self._size = [], 0
        return line

    def _add(self, piece: Data) -> None:
        room = self._longest - self._size
        if len(piece) > room:
            self.left_out += len(piece) - room
            piece = piece[:room]
        if piece:
            self._begun.append(piece)
            self._size += len(piece)

    def _end(self) -> Data:
        return self.rest() + self._ending

    def _whole(self, line: Data) -> Data:
        self._add(line)
        return self._end()


class Chunks:
    """
    Pieces of one size; the last one may be shorter.

    Args:
        empty: ``""`` for text, ``b""`` for bytes.
        size: Characters or bytes in a chunk, 1 or more.
        at_once: Wait for no more when something was read: each piece may be shorter then.
    """

    bare = False
    left_out = 0

    def __init__(self, empty: Data, size: int, at_once: bool = False) -> None:
        self._size = size
        self._at_once = at_once
        self._begun = empty

    def feed(self, data: Data) -> list[Data]:
        """Take what was read, and give the chunks that it completes."""
        data = self._begun + data
        whole = len(data) if self._at_once else len(data) - len(data) % self._size
        self._begun = data[whole:]
        return [data[start : start + self._size] for start in range(0, whole, self._size)]

    def rest(self) -> Data:
        """Take out the chunk that has begun: at the end of the stream it is the last one."""
        data, self._begun = self._begun, self._begun[:0]
        return data


class Items:
    """
    What a stream gave and nobody has taken out yet.

    It outlives its readers: who goes on where another one stopped misses nothing, be it in lines or in chunks.

    Args:
        decoder: Makes text of what is read; `None` leaves bytes.
        longest: For `Lines`.

    Attributes:
        ready: What can be taken out now, in order: for who takes many. It stays the same object.
        ended: Nothing follows.
        left_out: Characters or bytes of long lines that were left out so far.
    """

    def __init__(self, decoder: Decoder | None = None, longest: int = LONGEST_LINE) -> None:
        self.ended = False
        self.left_out = 0
        self._decoder = decoder
        self._empty: Data = "" if decoder else b""
        self._newline: Data = "\n" if decoder else b"\n"
        self._longest = longest
        self._splitter: Lines | Chunks = Lines(self._newline, longest)
        # The last line has come, and had no newline.
        self._open_end = False
        self.ready: deque[Data] = deque()

    def __len__(self) -> int:
        """How many can be taken out now."""
        return len(self.ready)

    @property
    def error(self) -> UnicodeError | None:
        """Why the first bytes that did not fit the encoding were refused, or `None`."""
        return self._decoder.error if self._decoder else None

    @property
    def trim(self) -> Callable[[Data], Data] | None:
        """
        What takes the rest of its ending off a bare line; `None` if there is nothing to take off.

        A line keeps it in here, so that one which is split anew loses nothing.
        """
        return _without_return if self._splitter.bare and self._decoder is None else None

    def split(self, chunk_size: int | None, *, at_once: bool = False, bare: bool = False) -> None:
        """
        Give chunks from now on, or lines. What was not taken out is split anew.

        Args:
            chunk_size: Characters or bytes in a chunk; `None` for lines.
            at_once: For `Chunks`.
            bare: For `Lines`; see `trim`.
        """
        if chunk_size is None and isinstance(self._splitter, Lines) and self._splitter.bare is bare:
            return
        unread = self._unread()
        if chunk_size is None:
            self._splitter = Lines(self._newline, self._longest, bare=bare)
        else:
            self._splitter = Chunks(self._empty, chunk_size, at_once)
        self.ready.clear()
        self._add(unread)

    def feed(self, data: bytes) -> None:
        """Take what was read."""
        self._add(self._decoder.decode(data) if self._decoder else data)

    def feed_decoded(self, data: Data) -> None:
        """Take what somebody else had read, and decoded if there is a decoder, before the first `feed`."""
        self._add(data)

    def end(self) -> None:
        """Nothing follows: what has begun is the last item."""
        self.ended = True
        self._add(self._decoder.decode(b"", final=True) if self._decoder else b"")

    def take(self) -> Data:
        """Take out the first."""
        return self.ready.popleft()

    def take_all(self) -> list[Data]:
        """Take out what there is, in order."""
        taken = [*self.ready]
        self.ready.clear()
        return taken

    def put_back(self, items: Iterable[Data]) -> None:
        """Give back, in order, what was taken out last and not used."""
        self.ready.extendleft(reversed([*items]))

    def _unread(self) -> Data:
        """What was not taken out, as it was read."""
        rest = self._splitter.rest()
        if not self._splitter.bare:
            return self._empty.join(self.ready) + rest
        return self._newline.join(self.ready if self._open_end else [*self.ready, rest])

    def _add(self, data: Data) -> None:
        before = self._splitter.left_out
        self.ready += self._splitter.feed(data)
        if self.ended and (last := self._splitter.rest()):
            self.ready.append(last)
            self._open_end = True
        self.left_out += self._splitter.left_out - before


def without_ending(line: Data) -> Data:
    """Take one line ending off: ``\\n``, ``\\r\\n`` or ``\\r``."""
    if isinstance(line, str):
        return line.removesuffix("\n").removesuffix("\r")
    return line.removesuffix(b"\n").removesuffix(b"\r")


def _without_return(line: Data) -> Data:
    return line.removesuffix(b"\r")
