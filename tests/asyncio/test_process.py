"""Children: started, waited for, and started again."""

import os
import subprocess
from subprocess import DEVNULL, PIPE

import anyio
import pytest
from children import FAMILY, alive, exists
from started import first_line

from specter import ManagedProcess, Service, start_process
from specter.runtime import Runtime
from specter.testing import eventually

pytestmark = pytest.mark.usefixtures("no_child_left")


async def test_a_process_runs_and_ends():
    process = await start_process("quick", ["sh", "-c", "exit 3"])

    assert process.pid == process.process.pid
    assert await process.wait() == 3
    assert (process.running, process.returncode, process.poll()) == (False, 3, 3)


async def test_what_was_not_started_has_no_numbers():
    process = ManagedProcess("idle")

    assert (process.running, process.pid, process.returncode, process.process) == (False, None, None, None)
    assert await process.stop() is process
    with pytest.raises(RuntimeError, match="'idle' was not started"):
        await process.wait()


async def test_a_process_that_runs_is_not_started_again():
    async with ManagedProcess("once") as process:
        await process.start(["sleep", "60"])
        with pytest.raises(RuntimeError, match="'once' runs already"):
            await process.start(["sleep", "60"])


async def test_a_missing_program_is_the_systems_own_error():
    process = ManagedProcess("missing")

    with pytest.raises(FileNotFoundError, match="no-such-program"):
        await process.start(["no-such-program"])

    assert process.process is None
    await process.start(["true"])
    await process.wait()


async def test_an_owner_that_cannot_own_starts_nothing():
    with pytest.raises(TypeError, match="add_cleanup.*object"):
        await start_process("homeless", ["sleep", "60"], owner=object())


async def test_an_owner_that_refuses_ends_what_was_started():
    class Closed:
        def add_cleanup(self, fn):
            raise RuntimeError("closed")

    process = ManagedProcess("refused")
    with pytest.raises(RuntimeError, match="closed"):
        await process.start(["sleep", "60"], owner=Closed())

    assert not process.running


async def test_a_process_can_be_started_again():
    process = ManagedProcess("again")
    for _ in range(2):
        await process.start(["sleep", "60"])
        assert process.running
        await process.stop()
        assert not process.running

    await process.start(["sh", "-c", "exit 4"])
    assert await process.wait() == 4
    await process.start(["sh", "-c", "exit 5"])
    assert await process.wait() == 5


async def test_a_start_ends_what_an_earlier_child_left():
    process = await start_process("again", ["sh", "-c", "sleep 60 & echo $!"], stdout=PIPE)
    grandchild = int(await first_line(process))
    await process.wait()

    await process.start(["true"])

    assert not alive(grandchild)
    await process.stop()


async def test_a_stop_meanwhile_keeps_a_start_from_going_on():
    process = ManagedProcess("undecided", terminate_timeout=1)
    # What this one leaves keeps the next start waiting.
    await process.start(["sh", "-c", "trap '' TERM; sleep 60 &"])
    await process.wait()

    async def start():
        with pytest.raises(RuntimeError, match="was stopped while it started"):
            await process.start(["sleep", "60"])

    async with anyio.create_task_group() as group:
        group.start_soon(start)
        await anyio.sleep(0.05)
        await process.stop()

    assert process.returncode == 0


async def test_several_tasks_may_wait():
    process = await start_process("awaited", ["sh", "-c", "sleep 0.1; exit 7"])
    codes = []

    async def wait():
        codes.append(await process.wait())

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(wait)

    assert codes == [7] * 5


async def test_a_limit_that_is_no_number_is_refused():
    async with ManagedProcess("slow") as process:
        await process.start(["sleep", "60"])

        with pytest.raises(TypeError, match="timeout must be a number of seconds or None, got '1'"):
            await process.wait(timeout="1")
        assert process.running


async def test_waiting_may_have_a_limit():
    async with ManagedProcess("slow") as process:
        await process.start(["sleep", "60"])

        with pytest.raises(subprocess.TimeoutExpired, match="sleep.*0.02 seconds"):
            await process.wait(timeout=0.02)

        assert process.running


async def test_a_wait_ends_although_a_grandchild_holds_the_pipes():
    process = await start_process("holder", ["sh", "-c", "sleep 60 & exit 6"], stdout=PIPE)

    with anyio.fail_after(5):
        assert await process.wait() == 6

    await process.stop()


async def test_a_child_is_reaped_although_nobody_waits():
    async with Runtime():
        process = await start_process("forgotten", ["true"])

        await eventually(lambda: not exists(process.pid))

        assert process.process.returncode == 0


async def test_popen_is_looked_up_at_each_start(monkeypatch):
    class Fake:
        pid, args, stdin, stdout, stderr, returncode = "none", ["convert"], None, None, None, None

        def __init__(self, args, **keywords):
            calls.append((args, keywords))

        def poll(self):
            return self.returncode

        def terminate(self):
            self.returncode = -15

    calls = []
    monkeypatch.setattr("specter.process.subprocess.Popen", Fake)

    process = await start_process("fake", ["convert"], cwd="/")
    assert process.running
    await process.stop()

    assert calls == [(["convert"], {"cwd": "/", "start_new_session": True})]
    assert process.returncode == -15


async def test_without_pidfd_the_end_is_looked_for(monkeypatch):
    monkeypatch.delattr("os.pidfd_open")
    async with Runtime():
        process = await start_process("plain", ["sh", "-c", "sleep 0.1; exit 9"])

        assert await process.wait() == 9


async def test_a_child_that_somebody_else_reaped_has_ended():
    async with Runtime():
        process = await start_process("stolen", ["true"], stdin=DEVNULL)
        os.waitpid(process.pid, 0)  # noqa: ASYNC222

        assert await process.wait() == 0


async def test_arguments_may_be_an_iterator():
    process = await start_process("iterated", iter(["sh", "-c", "exit 2"]))

    assert await process.wait() == 2


async def test_a_command_line_may_be_for_the_shell():
    process = await start_process("shell", "exit 8", shell=True)

    assert await process.wait() == 8


def test_a_whole_life_on_uvloop():
    async def main():
        async with Service("owner") as service:
            process = await service.start_process(FAMILY, stdout=PIPE, text=True)
            heard = []
            process.watch_stream("stdout", heard.append)
            await eventually(lambda: heard)
            quick = await service.start_process(["sh", "-c", "exit 3"])
            assert await quick.wait() == 3
        return int(heard[0])

    assert not alive(anyio.run(main, backend_options={"use_uvloop": True}))


async def test_a_service_that_is_not_started_starts_no_process() -> None:
    with pytest.raises(RuntimeError, match=r"'idle' cannot start a process before start\(\)"):
        await Service("idle").start_process(["sleep", "60"])
