"""Managed processes."""

import os
import signal
import subprocess
from pathlib import Path

import gevent
from observing import Part, differs, raised, soon, tried

from specter import ManagedProcess, Service, start_process

_SAYS = ["sh", "-c", "echo one; echo two; printf three"]
_WAITS = ["sleep", "60"]


def _read(process):
    lines = []
    process.watch_stream("stdout", lines.append).join(timeout=5)
    return lines


def before_the_start():
    process = ManagedProcess("p")

    return [process.name, process.running, process.pid, process.returncode, process.poll(), process.process] + [
        raised(process.wait),
        raised(process.watch_stream, "stdout", print),
        process.stop() is process,
        (process.terminate_timeout, process.kill_timeout),
    ]


def start_gives_the_process():
    process = ManagedProcess("p", terminate_timeout=1, kill_timeout=2)
    chained = process.start(_WAITS) is process
    seen = process.running, process.pid == process.process.pid, process.returncode, process.poll()
    process.stop()

    return chained, seen, process.running, (process.terminate_timeout, process.kill_timeout)


def the_return_code_of_what_ends():
    process = ManagedProcess("p").start(["sh", "-c", "exit 3"])

    return process.wait(), process.poll(), process.returncode, process.running, process.wait(timeout=1)


@differs("The return code is `None` after `stop()`, and `wait()` a `RuntimeError`.", ours=[-15, -15, 3])
def the_return_code_after_stop():
    stopped = ManagedProcess("p").start(_WAITS)
    stopped.stop()
    ended = ManagedProcess("p").start(["sh", "-c", "exit 3"])
    ended.wait()
    ended.stop()

    return stopped.returncode, stopped.poll(), ended.returncode


def wait_in_vain():
    process = ManagedProcess("p").start(_WAITS)
    try:
        process.wait(timeout=0.01)
    except subprocess.TimeoutExpired:
        told = "TimeoutExpired"
    process.stop()

    return told


def a_program_that_is_missing():
    process = ManagedProcess("p")

    return raised(process.start, ["specter-no-such-program"])[0], process.running, process.process


def a_second_start():
    process = ManagedProcess("p").start(_WAITS)
    error = raised(process.start, _WAITS)
    process.stop()
    again = process.start(["true"]).wait()

    return error, again, process.start(["false"]).wait()


def lines_of_text():
    return _read(ManagedProcess("p").start(_SAYS, stdout=subprocess.PIPE, text=True))


def lines_of_bytes_keep_their_ending():
    seen = []
    process = ManagedProcess("p").start(_SAYS, stdout=subprocess.PIPE)
    process.watch_stream("stdout", lambda line: seen.append(repr(line))).join(timeout=5)

    return seen


def lines_keep_their_ending_where_asked_for():
    seen = []
    process = ManagedProcess("p").start(_SAYS, stdout=subprocess.PIPE, encoding="utf-8")
    process.watch_stream("stdout", seen.append, strip=False).join(timeout=5)

    return seen


def empty_lines_are_lines():
    return _read(ManagedProcess("p").start(["printf", r"\n\none\n\n"], stdout=subprocess.PIPE, text=True))


def chunks():
    seen = []
    process = ManagedProcess("p").start(["printf", "abcdefgh"], stdout=subprocess.PIPE, text=True)
    process.watch_stream("stdout", seen.append, chunk_size=3).join(timeout=5)
    raw = []
    process.wait()
    process.start(["printf", "abcdefgh"], stdout=subprocess.PIPE)
    process.watch_stream("stdout", lambda chunk: raw.append(chunk.decode()), chunk_size=100).join(timeout=5)

    return seen, "".join(raw)


def characters_of_several_bytes_come_out_whole():
    process = ManagedProcess("p").start(["printf", "grüß dich\n€ 5"], stdout=subprocess.PIPE, encoding="utf-8")

    return _read(process)


def a_stream_that_is_no_pipe():
    process = ManagedProcess("p").start(_WAITS)
    errors = raised(process.watch_stream, "stdout", print), raised(process.watch_stream, "nothing", print)
    process.stop()

    return errors


def follow_output_reads_both():
    out, err = [], []
    script = "echo out; echo err >&2"
    process = ManagedProcess("p").start(["sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    readers = process.follow_output(stdout_handler=out.append, stderr_handler=err.append)
    gevent.joinall(readers, timeout=5)

    return out, err, len(readers), process.follow_output(), process.wait()


@differs("One error or timeout in a handler of lines ends its reader.", ours=["one", "three"])
def a_handler_that_fails_once():
    seen = []

    def fails_on_two(line):
        if line == "two":
            raise ValueError("no")
        seen.append(line)

    process = ManagedProcess("p").start(_SAYS, stdout=subprocess.PIPE, text=True)
    process.watch_stream("stdout", fails_on_two).join(timeout=5)

    return seen


@differs(
    "What a process says while it ends, and its last line, is lost.",
    ours=["ready", "bye", "last"],
)
def last_words():
    seen = []
    script = "trap 'echo bye; printf last; exit 0' TERM; echo ready; while :; do sleep 0.01; done"
    process = ManagedProcess("p").start(["sh", "-c", script], stdout=subprocess.PIPE, text=True)
    process.watch_stream("stdout", seen.append)
    soon(lambda: seen)
    process.stop()

    return seen


def stop_ends_it_once():
    process = ManagedProcess("p").start(_WAITS)
    child = process.process
    chained = process.stop() is process, process.stop() is process

    return chained, child.poll(), process.running, process.pid


def stop_kills_what_does_not_listen():
    script = "trap '' TERM; echo ready; while :; do sleep 0.05; done"
    seen = []
    process = ManagedProcess("p", terminate_timeout=0.05)
    process.start(["sh", "-c", script], stdout=subprocess.PIPE, text=True)
    process.watch_stream("stdout", seen.append)
    soon(lambda: seen)
    child = process.process
    process.stop()

    return child.poll(), process.running


def stop_with_a_time_of_its_own():
    process = ManagedProcess("p").start(_WAITS)
    child = process.process

    return process.stop(timeout=2) is process, child.poll()


def an_owner_ends_it():
    owner = Part().start()
    process = ManagedProcess("p").start(_WAITS, owner=owner)
    child = process.process
    owner.stop()

    return child.poll(), process.running


def attach_gives_it_an_owner():
    owner = Part().start()
    process = ManagedProcess("p").start(_WAITS)
    child = process.process
    chained = process.attach(owner) is process, process.attach(None) is process
    owner.stop()

    return chained, child.poll()


def an_owner_that_cannot_own():
    process = ManagedProcess("p")

    return raised(process.start, _WAITS, owner=object()), process.running, raised(process.attach, object())


def a_service_starts_a_process():
    service = Service("a").start()
    named, unnamed = service.start_process(_WAITS, name="mine"), service.start_process(_WAITS)
    children = named.process, unnamed.process
    names = named.name, unnamed.name, type(named).__name__
    service.stop()

    return names, [child.poll() for child in children]


def start_process_starts_one():
    process = start_process("p", ["sh", "-c", "exit $CODE"], env={"CODE": "4", "PATH": "/usr/bin:/bin"})

    return process.name, process.wait(), raised(start_process, "p", ["true"], owner=object())[0]


def keywords_are_popens():
    process = ManagedProcess("p").start(
        "cat; exit 2", shell=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    process.process.stdin.write("through\n")
    process.process.stdin.close()

    return _read(process), process.wait()


def what_a_child_has_started_lives_on():
    process = ManagedProcess("p").start(["sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE, text=True)
    grandchild = int(process.process.stdout.readline())
    process.stop()
    alive = soon(lambda: not process.running), Path(f"/proc/{grandchild}/stat").read_text().split()[2] != "Z"
    os.kill(grandchild, signal.SIGKILL)

    return alive


def a_reader_ends_with_its_stream():
    process = ManagedProcess("p").start(["true"], stdout=subprocess.PIPE)
    reader = process.watch_stream("stdout", print, close_on_exit=True)
    reader.join(timeout=5)
    gevent.sleep(0)

    return process.process.stdout.closed, len(process._readers), isinstance(reader, gevent.Greenlet)


def a_process_that_is_waited_for_does_not_stop_the_others():
    process = ManagedProcess("p").start(["cat"], stdin=subprocess.PIPE)
    Service("a").start().timeout(process.process.stdin.close, 0.005)

    return process.wait()


class _Refusing:
    def add_cleanup(self, fn):
        raise LookupError("no more")


@differs("An owner that refuses the process leaves it running.", ours=[["LookupError", "no more"], False])
def an_owner_that_refuses():
    process = ManagedProcess("p")
    error = raised(process.start, _WAITS, owner=_Refusing())
    seen = process.running
    process.stop()

    return error, seen


@differs("Bytes that are no text end the reader of a text stream.", ours=["a", "\\xff", "b"])
def bytes_that_are_no_text():
    return _read(ManagedProcess("p").start(["printf", r"a\n\377\nb\n"], stdout=subprocess.PIPE, encoding="utf-8"))


@differs("A second stop of a process comes back while the first one still waits for its end.", ours=[True, True])
def two_stops_at_once():
    process = ManagedProcess("p", terminate_timeout=0.2)
    process.start(["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.01; done"], stdout=subprocess.PIPE)
    process.process.stdout.readline()
    child = process.process
    first = gevent.spawn(process.stop)
    gevent.sleep(0)
    process.stop()
    seen = child.poll() is not None
    first.join()

    return seen, child.poll() is not None


@differs("The return code is `None` after `stop()`, and `wait()` a `RuntimeError`.", ours=[3, 3])
def waiting_after_the_stop():
    process = ManagedProcess("p").start(["sh", "-c", "exit 3"])
    process.wait()
    process.stop()

    return tried(process.wait), process.poll()


@differs("One error or timeout in a handler of lines ends its reader.", ours=["a", "b", "c"])
def a_timeout_in_a_handler():
    seen = []

    def hears(line):
        seen.append(line)
        if line == "a":
            raise gevent.Timeout(1)

    process = ManagedProcess("p").start(["printf", r"a\nb\nc\n"], stdout=subprocess.PIPE, text=True)
    process.watch_stream("stdout", hears).join(timeout=5)

    return seen


@differs("`stop()` in a handler of lines cuts the handler at its first wait.", ours=["line", "stopped"])
def stop_in_a_handler():
    log = []

    def hears(line):
        log.append(line)
        process.stop()
        log.append("stopped")

    process = ManagedProcess("p").start(["sh", "-c", "echo line; exec sleep 60"], stdout=subprocess.PIPE, text=True)
    process.watch_stream("stdout", hears).join(timeout=5)

    return log


@differs(
    "What cannot be called is taken for a callback, and fails at each call, which is logged.",
    ours=["TypeError", "the handler of a stream must be callable, got NoneType"],
)
def a_handler_that_cannot_be_called():
    process = ManagedProcess("p").start(["echo", "line"], stdout=subprocess.PIPE)
    told = tried(process.watch_stream, "stdout", None)
    process.stop()

    return told
