"""
Show how far two twins say the same, with ``async`` and ``await`` left aside.

    python tools/twins.py               # each pair: lines of both, and how many of them stand in one alone
    python tools/twins.py event_bus     # the lines themselves, as a diff
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
# What a coroutine says where plain code has another word for the same.
ASYNC: dict[str, str | Callable[[re.Match[str]], str]] = {
    r"\b(?:async|await) ": "",
    r"\b__a(iter|next|enter|exit)__": r"__\1__",
    r"\b(?:aiter|anext)\(": lambda found: found[0][1:],
    r"\bAsync(Iterator|Iterable|Generator)\b": r"\1",
    r"\bStopAsyncIteration\b": "StopIteration",
    r"\bspecter_gevent\b": "specter",
    # Rules are in the next folder for one twin, and in the other package for the other.
    r"\bfrom (?:specter)?\.sansio": "from specter.sansio",
}


def plain(path: Path) -> list[str]:
    """The lines of a file as they would be without coroutines."""
    text = path.read_text()
    for pattern, word in ASYNC.items():
        text = re.sub(pattern, word, text)
    return text.splitlines(keepends=True)


def difference(name: str) -> list[str]:
    """The diff of one pair, from asyncio to gevent."""
    asyncio, gevent = f"specter/{name}.py", f"specter_gevent/{name}.py"
    return list(difflib.unified_diff(plain(ROOT / asyncio), plain(ROOT / gevent), asyncio, gevent, n=1))


def main(names: list[str]) -> None:
    """Print the differences of *names*, or how many there are for every pair."""
    for name in names:
        sys.stdout.writelines(difference(name.removesuffix(".py")))
    if names:
        return
    for path in sorted((ROOT / "specter_gevent").glob("*.py")):
        twin = ROOT / "specter" / path.name
        if twin.exists() and path.name != "__init__.py":
            lines = len(plain(twin)) + len(plain(path))
            alone = sum(line[0] in "+-" and line[:3] not in ("+++", "---") for line in difference(path.stem))
            sys.stdout.write(f"{path.stem:20} {lines:5} lines, {alone:4} in one alone ({alone / lines:.0%})\n")


if __name__ == "__main__":
    main(sys.argv[1:])
