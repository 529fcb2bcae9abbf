"""Children that are stopped, with what they started or without, in time, whoever asks."""

import os
import signal
import subprocess
import time
from subprocess import DEVNULL, PIPE
from types import SimpleNamespace

import gevent
import pytest
from children import FAMILY, FLED, STUBBORN, alive, at_most, children, exists
from gevent.hub import get_hub
from greenlets import ended, held, kill_everywhere, turns
from started_gevent import stubborn

from specter_gevent import ManagedProcess, Service, start_process
from specter_gevent.testing import eventually

pytestmark = pytest.mark.usefixtures("no_child_left")

# Without its pipe: nobody waits for the end of that.
QUIET_FAMILY = ["sh", "-c", "sleep 60 > /dev/null & echo $!; wait"]


def test_stop_ends_a_process_and_keeps_its_return_code():
    process = start_process("sleeper", ["sleep", "60"])
    pid = process.pid

    assert process.stop() is process

    assert (process.process, process.pid, process.running) == (None, None, False)
    assert (process.returncode, process.poll(), process.wait()) == (-signal.SIGTERM,) * 3
    assert not exists(pid)
    assert process.stop() is process


def test_stop_leaves_what_the_child_has_started():
    process = start_process("single", QUIET_FAMILY, stdout=PIPE)
    grandchild = int(next(process.lines()))

    process.stop()

    assert alive(grandchild)
    assert os.getpgid(grandchild) == os.getpgrp()
    os.kill(grandchild, signal.SIGKILL)


def test_with_kill_group_stop_ends_the_whole_group():
    process = start_process("family", FAMILY, kill_group=True, stdout=PIPE)
    grandchild = int(next(process.lines()))

    process.stop()

    assert not alive(grandchild)


def test_with_kill_group_stop_ends_a_grandchild_after_the_child_itself_has_ended():
    process = ManagedProcess("orphans", kill_group=True).start(["sh", "-c", "sleep 60 & echo $!"], stdout=PIPE)
    grandchild = int(next(process.lines()))
    assert process.wait() == 0
    assert alive(grandchild)

    process.stop()

    assert not alive(grandchild)


def test_a_start_ends_the_group_that_an_earlier_child_left():
    process = ManagedProcess("again", kill_group=True).start(["sh", "-c", "sleep 60 & echo $!"], stdout=PIPE)
    grandchild = int(next(process.lines()))
    process.wait()

    process.start(["true"])

    assert not alive(grandchild)
    process.stop()


def test_a_start_can_override_kill_group():
    process = ManagedProcess("single", kill_group=True)
    process.start(["sleep", "60"], kill_group=False)

    assert os.getpgid(process.pid) == os.getpgrp()
    process.stop()


def test_what_ignores_sigterm_is_killed(caplog):
    process = stubborn(terminate_timeout=0.05)

    process.stop()

    assert process.returncode == -signal.SIGKILL
    assert "'stubborn'" in caplog.text
    assert "did not terminate within 0.05s; killing" in caplog.text


def test_what_cannot_be_ended_is_named_and_left_behind(monkeypatch, caplog):
    process = ManagedProcess("untouchable", terminate_timeout=0.02, kill_timeout=0.02)
    process.start(["sleep", "60"])
    with monkeypatch.context() as patch:
        patch.setattr(process.process, "send_signal", lambda number: None)
        process.stop()

    assert process.running
    assert f"process 'untouchable' ({process.pid}) did not end after SIGKILL" in caplog.text
    process.stop()
    assert not process.running


def test_stop_can_be_given_a_shorter_time():
    process = stubborn(terminate_timeout=60)

    with at_most(5):
        process.stop(timeout=0.05)

    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("timeouts", [{"terminate_timeout": None}, {"terminate_timeout": 60}])
def test_what_ends_in_its_own_time_is_waited_for(timeouts):
    script = "trap 'sleep 0.1; exit 3' TERM; echo ready; while :; do sleep 0.02; done"
    process = ManagedProcess("polite", kill_timeout=None, **timeouts).start(["sh", "-c", script], stdout=PIPE)
    assert next(process.lines()) == b"ready"

    process.stop(timeout=0)

    assert process.returncode == 3


def test_stops_at_once_are_one_stop():
    process = stubborn(terminate_timeout=0.1)

    stops = [gevent.spawn(process.stop) for _ in range(3)]
    ended(stops[-1])

    assert process.returncode == -signal.SIGKILL
    gevent.joinall(stops)


def test_a_stop_that_waits_for_a_start_ends_what_it_has_started():
    process = ManagedProcess("undecided", kill_group=True, terminate_timeout=1)
    # What this one leaves keeps the next start waiting.
    process.start(["sh", "-c", "trap '' TERM; sleep 60 &"])
    process.wait()
    starting = gevent.spawn(process.start, ["sleep", "60"])
    turns(1)

    process.stop()

    ended(starting)
    assert process.returncode == -signal.SIGTERM


def test_a_service_stops_its_processes():
    with Service("owner") as service:
        process = service.start_process(FAMILY, kill_group=True, stdout=PIPE)
        grandchild = int(next(process.lines()))

    assert not alive(grandchild)
    assert process.returncode == -signal.SIGTERM


def test_a_service_that_must_end_kills_in_time():
    service = Service("owner")
    service.stop_timeout = 6
    with service:
        process = service.start_process(STUBBORN, stdout=PIPE)
        assert next(process.lines()) == b"ready"
        process.terminate_timeout = 60
        before = time.monotonic()

    assert time.monotonic() - before < 20
    assert process.returncode == -signal.SIGKILL


def test_a_service_keeps_nothing_of_a_child_that_ended():
    with Service("owner") as service:
        short = [service.start_process(["echo", "hello"], stdout=PIPE) for _ in range(3)]
        kept = service.start_process(["sleep", "60"])
        lines = [list(process.lines()) for process in short]

        eventually(lambda: service._cleanups == [kept.stop])

        # What has been read to its end is there as before, as long as nobody stops the process.
        assert short[0].process.stdout.read() == b""

    assert lines == [[b"hello"]] * 3
    for process in short:
        process.stop()


def test_what_is_owned_twice_is_stopped_once():
    with Service("first") as first, Service("second") as second:
        process = first.start_process(["sleep", "60"])
        assert process.attach(second).attach(None) is process

        second.stop()

        assert not process.running
        assert first._cleanups == []
    with pytest.raises(TypeError, match="must expose add_cleanup"):
        process.attach(5)


def test_any_object_that_takes_cleanups_may_own_a_process():
    cleanups = []
    process = start_process("owned", ["sleep", "60"], owner=SimpleNamespace(add_cleanup=cleanups.append))

    cleanups.pop()()

    assert process.returncode == -signal.SIGTERM


def test_a_stop_goes_on_although_its_caller_is_killed():
    process = stubborn(terminate_timeout=0.1)
    child = process.process
    stopping = gevent.spawn(process.stop)
    turns(1)

    stopping.kill()

    assert child.poll() is None
    process.stop()
    assert process.returncode == -signal.SIGKILL


def test_a_stop_that_is_killed_itself_kills(monkeypatch):
    def cut(*_):
        raise gevent.GreenletExit

    process = stubborn(terminate_timeout=60)
    child = process.process
    with monkeypatch.context() as patch:
        patch.setattr("specter_gevent.process.stop_child", cut)
        process.stop()

    eventually(lambda: child.poll() == -signal.SIGKILL)
    process.stop()


def test_a_start_whose_caller_is_killed_leaves_no_child():
    process = ManagedProcess("cut")
    starting = gevent.spawn(process.start, ["sleep", "60"])
    turns(1)
    starting.kill()

    process.stop()
    assert not process.running


def test_killed_at_any_switch_nothing_is_left():
    def scenario():
        process, before, lines = ManagedProcess("cut", terminate_timeout=0.05), children(), []

        def live():
            process.start(["sh", "-c", "echo a; exec sleep 60"], stdout=PIPE)
            process.watch_stream("stdout", lines.append)
            eventually(lambda: lines)
            process.stop()
            process.start(["true"], kill_group=True)
            process.wait()

        yield live
        process.stop()
        assert held(process) == []
        # A child that was killed while it started is there a moment later.
        eventually(lambda: children() <= before)

    assert kill_everywhere(scenario) > 1


def test_in_the_hub_a_stop_ends_at_once(hub_errors):
    process = stubborn(terminate_timeout=60)
    pid = process.pid
    get_hub().loop.run_callback(process.stop)

    eventually(lambda: not exists(pid))

    assert process.returncode == -signal.SIGKILL
    assert process.process is None


@pytest.mark.parametrize("text", [False, True])
def test_what_was_never_taken_in_does_not_hold_a_stop(text):
    # The grandchild keeps the other end open: of `<&0` a shell makes /dev/null in the background.
    script = "exec 3<&0; sleep 60 <&3 & echo $!; wait"
    process = start_process("deaf", ["sh", "-c", script], stdin=PIPE, stdout=PIPE, bufsize=2**20, text=text)
    grandchild, stdin = int(next(process.lines())), process.process.stdin
    stdin.write("x" * 2**18 if text else b"x" * 2**18)

    with at_most(5):
        process.stop()

    assert stdin.closed
    os.kill(grandchild, signal.SIGKILL)


def test_what_holds_a_pipe_in_a_session_of_its_own_delays_a_stop_only_briefly():
    process = start_process("fled", FLED, kill_group=True, stdout=PIPE)
    escaped = int(next(process.lines()))

    with at_most(5):
        process.stop()

    assert alive(escaped)
    os.kill(escaped, signal.SIGKILL)


def test_what_is_put_in_the_place_of_the_child_is_stopped_like_one():
    process = ManagedProcess("adopted")
    process.process = subprocess.Popen(["sleep", "60"], stdout=DEVNULL)

    assert process.running
    assert process.pid == process.process.pid
    process.stop()

    assert process.returncode == -signal.SIGTERM
    process.process = None
    assert process.returncode is None
