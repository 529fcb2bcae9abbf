"""What children write: whole lines, chunks, to the last one, to handlers and to iterations."""

import logging
import os
import signal
import sys
from subprocess import DEVNULL, PIPE

import anyio
import pytest
from children import nothing_left

from specter import ManagedProcess, Service, start_process
from specter._deadline import at_most as deadline
from specter._process_pipes import Pipe
from specter._process_watchdog import watchdog
from specter.runtime import Runtime
from specter.sansio.lines import LONGEST_LINE
from specter.testing import eventually


@pytest.fixture(scope="module", autouse=True)
def warm():
    """The watchdog's pipe stays open as long as the process lives."""
    watchdog.forget(watchdog.begin("warm"))


@pytest.fixture(autouse=True)
def clean(warm):
    with nothing_left():
        yield


def shell(script, **keywords):
    return start_process("shell", ["sh", "-c", script], **{"stdout": PIPE, **keywords})


async def heard(process, stream="stdout", **keywords):
    """All that a handler hears of a process that ends by itself."""
    items = []
    task = process.watch_stream(stream, items.append, **keywords)
    await task.wait()
    await process.stop()
    return items


async def test_lines_come_as_text_where_text_is_asked_for(runtime):
    assert await heard(await shell("echo one; echo two", text=True)) == ["one", "two"]
    assert await heard(await shell("echo one", encoding="utf-8")) == ["one"]
    assert await heard(await shell("echo one", universal_newlines=True)) == ["one"]
    assert await heard(await shell("echo one")) == [b"one"]


async def test_stderr_is_read_as_well(runtime):
    assert await heard(await shell("echo oops >&2", stderr=PIPE), "stderr") == [b"oops"]


async def test_lines_and_characters_split_across_reads_come_whole(runtime):
    script = r"printf 'caf\303'; sleep 0.05; printf '\251 an'; sleep 0.05; printf 'd\r'; sleep 0.05; printf '\ntea\n'"

    assert await heard(await shell(script, encoding="utf-8")) == ["café and", "tea"]


async def test_the_last_line_needs_no_newline(runtime):
    assert await heard(await shell("printf 'one\ntwo'")) == [b"one", b"two"]


async def test_line_endings_are_kept_where_they_are_wanted(runtime):
    assert await heard(await shell(r"printf 'one\r\ntwo'"), strip=False) == [b"one\r\n", b"two"]
    assert await heard(await shell(r"printf ' one \r\ntwo'")) == [b" one ", b"two"]


async def test_chunks_have_the_size_that_is_asked_for(runtime):
    assert await heard(await shell("printf 12345; sleep 0.05; printf 678"), chunk_size=3) == [b"123", b"456", b"78"]


async def test_an_endless_line_is_bounded_and_the_rest_counted(runtime, caplog):
    script = f"head -c {LONGEST_LINE + 500} /dev/zero; echo; echo next"

    lines = await heard(await shell(script))

    assert [len(line) for line in lines] == [LONGEST_LINE, 4]
    assert "stdout of 'shell': 500 characters of lines over" in caplog.text


async def test_bytes_that_do_not_fit_are_told_and_kept(runtime, caplog):
    lines = await heard(await shell(r"printf 'a\377b\nc\377\n'", encoding="utf-8"))

    assert lines == [r"a\xffb", r"c\xff"]
    assert caplog.text.count("stdout of 'shell': 'utf-8' codec can't decode byte 0xff") == 1


async def test_a_handler_that_fails_is_logged_and_hears_the_next(runtime, caplog):
    lines = []

    def handler(line):
        lines.append(line)
        raise ValueError(f"no {line!r}")

    process = await shell("echo a; echo b")
    await process.watch_stream("stdout", handler).wait()
    await process.stop()

    assert lines == [b"a", b"b"]
    assert "ValueError: no b'a'" in caplog.text
    assert "ValueError: no b'b'" in caplog.text


async def test_coroutine_handlers_are_awaited_in_order(runtime):
    events = []

    async def handler(line):
        events.append(("begin", line))
        await anyio.sleep(0.01)
        events.append(("end", line))

    process = await shell("echo a; echo b")
    await process.watch_stream("stdout", handler).wait()
    await process.stop()

    assert events == [("begin", b"a"), ("end", b"a"), ("begin", b"b"), ("end", b"b")]


async def test_a_slow_handler_holds_the_child_back(runtime):
    entered, go_on = anyio.Event(), anyio.Event()

    async def handler(line):
        entered.set()
        await go_on.wait()

    process = await start_process("endless", ["yes"], stdout=PIPE)
    task = process.watch_stream("stdout", handler)
    await entered.wait()
    await eventually(lambda: sleeps(process.pid))
    task.cancel()
    await process.stop()


def sleeps(pid):
    """Whether a process waits for something: here for room in its pipe."""
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] == "S"


async def test_the_last_lines_of_a_stopped_child_are_heard(runtime):
    script = "trap 'echo bye; printf end; exit 3' TERM; echo ready; while :; do sleep 0.02; done"
    process = await shell(script, text=True)
    lines = []
    process.watch_stream("stdout", lines.append)
    await eventually(lambda: lines)

    await process.stop()

    assert lines == ["ready", "bye", "end"]
    assert process.returncode == 3


async def test_the_last_lines_are_heard_when_a_service_stops():
    lines = []
    async with Service("owner") as service:
        script = "trap 'echo bye; exit' TERM; echo ready; while :; do sleep 0.02; done"
        process = await service.start_process(["sh", "-c", script], stdout=PIPE, text=True)
        process.follow_output(stdout_handler=lines.append)
        await eventually(lambda: lines)

    assert lines == ["ready", "bye"]


async def test_lines_of_a_child_that_ended_are_heard_before_a_stop_is_done(runtime):
    lines = []

    async def handler(line):
        await anyio.sleep(0.02)
        lines.append(line)

    process = await shell("echo a; echo b; echo c")
    process.watch_stream("stdout", handler)
    await process.wait()
    await process.stop()

    assert lines == [b"a", b"b", b"c"]


async def test_a_handler_that_does_not_end_is_cancelled(runtime, caplog):
    entered, cancelled = anyio.Event(), anyio.Event()

    async def handler(line):
        entered.set()
        try:
            await anyio.sleep_forever()
        finally:
            cancelled.set()

    process = await shell("echo a; exec sleep 60")
    process.watch_stream("stdout", handler)
    await entered.wait()

    with deadline(0.8):
        await process.stop()

    assert cancelled.is_set()
    assert "'stdout of shell' was cancelled" in caplog.text


async def test_a_handler_may_stop_its_process(runtime):
    lines = []
    done = anyio.Event()

    async def handler(line):
        lines.append(line)
        if line == b"a":
            await process.stop()
            done.set()

    process = await shell(r"printf 'a\nb\n'; exec sleep 60")
    task = process.watch_stream("stdout", handler)
    with anyio.fail_after(0.9):
        await done.wait()
        await task.wait()

    assert lines == [b"a", b"b"]
    assert not process.running


async def test_a_handler_may_stop_the_service_of_its_process(runtime):
    service = await Service("owner").start()
    done = anyio.Event()

    async def handler(line):
        await service.stop()
        done.set()

    process = await service.start_process(["sh", "-c", "echo a; exec sleep 60"], stdout=PIPE)
    process.watch_stream("stdout", handler)
    with anyio.fail_after(0.9):
        await done.wait()

    assert not process.running


async def test_follow_output_watches_what_has_a_handler(runtime):
    out, errors = [], []
    process = await shell("echo o; echo e >&2", stderr=PIPE)

    tasks = process.follow_output(stdout_handler=out.append, stderr_handler=errors.append, stderr_label="complaints")
    for task in tasks:
        await task.wait()
    await process.stop()

    assert (out, errors) == ([b"o"], [b"e"])
    assert [task.label for task in tasks] == ["stdout", "complaints"]
    assert process.follow_output() == []


async def test_a_stream_is_closed_at_its_end_if_asked_for(runtime):
    process = await shell("echo a; exec >&-; exec sleep 60")
    task = process.watch_stream("stdout", lambda line: None, close_on_exit=True)
    await task.wait()

    assert process.process.stdout.closed
    with pytest.raises(ValueError, match="stdout of 'shell' is closed"):
        process.watch_stream("stdout", lambda line: None)
    await process.stop()


async def test_a_child_can_be_written_to(runtime):
    process = await start_process("cat", ["cat"], stdin=PIPE, stdout=PIPE, text=True)

    process.process.stdin.write("hello\n")
    process.process.stdin.close()

    assert await heard(process) == ["hello"]


async def test_what_was_never_taken_in_does_not_hold_a_stop(runtime):
    process = await start_process("deaf", ["sleep", "60"], stdin=PIPE)
    process.process.stdin.write(b"x" * 100)

    await process.stop()

    assert process.process.stdin.closed


async def test_a_stream_has_one_reader(runtime):
    process = await shell("exec sleep 60")
    task = process.watch_stream("stdout", lambda line: None, label="the first")

    with pytest.raises(RuntimeError, match="stdout of 'shell' is read already, by 'the first'"):
        process.watch_stream("stdout", lambda line: None)
    with pytest.raises(RuntimeError, match="read already"):
        process.lines("stdout")

    task.cancel()
    await task.wait()
    process.watch_stream("stdout", lambda line: None)
    await process.stop()


async def test_two_iterations_at_once_are_refused(runtime):
    process = await shell("exec sleep 60")

    async def read():
        assert [line async for line in process.lines()] == []

    async with anyio.create_task_group() as group:
        group.start_soon(read)
        iteration = process.lines()
        await eventually(lambda: process._pipes["stdout"].reader)
        with pytest.raises(RuntimeError, match="read already, by 'an iteration over its lines'"):
            await anext(iteration)
        await process.stop()


@pytest.mark.parametrize(
    ("stream", "message"),
    [("stdout", "start it with stdout=PIPE"), ("stdin", "it has stdout and stderr"), ("x", "it has stdout and stderr")],
)
async def test_a_stream_that_cannot_be_read_is_named(runtime, stream, message):
    process = await start_process("mute", ["true"], stdout=DEVNULL, stdin=PIPE)

    for read in (process.lines, lambda name: process.watch_stream(name, print)):
        with pytest.raises(ValueError, match=f"'mute' has no stream '{stream}' to read: {message}"):
            read(stream)
    await process.stop()


async def test_a_stream_of_what_was_not_started_cannot_be_read():
    with pytest.raises(RuntimeError, match="'idle' was not started"):
        ManagedProcess("idle").lines()


async def test_wrong_arguments_start_no_reader(runtime):
    process = await shell("exec sleep 60")

    with pytest.raises(ValueError, match="chunk_size must be 1 or more, got 0"):
        process.watch_stream("stdout", print, chunk_size=0)
    with pytest.raises(TypeError, match="must be callable, got int"):
        process.watch_stream("stdout", 5)
    await process.stop()


async def test_without_a_runtime_a_watcher_says_what_to_do():
    process = await shell("echo a; exec sleep 60")

    with pytest.raises(RuntimeError, match=r"(?s)no runtime.*async with Runtime.*async for line in process.lines"):
        process.watch_stream("stdout", print)

    async for line in process.lines("stdout"):
        assert line == b"a"
        break
    await process.stop()


async def test_an_iteration_ends_with_the_stream():
    async with await shell("echo a; printf b", text=True) as process:
        assert [line async for line in process.lines()] == ["a", "b"]
        assert [line async for line in process.lines(strip=False)] == []


async def test_an_iteration_goes_on_where_another_stopped(runtime):
    process = await shell("echo boot; echo ready; echo a; echo b")
    await process.wait()
    async for line in process.lines():
        if line == b"ready":
            break

    assert await heard(process) == [b"a", b"b"]


async def test_two_iterations_in_turn_may_want_other_endings():
    async with await shell("printf 'a\\r\\nb\\nc\\r\\nd'") as process:
        bare, whole = process.lines(), process.lines(strip=False)

        assert [await anext(each) for each in (bare, whole, whole, bare)] == [b"a", b"b\n", b"c\r\n", b"d"]


async def test_a_watcher_that_was_cancelled_leaves_the_rest_to_the_next_reader(runtime):
    process, heard, busy = await shell("printf 'a\\nb\\r\\nc'"), [], anyio.Event()

    async def hear(line):
        heard.append(line)
        busy.set()
        await anyio.sleep_forever()

    watching = process.watch_stream("stdout", hear)
    await busy.wait()
    watching.cancel()
    await watching.wait()

    assert heard + [line async for line in process.lines(strip=False)] == [b"a", b"b\r\n", b"c"]
    await process.stop()


async def test_a_line_that_was_waited_for_in_vain_is_not_lost():
    process = await shell("printf 'be'; sleep 0.1; echo gin; echo next")
    with anyio.move_on_after(0.05):
        async for _ in process.lines():
            pass

    assert [line async for line in process.lines()] == [b"begin", b"next"]
    await process.stop()


async def test_lines_that_were_written_before_a_stop_can_be_read_after_it():
    process = await shell(r"printf 'a\nb\n'; exec sleep 60")
    iteration = process.lines()
    assert await anext(iteration) == b"a"

    await process.stop()

    assert [line async for line in iteration] == [b"b"]


async def test_a_stop_ends_an_iteration_that_waits():
    process = await shell("setsid sleep 60 & echo $!; wait")
    iteration = process.lines()
    escaped = await anext(iteration)
    rest = []

    async def read():
        rest.extend([line async for line in iteration])

    async with anyio.create_task_group() as group:
        group.start_soon(read)
        await anyio.sleep(0.05)
        await process.stop()

    assert rest == []
    os.kill(int(escaped), signal.SIGKILL)


async def test_many_lines_come_in_order(runtime):
    assert await heard(await start_process("seq", ["seq", "50000"], stdout=PIPE, text=True)) == [
        str(number) for number in range(1, 50_001)
    ]


async def test_a_stream_that_cannot_be_read_ends(caplog):
    near, far = os.openpty()
    pipe = Pipe(open(near, "rb", buffering=0), "a terminal", lambda: None)  # noqa: ASYNC230
    os.write(far, b"last words\n")
    os.close(far)  # reading a terminal without a program is an error, and no end

    assert await pipe.fill()
    assert pipe.items.take() == b"last words\r\n"
    assert not await pipe.fill()
    assert "reading a terminal failed" in caplog.text
    pipe.close()


async def test_a_stream_that_its_user_closed_ends(runtime):
    process = await shell("exec sleep 60")
    iteration = process.lines()
    process.process.stdout.close()

    with pytest.raises(StopAsyncIteration):
        await anext(iteration)
    await process.stop()


async def test_a_reader_that_ends_with_its_runtime_leaves_nothing(caplog):
    async with Runtime():
        process = await shell("exec sleep 60")
        process.watch_stream("stdout", print)
    await process.stop()

    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_children_inherit_no_file_of_ours():
    script = "import os; print(sorted(map(int, os.listdir('/proc/self/fd')))[:-1])"
    async with await start_process("bare", [sys.executable, "-c", script], stdout=PIPE, text=True) as process:
        assert [line async for line in process.lines()] == ["[0, 1, 2]"]
