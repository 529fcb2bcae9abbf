"""Children: started, waited for, stopped with all that they started."""

import asyncio
import os
import signal
import subprocess
import time
from subprocess import DEVNULL, PIPE

import anyio
import pytest
from children import alive, at_most, exists, nothing_left

from specter import ManagedProcess, Service, start_process
from specter._deadline import at_most as deadline
from specter._process_watchdog import watchdog
from specter.runtime import Runtime
from specter.testing import cancel_everywhere, eventually

# Says "ready" when its trap is set, and ends only by SIGKILL.
STUBBORN = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done"]
# A child and a grandchild; prints the process id of the grandchild.
FAMILY = ["sh", "-c", "sleep 60 & echo $!; wait"]


@pytest.fixture(scope="module", autouse=True)
def warm():
    """What stays open as long as this process lives: the watchdog's pipe, and one of uvloop."""
    watchdog.forget(watchdog.begin("warm"))
    anyio.run(anyio.sleep, 0, backend_options={"use_uvloop": True})


@pytest.fixture(autouse=True)
def clean(warm):
    with nothing_left():
        yield


async def first_line(process, stream="stdout"):
    async for line in process.lines(stream):
        return line


async def stubborn(**keywords):
    process = ManagedProcess("stubborn", **keywords)
    await process.start(STUBBORN, stdout=PIPE)
    assert await first_line(process) == b"ready"
    return process


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


@pytest.mark.parametrize("times", [{"terminate_timeout": -1}, {"kill_timeout": float("nan")}])
def test_a_time_below_zero_is_refused(times):
    with pytest.raises(ValueError, match="must be 0 seconds or more"):
        ManagedProcess("timed", **times)


async def test_stop_ends_a_process():
    process = await start_process("sleeper", ["sleep", "60"])

    assert await process.stop() is process

    assert process.returncode == -signal.SIGTERM
    assert await process.wait() == -signal.SIGTERM
    assert not exists(process.pid)


async def test_stop_ends_the_whole_group():
    process = await start_process("family", FAMILY, stdout=PIPE)
    grandchild = int(await first_line(process))

    await process.stop()

    assert not alive(grandchild)


async def test_stop_ends_a_grandchild_after_the_child_itself_has_ended():
    process = await start_process("orphans", ["sh", "-c", "sleep 60 & echo $!"], stdout=PIPE)
    grandchild = int(await first_line(process))
    assert await process.wait() == 0
    assert alive(grandchild)

    await process.stop()

    assert not alive(grandchild)


async def test_a_group_whose_number_was_given_away_is_left_alone(monkeypatch):
    process = await start_process("orphans", ["sh", "-c", "sleep 60 & echo $!"], stdout=PIPE)
    bystander = int(await first_line(process))
    await process.wait()

    with monkeypatch.context() as patch:
        patch.setattr("os.kill", lambda pid, number: None)  # there is a process of the number of the leader
        await process.stop()

    assert alive(bystander)
    os.kill(bystander, signal.SIGKILL)


async def test_a_group_may_end_gracefully_after_its_leader_has():
    worker = "trap 'sleep 0.2; echo tidied; exit' TERM; echo ready; while :; do sleep 0.05; done"
    process = await start_process("polite", ["sh", "-c", f"({worker}) & wait"], stdout=PIPE)
    assert await first_line(process) == b"ready"

    await process.stop()

    assert process.returncode == -signal.SIGTERM
    assert [line async for line in process.lines()] == [b"tidied"]


async def test_ctrl_c_in_a_terminal_does_not_reach_a_child():
    async with await start_process("sleeper", ["sleep", "60"]) as process:
        assert os.getsid(process.pid) == os.getpgid(process.pid) == process.pid


async def test_without_kill_group_the_child_alone_is_stopped():
    process = await start_process("single", FAMILY, kill_group=False, stdout=PIPE)
    grandchild = int(await first_line(process))

    await process.stop()

    assert alive(grandchild)
    assert os.getpgid(grandchild) == os.getpgrp()
    os.kill(grandchild, signal.SIGKILL)


async def test_a_start_can_override_kill_group():
    process = ManagedProcess("single")
    await process.start(["sleep", "60"], kill_group=False)

    assert os.getpgid(process.pid) == os.getpgrp()
    await process.stop()


async def test_what_ignores_sigterm_is_killed(caplog):
    process = await stubborn(terminate_timeout=0.05)

    await process.stop()

    assert process.returncode == -signal.SIGKILL
    assert "'stubborn'" in caplog.text
    assert "did not end after SIGTERM" in caplog.text


async def test_what_cannot_be_ended_is_named_and_left_behind(monkeypatch, caplog):
    def refuse(group, number):
        raise PermissionError

    process = ManagedProcess("untouchable", terminate_timeout=0.02, kill_timeout=0.02)
    await process.start(["sleep", "60"])
    with monkeypatch.context() as patch:
        patch.setattr("os.killpg", refuse)
        await process.stop()

    assert process.running
    assert "no permission to send SIGKILL to process" in caplog.text
    assert f"process 'untouchable' ({process.pid}) did not end after SIGKILL" in caplog.text
    await process.stop()
    assert not process.running


async def test_stop_can_be_given_a_shorter_time():
    process = await stubborn(terminate_timeout=60)

    with at_most(5):
        await process.stop(timeout=0.05)

    assert process.returncode == -signal.SIGKILL


async def test_a_stop_ends_before_the_deadline_around_it():
    process = await stubborn(terminate_timeout=60, kill_timeout=60)

    with at_most(20), deadline(0.3):
        await process.stop()

    assert process.returncode == -signal.SIGKILL


async def test_stops_at_once_are_one_stop():
    process = await stubborn(terminate_timeout=0.1)

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(process.stop)

    assert process.returncode == -signal.SIGKILL


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
    process = ManagedProcess("undecided", terminate_timeout=0.2)
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


async def test_a_process_that_holds_a_pipe_in_a_session_of_its_own_delays_a_stop_only_briefly():
    process = await start_process("fled", ["sh", "-c", "setsid sleep 60 & echo $!; wait"], stdout=PIPE)
    escaped = int(await first_line(process))

    with at_most(5):
        await process.stop()

    os.kill(escaped, signal.SIGKILL)


async def test_a_child_is_reaped_although_nobody_waits():
    async with Runtime():
        process = await start_process("forgotten", ["true"])

        await eventually(lambda: not exists(process.pid))

        assert process.process.returncode == 0


async def test_a_service_stops_its_processes():
    service = Service("owner")
    async with service:
        process = await service.start_process(FAMILY, stdout=PIPE)
        grandchild = int(await first_line(process))

    assert not alive(grandchild)
    assert not process.running


async def test_a_service_that_must_end_kills_in_time():
    service = Service("owner")
    service.stop_timeout = 0.6
    async with service:
        process = await service.start_process(STUBBORN, stdout=PIPE)
        assert await first_line(process) == b"ready"
        before = time.monotonic()

    assert time.monotonic() - before < process.terminate_timeout
    assert process.returncode == -signal.SIGKILL


async def test_an_owner_keeps_nothing_of_a_child_that_ended():
    async with Service("owner") as service:
        for _ in range(5):
            process = await service.start_process(["echo", "hello"], stdout=PIPE, stdin=PIPE)
            assert [line async for line in process.lines()] == [b"hello"]
            await process.wait()
        kept = await service.start_process(["sleep", "60"])

        await eventually(lambda: service._ledger.cleanups == [kept.stop])

        assert process.process.stdout.closed
        assert process.process.stdin.closed


async def test_what_is_owned_twice_is_stopped_once():
    async with Service("first") as first, Service("second") as second:
        process = await first.start_process(["sleep", "60"])
        process.attach(second).attach(None)

        await second.stop()

        assert not process.running
        assert first._ledger.cleanups == []


async def test_a_stop_goes_on_although_its_caller_is_cancelled():
    process = await stubborn(terminate_timeout=0.2)

    with anyio.move_on_after(0.02) as scope:
        await process.stop()
        await anyio.lowlevel.checkpoint()

    assert scope.cancelled_caught
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_stop_takes_its_time_although_its_task_is_cancelled(anyio_backend):
    script = "trap 'sleep 0.2; exit 3' TERM; echo ready; while :; do sleep 0.02; done"
    process = await start_process("polite", ["sh", "-c", script], stdout=PIPE)
    assert await first_line(process) == b"ready"
    task = asyncio.create_task(process.stop())
    for _ in range(2):
        await asyncio.sleep(0.02)
        task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task

    assert process.returncode == 3


def test_the_end_of_the_event_loop_ends_a_stop_at_once():
    async def main():
        process = await stubborn(terminate_timeout=60)
        pending.append(asyncio.ensure_future(process.stop()))
        await asyncio.sleep(0.05)
        return process

    pending = []
    process = asyncio.run(main())

    assert process.returncode == -signal.SIGKILL


async def test_nothing_is_left_wherever_it_is_cancelled():
    process = ManagedProcess("cut", terminate_timeout=0.1)

    async def live():
        async with process:
            await process.start(["sh", "-c", "sleep 0.02; echo a; sleep 0.02; echo b"], stdout=PIPE, stderr=PIPE)
            assert [line async for line in process.lines()] == [b"a", b"b"]
            await process.wait()
            await process.start(["sleep", "60"])

    def check():
        assert not process.running
        assert process.pid is None or not exists(process.pid)

    assert await cancel_everywhere(live, check) > 10


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
