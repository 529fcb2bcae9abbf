"""Threads and the loop that they belong to: none, another one, one that is gone or busy."""

import asyncio
import threading
import time
from contextvars import Context, copy_context

import anyio
import pytest
import trio
from anyio import to_thread
from anyio.lowlevel import checkpoint

from specter import Runtime, ServiceManager, bus
from specter._delivery import Subscriber
from specter._loop import Loop, LoopGone

# Threads that were told of a loop which is not theirs, as Quart's.


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_thread_that_was_told_of_asyncio_has_no_loop_all_the_same():
    heard = []

    def subscribe():
        assert Loop.current() is None
        bus.on("event", heard.append)
        return threading.get_ident()

    await asyncio.get_running_loop().run_in_executor(None, copy_context().run, subscribe)
    bus.emit_nowait("event", 1)

    assert heard == [1]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_thread_that_says_nothing_of_its_loop_has_the_runtime_of_the_only_manager():
    def current():
        return asyncio.get_running_loop().run_in_executor(None, Context().run, Runtime.current)

    async with ServiceManager() as manager:
        assert (await current()).name == manager.name
        assert await to_thread.run_sync(anyio.run, in_another_manager, current) is None
    assert await current() is None


async def in_another_manager(current):
    async with ServiceManager():
        return await current()


# Loops that are gone, or stand still.


def test_a_subscriber_of_a_closed_loop_is_called_in_the_thread():
    heard, made = [], []

    async def main():
        made.append(Subscriber(lambda value: heard.append((threading.get_ident(), value))))

    anyio.run(main)
    thread = threading.Thread(target=made[0].notify, args=[1])
    thread.start()
    thread.join()

    assert heard == [(thread.ident, 1)]


def test_a_subscriber_of_a_loop_that_was_stopped_but_not_closed_does_not_hang_the_thread():
    heard, made = [], []
    loop = asyncio.new_event_loop()

    async def main():
        made.append(Subscriber(heard.append))

    loop.run_until_complete(main())
    thread = threading.Thread(target=made[0].notify, args=[1])
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
    loop.close()

    assert heard == [1]


def test_a_loop_that_closes_while_a_thread_delivers_does_not_hang_it():
    heard = []
    thread = threading.Thread(target=lambda: [bus.emit_nowait("event", number) for number in range(2000)])

    async def main():
        bus.on("event", heard.append)
        thread.start()
        while len(heard) < 10:
            await checkpoint()

    asyncio.run(main())
    thread.join(10)

    assert not thread.is_alive()
    assert sorted(heard) == list(range(2000))


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_asking_a_closed_loop_says_that_it_is_gone(backend):
    made = []

    async def main():
        made.append(Loop.current())

    anyio.run(main, backend=backend)
    raised = []

    def ask():
        with pytest.raises(LoopGone) as found:
            made[0].run(print)
        raised.append(found)

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()

    assert len(raised) == 1


async def test_what_is_asked_of_a_loop_comes_back_to_the_thread_value_or_error():
    loop = Loop.current()
    assert loop is Loop.current()

    def work():
        assert loop.run(threading.get_ident) == loop.thread
        with pytest.raises(ZeroDivisionError):
            loop.run(lambda: 1 / 0)
        assert Loop.current() is None

    assert loop.run(threading.get_ident) == threading.get_ident()
    await to_thread.run_sync(work)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_each_of_two_loops_in_one_thread_is_told_from_the_other(anyio_backend):
    asyncios, seen = asyncio.get_running_loop(), []

    async def guest():
        for _ in range(2):
            seen.append((Loop.is_trio(), Loop.current().native is asyncios))
            await trio.lowlevel.checkpoint()

    ended = asyncios.create_future()
    assert Loop.current().native is asyncios
    trio.lowlevel.start_guest_run(
        guest,
        run_sync_soon_threadsafe=asyncios.call_soon_threadsafe,
        done_callback=ended.set_result,
        host_uses_signal_set_wakeup_fd=True,  # as uvloop does
    )
    while not ended.done():
        assert Loop.current().native is asyncios
        await checkpoint()

    ended.result().unwrap()
    assert seen == [(True, False)] * 2


async def test_a_thread_that_waits_for_a_busy_loop_waits_on():
    loop = Loop.current()

    def work():
        return loop.run(lambda: "done")

    async with anyio.create_task_group() as group:
        got = []

        async def ask():
            got.append(await to_thread.run_sync(work))

        group.start_soon(ask)
        await checkpoint()
        time.sleep(0.5)  # noqa: ASYNC251 - the loop is busy

    assert got == ["done"]
