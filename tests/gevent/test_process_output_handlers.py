"""Handlers of what children write: one at a time, to the last line, whatever they do."""

import signal
from subprocess import PIPE

import gevent
import pytest
from children import at_most
from gevent.event import Event
from greenlets import ended, turns
from started_gevent import shell

from specter_gevent import Service, start_process
from specter_gevent.testing import eventually

pytestmark = pytest.mark.usefixtures("no_child_left")


@pytest.mark.parametrize("error", [ValueError("no"), gevent.Timeout(1)], ids=["error", "timeout"])
def test_a_handler_that_fails_is_logged_and_hears_the_next(caplog, error):
    lines = []

    def handler(line):
        lines.append(line)
        raise error

    process = shell("echo a; echo b")
    ended(process.watch_stream("stdout", handler, label="noise"))
    process.stop()

    assert lines == [b"a\n", b"b\n"]
    assert caplog.text.count(f"[SPECTER:process] Reader error in 'shell' (noise): {error}") == 2


def test_a_slow_handler_holds_the_child_back():
    entered = Event()

    def handler(line):
        entered.set()
        gevent.sleep(60)

    process = start_process("endless", ["yes"], stdout=PIPE)
    reader = process.watch_stream("stdout", handler)
    entered.wait()
    eventually(lambda: sleeps(process.pid))
    reader.kill()
    process.stop()


def sleeps(pid):
    """Whether a process waits for something: here for room in its pipe."""
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] == "S"


def test_reading_does_not_stop_the_hub():
    ticks = []

    def tick():
        while True:
            gevent.sleep(0.01)
            ticks.append(1)

    process = shell("read _; echo a", stdin=PIPE)
    ticking, reader = gevent.spawn(tick), process.watch_stream("stdout", ticks.clear)
    eventually(lambda: len(ticks) > 3)
    process.process.stdin.close()
    reader.kill()
    ticking.kill()
    process.stop()


def test_the_last_lines_of_a_stopped_child_are_heard():
    process = shell("trap 'echo bye; printf end; exit 3' TERM; echo ready; while :; do sleep 0.02; done", text=True)
    lines = []
    process.watch_stream("stdout", lines.append)
    eventually(lambda: lines)

    process.stop()

    assert lines == ["ready", "bye", "end"]
    assert process.returncode == 3


def test_lines_of_a_child_that_ended_are_heard_before_a_stop_is_done(clock):
    lines = []

    def handler(line):
        gevent.sleep(0.01)
        lines.append(line)

    process = shell("echo a; echo b; echo c", text=True)
    process.watch_stream("stdout", handler)
    process.wait()
    process.stop()

    assert lines == ["a", "b", "c"]


def test_after_a_stop_no_handler_runs(caplog):
    entered, left = Event(), []

    def handler(line):
        entered.set()
        try:
            gevent.sleep(60)
        finally:
            left.append(line)

    process = shell("echo a; exec sleep 60", text=True)
    process.watch_stream("stdout", handler)
    entered.wait()

    with at_most(5):
        process.stop()

    assert left == ["a"]
    assert "a handler of process 'shell' was killed" in caplog.text
    assert process._readers == set()


def test_a_handler_may_stop_its_process():
    lines = []

    def handler(line):
        lines.append(line)
        if line == "a":
            process.stop()
            lines.append(process.returncode)

    process = shell(r"printf 'a\nb\n'; exec sleep 60", text=True)
    with at_most(5):
        ended(process.watch_stream("stdout", handler))

    assert lines == ["a", -signal.SIGTERM, "b"]


def test_a_handler_may_stop_the_service_of_its_process():
    done = []

    def handler(line):
        service.stop()
        done.append(line)

    service = Service("owner").start()
    process = service.start_process(["sh", "-c", "echo a; exec sleep 60"], stdout=PIPE, text=True)
    with at_most(5):
        ended(process.watch_stream("stdout", handler))

    assert done == ["a"]
    assert process.returncode == -signal.SIGTERM


def test_a_handler_may_wait_for_a_stop_that_waits_for_its_process():
    class Owner(Service):
        def on_stop(self):
            go_on.set()
            stopped.wait()

    def handler(line):
        entered.set()
        go_on.wait()
        stopped.set()
        service.stop()
        done.append(line)

    entered, go_on, stopped, done = Event(), Event(), Event(), []
    service = Owner("owner").start()
    process = service.start_process(["sh", "-c", "echo a; exec sleep 60"], stdout=PIPE, text=True)
    reader = process.watch_stream("stdout", handler)
    entered.wait()

    with at_most(5):
        service.stop()
        ended(reader)

    assert done == ["a"]


def test_a_handler_may_stop_what_is_being_stopped():
    entered, go_on = Event(), Event()

    def handler(line):
        entered.set()
        go_on.wait()
        process.stop()
        go_on.clear()

    process = shell("echo a; exec sleep 60")
    process.watch_stream("stdout", handler)
    entered.wait()
    stopping = gevent.spawn(process.stop)
    turns(1)
    go_on.set()

    ended(stopping)
    assert not go_on.is_set()


def test_follow_output_watches_what_has_a_handler():
    out, errors = [], []
    process = shell("echo o; echo e >&2", stderr=PIPE, text=True)

    readers = process.follow_output(stdout_handler=out.append, stderr_handler=errors.append)
    for reader in readers:
        ended(reader)
    assert process.follow_output() == []
    process.stop()

    assert len(readers) == 2
    assert (out, errors) == (["o"], ["e"])
