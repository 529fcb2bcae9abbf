"""`specter run` as a user meets it: what it says, what it serves, and with which exit code it leaves."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from children import alive, soon
from e2e.raw import Raw
from e2e.served import MAIN, SPECTER, WARNINGS, Served, command

APPS = Path(__file__).parent / "apps"
# Seconds: at once, on a machine that has other things to do. What is not at once takes longer.
AT_ONCE = 8
SERVERS = ["hypercorn", "uvicorn", "granian"]

linux_alone = pytest.mark.skipif(sys.platform != "linux", reason="there is a supervisor on Linux alone")


def serving(target: str = "plain:site", *options: str, folder: Path = APPS) -> Served:
    return Served("run", target, "--port", "0", *options, folder=folder)


def lives_below(pid: int) -> list[int]:
    """The processes below a supervisor: one, the application."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def command_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def provoke(server: Served, path: str) -> None:
    """Ask for a fault, whose answer never comes."""
    with Raw(server.url) as client:
        client.request(f"GET /{path}")
        assert soon(lambda: f"{path} is asked for" in server.said())


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("nowhere:app", "there is no module 'nowhere'"),
        ("plain:nowhere", "module 'plain' has no 'nowhere'; it has site, hanging, failing, hung"),
        ("plain:make", "write parentheses after it"),
    ],
    ids=["module", "attribute", "factory"],
)
def test_what_is_wrong_is_one_line(target: str, says: str) -> None:
    done = command("run", "--port", "0", target, folder=APPS)

    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert says in done.stderr


def test_a_backend_that_is_not_there_is_one_line() -> None:
    without_gevent = [sys.executable, *WARNINGS, "-c", f"import sys; sys.modules['gevent'] = None; {MAIN}"]
    done = command("run", "plain:site", "--backend", "gevent", folder=APPS, program=without_gevent)

    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "pip install 'specter-runtime[gevent]'" in done.stderr


@pytest.mark.parametrize(("framework", "other"), [("flask.Flask", "gevent"), ("quart.Quart", "asyncio")])
def test_an_application_that_boots_on_the_other_runtime_is_one_line(tmp_path: Path, framework: str, other: str) -> None:
    module, _, name = framework.partition(".")
    (tmp_path / "site_of.py").write_text(f"import {module}, specter\nspecter.boot({framework}('site'), None)\n")
    backend = {"gevent": "asyncio", "asyncio": "gevent"}[other]
    done = command("run", "site_of:app", "--backend", backend, folder=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"Error: site_of.py:2: a {name} application cannot be served by the {backend} runtime: "
        f"give --backend {other}, or set SPECTER_BACKEND={other}\n"
    )


def test_an_application_that_patches_itself_is_on_gevent(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("from gevent import monkey\nmonkey.patch_all()\n")
    (tmp_path / "shop" / "app.py").write_text(
        "import flask, specter\nmanager = specter.boot(flask.Flask('shop'), None)\n"
    )
    with Served("run", "shop.app:manager", "--port", "0", folder=tmp_path) as server:
        assert httpx.get(server.url).status_code == 404
        assert server.stop() == 0
        assert "Warning" not in server.said()


def test_what_is_asked_for_beats_what_an_application_shows(tmp_path: Path) -> None:
    (tmp_path / "patched.py").write_text(
        "from gevent import monkey\nmonkey.patch_socket()\nimport flask\napp = flask.Flask('a')\n"
    )
    asked = [
        command("run", "patched:app", "--backend", "asyncio", folder=tmp_path),
        command("run", "patched:app", folder=tmp_path, environment={"SPECTER_BACKEND": "asyncio"}),
    ]

    for done in asked:
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == (
            "Error: patched:app is a Flask application, which the asyncio runtime cannot serve: "
            "give --backend gevent, or set SPECTER_BACKEND=gevent\n"
        )


@pytest.mark.parametrize("server", ["hypercorn", "granian"])
def test_a_port_that_is_taken_is_one_line(server: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = command("run", "plain:site", "--server", server, f"--port={taken.getsockname()[1]}", folder=APPS)

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "is taken on 127.0.0.1" in done.stderr


def test_a_module_with_an_error_is_shown_with_it(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import nowhere_to_be_found\n")
    done = command("run", "broken:app", folder=tmp_path)

    assert done.returncode == 1
    assert 'broken.py", line 1' in done.stderr
    assert "No module named 'nowhere_to_be_found'" in done.stderr
    assert "specter/" not in done.stderr


# Serving.


@pytest.mark.parametrize(
    ("server", "number"),
    [("hypercorn", signal.SIGINT), ("uvicorn", signal.SIGTERM), ("granian", signal.SIGTERM)],
    ids=SERVERS,
)
def test_each_server_serves_and_ends(server: str, number: int) -> None:
    with serving("plain:site", "--server", server) as served:
        answer = httpx.get(served.url)
        code = served.stop(number)
        said = served.said()

    assert answer.text == "hello"
    assert code == 0
    assert "shutdown begins" in said
    assert "Traceback" not in said


def test_a_factory_is_called() -> None:
    with serving("plain:make()") as served:
        assert httpx.get(served.url).text == "hello"


def test_an_address_of_ipv6_is_served() -> None:
    with serving("plain:site", "--host", "::1") as served:
        assert served.url.startswith("http://[::1]:")
        assert httpx.get(served.url).text == "hello"


@pytest.mark.parametrize(
    ("target", "line"),
    [("plain:site", r"[-\d]+ [\d:,]+ INFO    plain: startup begins"), ("own_logging:site", "MINE startup begins")],
)
def test_logging_is_set_up_where_nobody_has(target: str, line: str) -> None:
    with serving(target) as served:
        said = served.said()

    assert re.match(line, said)
    assert said.count("startup begins") == 1


# A boot that does not come to its end.


def test_a_boot_that_fails_says_why_and_nobody_is_served() -> None:
    done = command("run", "plain:failing", "--port", "0", folder=APPS)

    assert done.returncode == 1
    assert "the boot failed: no database on port 5432" in done.stderr
    assert done.stdout == ""


def test_a_boot_that_hangs_can_be_interrupted_and_is_rolled_back() -> None:
    with ExitStack() as stack:
        served = stack.push(serving("plain:hanging"))
        assert soon(lambda: "startup begins" in served.said())
        code = served.stop(signal.SIGINT)

        assert code == 1
        assert "stopped during the boot" in served.said()
        assert "the lifespan is left" in served.said()


def test_an_import_that_hangs_can_be_interrupted() -> None:
    with serving("slow_import:app") as served:
        begun = time.monotonic()
        code = served.stop(signal.SIGTERM)

        assert time.monotonic() - begun < AT_ONCE
        assert code == 128 + signal.SIGTERM


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
    with serving("plain:hung", "--shutdown-timeout", "2") as served:
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
    with serving("plain:hung", "--shutdown-timeout", "2") as served:
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


def test_a_blocked_loop_ends_at_once_on_a_second_signal() -> None:
    with serving() as served:
        provoke(served, "block")
        served.process.send_signal(signal.SIGINT)
        time.sleep(0.3)  # nothing tells that the first one was heard
        begun = time.monotonic()
        code = served.stop(signal.SIGINT)

        assert time.monotonic() - begun < AT_ONCE
        assert code == 128 + signal.SIGINT


@linux_alone
def test_a_call_that_lets_no_other_line_run_is_killed_and_named() -> None:
    with serving("plain:site", "--shutdown-timeout", "0.5") as served:
        provoke(served, "hold")
        begun = time.monotonic()
        code = served.stop(signal.SIGTERM)

        assert time.monotonic() - begun < AT_ONCE
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
    with serving("plain:hung", "--shutdown-timeout", "2") as served:
        code = served.stop(signal.SIGTERM)

        assert code == 1  # and not 128 + SIGTERM, as after these 2 s
        assert re.search(r"did not end: the application's lifespan, waits at plain.py:\d+ in hang", served.said())


@pytest.mark.parametrize("seconds", [2, pytest.param(10, marks=pytest.mark.slow)])
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


# Starting anew.


@pytest.fixture
def changing(tmp_path: Path) -> Iterator[tuple[Served, Path]]:
    """A server that is started anew, and its module."""
    module = tmp_path / "changing.py"
    module.write_text(SAYS.format("one"))
    with serving("changing:site", "--reload", folder=tmp_path) as served:
        yield served, module


SAYS = """
import os
import sys

async def site(scope, receive, send):
    if scope["type"] == "http":
        await send({{"type": "http.response.start", "status": 200, "headers": []}})
        await send({{"type": "http.response.body", "body": b"{0} %d" % os.getpid()}})
    else:
        await receive()
        sys.stderr.write("booted\\n")
        await send({{"type": "lifespan.startup.complete"}})
        await receive()
        await send({{"type": "lifespan.shutdown.complete"}})
"""


def answer(served: Served) -> list[str]:
    """What it says; empty while nobody answers."""
    try:
        return httpx.get(served.url).text.split()
    except httpx.TransportError:
        return []


def test_a_change_starts_the_application_anew_on_the_same_port(changing: tuple[Served, Path]) -> None:
    served, module = changing
    before = answer(served)
    assert served.said().count("booted") == 1
    module.write_text(SAYS.format("two"))
    assert soon(lambda: answer(served)[:1] == ["two"])
    code = served.stop(signal.SIGINT)

    assert served.said().count("booted") == 2
    assert before[0] == "one"
    assert not alive(int(before[1]))
    assert code == 0


def test_an_error_in_the_module_waits_for_the_next_change(changing: tuple[Served, Path]) -> None:
    served, module = changing
    module.write_text("1 / 0")
    assert soon(lambda: "ZeroDivisionError" in served.said())
    module.write_text(SAYS.format("mended"))
    assert soon(lambda: answer(served)[:1] == ["mended"])

    assert served.stop(signal.SIGTERM) == 0


@linux_alone
def test_the_application_does_not_outlive_a_kill_of_what_watches(changing: tuple[Served, Path]) -> None:
    served, _ = changing
    pid = int(answer(served)[1])
    served.process.kill()
    served.process.wait()

    assert soon(lambda: not alive(pid))


def test_what_is_wrong_from_the_beginning_is_not_waited_for(tmp_path: Path) -> None:
    done = command("run", "nowhere:app", "--port", "0", "--reload", folder=tmp_path)

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
