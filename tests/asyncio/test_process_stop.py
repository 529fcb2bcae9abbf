"""Children that are stopped with all that they started, in time, whoever asks."""

import asyncio
import os
import signal
import time
from subprocess import PIPE

import anyio
import pytest
from children import FAMILY, FLED, STUBBORN, alive, at_most, exists
from started import first_line, stubborn

from specter import ManagedProcess, Service, start_process
from specter._deadline import at_most as deadline
from specter.testing import cancel_everywhere, eventually

pytestmark = pytest.mark.usefixtures("no_child_left")


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

    with at_most(20), deadline(2):
        await process.stop()

    assert process.returncode == -signal.SIGKILL


async def test_stops_at_once_are_one_stop():
    process = await stubborn(terminate_timeout=0.1)

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(process.stop)

    assert process.returncode == -signal.SIGKILL


async def test_a_process_that_holds_a_pipe_in_a_session_of_its_own_delays_a_stop_only_briefly():
    process = await start_process("fled", FLED, stdout=PIPE)
    escaped = int(await first_line(process))

    with at_most(5):
        await process.stop()

    assert alive(escaped)
    os.kill(escaped, signal.SIGKILL)


async def test_a_service_stops_its_processes():
    service = Service("owner")
    async with service:
        process = await service.start_process(FAMILY, stdout=PIPE)
        grandchild = int(await first_line(process))

    assert not alive(grandchild)
    assert not process.running


async def test_a_service_that_must_end_kills_in_time():
    service = Service("owner")
    service.stop_timeout = 6
    async with service:
        process = await service.start_process(STUBBORN, stdout=PIPE)
        assert await first_line(process) == b"ready"
        process.terminate_timeout = 60
        before = time.monotonic()

    assert time.monotonic() - before < 20
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
async def test_a_stop_takes_its_time_although_its_task_is_cancelled(anyio_backend, tmp_path):
    tidied = tmp_path / "tidied"
    script = "trap 'until test -e \"$0\"; do sleep 0.02; done; exit 3' TERM; echo ready; while :; do sleep 0.02; done"
    process = await start_process("polite", ["sh", "-c", script, tidied], stdout=PIPE)
    process.terminate_timeout = 60
    assert await first_line(process) == b"ready"
    task = asyncio.create_task(process.stop())
    for _ in range(2):
        await asyncio.sleep(0.02)
        task.cancel()
    await asyncio.sleep(0.02)
    tidied.touch()

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

    assert await cancel_everywhere(live, check) > 5
