"""Read one file: its hash, its size, its lines. Plain functions that run in a worker thread."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass

from specter.demo.kinds import kind_of

ALGORITHMS = ("sha256", "blake2b", "sha1", "md5")
MAX_BYTES = 512 * 2**20
CHUNK_BYTES = 256 * 2**10

# As git does: a NUL byte near the start makes a file binary.
_SNIFFED_BYTES = 8000

# A path may have become a link, or a pipe that blocks whoever opens it, since it was seen. Windows has neither flag.
_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class Unreadable(Exception):
    """The file is there, but nothing can be said of it; the text says why."""


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What one reading of a file found.

    Attributes:
        path: Relative to the folder, with ``/``.
        kind: By its name, such as ``"Python"``.
        size: In bytes.
        lines: None for a binary file.
        digest: In hexadecimal digits; empty if it could not be read.
        problem: Why it could not be read, or None.
    """

    path: str
    kind: str
    size: int = 0
    lines: int | None = None
    digest: str = ""
    problem: str | None = None


def read_file(root: str, path: str, algorithm: str, go_on: Callable[[], bool] = lambda: True) -> Facts | None:
    """
    Hash a file and count its lines.

    Args:
        root: The folder, an absolute path.
        path: The file, relative to the folder.
        algorithm: One of `ALGORITHMS`.
        go_on: Asked once a chunk. False ends the reading: nothing else can end a thread.

    Returns:
        What was found, with ``problem`` set if it cannot be read; None if the file is gone, or the reading was ended.
    """
    try:
        return _read(os.path.join(root, path), path, algorithm, go_on)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except Unreadable as error:
        return Facts(path, kind_of(path), problem=str(error))
    except OSError as error:
        return Facts(path, kind_of(path), problem=(error.strerror or str(error)).lower())


def _read(full: str, path: str, algorithm: str, go_on: Callable[[], bool]) -> Facts | None:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    size = newlines = 0
    binary = False
    last = b"\n"
    with open(full, "rb", buffering=0, opener=lambda name, flags: os.open(name, flags | _FLAGS)) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise Unreadable("not a regular file")
        _require_small(found.st_size)
        while chunk := file.read(CHUNK_BYTES):
            if not go_on():
                return None
            binary = binary or (size == 0 and b"\0" in chunk[:_SNIFFED_BYTES])
            size += len(chunk)
            # It may grow while it is read.
            _require_small(size)
            digest.update(chunk)
            newlines += chunk.count(b"\n")
            last = chunk[-1:]
    lines = None if binary else newlines + (last != b"\n")
    return Facts(path, kind_of(path), size, lines, digest.hexdigest())


def _require_small(size: int) -> None:
    if size > MAX_BYTES:
        raise Unreadable(f"larger than {MAX_BYTES // 2**20} MiB")
