"""No child outlives its application, however that ends, and the watchdog that sees to it is no burden."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from children import alive, children, open_files, soon
from fresh import python

from specter._process_watchdog import Watchdog

KILLED = Path(__file__).with_name("killed.py")


@pytest.fixture
def watchdog():
    watchdog = Watchdog()
    yield watchdog
    watchdog._close()


@pytest.fixture
def sleeper():
    """A child in a group of its own, with a grandchild."""
    process = subprocess.Popen(["sh", "-c", "sleep 60 & wait"], start_new_session=True)
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def guard_of(watchdog):
    """The process id of the guard: the one that reads the watchdog's pipe."""
    assert watchdog._pipe is not None
    pipe = os.readlink(f"/proc/self/fd/{watchdog._pipe}")
    found: list[int] = []

    # The guard is forked before it takes the pipe for its stdin.
    assert soon(lambda: found.extend(readers_of(pipe)) or found)
    return found[0]


def readers_of(pipe):
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(folder / "fd" / "0") == pipe:
                yield int(folder.name)
        except OSError:
            continue


def outlived(rounds):
    seed = random.randrange(2**32)
    command = [sys.executable, "-W", "error", str(KILLED), str(rounds), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return f"seed {seed}\n{done.stdout}" if done.stdout else ""


def test_no_child_outlives_a_killed_application():
    assert outlived(28) == ""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_no_child_outlives_200_killed_applications():
    assert outlived(200) == ""


@pytest.mark.parametrize("ending", ["os._exit(3)", "raise SystemExit(3)", "os.kill(os.getpid(), signal.SIGTERM)"])
def test_no_child_outlives_an_application_that_ends_without_a_stop(ending):
    script = f"""
import os, signal, sys, warnings, anyio
from specter import start_process
async def main():
    warnings.simplefilter("ignore", ResourceWarning)  # of subprocess: the child still runs
    process = await start_process("left", ["sleep", "60"])
    print(process.pid, flush=True)
    {ending}
anyio.run(main)
"""
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=False)

    assert soon(lambda: not alive(int(done.stdout)))


def test_a_single_process_is_guarded_without_its_group(watchdog, sleeper):
    watchdog.guard(sleeper.pid, group=False)
    watchdog._close()

    assert soon(lambda: sleeper.poll() is not None)
    assert sleeper.returncode == -signal.SIGKILL
    os.killpg(sleeper.pid, 0)  # the grandchild lives
    os.killpg(sleeper.pid, signal.SIGKILL)


def test_what_was_released_is_spared(watchdog, sleeper):
    watchdog.guard(sleeper.pid, group=True)
    watchdog.release(sleeper.pid)
    guard = guard_of(watchdog)
    watchdog._close()

    assert soon(lambda: not alive(guard))
    assert sleeper.poll() is None


def test_an_orphaned_group_is_guarded_as_long_as_its_number_is_free(watchdog, sleeper):
    watchdog.guard(sleeper.pid, group=True)
    watchdog.orphan(sleeper.pid)
    guard = guard_of(watchdog)
    watchdog._close()

    # There is a process of that number: it was given to somebody else.
    assert soon(lambda: not alive(guard))
    assert sleeper.poll() is None


def test_a_watchdog_that_was_killed_is_replaced(watchdog, sleeper, caplog):
    watchdog.guard(sleeper.pid, group=True)
    first = guard_of(watchdog)
    os.kill(first, signal.SIGKILL)
    assert soon(lambda: not alive(first))

    watchdog.forget(watchdog.begin("next"))

    assert guard_of(watchdog) != first
    assert "the watchdog of this process was killed" in caplog.text
    watchdog._close()
    assert soon(lambda: sleeper.poll() is not None)


def test_a_watchdog_ignores_what_is_sent_to_everybody(watchdog):
    watchdog.forget(watchdog.begin("any"))
    guard = guard_of(watchdog)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(guard, number)
    time.sleep(0.05)

    assert alive(guard)


def test_a_watchdog_is_no_child_and_holds_one_file(watchdog):
    before, files = children(), open_files().items()

    watchdog.forget(watchdog.begin("any"))

    assert not children() - before
    assert len(open_files().items() - files) == 1
    guard = guard_of(watchdog)
    assert soon(lambda: sorted(os.listdir(f"/proc/{guard}/fd")) == ["0", "1", "2"])
    assert os.getsid(guard) != os.getsid(0)
    assert os.readlink(f"/proc/{guard}/cwd") == "/"


def test_a_watchdog_is_given_no_file_that_children_inherit(watchdog):
    ours = os.open("/", os.O_RDONLY)
    os.set_inheritable(ours, True)
    watchdog.forget(watchdog.begin("any"))
    guard = guard_of(watchdog)
    os.close(ours)

    assert soon(lambda: sorted(os.listdir(f"/proc/{guard}/fd")) == ["0", "1", "2"])


def test_a_child_that_was_forked_to_be_started_is_guarded_before_its_parent_says_so(watchdog):
    begun = watchdog.begin("python")
    forked = os.fork()
    if forked == 0:
        time.sleep(30)
        os._exit(0)
    # What is forked next is none of that start.
    other = os.fork()
    if other == 0:
        time.sleep(30)
        os._exit(0)
    watchdog._close()

    assert os.waitpid(forked, 0)[1] == signal.SIGKILL
    assert os.waitpid(other, os.WNOHANG) == (0, 0)
    os.kill(other, signal.SIGKILL)
    os.waitpid(other, 0)
    assert begun


def test_a_forked_process_does_not_hold_the_watchdog_back(watchdog, sleeper):
    watchdog.guard(sleeper.pid, group=True)
    forked = os.fork()
    if forked == 0:
        time.sleep(30)
        os._exit(0)
    watchdog._close()

    assert soon(lambda: sleeper.poll() is not None)
    os.kill(forked, signal.SIGKILL)
    os.waitpid(forked, 0)


def test_a_forked_process_guards_its_own_children():
    code = """
import os, signal, time, subprocess, anyio
from specter import start_process
from specter._process_watchdog import watchdog
watchdog.forget(watchdog.begin("parent"))
out, into = os.pipe()
if os.fork() == 0:
    async def main():
        process = await start_process("child", ["sleep", "60"])
        os.write(into, str(process.pid).encode())
        os.kill(os.getpid(), signal.SIGKILL)
    anyio.run(main)
os.wait()
print(os.read(out, 100).decode())
"""
    assert soon(lambda: not alive(int(python(code))))


def test_without_a_shell_children_start_all_the_same(monkeypatch, watchdog, caplog):
    def missing(*args, **keywords):
        raise FileNotFoundError("/bin/sh")

    monkeypatch.setattr("specter._process_watchdog.posix_spawn", missing)
    for _ in range(2):
        watchdog.forget(watchdog.begin("any"))

    assert caplog.text.count("no watchdog, children may outlive a kill of this process: /bin/sh") == 1


def test_a_watchdog_that_does_not_read_holds_nobody(watchdog, caplog):
    watchdog.forget(watchdog.begin("any"))
    guard = guard_of(watchdog)
    os.kill(guard, signal.SIGSTOP)
    for number in range(10_000):
        watchdog.guard(1_000_000 + number, group=True)

    assert "does not read" in caplog.text
    os.kill(guard, signal.SIGKILL)
