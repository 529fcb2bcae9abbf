"""
How much room each part of a folder takes: a small program that prints as it goes, in the manner of ``du``.

The demo runs it as a child process, by its path and not by its name, so it imports nothing of Specter.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from math import ceil

SHOWN_PARTS = 40
BAR_WIDTH = 12
EIGHTHS = " ▏▎▍▌▋▊▉█"


def measure(folder: str) -> Iterator[str]:
    """Give the lines of the report: first what is being measured, then the parts, the largest last, then the sum."""
    parts: list[tuple[int, int, str]] = []
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if os.path.isdir(path) and not os.path.islink(path):
            yield f"measuring {name}/"
            name += "/"
        size, files = weigh(path)
        if files:
            parts.append((size, files, name))
    total = sum(size for size, _, _ in parts)
    for size, files, name in sorted(parts)[-SHOWN_PARTS:]:
        yield f"{readable(size):>10}  {bar(size / total if total else 0)}  {name}{counted(files) if files > 1 else ''}"
    yield f"{readable(total):>10}  {'=' * BAR_WIDTH}  together{counted(sum(files for _, files, _ in parts))}"


def weigh(path: str) -> tuple[int, int]:
    """Return the bytes and the number of the regular files at and below a path; what cannot be read counts nothing."""
    size = files = 0
    waiting = [path]
    while waiting:
        path = waiting.pop()
        try:
            if os.path.isdir(path) and not os.path.islink(path):
                waiting.extend(os.path.join(path, name) for name in os.listdir(path))
            elif os.path.isfile(path) and not os.path.islink(path):
                size += os.lstat(path).st_size
                files += 1
        except OSError:
            # Unreadable, or gone meanwhile.
            continue
    return size, files


def readable(size: float) -> str:
    """Return a number of bytes as people write it."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def counted(files: int) -> str:
    """Return the number of files as the end of a line."""
    return f"  ({files:,} files)"


def bar(share: float) -> str:
    """Return a bar of `BAR_WIDTH` characters for a share between 0 and 1."""
    full, rest = divmod(ceil(share * BAR_WIDTH * 8), 8)
    return (EIGHTHS[8] * full + EIGHTHS[rest] * (rest > 0)).ljust(BAR_WIDTH)


def main() -> int:
    """Print the report of the folder named on the command line; 1 if it cannot be listed."""
    try:
        for line in measure(sys.argv[1]):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
    except OSError as error:
        sys.stdout.write(f"{error.strerror}\n")
        return 1
    return 0


if __name__ == "__main__":
    # Names of files may hold bytes that are no text.
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    sys.exit(main())
