"""Managed processes."""

import subprocess

import gevent
from observing import Part, differs, raised, soon

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


@differs("The return code is lost after stop() in 0.1.1; None tells that it still runs", ours=[-15, -15, 3])
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


@differs(
    "One failing handler call ends the reader for good in 0.1.1; the lines after it are lost", ours=["one", "three"]
)
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
    "What a process says while it ends is lost in 0.1.1, and so is the last line in its pipe",
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


def a_reader_ends_with_its_stream():
    process = ManagedProcess("p").start(["true"], stdout=subprocess.PIPE)
    reader = process.watch_stream("stdout", print, close_on_exit=True)
    reader.join(timeout=5)
    gevent.sleep(0)

    return process.process.stdout.closed, len(process._readers), isinstance(reader, gevent.Greenlet)


def a_process_that_is_waited_for_does_not_stop_the_others():
    ticks = []
    service = Service("a").start()
    service.interval(lambda: ticks.append(1), 0.005)
    ManagedProcess("p").start(["sleep", "0.05"]).wait()

    return bool(ticks)
