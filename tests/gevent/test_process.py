"""Children: started, waited for, and started again."""

import os
import signal
import subprocess
from subprocess import PIPE

import gevent
import pytest
from children import at_most, exists
from fresh import python
from greenlets import ended

from specter_gevent import ManagedProcess, start_process
from specter_gevent.process import logger
from specter_gevent.testing import eventually

pytestmark = pytest.mark.usefixtures("no_child_left")


def test_a_process_runs_and_ends():
    process = start_process("quick", ["sh", "-c", "exit 3"])

    assert process.pid == process.process.pid
    assert process.wait() == 3
    assert (process.running, process.returncode, process.poll()) == (False, 3, 3)


def test_what_was_not_started_has_no_numbers():
    process = ManagedProcess("idle")

    assert (process.running, process.pid, process.returncode, process.process) == (False, None, None, None)
    assert process.stop() is process
    assert process.poll() is None
    with pytest.raises(RuntimeError, match=r"^\[SPECTER:process\] 'idle' has not been started$"):
        process.wait()


def test_a_process_that_runs_is_not_started_again():
    with ManagedProcess("once") as process:
        process.start(["sleep", "60"])
        with pytest.raises(RuntimeError, match=r"^\[SPECTER:process\] 'once' is already running$"):
            process.start(["sleep", "60"])


def test_a_missing_program_is_the_systems_own_error():
    process = ManagedProcess("missing")

    with pytest.raises(FileNotFoundError, match="no-such-program"):
        process.start(["no-such-program"])

    assert process.process is None
    process.start(["true"])
    assert process.wait() == 0


def test_an_owner_that_cannot_own_starts_nothing():
    message = r"^\[SPECTER:process\] owner for 'homeless' must expose add_cleanup\(\)\. Got object\.$"
    with pytest.raises(TypeError, match=message):
        start_process("homeless", ["sleep", "60"], owner=object())


def test_an_owner_that_refuses_ends_what_was_started():
    class Closed:
        def add_cleanup(self, fn):
            raise RuntimeError("closed")

    process = ManagedProcess("refused")
    with pytest.raises(RuntimeError, match="closed"):
        process.start(["sleep", "60"], owner=Closed())

    assert process.returncode == -signal.SIGTERM


def test_a_process_can_be_started_again():
    process = ManagedProcess("again")
    for _ in range(2):
        process.start(["sleep", "60"])
        assert process.running
        process.stop()
        assert not process.running

    process.start(["sh", "-c", "exit 4"])
    assert process.wait() == 4
    process.start(["sh", "-c", "exit 5"])
    assert process.wait() == 5


def test_of_two_starts_at_once_one_is_refused(hub_errors):
    process = ManagedProcess("once")
    starts = [gevent.spawn(process.start, ["sleep", "60"]) for _ in range(2)]
    gevent.joinall(starts)

    assert sorted(start.successful() for start in starts) == [False, True]
    assert "is already running" in hub_errors.pop()
    process.stop()


def test_several_greenlets_may_wait():
    process = start_process("awaited", ["sh", "-c", "sleep 0.1; exit 7"])

    waits = [gevent.spawn(process.wait) for _ in range(5)]

    assert [ended(wait) for wait in waits] == [7] * 5


def test_waiting_may_have_a_limit():
    with ManagedProcess("slow") as process:
        process.start(["sleep", "60"])

        with pytest.raises(subprocess.TimeoutExpired, match=r"sleep.*0\.02 seconds"):
            process.wait(timeout=0.02)

        assert process.running


def test_a_timeout_around_a_wait_goes_through_as_itself():
    with ManagedProcess("slow") as process:
        process.start(["sleep", "60"])

        outer = gevent.Timeout(0.02)
        with pytest.raises(gevent.Timeout) as raised, outer:
            process.wait(timeout=60)

        assert raised.value is outer


def test_a_wait_does_not_stop_the_hub():
    ticks = []

    def tick():
        while True:
            gevent.sleep(0.01)
            ticks.append(1)

    process = start_process("slow", ["sh", "-c", "read _"], stdin=PIPE)
    ticking, waiting = gevent.spawn(tick), gevent.spawn(process.wait)
    eventually(lambda: len(ticks) > 3)
    process.process.stdin.close()

    assert ended(waiting) == 1
    ticking.kill()


def test_a_wait_ends_although_a_grandchild_holds_the_pipes():
    process = start_process("holder", ["sh", "-c", "sleep 60 & echo $!; exit 6"], stdout=PIPE)
    grandchild = int(next(process.lines()))

    assert ended(gevent.spawn(process.wait)) == 6

    with at_most(5):
        process.stop()
    os.kill(grandchild, signal.SIGKILL)


def test_a_child_is_reaped_although_nobody_waits():
    process = start_process("forgotten", ["true"])

    eventually(lambda: not exists(process.pid))

    assert process.process.returncode == 0


def test_a_process_without_a_reader_does_not_keep_the_hub():
    code = """
import gevent
from specter_gevent import start_process

process = start_process("long", ["sleep", "60"])
gevent.sleep(0)
print(gevent.wait(timeout=5))
process.stop()
"""
    assert python(code) == "True"


def test_without_pidfd_the_end_is_looked_for(monkeypatch):
    monkeypatch.delattr("os.pidfd_open")
    process = start_process("plain", ["sh", "-c", "sleep 0.1; exit 9"])

    assert process.wait() == 9


def test_logs_name_the_module():
    assert logger.name == "specter.core.process"
