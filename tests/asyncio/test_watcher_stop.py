"""Watchers that are stopped, by whomever, or cancelled."""

import itertools
import threading

import anyio
import anyio.to_thread
import pytest
from anyio.lowlevel import checkpoint
from children import at_most
from watched import SHORT, async_values, until_told

from specter import Runtime, Service, Watcher
from specter.testing import cancel_everywhere, eventually


async def test_a_service_ends_its_watchers():
    async with Service("owner") as service:
        watcher = await service.own(Watcher("owned", poll=int)).start()
        assert watcher.running

    assert not watcher.running


async def test_a_runtime_ends_its_watchers():
    async with Runtime():
        watcher = await Watcher("left", poll=int).start()

    assert not watcher.running


async def test_a_subscriber_may_stop_it(runtime):
    watcher = Watcher("stopped", stream=lambda: itertools.count())
    stopped = anyio.Event()

    async def hear(value, source):
        await source.stop()
        stopped.set()

    watcher.subscribe(hear)
    await watcher.start()

    with anyio.fail_after(5):
        await stopped.wait()
    assert not watcher.running


async def test_a_poll_may_stop_its_watcher_and_its_service(runtime):
    service = await Service("owner").start()

    async def poll():
        await watcher.stop()
        await service.stop()
        ends.append("poll")

    ends = []
    watcher = service.own(Watcher("own", poll=poll, interval=0.1))
    await watcher.start()

    with anyio.fail_after(5):
        await eventually(lambda: ends)
    assert not watcher.running


async def test_a_poll_may_stop_the_service_that_owns_its_watcher(runtime):
    service = await Service("owner").start()
    ends = []

    async def poll():
        await service.stop()
        ends.append("poll")
        await checkpoint()

    await service.own(Watcher("own", poll=poll, interval=0.1)).start()

    with anyio.fail_after(4):
        await eventually(lambda: not service.running)


async def test_a_poll_may_wait_for_a_stop_that_waits_for_its_watcher(runtime):
    class Owner(Service):
        async def on_stop(self):
            stopping.set()
            await asked.wait()

    stopping, asked = anyio.Event(), anyio.Event()

    async def poll():
        await stopping.wait()
        asked.set()
        await service.stop()

    service = await Owner("owner").start()
    await service.own(Watcher("own", poll=poll)).start()

    with at_most(10):
        await service.stop()


async def test_a_stop_ends_a_stream_whose_value_is_being_transformed(runtime):
    left, entered = [], anyio.Event()

    async def stream():
        try:
            yield 1
        finally:
            left.append("stream")

    async def transform(value):
        entered.set()
        await anyio.sleep_forever()

    watcher = await Watcher("stream", stream=stream, transform=transform).start()
    await entered.wait()
    await watcher.stop()

    assert left == ["stream"]


async def test_a_stop_ends_a_stream_at_its_place(runtime):
    left = []

    async def stream():
        try:
            yield 1
            await anyio.sleep_forever()
        finally:
            left.append("async")

    def plain():
        try:
            yield from itertools.count()
        finally:
            left.append("plain")

    for source in (stream, plain):
        await until_told(Watcher("stream", stream=source), 1)

    assert left == ["async", "plain"]


async def test_a_source_that_goes_on_is_named_and_left_to_itself(runtime, caplog, monkeypatch):
    monkeypatch.setattr("specter.watcher._STOP_TIMEOUT", SHORT)
    entered, enough = anyio.Event(), anyio.Event()

    async def stubborn():
        entered.set()
        with anyio.CancelScope(shield=True):
            await enough.wait()

    watcher = await Watcher("stubborn", poll=stubborn).start()
    await entered.wait()
    with anyio.fail_after(5):
        await watcher.stop()
    enough.set()

    line = stubborn.__code__.co_firstlineno + 3
    assert f"watcher 'stubborn' did not end, waits at test_watcher_stop.py:{line} in stubborn" in caplog.text


async def slow_values(open_sources):
    open_sources.append(1)
    try:
        yield "a"
        await anyio.sleep_forever()
    finally:
        with anyio.CancelScope(shield=True):
            await checkpoint()
        open_sources.pop()


def slow_thread(open_sources):
    open_sources.append(1)
    try:
        yield from itertools.count()
    finally:
        threading.Event().wait(SHORT)
        open_sources.pop()


@pytest.mark.parametrize(
    ("stream", "threaded"), [(slow_values, False), (slow_thread, True)], ids=["async stream", "threaded stream"]
)
async def test_a_stop_that_is_cancelled_has_waited_for_its_source(runtime, stream, threaded):
    async def prepare():
        watchers.append(await Watcher("cut", stream=lambda: stream(open_sources), threaded=threaded).start())
        await eventually(lambda: open_sources)

    async def stop():
        try:
            await watchers[-1].stop()
        finally:
            assert not open_sources

    watchers, open_sources = [], []
    assert await cancel_everywhere(stop, prepare=prepare) > 2


@pytest.mark.parametrize(
    "source",
    [
        {"stream": lambda: async_values()},
        {"stream": lambda: iter("abc")},
        {"stream": lambda: iter("abc"), "threaded": True},
        {"poll": checkpoint},
        {"poll": lambda: "a", "threaded": True},
    ],
    ids=["async stream", "stream", "threaded stream", "async poll", "threaded poll"],
)
async def test_wherever_it_is_cancelled_a_watcher_leaves_nothing(source):
    async def live():
        async with Service("owner") as service:
            watcher = service.own(Watcher("cut", max_backoff=SHORT, **source))
            watchers.append(watcher)
            told = anyio.Event()

            async def hear(value, _):
                await checkpoint()
                told.set()

            watcher.subscribe(hear)
            await watcher.start()
            await told.wait()
            await watcher.stop()

    def check():
        assert not any(watcher.running for watcher in watchers)

    watchers = []
    assert await cancel_everywhere(live, check) > 3
    await eventually(lambda: not [thread for thread in threading.enumerate() if thread.name == "watcher cut"])
