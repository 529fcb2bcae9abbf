"""Handlers of what children write: one at a time, to the last line, whatever they do."""

from subprocess import PIPE

import anyio
import pytest
from started import shell

from specter import Service, start_process
from specter._deadline import at_most as deadline
from specter.testing import eventually

pytestmark = pytest.mark.usefixtures("no_child_left")


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


@pytest.mark.virtual_clock
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


async def test_a_handler_may_stop_its_process(runtime, caplog):
    lines = []
    done = anyio.Event()

    async def handler(line):
        lines.append(line)
        if line == b"a":
            await process.stop()
            done.set()

    process = await shell(r"printf 'a\nb\n'; exec sleep 60")
    task = process.watch_stream("stdout", handler)
    with anyio.fail_after(10):
        await done.wait()
        await task.wait()

    assert lines == [b"a", b"b"]
    assert not process.running
    assert "cancelled" not in caplog.text  # as who waits for itself would be, once the drain is over


async def test_a_handler_may_stop_the_service_of_its_process(runtime, caplog):
    service = await Service("owner").start()
    done = anyio.Event()

    async def handler(line):
        await service.stop()
        done.set()

    process = await service.start_process(["sh", "-c", "echo a; exec sleep 60"], stdout=PIPE)
    process.watch_stream("stdout", handler)
    with anyio.fail_after(10):
        await done.wait()

    assert not process.running
    assert "cancelled" not in caplog.text


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
