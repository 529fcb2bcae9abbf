"""Carrying out the teardown of a service, whatever happens to it and to the greenlet that does it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from gevent import Timeout, getcurrent

from specter.sansio.callables import name_of
from specter.sansio.ledger import Step

from ._deadline import deadlines_here
from ._timing import forget_timer
from ._waiting import Phase, kill_soon, waits_for_caller
from ._where import where

if TYPE_CHECKING:
    from .service import Service

log = logging.getLogger("specter_gevent.service")


class Teardown(Phase):
    """
    One teardown of one service.

    Args:
        service: Whose.
        hooks: Called before anything is released.
    """

    # That of which it is a part, if it is one.
    outer: Teardown | None = None
    # By when it must have ended; known from the first wait on.
    until: float | None = None
    # What came in between that is no `Exception`: a kill, a timeout around it, the end of the program.
    error: BaseException | None = None
    # The present one.
    step: Step | None = None

    # Thrown into a step whose time is up, and where that waited.
    _cut: Timeout | None = None
    _cut_at = ""
    # What has cut the present step and is to be logged.
    _interrupted: BaseException | None = None
    # Greenlets that wait for this very stop: killed last.
    _last: tuple[Any, ...] = ()

    def __init__(self, service: Service, *hooks: Callable[[], Any]) -> None:
        self.service = service
        self._steps: Iterator[Step] = service._ledger.teardown(*hooks)

    def run(self) -> None:
        """Carry it out to its end. What came in between is in `error`, and for the caller to raise."""
        self.greenlet = getcurrent()
        deadlines = deadlines_here()
        self.outer = deadlines.enter(self)
        while True:
            try:
                self._log_interruption()
                self._go_on()
                break
            except BaseException as error:
                self._interrupted = error
                if error is not self._cut:
                    self.error = self.error or error
        deadlines.leave(self)
        self._leave()

    def cut(self) -> Timeout:
        """Give what is thrown into the present step, whose time is up."""
        self._cut, self._cut_at = Timeout(), where(self.greenlet)
        return self._cut

    def _go_on(self) -> None:
        # In one loop, not a function for each kind: most steps take less time than a call.
        for step in self._steps:
            self.step = step
            kind, subject = step
            try:
                if kind == "child":
                    subject.stop()
                elif kind == "tasks":
                    if self.service._ledger.tasks:
                        self._kill_tasks()
                elif kind == "timers":
                    self._forget_timers(subject)
                elif kind == "subscribers":
                    self.service._ledger.subscribers.clear()
                else:
                    subject()
            except Exception as error:
                self._log_failure(step, error)

    def _kill_tasks(self) -> None:
        tasks = self.service._ledger.tasks
        for greenlet in list(tasks):
            if waits_for_caller(greenlet):
                self._last += (greenlet,)
            else:
                kill_soon(greenlet)
        tasks.clear()

    def _forget_timers(self, timers: list[Any]) -> None:
        for timer in timers:
            runner = forget_timer(timer)
            if runner is not None:
                runner.retire()
                self._last += (runner,)

    def _leave(self) -> None:
        service = self.service
        if service._ledger:
            log.error("[SPECTER] stop of '%s' gave up: each of its steps acquires something new", service.name)
        service._running = False
        service._stopping = None
        self.end()
        if self.outer is not None:
            self.outer._last += self._last
        else:
            # Those that have waited for the end are woken before.
            for greenlet in self._last:
                kill_soon(greenlet)
        log.info("[SPECTER] Service '%s' stopped", service.name)

    def _log_interruption(self) -> None:
        error, self._interrupted = self._interrupted, None
        if error is None or self.step is None:
            return
        step, name = f"{self.step.kind} {_name(self.step.subject)}", self.service.name
        if error is self._cut:
            log.error("[SPECTER] %s of '%s' did not end in time, waits at %s: cut", step, name, self._cut_at)
        else:
            log.error("[SPECTER] %s of '%s' was cut by %r", step, name, error)

    def _log_failure(self, step: Step, error: Exception) -> None:
        name = self.service.name
        match step.kind:
            case "hook":
                hook = name_of(step.subject).rpartition(".")[2]
                log.error("[SPECTER] Error in Service '%s' %s: %s", name, hook, error, exc_info=True)
            case "unsubscribe":
                log.warning("[SPECTER] Failed to unsub bus listener for '%s': %s", name, error, exc_info=True)
            case "child":
                child = _name(step.subject)
                text = "[SPECTER] Error stopping child service '%s' (owned by '%s'): %s"
                log.error(text, child, name, error, exc_info=True)
            case _:
                log.warning("[SPECTER] Failed to run cleanup for '%s': %s", name, error, exc_info=True)


def _name(subject: Any) -> str:
    """What the subject of a step is called in logs."""
    name = getattr(subject, "name", None)
    return str(name) if name is not None else name_of(subject)
