"""How `specter run` ends: by which signals, within which time, with which exit code, and with all that it started."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import httpx
import pytest
from children import alive, soon
from e2e.raw import Raw
from e2e.run import AT_ONCE, linux_alone, lives_below, serving
from e2e.served import APPS, SPECTER, Served


def command_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def hears_the_end_of_its_time(pid: int) -> bool:
    """Whether a process has a handler of SIGALRM, as an application has from the first signal on."""
    (caught,) = re.findall(r"^SigCgt:\s*(\w+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return bool(int(caught, 16) >> signal.SIGALRM - 1 & 1)


def provoke(server: Served, path: str) -> None:
    """Ask for a fault, whose answer never comes."""
    with Raw(server.url) as client:
        client.request(f"GET /{path}")
        assert soon(lambda: f"{path} is asked for" in server.said())


# What does not end by itself.


def test_a_second_signal_ends_it_at_once() -> None:
    with serving("plain:hung") as served:
        served.process.send_signal(signal.SIGINT)
        assert soon(lambda: "shutdown begins" in served.said())
        time.sleep(0.2)  # two signals of one moment count as one
        begun = time.monotonic()
        code = served.stop(signal.SIGINT)

        assert time.monotonic() - begun < AT_ONCE
        assert code == 128 + signal.SIGINT
        assert "the second signal" in served.said()


@linux_alone
def test_one_signal_to_the_whole_group_counts_once() -> None:
    with serving("plain:hung", "--shutdown-timeout", "4") as served:
        os.kill(lives_below(served.process.pid)[0], signal.SIGTERM)
        time.sleep(0.2)  # the supervisor is late with passing it on
        code = served.stop(signal.SIGTERM)

        assert code == 1  # and not 128 + SIGTERM


@linux_alone
@pytest.mark.parametrize("backend", ["asyncio", "gevent"])
def test_a_signal_that_does_not_interrupt_the_sleep_of_the_loop_ends_it(tmp_path: Path, backend: str) -> None:
    # As one that comes just before the sleep: nothing but what the process itself does wakes the main thread.
    (tmp_path / "asleep.py").write_text(
        "import signal\n"
        "from gevent import monkey\n"
        "start, lock = (monkey.get_original('_thread', name) for name in ('start_new_thread', 'allocate_lock'))\n"
        "never = lock()\n"
        "never.acquire()\n"
        "start(never.acquire, ())\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})\n"
        "def app(environ, start_response): start_response('204 No Content', [])\n"
        f"import sys; sys.path.insert(0, {str(APPS)!r})\n"
        "from plain import site\n"
    )
    target = {"asyncio": "site", "gevent": "app"}[backend]
    # Less time than Hypercorn sleeps at first.
    with serving(f"asleep:{target}", "--backend", backend, "--shutdown-timeout", "2", folder=tmp_path) as served:
        state = Path(f"/proc/{lives_below(served.process.pid)[0]}/stat")
        assert soon(lambda: state.read_text().rpartition(")")[2].split()[0] == "S")
        assert served.stop(signal.SIGTERM) == 0


def test_two_signals_of_one_moment_count_once() -> None:
    with serving("plain:hung", "--shutdown-timeout", "4") as served:
        served.process.send_signal(signal.SIGSTOP)  # both wait until it goes on
        served.process.send_signal(signal.SIGTERM)
        served.process.send_signal(signal.SIGINT)
        code = served.stop(signal.SIGCONT)

        assert code == 1


def test_a_blocked_loop_ends_when_the_time_is_up_and_is_named() -> None:
    with serving("plain:site", "--shutdown-timeout", "1") as served:
        provoke(served, "block")
        begun = time.monotonic()
        code = served.stop(signal.SIGTERM)

        assert 0.9 < time.monotonic() - begun < AT_ONCE
        assert code == 128 + signal.SIGTERM
        assert re.search(r"ended by SIGTERM: not done within 1 s, and still at \S*plain.py:\d+ in block", served.said())


@linux_alone
def test_a_blocked_loop_ends_at_once_on_a_second_signal() -> None:
    with serving() as served:
        provoke(served, "block")
        served.process.send_signal(signal.SIGINT)
        assert soon(lambda: hears_the_end_of_its_time(lives_below(served.process.pid)[0]))
        time.sleep(0.2)  # two signals of one moment count as one
        begun = time.monotonic()
        code = served.stop(signal.SIGINT)

        assert time.monotonic() - begun < AT_ONCE
        assert code == 128 + signal.SIGINT
        assert "ended by SIGINT: the second signal" in served.said()  # and not killed by the supervisor


@linux_alone
def test_a_call_that_lets_no_other_line_run_is_killed_and_named() -> None:
    with serving("plain:site", "--shutdown-timeout", "0.5") as served:
        provoke(served, "hold")
        begun = time.monotonic()
        code = served.stop(signal.SIGTERM)

        assert time.monotonic() - begun < AT_ONCE
        assert code == 128 + signal.SIGTERM
        assert "killed the application: SIGTERM has not ended it" in served.said()


@linux_alone
def test_a_supervisor_that_was_stopped_when_the_time_was_up_goes_on() -> None:
    with serving("plain:site", "--shutdown-timeout", "0.5") as served:
        provoke(served, "hold")
        served.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)  # it waits again, until the time is up
        served.process.send_signal(signal.SIGSTOP)
        time.sleep(2)
        code = served.stop(signal.SIGCONT)

        assert code == 128 + signal.SIGTERM
        assert "killed the application: SIGTERM has not ended it" in served.said()


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("swallow", r"did not end: task 'Task-\d+', waits at plain.py:\d+ in swallow_cancellation"),
        ("generate", r"did not end: task 'Task-\d+', waits at plain.py:\d+ in endless"),
        ("thread", r"did not end: thread 'asyncio_0', at plain.py:\d+ in sleep_in_a_thread"),
    ],
)
def test_what_is_abandoned_is_named(path: str, named: str) -> None:
    with serving() as served:
        httpx.get(f"{served.url}/{path}")
        code = served.stop(signal.SIGTERM)

        assert code == 1
        assert re.search(named, served.said())


def test_idle_worker_threads_hold_nobody() -> None:
    with serving() as served:
        assert httpx.get(f"{served.url}/worker").text == "done"
        assert served.stop(signal.SIGTERM) == 0


def test_a_shutdown_that_hangs_is_abandoned_by_name_within_the_time() -> None:
    with serving("plain:hung", "--shutdown-timeout", "4") as served:
        code = served.stop(signal.SIGTERM)

        assert code == 1  # and not 128 + SIGTERM, as after these 4 s
        assert re.search(r"did not end: the application's lifespan, waits at plain.py:\d+ in hang", served.said())


@pytest.mark.parametrize("seconds", [4, pytest.param(10, marks=pytest.mark.slow)])
def test_all_that_can_hang_at_once_is_abandoned_within_the_time(seconds: int) -> None:
    with serving("plain:hung", "--shutdown-timeout", str(seconds)) as served:
        for path in ("swallow", "generate", "thread"):
            httpx.get(f"{served.url}/{path}")
        code = served.stop(signal.SIGTERM)

        assert code == 1  # and not 128 + SIGTERM, as after these seconds
        for name in ("hang", "swallow_cancellation", "endless", "sleep_in_a_thread"):
            assert re.search(rf"did not end: .* plain.py:\d+ in {name}\n", served.said())


def test_an_exit_out_of_a_task_is_an_end_in_order() -> None:
    with serving() as served:
        httpx.get(f"{served.url}/exit")
        code = served.process.wait(10)

        assert code == 3
        assert "the lifespan is left" in served.said()


# The supervisor.


@linux_alone
def test_what_outlives_the_application_is_killed_in_whatever_session() -> None:
    with serving() as served:
        orphan = int(httpx.get(f"{served.url}/orphan").text)
        assert alive(orphan)
        code = served.stop(signal.SIGTERM)

        assert code == 0
        assert not alive(orphan)
        assert f"killed process {orphan}, which the application has left: sleep 300" in served.said()


@linux_alone
@pytest.mark.slow
def test_a_supervisor_that_was_stopped_kills_what_is_left_all_the_same() -> None:
    with serving() as served:
        (application,) = lives_below(served.process.pid)
        orphan = int(httpx.get(f"{served.url}/orphan").text)
        os.kill(application, signal.SIGKILL)
        while served.process.poll() is None:  # only ever for a moment at work
            served.process.send_signal(signal.SIGSTOP)
            time.sleep(2.2)
            served.process.send_signal(signal.SIGCONT)
            time.sleep(0.01)

        assert not alive(orphan)


@linux_alone
@pytest.mark.parametrize("killed", ["supervisor", "application"])
def test_neither_outlives_a_kill_of_the_other(killed: str) -> None:
    with serving() as served:
        supervisor = served.process.pid
        (application,) = lives_below(supervisor)
        orphan = int(httpx.get(f"{served.url}/orphan").text)
        os.kill(supervisor if killed == "supervisor" else application, signal.SIGKILL)
        code = served.process.wait(10)

        assert soon(lambda: not alive(application))
        if killed == "application":
            assert code == 128 + signal.SIGKILL
            assert not alive(orphan)
        else:
            os.kill(orphan, signal.SIGKILL)


@linux_alone
def test_children_of_the_shell_before_it_are_left_alone() -> None:
    shell = ["sh", "-c", 'sleep 300 >&2 & exec "$0" "$@"', *SPECTER]
    with Served("run", "plain:site", "--port", "0", folder=APPS, program=shell) as served:
        (stranger,) = [pid for pid in lives_below(served.process.pid) if b"sleep" in command_of(pid)]
        code = served.stop(signal.SIGTERM)

        assert code == 0
        assert alive(stranger)
        os.kill(stranger, signal.SIGKILL)


@linux_alone
def test_the_end_is_noticed_where_the_parent_ignores_it() -> None:
    ignoring = ["env", "--ignore-signal=CHLD", *SPECTER]
    with Served("run", "plain:site", "--port", "0", folder=APPS, program=ignoring) as served:
        assert served.stop(signal.SIGTERM) == 0


@linux_alone
def test_signals_for_the_application_itself_are_passed_on(tmp_path: Path) -> None:
    (tmp_path / "heard.py").write_text(
        "import signal\n"
        "signal.signal(signal.SIGUSR1, lambda number, frame: print('http://heard', flush=True))\n"
        f"import sys; sys.path.insert(0, {str(APPS)!r})\n"
        "from plain import site\n"
    )
    with serving("heard:site", folder=tmp_path) as served:
        served.process.send_signal(signal.SIGUSR1)
        served.url = ""
        served.__enter__()

        assert served.url == "http://heard"
