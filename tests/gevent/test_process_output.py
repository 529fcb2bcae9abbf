"""What children write: lines and chunks, to the last one, to whoever reads or iterates."""

import logging
import os
import signal
import subprocess
import sys
from subprocess import DEVNULL, PIPE

import gevent
import pytest
from children import FLED
from greenlets import ended, turns
from started_gevent import heard, shell

from specter.sansio.lines import LONGEST_LINE
from specter_gevent import ManagedProcess, start_process
from specter_gevent.testing import eventually

pytestmark = pytest.mark.usefixtures("no_child_left")


def test_lines_are_bytes_with_their_ending_unless_text_is_asked_for():
    assert heard(shell(r"printf 'one\r\ntwo\nthree'")) == [b"one\r\n", b"two\n", b"three"]


@pytest.mark.parametrize(
    "popen", [{"text": True}, {"encoding": "utf-8"}, {"errors": "strict"}, {"universal_newlines": True}]
)
def test_lines_are_text_without_their_ending_where_text_is_asked_for(popen):
    assert heard(shell(r"printf 'one\r\ntwo\nthree'", **popen)) == ["one", "two", "three"]


def test_the_ending_can_be_kept():
    assert heard(shell(r"printf 'one\ntwo'", text=True), strip=False) == ["one\n", "two"]


def test_characters_and_lines_that_come_in_pieces_come_out_whole():
    script = r"printf 'caf\303'; sleep 0.02; printf '\251 be'; sleep 0.02; printf 'gin\nend'"

    assert heard(shell(script, encoding="utf-8")) == ["caf\u00e9 begin", "end"]


def test_chunks_have_the_size_that_is_asked_for():
    assert heard(shell("printf 12345; sleep 0.02; printf 678"), chunk_size=3) == [b"123", b"456", b"78"]


def test_without_a_buffer_chunks_come_as_they_are_written():
    process = shell("printf 12345; read _; printf 678", stdin=PIPE, bufsize=0)
    chunks = []
    reader = process.watch_stream("stdout", chunks.append, chunk_size=4)

    eventually(lambda: chunks == [b"1234", b"5"])

    process.process.stdin.close()
    ended(reader)
    process.stop()
    assert chunks == [b"1234", b"5", b"678"]


def test_a_chunk_size_of_0_is_none():
    assert heard(shell("echo a; echo b", text=True), chunk_size=0) == ["a", "b"]


@pytest.mark.parametrize(
    ("popen", "lines"),
    [
        ({}, [b"b\n", b"rest\xc3\xa9\n", b"last"]),
        ({"encoding": "utf-8"}, ["b", "rest\u00e9", "last"]),
        ({"bufsize": 0}, [b"b\n", b"rest\xc3\xa9\n", b"last"]),
    ],
    ids=["bytes", "text", "unbuffered"],
)
def test_a_handler_goes_on_where_the_application_itself_has_read(popen, lines):
    process = shell(r"printf 'a\nb\nrest\303'; read _; printf '\251\nlast'", stdin=PIPE, **popen)
    first = process.process.stdout.readline()
    process.process.stdin.close()

    assert first.strip() in (b"a", "a")
    assert heard(process) == lines


def test_no_line_is_too_long():
    lines = heard(shell(f"head -c {LONGEST_LINE + 500} /dev/zero; echo; echo next"))

    assert [len(line) for line in lines] == [LONGEST_LINE + 501, 5]


def test_bytes_that_do_not_fit_are_told_and_kept(caplog):
    assert heard(shell(r"printf 'a\377b\nc\377\n'", encoding="utf-8")) == [r"a\xffb", r"c\xff"]
    assert caplog.text.count("stdout of 'shell': 'utf-8' codec can't decode byte 0xff") == 1


def test_a_stream_is_closed_at_its_end_if_asked_for():
    process = shell("echo a; exec >&-; exec sleep 60")
    ended(process.watch_stream("stdout", lambda line: None, close_on_exit=True))

    assert process.process.stdout.closed
    process.stop()


def test_a_stream_that_one_reader_closes_ends_for_the_others():
    process = shell("echo a; exec sleep 60")
    first = process.watch_stream("stdout", print, close_on_exit=True)
    second = process.watch_stream("stdout", print)
    turns()
    first.kill()

    ended(second)
    process.stop()


def test_a_killed_reader_closes_its_stream_if_asked_for():
    process = shell("exec sleep 60")
    reader = process.watch_stream("stdout", print, close_on_exit=True)
    turns()
    reader.kill()

    assert process.process.stdout.closed
    process.stop()


def test_a_closed_stream_cannot_be_read():
    process = shell("exec sleep 60")
    process.process.stdout.close()

    with pytest.raises(ValueError, match="stdout of 'shell' is closed"):
        process.watch_stream("stdout", print)
    process.stop()


def test_a_stream_that_the_application_closed_ends_with_the_child():
    process = shell("read _", stdin=PIPE)
    reader = process.watch_stream("stdout", print)
    turns()
    process.process.stdout.close()
    process.process.stdin.close()

    ended(reader)
    process.stop()


def test_of_two_readers_each_line_reaches_one():
    process = shell("seq 100", text=True)
    first, second = [], []
    readers = [process.watch_stream("stdout", items.append) for items in (first, second)]
    for reader in readers:
        ended(reader)
    process.stop()

    assert sorted(map(int, first + second)) == [*range(1, 101)]


@pytest.mark.parametrize(
    ("stream", "popen"), [("stdout", {"stdout": DEVNULL}), ("stdin", {"stdin": PIPE}), ("no_such", {})]
)
def test_a_stream_that_cannot_be_read_is_named(stream, popen):
    process = shell("true", **popen)

    for read in (process.lines, lambda name: process.watch_stream(name, print)):
        with pytest.raises(ValueError, match=rf"^\[SPECTER:process\] 'shell' has no stream '{stream}'$"):
            read(stream)
    process.stop()


def test_a_stream_of_what_was_not_started_cannot_be_read():
    process = ManagedProcess("idle")

    for read in (process.lines, lambda: process.watch_stream("stdout", print)):
        with pytest.raises(RuntimeError, match=r"^\[SPECTER:process\] 'idle' has not been started$"):
            read()


async def coroutine(line):
    pass


@pytest.mark.parametrize(("handler", "message"), [(5, "must be callable, got int"), (coroutine, "use_backend")])
def test_a_handler_that_cannot_be_called_is_refused(handler, message):
    process = shell("exec sleep 60")

    with pytest.raises(TypeError, match=message):
        process.watch_stream("stdout", handler)
    process.stop()


def test_an_iteration_ends_with_the_stream():
    with shell("echo a; printf b") as process:
        assert list(process.lines()) == [b"a", b"b"]
        assert list(process.lines(strip=False)) == []


def test_an_iteration_goes_on_where_another_stopped():
    process = shell("echo boot; echo ready; echo a; echo b")
    process.wait()
    for line in process.lines():
        if line == b"ready":
            break

    assert heard(process) == [b"a\n", b"b\n"]


def test_a_line_that_was_waited_for_in_vain_is_not_lost():
    process = shell("printf 'be'; read _; echo gin; echo next", stdin=PIPE)
    with gevent.Timeout(0.02, False):
        list(process.lines())
    process.process.stdin.close()

    assert list(process.lines()) == [b"begin", b"next"]
    process.stop()


def test_lines_that_were_written_before_a_stop_can_be_read_after_it():
    process = shell(r"printf 'a\nb\n'; exec sleep 60")
    iteration = process.lines()
    assert next(iteration) == b"a"

    process.stop()

    assert [*iteration, *process.lines()] == [b"b"]


def test_a_stop_ends_an_iteration_that_waits():
    process = shell(FLED[-1])
    iteration = process.lines()
    escaped = int(next(iteration))
    rest = gevent.spawn(list, iteration)
    turns()

    process.stop()

    assert ended(rest) == []
    os.kill(escaped, signal.SIGKILL)


def test_a_stream_has_one_reader_besides_handlers():
    process = shell("exec sleep 60")
    waiting = gevent.spawn(list, process.lines())
    iteration = process.lines()
    turns()

    for read in (process.lines, lambda: next(iteration)):
        with pytest.raises(RuntimeError, match="stdout of 'shell' is read already"):
            read()

    waiting.kill()
    reader = process.watch_stream("stdout", print)
    with pytest.raises(RuntimeError, match="is read already"):
        process.lines()
    reader.kill()
    turns()
    process.lines()
    process.stop()


def test_many_lines_come_in_order():
    process = start_process("seq", ["seq", "50000"], stdout=PIPE, text=True)

    assert heard(process) == [str(number) for number in range(1, 50_001)]


def test_a_child_can_be_written_to():
    process = start_process("cat", ["cat"], stdin=PIPE, stdout=PIPE, text=True)

    process.process.stdin.write("hello\n")
    process.process.stdin.close()

    assert heard(process) == ["hello"]


def test_what_a_terminal_says_at_its_end_is_an_error_and_logged(caplog):
    near, far = os.openpty()
    process = ManagedProcess("terminal")
    process.process = subprocess.Popen(["true"], stdout=PIPE)
    os.dup2(near, process.process.stdout.fileno(), inheritable=False)
    os.write(far, b"last words\n")
    os.close(far)
    os.close(near)

    assert list(process.lines()) == [b"last words"]
    assert "reading stdout of 'terminal' failed" in caplog.text
    process.stop()


def test_readers_that_end_leave_no_error_behind(caplog):
    process = shell("exec sleep 60")
    process.watch_stream("stdout", print)
    process.stop()

    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_children_inherit_no_file_of_ours():
    script = "import os; print(sorted(map(int, os.listdir('/proc/self/fd')))[:-1])"
    with start_process("bare", [sys.executable, "-c", script], stdout=PIPE, text=True) as process:
        assert list(process.lines()) == ["[0, 1, 2]"]
