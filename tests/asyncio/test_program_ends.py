"""A program that ends in the middle: the loop returns, an exit is asked for, a loop is thrown away."""

import asyncio
import gc
import logging
import signal
import sys

import anyio
import pytest
from parts import Part

from specter import Runtime, Service
from specter.testing import backend_options, virtual_time

both = pytest.mark.parametrize("backend", ["asyncio", "trio"])
each_end = pytest.mark.parametrize("end", [SystemExit(3), KeyboardInterrupt()], ids=["SystemExit", "KeyboardInterrupt"])


@pytest.fixture(autouse=True)
def quiet(caplog):
    """No event loop has anything to say of it: no lost exception, no pending task."""
    caplog.set_level(logging.WARNING, "asyncio")
    yield
    gc.collect()
    said = [*caplog.get_records("call"), *caplog.records]
    assert [record.message for record in said if record.name == "asyncio"] == []


def raising(error):
    async def work():
        await anyio.sleep(0.01)
        raise error

    return work


@both
@each_end
@pytest.mark.parametrize(
    "place", ["task", "plain task", "tick", "plain tick", "task of the runtime", "listener", "group in a task"]
)
def test_an_exit_from_below_ends_the_block_and_comes_out_of_it(backend, end, place):
    part = Part("a")
    log = part.log

    def plain():
        raise end

    async def in_a_group():
        async with anyio.create_task_group() as group:
            group.start_soon(raising(end))

    async def main():
        async with Runtime() as runtime:
            await part.start()
            match place:
                case "task":
                    part.spawn(raising(end))
                case "plain task":
                    part.spawn(plain)
                case "tick":
                    part.interval(raising(end), 0.01)
                case "plain tick":
                    part.timeout(plain, 0.01)
                case "task of the runtime":
                    runtime.start_task(raising(end))
                case "listener":
                    part.listen("end", lambda data: raising(end)())
                    part.emit_nowait("end")
                case "group in a task":
                    part.spawn(in_a_group)
            try:
                await anyio.sleep(20)
                log.append("never")
            finally:
                log.append("block ends")

    with pytest.raises((type(end), BaseExceptionGroup)) as found:
        anyio.run(main, backend=backend)

    errors = found.value.exceptions if isinstance(found.value, BaseExceptionGroup) else [found.value]
    assert list(errors) == [end]
    assert isinstance(found.value, type(end)) or place == "group in a task"
    assert "block ends" in log
    assert "a stops" in log
    assert log[-1] == "a cleans up"
    assert "never" not in log
    assert part.is_clean()


@both
@each_end
def test_an_exit_from_a_hook_of_a_stop_comes_out_when_everything_is_torn_down(backend, end):
    part, other = Part("a", stop=raising(end)), Part("other")

    async def main():
        async with Runtime():
            await other.start()
            await part.start()

    with pytest.raises(type(end)):
        anyio.run(main, backend=backend)

    assert part.is_clean()
    assert other.is_clean()


def test_an_exit_beats_the_error_of_a_block_that_it_ended():
    async def main():
        async with Runtime() as runtime:
            runtime.start_task(raising(SystemExit(3)))
            try:
                await anyio.sleep(20)
            finally:
                raise ValueError

    with pytest.raises(SystemExit):
        anyio.run(main, backend="trio")


@both
def test_an_exit_in_the_block_itself_tears_it_down(backend):
    part = Part("a")

    async def main():
        async with Runtime():
            await part.start()
            sys.exit(3)

    with pytest.raises(SystemExit):
        anyio.run(main, backend=backend)

    assert part.is_clean()


@both
def test_a_main_that_returns_with_a_runtime_open_still_releases_everything(backend):
    part = Part("a", stop=lambda: anyio.sleep(0.01))

    async def main():
        runtime = Runtime()
        await runtime._enter()  # as a manager does for `boot` and `shutdown` in two tasks
        part._find_runtime = lambda: runtime
        await part.start()
        await anyio.sleep(0.01)

    anyio.run(main, backend=backend)

    assert part.is_clean()
    assert part.log[0] == "a starts"
    assert "a stops" in part.log
    assert part.log[-1] == "a cleans up"


def test_a_loop_that_is_closed_with_a_service_in_it_lets_the_service_go(caplog):
    part = Part("a")
    loop = asyncio.new_event_loop()

    async def main():
        await Runtime().__aenter__()
        await part.start()

    loop.run_until_complete(main())
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.gather(*asyncio.all_tasks(loop), return_exceptions=True))
    loop.close()

    assert part.is_clean()


@pytest.mark.parametrize("seconds", [0.0, 0.01])
def test_asyncio_run_that_is_interrupted_tears_everything_down(seconds):
    part = Part("a", stop=lambda: anyio.sleep(seconds))

    async def main():
        async with Runtime():
            await part.start()
            asyncio.get_running_loop().call_later(0.01, signal.raise_signal, signal.SIGINT)
            await anyio.sleep(20)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(main())

    assert part.is_clean()


@pytest.mark.parametrize("seconds", [0.0, 0.01])
def test_trio_run_that_is_interrupted_tears_everything_down(seconds):
    part = Part("a", stop=lambda: anyio.sleep(seconds))

    async def main():
        async with Runtime():
            await part.start()
            part.spawn(lambda: signal.raise_signal(signal.SIGINT))
            await anyio.sleep(20)

    with pytest.raises(KeyboardInterrupt):
        anyio.run(main, backend="trio")

    assert part.is_clean()


def test_nothing_leaves_the_system_task_of_trio():
    """`trio.TrioInternalError` would say that it did."""

    class Odd(BaseException):
        pass

    async def fail():
        raise Odd

    async def main():
        with virtual_time():
            async with Runtime() as runtime:
                runtime.start_task(fail)
                service = await Service("svc").start()
                service.spawn(fail)
                await anyio.sleep(1)

    with pytest.raises(BaseExceptionGroup) as found:
        anyio.run(main, backend="trio", backend_options=backend_options("trio"))

    assert {type(error) for error in found.value.exceptions} == {Odd}


def test_asyncio_has_nothing_to_say_of_a_task_that_ends_the_program():
    async def end():
        raise SystemExit(3)

    async def main():
        async with Runtime(), Service("a") as service:
            service.spawn(end)
            await anyio.sleep_forever()

    with pytest.raises(SystemExit):
        asyncio.run(main())
