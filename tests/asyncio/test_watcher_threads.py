"""Watchers of sources that block: polls and streams in threads."""

import itertools
import threading

import anyio
import anyio.to_thread
import pytest
from children import at_most
from watched import until_told

from specter import Runtime, Watcher
from specter.testing import eventually


class Blocking:
    """A source that blocks its thread until it is let go."""

    def __init__(self):
        self.entered, self.let_go = threading.Event(), threading.Event()
        self.threads = []

    def __call__(self):
        self.threads.append(threading.current_thread())
        self.entered.set()
        assert self.let_go.wait(10)
        return "late"

    def stream(self):
        yield self()


async def test_a_threaded_poll_does_not_block_the_event_loop(runtime):
    source = Blocking()
    watcher = Watcher("threaded", poll=source, threaded=True, interval=60)
    told = []
    watcher.subscribe(lambda value, _: told.append((value, threading.current_thread())))
    await watcher.start()
    await eventually(source.entered.is_set)

    source.let_go.set()
    await eventually(lambda: told)
    await watcher.stop()

    assert told == [("late", threading.current_thread())]
    assert source.threads[0].daemon


async def test_a_threaded_stream_is_taken_in_one_thread(runtime):
    threads = set()

    def stream():
        for number in range(5):
            threads.add(threading.current_thread())
            yield number

    assert await until_told(Watcher("threaded", stream=stream, threaded=True), 5) == [0, 1, 2, 3, 4]
    assert len(threads) == 1
    assert threading.current_thread() not in threads


@pytest.mark.parametrize("mode", ["poll", "stream"])
async def test_a_stop_leaves_a_thread_that_blocks(runtime, caplog, mode):
    source = Blocking()
    arguments = {"poll": source} if mode == "poll" else {"stream": source.stream}
    watcher = Watcher("blocked", threaded=True, **arguments)
    told = []
    watcher.subscribe(lambda value, _: told.append(value))
    await watcher.start()
    await eventually(source.entered.is_set)

    with at_most(10):
        await watcher.stop()

    assert "'blocked' was stopped while its source blocks" in caplog.text.replace("watcher blocked", "'blocked'")
    source.let_go.set()
    await eventually(lambda: not source.threads[0].is_alive())
    assert told == []


async def test_a_stop_ends_the_thread_of_a_stream_that_goes_on(runtime, caplog):
    left = threading.Event()
    threads = []

    def stream():
        threads.append(threading.current_thread())
        try:
            yield from itertools.count()
        finally:
            left.set()

    await until_told(Watcher("threaded", stream=stream, threaded=True), 3)

    await eventually(lambda: left.is_set() and not threads[0].is_alive())


class Closing:
    """A threaded stream of numbers that does not end, and whose end takes until it is let go."""

    def __init__(self):
        self.closes, self.let_go = threading.Event(), threading.Event()
        self.open = []

    def __call__(self):
        self.open.append(1)
        try:
            yield from itertools.count()
        finally:
            self.closes.set()
            assert self.let_go.wait(10)
            self.open.pop()

    async def started(self):
        """A watcher that has told something of it."""
        told = anyio.Event()
        watcher = Watcher("closing", stream=self, threaded=True)
        watcher.subscribe(lambda value, _: told.set())
        await watcher.start()
        await told.wait()
        return watcher


async def test_a_stop_waits_for_the_end_of_a_threaded_stream(runtime, caplog):
    async def stop():
        await watcher.stop()
        stopped.append(source.open.copy())

    source, stopped = Closing(), []
    watcher = await source.started()

    async with anyio.create_task_group() as group:
        group.start_soon(stop)
        await eventually(source.closes.is_set)
        assert not stopped
        source.let_go.set()

    assert stopped == [[]]
    assert "blocks" not in caplog.text


async def test_a_stop_waits_for_a_thread_although_all_others_are_at_work(runtime, caplog, monkeypatch):
    limiter = anyio.to_thread.current_default_thread_limiter()
    monkeypatch.setattr(limiter, "total_tokens", 1)
    source, let_go = Closing(), threading.Event()
    watcher = await source.started()
    source.let_go.set()

    async with anyio.create_task_group() as group:
        group.start_soon(anyio.to_thread.run_sync, let_go.wait, 10)
        await eventually(lambda: limiter.borrowed_tokens)
        await watcher.stop()
        let_go.set()

    assert not source.open
    assert "did not end" not in caplog.text


@pytest.mark.virtual_clock
async def test_virtual_time_stands_still_for_the_end_of_a_threaded_stream(virtual_clock, caplog):
    async with Runtime():
        source = Closing()
        watcher = await source.started()
        before = virtual_clock.now
        threading.Timer(0.05, source.let_go.set).start()

        await watcher.stop()

    assert not source.open
    assert virtual_clock.now == before
    assert "blocks" not in caplog.text


async def test_an_error_in_a_thread_is_the_watchers(runtime, caplog):
    watcher = await Watcher("threaded", stream=lambda: 1 / 0, threaded=True, retry=False).start()

    await eventually(lambda: not watcher.running)

    assert "ZeroDivisionError" in caplog.text
    assert watcher.health()["error_count"] == 1


def test_a_thread_that_blocks_keeps_no_program():
    from fresh import python

    code = """
import time, anyio
from specter import Runtime, Watcher
async def main():
    async with Runtime():
        watcher = await Watcher("stuck", poll=lambda: time.sleep(600), threaded=True).start()
        await anyio.sleep(0.1)
anyio.run(main)
print("ended")
"""
    assert python(code) == "ended"
