"""What holds virtual time still on asyncio and trio: each door through which work leaves the event loop."""

import asyncio
import itertools
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import anyio
import pytest
import trio
from anyio import from_thread, to_thread
from fresh import python

from specter import Runtime, Service
from specter.testing import backend_options, virtual_time

# Real seconds of work outside, in which time would run on for days.
WORK = 0.05

# Real seconds that the clock waits for somebody; far more than all else takes.
PATIENCE = 5.0


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request):
    return request.param, backend_options(request.param)


only_asyncio = pytest.mark.parametrize("anyio_backend", [("asyncio", backend_options("asyncio"))], ids=["asyncio"])


def start(args, **options):
    return subprocess.Popen(args, **options)


@pytest.fixture
async def ticking(anyio_backend):
    """A virtual clock, and a task that has time move on each second."""

    async def tick():
        for _ in itertools.count():
            await anyio.sleep(1)

    with virtual_time(patience=PATIENCE) as clock:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tick)
            yield clock
            tasks.cancel_scope.cancel()


IMPORTED_ANEW = """
import sys, time
import anyio
from anyio import to_thread
from specter.testing import backend_options, virtual_time

async def main():
    with virtual_time() as clock:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.sleep, 3600)
            await to_thread.run_sync(time.sleep, 0.05)
            print(clock.now)

anyio.run(anyio.sleep, 0, backend="BACKEND")
del sys.modules["anyio._backends._BACKEND"]
anyio.run(main, backend="BACKEND", backend_options=backend_options("BACKEND"))
"""


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_doors_are_those_that_anyio_uses(backend):
    assert python(IMPORTED_ANEW.replace("BACKEND", backend)) == "0.0"


class TestThreads:
    async def test_anyio_to_thread(self, ticking):
        await to_thread.run_sync(time.sleep, WORK)

        assert ticking.now == 0

    async def test_a_limiter_of_its_own(self, ticking):
        await to_thread.run_sync(time.sleep, WORK, limiter=anyio.CapacityLimiter(1))

        assert ticking.now == 0

    async def test_many_short_ones(self, ticking):
        for _ in range(100):
            await to_thread.run_sync(int)

        assert ticking.now == 0

    async def test_one_that_is_abandoned_holds_no_more(self, ticking):
        go = threading.Event()
        with anyio.move_on_after(0) as scope:
            await to_thread.run_sync(go.wait, abandon_on_cancel=True)
        await ticking.advance(3600)
        go.set()

        assert scope.cancelled_caught
        assert ticking.now == 3600

    async def test_who_waits_for_a_token_is_not_at_work(self, ticking):
        limiter = anyio.CapacityLimiter(1)

        async def keep():
            async with limiter:
                await anyio.sleep(3600)

        real = time.monotonic()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(keep)
            await anyio.lowlevel.checkpoint()
            await to_thread.run_sync(int, limiter=limiter)

        assert ticking.now == 3600
        assert time.monotonic() - real < PATIENCE, "it was waited for in vain"

    async def test_one_that_waits_for_the_loop_lets_time_go(self, ticking):
        with anyio.fail_after(200):
            await to_thread.run_sync(from_thread.run, anyio.sleep, 100)

        assert ticking.now == 100

    async def test_after_that_it_holds_again(self, ticking):
        def work():
            from_thread.run(anyio.sleep, 100)
            time.sleep(WORK)

        await to_thread.run_sync(work)

        assert ticking.now == 100

    async def test_one_beside_it_goes_on_to_hold(self, ticking):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(to_thread.run_sync, from_thread.run, anyio.sleep, 100)
            await to_thread.run_sync(time.sleep, WORK)
            assert ticking.now == 0

        assert ticking.now == 100

    @only_asyncio
    @pytest.mark.parametrize(
        "ask",
        [
            lambda: asyncio.to_thread(time.sleep, WORK),
            lambda: asyncio.get_running_loop().run_in_executor(None, time.sleep, WORK),
            lambda: asyncio.get_running_loop().getaddrinfo("localhost", 80),
        ],
        ids=["to_thread", "run_in_executor", "getaddrinfo"],
    )
    async def test_executors_of_asyncio(self, ticking, ask):
        await ask()

        assert ticking.now == 0

    @only_asyncio
    async def test_an_executor_of_processes(self, ticking):
        with ProcessPoolExecutor(1) as executor:
            await asyncio.get_running_loop().run_in_executor(executor, time.sleep, WORK)

            assert ticking.now == 0

    @only_asyncio
    async def test_an_executor_that_is_closed_holds_nothing(self, ticking):
        executor = ProcessPoolExecutor(1)
        executor.shutdown()
        with pytest.raises(RuntimeError, match="shutdown"):
            await asyncio.get_running_loop().run_in_executor(executor, time.sleep, WORK)
        await ticking.advance(1)

        assert ticking.now == 1

    @pytest.mark.parametrize("anyio_backend", [("trio", backend_options("trio"))], ids=["trio"])
    async def test_threads_of_trio(self, ticking):
        await trio.to_thread.run_sync(time.sleep, WORK)
        assert ticking.now == 0

        await trio.to_thread.run_sync(trio.from_thread.run, trio.sleep, 100)
        assert ticking.now == 100

    @pytest.mark.parametrize("anyio_backend", [("trio", backend_options("trio"))], ids=["trio"])
    async def test_a_thread_that_began_before(self):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(trio.to_thread.run_sync, time.sleep, WORK)
            await anyio.sleep(0.001)
            with virtual_time() as clock:
                await clock.settle()
                ended = trio.testing.active_thread_count() == 0

        assert ended


class TestChildren:
    async def test_anyio_run_process(self, ticking):
        await anyio.run_process(["sleep", str(WORK)])

        assert ticking.now == 0

    async def test_a_popen_of_ones_own(self, ticking):
        child = start(["sleep", str(WORK)])
        await ticking.advance(1)

        assert child.poll() == 0, "time moved while it was at work"

    @only_asyncio
    async def test_asyncio_create_subprocess(self, ticking):
        child = await asyncio.create_subprocess_exec("sleep", str(WORK))
        await child.wait()

        assert ticking.now == 0

    async def test_what_a_child_leaves_in_its_group(self, ticking, tmp_path):
        done = tmp_path / "done"
        script = f"(sleep {WORK}; touch {done}) & exit 0"
        child = start(["sh", "-c", script], start_new_session=True)
        child.wait()
        await ticking.advance(1)

        assert done.exists(), "time moved while it was at work"

    async def test_one_that_cannot_be_started_holds_nothing(self, ticking):
        with pytest.raises(FileNotFoundError) as kept:  # and with it what could not be started
            start(["/nowhere"])
        real = time.monotonic()
        await ticking.advance(1)

        assert time.monotonic() - real < PATIENCE
        assert kept.value.filename == "/nowhere"

    async def test_one_for_whose_end_nobody_asks_holds_no_longer(self, ticking):
        child = start(["true"])
        real = time.monotonic()
        await ticking.advance(1)
        took = time.monotonic() - real
        child.wait()

        assert took < PATIENCE


class Answering:
    """A TCP server in a thread of its own, that answers each line after some time."""

    def __init__(self, seconds):
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.address = self.listening.getsockname()
        self.seconds = seconds
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        connection, _ = self.listening.accept()
        with connection, connection.makefile("rwb", buffering=0) as file:
            for line in file:
                time.sleep(self.seconds)
                file.write(line)


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels do not tell when a socket has sent last")
class TestSockets:
    async def test_who_waits_for_an_answer_from_outside_holds(self, ticking):
        server = Answering(4 * WORK)
        with server.listening:
            async with await anyio.connect_tcp(*server.address) as stream:
                for _ in range(3):
                    await stream.send(b"?\n")
                    with anyio.fail_after(60):
                        assert await stream.receive() == b"?\n"

        assert ticking.now == 0

    async def test_who_has_been_answered_holds_no_more(self, ticking):
        server = Answering(0)
        with server.listening:
            async with await anyio.connect_tcp(*server.address) as stream:
                await stream.send(b"?\n")
                await stream.receive()
                real = time.monotonic()
                await ticking.advance(3600)

        assert time.monotonic() - real < PATIENCE

    async def test_an_answer_that_does_not_come_is_given_up(self):
        server = Answering(3600)
        with server.listening, virtual_time(patience=0.5) as clock:
            async with await anyio.connect_tcp(*server.address) as stream:
                await stream.send(b"?\n")
                real = time.monotonic()
                with anyio.move_on_after(3600):
                    await stream.receive()

        assert 0.4 < time.monotonic() - real < 20
        assert clock.now == pytest.approx(3600, abs=60)

    async def test_both_ends_in_one_loop_need_no_hold(self, ticking):
        async def answer(stream):
            async with stream:
                async for data in stream:
                    await stream.send(data)

        real = time.monotonic()
        async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as t:
            t.start_soon(listener.serve, answer)
            port = listener.extra(anyio.abc.SocketAttribute.local_port)
            async with await anyio.connect_tcp("127.0.0.1", port) as stream:
                for _ in range(20):
                    await stream.send(b"?")
                    await stream.receive()
                    await anyio.sleep(60)
            t.cancel_scope.cancel()

        assert ticking.now == pytest.approx(20 * 60, abs=3)
        assert time.monotonic() - real < 20 * 0.05 + PATIENCE


async def test_what_is_ready_is_seen_before_time_moves(ticking):
    for _ in range(10):
        read, write = os.pipe()
        os.write(write, b"ready")
        await ticking.advance(3)
        before = ticking.now
        await anyio.wait_readable(read)
        os.close(read)
        os.close(write)

        assert ticking.now == before


async def test_who_waits_for_no_moment_moves_no_time():
    """A runtime without timers sleeps for ever: that is no moment to which time could move."""
    with virtual_time() as clock:
        async with Runtime(), Service("s") as service:
            service.timeout(int, 1)
            await clock.advance(2)
            done, token = anyio.Event(), anyio.lowlevel.current_token()
            # By hand: no worker thread, which would hold the time.
            threading.Timer(WORK, lambda: from_thread.run_sync(done.set, token=token)).start()
            await done.wait()

            assert clock.now == 2


class TestPatience:
    async def test_time_then_flows_and_the_holder_is_named(self, caplog):
        with virtual_time(patience=0.1) as clock:
            child = start(["sleep", "60"])
            real = time.monotonic()
            await anyio.sleep(0.2)
            took = time.monotonic() - real
            child.kill()
            child.wait()
            await clock.advance(3600)

        assert 0.29 <= took < 5
        assert clock.now == pytest.approx(3600.2, abs=1)
        (record,) = [record for record in caplog.records if record.name == "specter.testing"]
        assert record.levelno == logging.WARNING
        assert record.getMessage().startswith(
            f"virtual time goes on at the real rate: at work for more than 0.1 s is child process {child.pid} (sleep), "
            "started at test_clock_doors.py:"
        )
        assert record.getMessage().endswith(" in start")

    async def test_a_thread_is_named(self, caplog):
        go = threading.Event()

        def stubborn():
            go.wait(30)

        with virtual_time(patience=0.05):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(to_thread.run_sync, stubborn)
                await anyio.sleep(0.05)
                go.set()

        (record,) = [record for record in caplog.records if record.name == "specter.testing"]
        assert "worker thread that runs TestPatience.test_a_thread_is_named.<locals>.stubborn" in record.getMessage()

    async def test_a_child_that_is_started_in_a_thread_is_named_by_who_asked(self, caplog):
        with virtual_time(patience=0.05), anyio.move_on_after(0.1):
            await anyio.run_process(["sleep", "60"])

        assert "(sleep), started at test_clock_doors.py:" in caplog.text

    async def test_what_is_heard_renews_it(self):
        """A child that says something every now and then is at work, for longer than patience."""
        script = "for i in $(seq 20); do echo $i; sleep 0.1; done"
        with virtual_time(patience=1.5) as clock:
            async with await anyio.open_process(["sh", "-c", script]) as process:
                lines = [data async for data in process.stdout]

        assert b"".join(lines).split() == [b"%d" % number for number in range(1, 21)]
        assert clock.now == 0

    async def test_to_settle_waits_for_who_is_at_work_but_not_in_vain(self):
        with virtual_time(patience=1) as clock:
            async with anyio.create_task_group() as tasks:
                ended = anyio.Event()

                async def work():
                    await to_thread.run_sync(time.sleep, WORK)
                    ended.set()

                tasks.start_soon(work)
                await anyio.lowlevel.checkpoint()
                await clock.settle()
                assert ended.is_set()

            child = start(["sleep", "60"])
            await clock.settle()
            child.kill()
            child.wait()

    @pytest.mark.parametrize("number", [signal.SIGINT], ids=["SIGINT"])
    async def test_a_signal_is_heard_while_time_stands_still(self, number):
        with virtual_time(patience=60), anyio.open_signal_receiver(number) as signals:
            child = start(["sh", "-c", f"sleep {WORK}; kill -INT {os.getpid()}; sleep 60"])
            async for received in signals:
                assert received == number
                break
            child.kill()
            child.wait()


async def test_doors_stay_what_they_are_on_other_loops():
    """Once opened, they do their work on every loop."""
    assert await to_thread.run_sync(partial(int, "7")) == 7


async def test_a_child_that_was_there_before_is_waited_for_only_once(caplog):
    child = start(["sleep", "60"])
    took = []
    for _ in range(2):
        real = time.monotonic()
        with virtual_time(patience=1) as clock:
            await clock.advance(3600)
        took.append(time.monotonic() - real)
    child.kill()
    child.wait()

    assert 1 <= took[0] < 10
    assert took[1] < 1
    told = [record.getMessage() for record in caplog.records if record.name == "specter.testing"]
    assert len(told) == 1
    assert told[0].startswith("virtual time goes on beside what was there before it and is at work for more than 1 s")
    assert f"child process {child.pid} (sleep), started at test_clock_doors.py:" in told[0]
