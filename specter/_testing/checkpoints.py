"""What cancelling at each checkpoint needs on every runtime: the count, the ways, and what a failure is told as."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from specter._where import innermost

# A scenario that never ends would be run without end.
MOST = 1000


class Countdown:
    """
    Acts at the *k*-th checkpoint that it is told of.

    Args:
        k: From 1; 0 for none.
        way: The way in which the scenario is cancelled there.
        backend: The runtime.

    Attributes:
        act: A function of what is waited for there. Set by the way in which the scenario is run.
        where: The line of that checkpoint; empty before it.
        came_at: The line at which the cancellation came out: a later one, if the checkpoint was shielded.
    """

    def __init__(self, k: int, way: str, backend: str) -> None:
        self.k = k
        self.way = way
        self.backend = backend
        self.act: Callable[[Any], object] = lambda waits_for: None
        self.where = ""
        self.came_at = ""
        self._left = k

    @property
    def reached(self) -> bool:
        """Whether the scenario came to the checkpoint."""
        return 0 < self.k and self._left <= 0

    def __call__(self, waits_for: Any, where: Callable[[], str]) -> None:
        """Be told of a checkpoint; *where* names its line, and is called for the one that counts."""
        self._left -= 1
        if self._left == 0:
            self.where = where()
            self.act(waits_for)

    def thrown(self, error: object, where: Callable[[], str]) -> None:
        """Be told of what is thrown into the scenario, an error or a class of them; *where* names the line."""
        kind = error if isinstance(error, type) else type(error)
        if self.reached and not self.came_at and issubclass(kind, BaseException) and not issubclass(kind, Exception):
            self.came_at = where()

    def note(self) -> str:
        """Say where and how the scenario was cancelled, if it was."""
        if self.k == 0:
            return f"not cancelled ({self.backend}): the scenario or the check fails by itself"
        if not self.reached:
            return f"on the way to checkpoint {self.k} ({self.way}, {self.backend})"
        came = "" if self.came_at in ("", self.where) else f"; the cancellation came {self.came_at}"
        return f"cancelled at checkpoint {self.k} ({self.way}, {self.backend}), {self.where}{came}"


def countdowns(ways: tuple[str, ...], backend: str) -> Iterator[Countdown]:
    """
    Give one for each run: for one that is not cancelled, and then in each way as long as the scenario comes so far.

    Raises:
        AssertionError: The scenario has more checkpoints than anybody would wait for.
    """
    yield Countdown(0, ways[0], backend)
    for way in ways:
        for k in range(1, MOST + 1):
            countdown = Countdown(k, way, backend)
            yield countdown
            if not countdown.reached:
                break
        else:
            raise AssertionError(f"the scenario has more than {MOST} checkpoints ({way}, {backend})")


class Notes:
    """What is added to the error of a run, to say where it comes from."""

    def __init__(self) -> None:
        self._before = ""

    @contextmanager
    def of(self, countdown: Countdown) -> Iterator[None]:
        """Add it to an error that leaves the block, which is one run."""
        try:
            yield
        except BaseException as error:
            error.add_note(countdown.note())
            if self._before and not countdown.reached:
                error.add_note(f"the run before it was {self._before}")
            raise
        self._before = countdown.note() if countdown.reached else ""


def checked_ways(ways: str | Iterable[str] | None, known: tuple[str, ...], backend: str) -> tuple[str, ...]:
    """
    Those to try: all that are known if none are given.

    Raises:
        ValueError: One is unknown, or there is none.
    """
    if ways is None:
        return known
    chosen = (ways,) if isinstance(ways, str) else tuple(ways)
    if not chosen:
        raise ValueError(f"ways must name one or more: on {backend} there are {', '.join(known)}")
    for way in chosen:
        if way not in known:
            raise ValueError(f"unknown way {way!r}: on {backend} there are {', '.join(known)}")
    return chosen


def require_scenario(scenario: object) -> None:
    """
    Refuse what cannot be run again and again.

    Raises:
        TypeError: *scenario* is a coroutine, or cannot be called.
    """
    if not callable(scenario):
        raise TypeError(
            f"a scenario must be a function, which is called once for each checkpoint, got {scenario!r}\n"
            "    cancel_everywhere(scenario())    # wrong: a coroutine runs only once\n"
            "    cancel_everywhere(scenario)"
        )


def place(found: list[tuple[FrameType, int]]) -> str:
    """
    Name the line of the application at which something waits, and the innermost one where that is another.

    Args:
        found: Frames and their lines, outermost first.
    """
    text = f"at {innermost(found)}"
    if found and (inside := _line(*found[-1])) not in text:
        text += f", inside {inside}"
    return text


def _line(frame: FrameType, line: int) -> str:
    return f"{os.path.basename(frame.f_code.co_filename)}:{line} in {frame.f_code.co_name}"
