"""Managed processes, on both runtimes."""

import subprocess

import pytest

SAYS = ["sh", "-c", "echo one; echo two; printf three"]
WAITS = ["sleep", "60"]


async def test_the_return_code_is_there_when_it_has_ended_and_when_it_was_stopped(twin):
    ended, stopped = twin.ManagedProcess("ended"), twin.ManagedProcess("stopped")
    assert await twin(ended.start(["sh", "-c", "exit 3"])) is ended
    await twin(stopped.start(WAITS))
    assert (stopped.running, stopped.poll(), stopped.returncode) == (True, None, None)

    assert await twin(ended.wait()) == ended.poll() == ended.returncode == 3
    assert await twin(stopped.stop()) is stopped
    assert (stopped.returncode, stopped.running) == (-15, False)


async def test_lines_come_out_whole(twin):
    lines, chunks = [], []
    process = twin.ManagedProcess("p")
    await twin(process.start(SAYS, stdout=subprocess.PIPE, text=True))
    process.watch_stream("stdout", lines.append)
    await twin.until(lambda: len(lines) == 3)
    await twin(process.stop())
    await twin(process.start(["printf", "grüß€"], stdout=subprocess.PIPE, encoding="utf-8"))
    process.watch_stream("stdout", chunks.append, chunk_size=1)
    await twin.until(lambda: "".join(chunks) == "grüß€")
    await twin(process.stop())

    assert lines == ["one", "two", "three"]


async def test_what_it_says_while_it_ends_is_heard(twin):
    heard = []
    script = "trap 'echo bye; printf last; exit 0' TERM; echo ready; while :; do sleep 0.01; done"
    process = twin.ManagedProcess("p")
    await twin(process.start(["sh", "-c", script], stdout=subprocess.PIPE, text=True))
    process.follow_output(stdout_handler=heard.append)
    await twin.until(lambda: heard)
    await twin(process.stop())

    assert heard == ["ready", "bye", "last"]


async def test_a_failing_handler_misses_one_line(twin, caplog):
    heard = []

    def hear(line):
        if line == "two":
            raise ZeroDivisionError("no")
        heard.append(line)

    process = twin.ManagedProcess("p")
    await twin(process.start(SAYS, stdout=subprocess.PIPE, text=True))
    process.watch_stream("stdout", hear)
    await twin.until(lambda: len(heard) == 2)
    await twin(process.stop())

    assert heard == ["one", "three"]
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ZeroDivisionError]


async def test_what_cannot_be_done_is_told(twin):
    process = twin.ManagedProcess("p")
    with pytest.raises(RuntimeError, match="started"):
        await twin(process.wait())
    with pytest.raises(FileNotFoundError):
        await twin(process.start(["specter-no-such-program"]))
    with pytest.raises(TypeError, match="object"):
        await twin(process.start(WAITS, owner=object()))
    assert not process.running
    await twin(process.start(WAITS))
    with pytest.raises(RuntimeError, match="already"):
        await twin(process.start(WAITS))
    with pytest.raises(ValueError, match="stdout"):
        process.watch_stream("stdout", print)
    with pytest.raises(subprocess.TimeoutExpired):
        await twin(process.wait(timeout=0.01))
    await twin(process.stop())


async def test_what_does_not_listen_is_killed(twin):
    heard = []
    process = twin.ManagedProcess("p", terminate_timeout=0.05)
    script = "trap '' TERM; echo ready; while :; do sleep 0.05; done"
    await twin(process.start(["sh", "-c", script], stdout=subprocess.PIPE, text=True))
    process.watch_stream("stdout", heard.append)
    await twin.until(lambda: heard)
    await twin(process.stop())

    assert process.returncode == -9


async def test_an_owner_stops_it(twin):
    service = twin.Service("a")
    await twin(service.start())
    process = await twin(service.start_process(WAITS, name="mine"))
    other = await twin(twin.start_process("other", WAITS, owner=service))
    assert (process.name, process.running, other.running) == ("mine", True, True)
    await twin(service.stop())

    assert (process.returncode, other.returncode) == (-15, -15)


async def test_leaving_the_block_stops_it(twin):
    process = twin.ManagedProcess("p")
    await twin(process.start(WAITS))
    async with twin.within(process) as entered:
        assert entered is process
        assert process.running

    assert process.returncode == -15
