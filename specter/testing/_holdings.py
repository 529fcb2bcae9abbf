"""What lives on an event loop of asyncio or trio: tasks, and what Specter has in runtimes, bus and registry."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from specter import event_bus, service_registry
from specter._calls import name_of
from specter._loop import Loop, native_task
from specter._testing import origins
from specter._testing.children import serves_child
from specter._testing.watch import Held, unended
from specter._where import frames, where
from specter.manager import ServiceManager
from specter.process import ManagedProcess
from specter.runtime import Runtime
from specter.sansio.timers import Timer
from specter.service import Service
from specter.task import Task

# python-socketio's, which live as long as the server, or until some time after their client has gone; the timers of a
# runtime, which is told itself; what anyio's plugin waits in for a fixture.
_EXPECTED = {
    "AsyncServer._service_task",
    "AsyncSocket._send_ping",
    "Runtime._run_timers",
    "TestRunner._call_in_runner_task",
}

# What python-engineio makes of its own waits, again and again, as long as the server or a connection lives.
_MAKERS = {"AsyncServer._service_task", "AsyncSocket._websocket_handler", "AsyncSocket.poll"}

_OF_CHILDREN = {ManagedProcess._see_to_end.__code__, ManagedProcess._read.__code__}


def held() -> Iterator[Held]:
    """Give all that is there now on the loop of the caller, but for the task of the caller itself."""
    natives = _native_tasks()
    here = native_task()
    ours: list[Any] = [here]
    for native in natives:
        if (open_runtime := hosted_by(native)) is not None:
            ours.append(native)
            yield Held("tasks", open_runtime, f"the open runtime {open_runtime.name!r}")
            yield from _held_by_runtime(open_runtime, ours)
    known = {id(native) for native in ours}
    for native in natives:
        if id(native) not in known and not is_expected(native):
            yield Held("tasks", native, f"task {name_of_task(native)!r}", where=partial(where, native))
    yield from listening()
    yield from provided()


def held_in(runtime: Runtime) -> Iterator[Held]:
    """Give what a runtime holds, and what its services have in the bus and the registry."""
    found = list(_held_by_runtime(runtime, []))
    services = {one.thing.name for one in found if one.kind == "services"}
    yield from found
    yield from (one for one in (*listening(), *provided()) if one.owner in services)


def listening() -> Iterator[Held]:
    """Give the listeners of the bus."""
    for event, entries in list(event_bus.bus._listeners._subscribed.items()):
        for entry in list(entries.values()):
            owners = [getattr(owner, "name", None) for owner in list(entry.listener._owners.values())]
            yield Held("subscriptions", entry, f"{event!r} by {name_of(entry.fn)}", next(filter(None, owners), None))


def provided() -> Iterator[Held]:
    """Give the entries of the registry."""
    entries = service_registry.registry._entries
    for key, value in list(entries.values.items()):
        proof = entries._proofs.get(key)
        yield Held("registry", proof, f"{key!r}, {type(value).__name__}", origins.owner_of(proof))


def _held_by_runtime(open_runtime: Runtime, ours: list[Any]) -> Iterator[Held]:
    yield from _tasks(open_runtime._tasks, ours)
    services: list[tuple[Service, str | None]] = [(one, None) for one in open_runtime._services.values()]
    while services:
        one, owner = services.pop()
        ledger = one._ledger
        yield Held("services", one, unended(one, ServiceManager), owner)
        yield from _tasks(ledger.tasks, ours)
        for timer in [*ledger.intervals.values(), *ledger.timeouts.values()]:
            yield Held("timers", timer, _timer(timer), one.name)
        services += [(child, one.name) for child in ledger.children.values()]


def _tasks(tasks: Iterable[Task], ours: list[Any]) -> Iterator[Held]:
    for one in list(tasks):
        ours.append(one._native)
        if not serves_child(frames(one._native), _OF_CHILDREN):
            yield Held("tasks", one, f"task {one.label!r}", one.owner.name, one.where)


def _timer(timer: Timer) -> str:
    kind = "timeout" if timer.period is None else f"interval of {timer.period} s"
    return f"{kind}, {name_of(timer.fn)}"


def _native_tasks() -> list[Any]:
    """All tasks of the caller's loop but the machinery of trio."""
    if not Loop.is_trio():
        return list(asyncio.all_tasks())
    tasks, found = [sys.modules["trio"].lowlevel.current_root_task()], []
    while tasks:
        native = tasks.pop()
        if native is None:
            continue
        children = [child for nursery in native.child_nurseries for child in nursery.child_tasks]
        tasks += children
        found += [child for child in children if not child.coro.cr_frame.f_globals["__name__"].startswith("trio.")]
    return found


def hosted_by(native: Any) -> Runtime | None:
    """The runtime that a task holds open."""
    coroutine = _coroutine(native)
    if getattr(coroutine, "cr_code", None) is not Runtime._hold.__code__ or coroutine.cr_frame is None:
        return None
    return coroutine.cr_frame.f_locals["self"]  # type: ignore[no-any-return]


def _coroutine(native: Any) -> Any:
    return native.get_coro() if hasattr(native, "get_coro") else native.coro


def is_expected(native: Any) -> bool:
    """Whether a task is one that may be left."""
    if origins.maker_of(native) in _MAKERS:
        return True
    # A task of anyio's group has a coroutine of anyio round that of the function.
    first = [frame for frame, _ in frames(native)][:3]
    return any(frame.f_code.co_qualname in _EXPECTED for frame in first)


def name_of_task(native: Any) -> str:
    """What a task is called; what it runs, if nobody has given it a name."""
    name: str = native.get_name() if hasattr(native, "get_name") else native.name
    if name.startswith("Task-") or name == "None":  # as Python 3.13 calls those of a task factory
        return str(getattr(_coroutine(native), "__qualname__", name))
    return name
