"""Virtual time waits for work outside with patience: who is heard renews it, and who uses it up is named."""

import logging
import os
import signal
import threading
import time

import anyio
import pytest
from anyio import to_thread
from outside import WORK, start

from specter.testing import virtual_time


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
            "started at outside.py:"
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

        assert "(sleep), started at test_doors_patience.py:" in caplog.text

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


async def test_a_child_that_was_there_before_is_waited_for_only_once(caplog):
    child = start(["sleep", "60"])
    took = []
    for _ in range(2):
        real = time.monotonic()
        with virtual_time(patience=2) as clock:
            await clock.advance(3600)
        took.append(time.monotonic() - real)
    child.kill()
    child.wait()

    assert 2 <= took[0] < 10
    assert took[1] < 2
    told = [record.getMessage() for record in caplog.records if record.name == "specter.testing"]
    assert len(told) == 1
    assert told[0].startswith("virtual time goes on beside what was there before it and is at work for more than 2 s")
    assert f"child process {child.pid} (sleep), started at outside.py:" in told[0]
