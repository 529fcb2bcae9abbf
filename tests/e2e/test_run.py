"""`specter run` as a user meets it: what it says, what it serves, and a boot that does not come to its end."""

from __future__ import annotations

import re
import signal
import socket
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from children import soon
from e2e.run import AT_ONCE, serving
from e2e.served import APPS, MAIN, WARNINGS, Served, command

SERVERS = ["hypercorn", "uvicorn", "granian"]


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
