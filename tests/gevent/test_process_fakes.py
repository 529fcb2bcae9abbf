"""What tests of applications put in the place of Popen and of gevent's functions."""

import io
import subprocess
from types import SimpleNamespace
from unittest.mock import MagicMock, call, patch

import gevent
import pytest
from greenlets import ended, patched

from specter_gevent import ManagedProcess, start_process

POPEN = "specter_gevent.process.subprocess.Popen"


class AtOnce:
    """A greenlet that has run when it is made."""

    dead = True

    def __init__(self, fn, *args):
        self.fn = fn
        fn(*args)

    def rawlink(self, fn):
        fn(self)

    def kill(self, block=True):
        pass

    def join(self, timeout=None):
        pass


@pytest.fixture
def popen():
    """A child that runs until it is asked to end."""
    with patch(POPEN) as start:
        popen = start.return_value
        popen.poll.return_value, popen.pid = None, 4711
        popen.start = start
        yield popen


def talk(stream, *lines):
    stream.readline.side_effect = lines


def test_popen_is_looked_up_at_each_start_and_given_what_the_caller_gives(popen):
    arguments = ["convert", "a.png"]
    process = start_process("fake", arguments, cwd="/", stdout=subprocess.PIPE)

    assert popen.start.mock_calls[:1] == [call(arguments, cwd="/", stdout=subprocess.PIPE)]
    assert popen.start.call_args.args[0] is arguments
    assert process.process is popen
    assert (process.running, process.pid, process.returncode) == (True, popen.pid, popen.returncode)
    with patch(POPEN) as other:
        assert start_process("other", arguments).process is other.return_value


def test_a_fake_is_asked_to_end_and_waited_for(popen):
    process = start_process("fake", ["convert"])
    popen.reset_mock()

    process.stop()

    assert popen.mock_calls == [
        call.poll(),
        call.terminate(),
        call.wait(timeout=5.0),
        call.stdout.close(),
        call.stderr.close(),
        call.stdin.close(),
    ]
    assert (process.process, process.running) == (None, False)


def test_a_fake_that_does_not_end_is_killed(popen):
    process = ManagedProcess("fake", terminate_timeout=2, kill_timeout=3).start(["convert"])
    popen.wait.side_effect = [subprocess.TimeoutExpired("convert", 7), 0]
    popen.reset_mock()

    process.stop(timeout=7)

    assert popen.mock_calls[:5] == [
        call.poll(),
        call.terminate(),
        call.wait(timeout=7),
        call.kill(),
        call.wait(timeout=3),
    ]


def test_a_fake_that_has_ended_is_left_alone(popen):
    process = start_process("fake", ["convert"])
    popen.poll.return_value = 4
    popen.reset_mock()

    process.stop()

    assert call.terminate() not in popen.mock_calls
    assert popen.stdout.close.called


@pytest.mark.parametrize("method", ["terminate", "wait"])
def test_a_fake_that_cannot_be_asked_to_end_is_killed(popen, caplog, method):
    process = start_process("fake", ["convert"])
    getattr(popen, method).side_effect = [OSError("no such process"), 0]

    process.stop()

    assert popen.kill.called
    assert "no such process" in caplog.text
    assert popen.stdin.close.called


def test_errors_of_closing_a_fake_are_no_errors_of_a_stop(popen):
    process = start_process("fake", ["convert"])
    popen.stdout.close.side_effect = ValueError("closed twice")

    process.stop()

    assert popen.stderr.close.called


def test_a_fake_is_waited_for_in_its_own_words(popen):
    process = start_process("fake", ["convert"])
    popen.wait.return_value = 5

    assert process.wait(timeout=3) == 5
    assert process.wait() == 5
    assert popen.wait.mock_calls == [call(timeout=3), call(timeout=None)]


@pytest.mark.parametrize("end", [("",), (b"",), ()], ids=["text", "bytes", "exhausted"])
def test_lines_of_a_fake_are_those_of_its_readline(popen, end):
    talk(popen.stdout, "one\r\n", "two\n", *end)
    process = start_process("fake", ["convert"])
    lines = []

    ended(process.watch_stream("stdout", lines.append))

    assert lines == ["one", "two"]
    process.stop()


def test_chunks_of_a_fake_are_those_of_its_read(popen):
    popen.stderr.read.side_effect = ["abc", "d", ""]
    process = start_process("fake", ["convert"])
    chunks = []

    ended(process.watch_stream("stderr", chunks.append, chunk_size=3, close_on_exit=True))

    assert chunks == ["abc", "d"]
    assert popen.stderr.read.mock_calls == [call(3)] * 3
    assert popen.stderr.close.called


def test_a_fake_that_cannot_be_read_is_logged(popen, caplog):
    talk(popen.stdout, b"one\n", OSError("broken"))
    process = start_process("fake", ["convert"])
    lines = []

    ended(process.watch_stream("stdout", lines.append))

    assert lines == [b"one\n"]
    assert "reading stdout of 'fake' failed" in caplog.text


def test_a_child_can_be_made_of_plain_objects():
    process = ManagedProcess("plain")
    stream = io.BytesIO(b"one\ntwo")
    process.process = SimpleNamespace(pid=1, stdout=stream, poll=lambda: 0)

    assert list(process.lines()) == [b"one", b"two"]
    with pytest.raises(ValueError, match="has no stream 'stderr'"):
        process.lines("stderr")
    process.stop()
    assert stream.closed


def test_a_spawn_that_runs_at_once_reads_at_once(popen, monkeypatch):
    talk(popen.stdout, "one\n", "two\n", "")
    spawned = []
    monkeypatch.setattr(gevent, "spawn", lambda fn: spawned.append(fn.__name__) or AtOnce(fn))
    process = start_process("fake", ["convert"])
    lines = []

    reader = process.watch_stream("stdout", lines.append)

    assert isinstance(reader, AtOnce)
    assert lines == ["one", "two"]
    assert spawned == ["_reader"]
    process.stop()
    assert process._readers == set()


def test_a_stop_needs_none_of_the_functions_that_tests_replace(monkeypatch):
    process = start_process("real", ["sleep", "60"])
    with monkeypatch.context() as replace:
        for name in ("spawn", "spawn_later", "sleep", "joinall", "wait", "get_hub"):
            replace.setattr(gevent, name, MagicMock(side_effect=AssertionError(name)))
        process.stop()

    assert process.returncode == -15


def test_a_replacebelow_the_path_of_old_reaches_the_code_that_runs():
    code = """
from unittest.mock import patch
from specter import start_process
with patch("specter.core.process.subprocess.Popen") as start:
    process = start_process("fake", ["convert"])
    print(process.process is start.return_value)
"""
    assert patched(code) == "True"
