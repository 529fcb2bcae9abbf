"""A recorder and the threads of asyncio and trio; what both runtimes share is tested in `tests/shared`."""

import anyio
from anyio import to_thread

from specter import EventBus
from specter.testing import record


async def test_events_of_a_thread_are_recorded_and_wake_who_waits():
    events = EventBus()
    got = []

    async def wait():
        got.append(await recorder.wait_for("event", timeout=5))

    with record(events) as recorder:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await to_thread.run_sync(events.emit_nowait, "first", 1)
            await to_thread.run_sync(events.emit_nowait, "event", 2)

    assert recorder.events == [("first", 1), ("event", 2)]
    assert got == [2]


def test_without_an_event_loop_events_are_recorded_as_well():
    events = EventBus()

    with record(events, "a:*") as recorder:
        events.emit_nowait("a:b", 1)

    assert recorder.events == [("a:b", 1)]
