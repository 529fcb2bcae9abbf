"""What children write: whole lines, chunks, to the last one, to whoever reads or iterates."""

import logging
import os
import signal
import sys
from subprocess import DEVNULL, PIPE

import anyio
import pytest
from children import FLED
from started import heard, shell

from specter import ManagedProcess, start_process
from specter._process_pipes import Pipe
from specter.runtime import Runtime
from specter.sansio.lines import LONGEST_LINE
from specter.testing import eventually

pytestmark = pytest.mark.usefixtures("no_child_left")


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
    process = await shell(FLED[-1])
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
