"""Who is at work outside of an event loop, for its tasks: worker threads, child processes, peers of sockets."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from specter.sansio.callables import name_of
from specter.sansio.pace import Move, Pace

from .children import children, children_at_work, ignore_if_older
from .maker import asked, maker
from .sockets import note_answers, sockets, sockets_at_work

log = logging.getLogger("specter.testing")

# Between two looks whether somebody is still at work of whose end nothing tells. Seconds, real.
LOOK = 0.01

_GIVEN_UP = "virtual time goes on at the real rate: at work for more than %g s is %s"
_IGNORED = "virtual time goes on beside what was there before it and is at work for more than %g s: %s"

# In a worker thread: its job.
_here = threading.local()


class Job:
    """
    A call in a worker thread.

    Args:
        work: That of the event loop which waits for it.
        fn: What is called.
        has_begun: Whether it has a thread; who waits for one is not at work.
    """

    def __init__(self, work: Work, fn: Callable[..., Any], has_begun: Callable[[], bool] | None = None) -> None:
        self._work = work
        self._fn = fn
        self._has_begun = has_begun
        self._line = maker()
        # For how many coroutines on the loop the thread waits.
        self._waits = 0
        work.jobs[self] = None

    @property
    def at_work(self) -> bool:
        """Whether its thread runs, and does not wait for the event loop in turn."""
        return not self._waits and (self._has_begun is None or self._has_begun())

    def __str__(self) -> str:
        return f"worker thread that runs {name_of(self._fn)}, started at {self._line}"

    def bound(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Make *fn*, which is called in the thread, one that is known to be this job."""

        def run(*args: Any) -> Any:
            _here.job, asked.line = self, self._line
            try:
                return fn(*args)
            finally:
                del _here.job, asked.line

        return run

    def end(self, *ignored: object) -> None:
        """It has ended, as far as the event loop knows. Called there."""
        self._work.jobs.pop(self, None)

    @contextmanager
    def waits(self) -> Iterator[None]:
        """While it lasts, the thread waits for the loop, and is not at work. On the loop."""
        self._waits += 1
        try:
            yield
        finally:
            self._waits -= 1


def current_job() -> Job | None:
    """The job in whose thread the caller runs."""
    return getattr(_here, "job", None)


class Work:
    """
    What is at work for one event loop.

    Attributes:
        jobs: Calls in worker threads. Changed on the loop only.
        began: When time became virtual, in real time.
    """

    def __init__(self) -> None:
        self.jobs: dict[Job, None] = {}
        self.began = monotonic()

    def begin(self, fn: Callable[..., Any], limiter: Any = None) -> Job:
        """
        Count a call that is handed to a worker thread.

        Args:
            fn: What is called.
            limiter: What bounds the number of threads, if it is not known to let the call through.

        Returns:
            Whose `Job.end` is to be called when the loop knows that it has ended.
        """
        return Job(self, fn)

    def may_be(self) -> bool:
        """Whether it is worth the time to look."""
        return bool(self.jobs or children.notes or sockets.notes)

    def find(self, patience: float) -> dict[Hashable, str]:
        """
        Find who is at work. In the thread of the loop.

        Args:
            patience: How long an answer is waited for that comes through a socket. Seconds.

        Returns:
            ``{who: its description}``.
        """
        found: dict[Hashable, str] = {job: str(job) for job in self.jobs if job.at_work}
        if children.notes:
            found.update(children_at_work())
        if sockets.notes:
            found.update(sockets_at_work(patience))
        return found

    def hear(self) -> None:
        """Something was heard from outside, and nobody has read it yet."""
        if sockets.notes:
            note_answers()

    def next_move(self, pace: Pace) -> Move:
        """Decide what virtual time does, now that all wait; tell of whom it stands still for no longer."""
        at_work = self.find(pace.patience) if self.may_be() else {}
        move, given_up = pace.next_move(at_work, monotonic())
        for who in given_up:
            # A server for all tests, say: it would keep each of them in real time.
            older = ignore_if_older(who, self.began)
            log.warning(_IGNORED if older else _GIVEN_UP, pace.patience, at_work[who])
        return move
