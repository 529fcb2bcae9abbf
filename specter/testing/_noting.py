"""Noting where tasks, and what Specter makes, are made."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from specter._loop import Loop
from specter._testing import origins
from specter.runtime import Runtime
from specter.sansio.listeners import Entry
from specter.sansio.timers import Timer
from specter.service import Service
from specter.service_registry import SPECTERRegistry
from specter.task import Task


def note_tasks() -> Callable[[], None]:
    """
    Note each task that is made on the loop of the caller from now on.

    On asyncio only as long as nobody else has set a task factory.

    Returns:
        A function that ends this.
    """
    if Loop.is_trio():
        return _note_on_trio()
    loop = asyncio.get_running_loop()
    if loop.get_task_factory() is not None:
        return _nothing

    def make(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(coroutine, loop=loop, **options)
        origins.note(task)
        return task

    def stop() -> None:
        if loop.get_task_factory() is make:
            loop.set_task_factory(None)

    loop.set_task_factory(make)
    return stop


def _note_on_trio() -> Callable[[], None]:
    trio = sys.modules["trio"]

    class Noting(trio.abc.Instrument):  # type: ignore[misc, name-defined]
        def task_spawned(self, task: Any) -> None:
            origins.note(task)

    instrument = Noting()
    trio.lowlevel.add_instrument(instrument)
    return lambda: trio.lowlevel.remove_instrument(instrument)


def _nothing() -> None:
    """End what was not begun."""


def _noting_start(set_phase: Callable[[Service, str], None]) -> Callable[[Service, str], None]:
    @wraps(set_phase)
    def noting(self: Service, event: str) -> None:
        if event == "start":
            origins.note(self)
        set_phase(self, event)

    return noting


def _noting_entry(provide: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(provide)
    def noting(self: SPECTERRegistry, key: str, value: Any, owner: Any = None, replace: bool = False) -> Any:
        provide(self, key, value, owner, replace)
        origins.note(self._entries._proofs.get(key.strip()), getattr(owner, "name", None))
        return value

    return noting


for made in (Entry, Runtime, Task, Timer):
    origins.note_at(made, "__init__", origins.noting_self)
origins.note_at(Service, "_set_phase", _noting_start)
origins.note_at(SPECTERRegistry, "provide", _noting_entry)
