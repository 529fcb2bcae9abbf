"""Carrying out the teardown of a service, whatever happens to it and to the greenlet that does it."""

from __future__ import annotations

from collections.abc import Iterator
from logging import INFO
from typing import TYPE_CHECKING, Any

from gevent import Timeout, getcurrent
from gevent.event import Event
from gevent.greenlet import Greenlet
from gevent.hub import get_hub

import specter_gevent
from specter.sansio.callables import name_of
from specter.sansio.ledger import Step

from ._deadline import forget, going_on, look_soon, timers
from ._timing import forget_timer
from ._waiting import kill_soon, waiting_for, waits, waits_for_caller
from ._where import where

if TYPE_CHECKING:
    from .service import Service


_ENDLESS = "[SPECTER] stop of '%s' gave up: each of its steps acquires something new"


def says_info() -> bool:
    """Whether the log of services takes what is said of starts and stops. A call that says nothing takes longer."""
    try:
        return specter_gevent.service.logger.isEnabledFor(INFO)
    except AttributeError:  # a fake of a test, which may have no more than what logs
        return True


class Teardown:
    """
    One teardown of one service.

    Args:
        service: Whose.
        hooks: The names of its methods that are called before anything is released.
    """

    # In slots, since a thousand services may stop at once.
    __slots__ = (
        "_cut", "_cut_at", "_ended", "_hooks", "_informs", "_last", "_steps",
        "error", "greenlet", "hub", "outer", "service", "step", "until",
    )  # fmt: skip

    # The teardown of which it is a part, if it is one, and the hub of both. Known when it is carried out.
    outer: Teardown | None
    hub: Any

    def __init__(self, service: Service, hooks: tuple[str, ...]) -> None:
        self.service = service
        # Those that were not called yet.
        self._hooks = iter(hooks)
        # Whether the log is told: of a stop, and not of the release of what a start has left.
        self._informs = bool(hooks)
        # The greenlet that carries it out.
        self.greenlet: Any = None
        # The present one.
        self.step: Step | None = None
        # What is left of the plan; made when the hooks were called, if anything is held then.
        self._steps: Iterator[Step] | None = None
        # By when it must have ended; known from the first wait on.
        self.until: float | None = None
        # Thrown into a step whose time is up, and where that waited.
        self._cut: Timeout | None = None
        self._cut_at = ""
        # What came in between that is no `Exception`: a kill, a timeout around it, the end of the program.
        self.error: BaseException | None = None
        # Set at the end; made when somebody waits for that.
        self._ended: Event | None = None
        # Greenlets that wait for this very stop: killed last.
        self._last: tuple[Any, ...] = ()

    def run(self) -> None:
        """
        Carry it out to its end. What came in between is in `error`, and for the caller to raise.

        In a greenlet that some service owns, which may kill it at any moment, another one carries it out.
        """
        greenlet = self.greenlet = getcurrent()
        outer = self.outer = going_on.get(greenlet)
        if outer is None and isinstance(greenlet, Greenlet) and getattr(greenlet, "specter_owned", False):
            self.greenlet = Greenlet.spawn(self.run)
            self.wait()
            return
        service = self.service
        self._informs = self._informs and says_info()
        going_on[greenlet] = self
        hub = self.hub = get_hub() if outer is None else outer.hub
        if not getattr(hub, "specter_looks", False):
            look_soon(hub)
        try:
            self._carry_out()
        except BaseException as error:
            self._go_on(error)
        if outer is not None:
            going_on[greenlet] = outer
        else:
            del going_on[greenlet]
            if timers:
                forget(greenlet)
        service._running = False
        service._specter.stopping = None
        if self._ended is not None:
            self._ended.set()
        if self._last:
            self._kill_last()
        if self._informs:
            specter_gevent.service.logger.info("[SPECTER] Service '%s' stopped", service.name)

    def wait(self) -> None:
        """Wait for its end."""
        if self._ended is None:
            self._ended = Event()
        with waiting_for(self.greenlet):
            self._ended.wait()

    def cut(self) -> Timeout:
        """Give what is thrown into the present step, whose time is up."""
        self._cut, self._cut_at = Timeout(), where(self.greenlet)
        return self._cut

    def _carry_out(self) -> None:
        """Call the hooks and do the steps, or those that are left."""
        for name in self._hooks:
            if name == "on_stop" and self._informs:
                specter_gevent.service.logger.info("[SPECTER] Service '%s' stopping", self.service.name)
            hook = getattr(self.service, name)
            self.step = "hook", hook
            try:
                hook()
            except Exception as error:
                self._log_failure("hook", hook, error)
        ledger = self.service._specter
        if self._steps is None:
            if not any(ledger.held):
                return
            self._steps = ledger.teardown()
        # In one loop, not a function for each kind: most steps take less time than a call.
        for step in self._steps:
            self.step = step
            kind, subject = step
            try:
                if kind == "child":
                    subject.stop()
                elif kind == "cleanup" or kind == "unsubscribe":
                    subject()
                elif kind == "tasks":
                    if ledger.tasks:
                        self._kill_tasks(ledger.tasks)
                elif kind == "timers":
                    self._forget_timers(subject)
                elif kind == "subscribers":
                    ledger.subscribers.clear()
                else:
                    specter_gevent.service.logger.error(_ENDLESS, self.service.name)
            except Exception as error:
                self._log_failure(kind, subject, error)

    def _kill_tasks(self, tasks: dict[Any, None]) -> None:
        somebody_waits = bool(waits)
        for greenlet in list(tasks):
            if somebody_waits and waits_for_caller(greenlet):
                self._last += (greenlet,)
            else:
                kill_soon(greenlet)
        tasks.clear()

    def _forget_timers(self, timers: list[Any]) -> None:
        for timer in timers:
            runner = forget_timer(timer)
            if runner is not None:
                self._last += (runner,)

    def _go_on(self, error: BaseException | None) -> None:
        """Carry out what comes after the step that was cut by *error*, whatever comes."""
        while error is not None:
            cut_by, error = error, None
            if cut_by is not self._cut:
                self.error = self.error or cut_by
            try:
                self._log_cut(cut_by)
                self._carry_out()
            except BaseException as next_error:
                error = next_error

    def _kill_last(self) -> None:
        if self.outer is not None:
            self.outer._last += self._last
            return
        # Those that have waited for the end are woken before.
        for greenlet in self._last:
            kill_soon(greenlet)

    def _log_cut(self, error: BaseException) -> None:
        kind, subject = self.step or ("stop", self.service)
        step, name = f"{kind} {_name(subject)}", self.service.name
        if error is self._cut:
            specter_gevent.service.logger.error(
                "[SPECTER] %s of '%s' did not end in time, waits at %s: cut", step, name, self._cut_at
            )
        else:
            specter_gevent.service.logger.error("[SPECTER] %s of '%s' was cut by %r", step, name, error)

    def _log_failure(self, kind: str, subject: Any, error: Exception) -> None:
        name = self.service.name
        match kind:
            case "hook":
                hook = name_of(subject).rpartition(".")[2]
                specter_gevent.service.logger.error(
                    "[SPECTER] Error in Service '%s' %s: %s", name, hook, error, exc_info=True
                )
            case "unsubscribe":
                specter_gevent.service.logger.warning(
                    "[SPECTER] Failed to unsub bus listener for '%s': %s", name, error, exc_info=True
                )
            case "child":
                child = _name(subject)
                text = "[SPECTER] Error stopping child service '%s' (owned by '%s'): %s"
                specter_gevent.service.logger.error(text, child, name, error, exc_info=True)
            case _:
                specter_gevent.service.logger.warning(
                    "[SPECTER] Failed to run cleanup for '%s': %s", name, error, exc_info=True
                )


def _name(subject: Any) -> str:
    """What the subject of a step is called in logs."""
    name = getattr(subject, "name", None)
    return str(name) if name is not None else name_of(subject)
