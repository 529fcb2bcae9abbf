"""Projects within a test: what pytest says of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

import pytest

import specter
import specter.testing
import specter_gevent
import specter_gevent.testing

# What takes long to be imported, or would meddle.
QUIET = [
    "-p",
    "no:cacheprovider",
    "-p",
    "no:hypothesispytest",
    "-p",
    "no:randomly",
    "-p",
    "no:asyncio",
    "-p",
    "no:timeout",
    "-p",
    "no:xdist",
]

# What a project imports in this process is forgotten after it. Twice imported there would be two buses, and two clocks.
PACKAGES = (specter, specter_gevent, specter.testing, specter_gevent.testing)
LOADED = [
    *[getattr(package, name) for package in PACKAGES for name in package.__all__],
    *[import_module(f"anyio._backends._{name}") for name in ("asyncio", "trio")],
    *[
        import_module(f"{package.__name__}.{module.name}")
        for package in PACKAGES[2:]
        for module in iter_modules(package.__path__)
    ],
]


def but(option: str) -> list[str]:
    """The options of a quiet run without the one that turns a plugin off."""
    at = QUIET.index(option)
    return QUIET[: at - 1] + QUIET[at + 1 :]


@dataclass
class Outcome:
    """
    How a run has ended.

    Attributes:
        counts: ``{"passed": 2, "errors": 1}``
        text: All that pytest has printed.
    """

    counts: Mapping[str, int]
    text: str

    def section(self, test: str) -> str:
        """What is said of a test that has failed, or that had an error in its teardown."""
        found = re.search(
            rf"^_+ (?:ERROR at \w+ of )?{re.escape(test)} _+$(.*?)(?=^[_=]{{3,}})", self.text, re.M | re.S
        )
        return found[1] if found else f"nothing was said of {test}:\n{self.text}"


def run(pytester: pytest.Pytester, *arguments: str, plugins: list[str] = QUIET, subprocess: bool = False) -> Outcome:
    """Run the project, in this process unless it may hang or needs to be alone."""
    if subprocess:
        result = pytester.runpytest_subprocess(*plugins, *arguments, timeout=50)
    else:
        with specter.testing.isolated(), specter_gevent.testing.isolated():
            result = pytester.runpytest_inprocess(*plugins, *arguments)
    text = result.stdout.str() + result.stderr.str()
    return Outcome(result.parseoutcomes() if result.outlines else {}, text)


def marked(source: str, comment: str) -> int:
    """The number of the line that ends with a comment."""
    (line,) = (number for number, text in enumerate(source.splitlines(), 1) if text.endswith(f"# {comment}"))
    return line
