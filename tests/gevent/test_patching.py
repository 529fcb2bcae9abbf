"""The warning about a process that gevent has patched in part or too late. Each case is a program of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fresh import ROOT

CHECK = """
import logging
logging.basicConfig(format="%(levelname)s %(name)s %(message)s", stream=__import__("sys").stdout)
from specter_gevent import _patching
_patching.check()
"""
HEAD = "WARNING specter_gevent._patching gevent has patched this process in part or too late, "
HEAD += "so one greenlet may stop all others: "
PATCH = "from gevent import monkey\nmonkey.patch_all()\n"


@pytest.fixture
def run(tmp_path: Path):
    """Write files, run `app.py` among them, and give what it logged, with `./` for their folder."""

    def write_and_run(**files: str) -> str:
        for name, text in files.items():
            path = tmp_path.joinpath(*name.split("__")).with_suffix(".py")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        env = {key: value for key, value in os.environ.items() if not key.startswith(("SPECTER_", "PYTHON"))}
        command = [sys.executable, "-W", "ignore", tmp_path / "app.py"]  # gevent's own warning about ssl
        done = subprocess.run(
            command, env=env | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip().replace(f"{tmp_path}{os.sep}", "./").removeprefix(HEAD)

    return write_and_run


def test_a_process_that_was_patched_first_is_not_warned(run):
    assert run(app=f"{PATCH}import ssl, threading, flask, flask_socketio, specter\n{CHECK}") == ""


def test_a_process_that_is_not_patched_is_not_warned(run):
    assert run(app=f"import ssl\nfrom threading import Thread\n{CHECK}") == ""


def test_anyio_may_be_there_before_as_its_plugin_for_pytest_is(run):
    assert run(app=f"import anyio.streams.tls\n{PATCH}{CHECK}") == ""


def test_what_must_never_be_imported_before_is_named(run):
    said = run(app=f"import os, time\nimport ssl\nimport threading as t\n{PATCH}{CHECK}")

    assert said == (
        "ssl was imported before: move line 2 of ./app.py (import ssl) below monkey.patch_all(); "
        "threading was imported before: move line 3 of ./app.py (import threading as t) below monkey.patch_all()"
    )


def test_a_name_that_the_file_itself_has_taken_is_named(run):
    said = run(app=f"import os\nfrom time import sleep\n{PATCH}{CHECK}")

    assert said == (
        "__main__ has taken time.sleep before: "
        "move line 2 of ./app.py (from time import sleep) below monkey.patch_all()"
    )


def test_the_import_that_brought_in_the_holder_of_a_name_is_named(run):
    said = run(
        app=f"import other\nimport client\n{PATCH}{CHECK}",
        other="",
        client="from client_core.tls import connect",
        client_core__tls="from ssl import SSLContext\ndef connect(): ...",
    )

    assert said == (
        "client_core.tls has taken ssl.SSLContext before: "
        "move line 2 of ./app.py (import client) below monkey.patch_all()"
    )


def test_all_lines_to_move_are_named_at_once(run):
    said = run(
        app=f"from one import nap\nif True:\n    import two\n{PATCH}{CHECK}",
        one="from time import sleep\ndef nap(): ...",
        two="from queue import Queue",
    )

    assert [problem.partition(":")[0] for problem in said.split("; ")] == [
        "one has taken time.sleep before",
        "two has taken queue.Queue before",
    ]
    assert "move line 1 of ./app.py (from one import nap)" in said
    assert "move line 3 of ./app.py (import two)" in said


def test_an_import_that_waits_in_a_function_is_not_before(run):
    assert run(app=f"def later():\n    import ssl\n{PATCH}{CHECK}") == ""


def test_an_import_above_that_of_the_file_that_patches_is_named(run):
    said = run(
        app=f"import client\nimport first\nimport ssl\n{CHECK}",
        first=PATCH,
        client="from time import sleep",
    )

    assert said == (
        "client has taken time.sleep before: move line 1 of ./app.py (import client) below monkey.patch_all()"
    )


def test_where_no_line_can_be_moved_the_holder_is_named_with_its_line(run):
    said = run(
        app=f"__import__('client')\n{PATCH}{CHECK}",
        client="import os\nfrom time import sleep",
    )

    assert said == (
        "client has taken time.sleep before: import it after monkey.patch_all() "
        "(line 2 of ./client.py (from time import sleep))"
    )


def test_what_was_left_out_is_named_with_the_line_of_the_patch(run):
    said = run(app=f"from gevent import monkey as m\nm.patch_all(subprocess=False)\n{CHECK}")

    assert said == "subprocess is not patched: call monkey.patch_all() without arguments, in line 2 of ./app.py"


def test_the_warning_comes_once(run):
    assert run(app=f"import ssl\n{PATCH}{CHECK}_patching.check()\n").count("\n") == 0


def test_modules_with_unusual_contents_do_no_harm(run):
    code = """
import sys, types
class Proxy:
    def __getattribute__(self, name): raise RuntimeError(name)
odd = types.ModuleType("odd")
odd.proxy, odd.nothing = Proxy(), None
odd.__file__ = "/nowhere/odd.py"
sys.modules["odd"], sys.modules["none"], sys.modules["object"] = odd, None, object()
client.odd, client.proxy = odd, Proxy()
"""
    said = run(app=f"import client\n{PATCH}{code}{CHECK}", client="import tls", tls="from time import sleep")

    assert "move line 1 of ./app.py (import client)" in said


BOOT = """
import logging, sys
logging.basicConfig(format="%(levelname)s %(name)s %(message)s", stream=sys.stdout)
from flask import Flask
from flask_socketio import SocketIO
from specter import Service, boot

for name in ("one", "two"):
    app = Flask(name)
    boot(app, SocketIO(app, async_mode="threading"), services=[Service(name)]).shutdown()
"""


def test_an_application_is_warned_when_it_boots_first(run):
    said = run(app=f"import ssl\n{PATCH}{BOOT}")

    assert said == "ssl was imported before: move line 1 of ./app.py (import ssl) below monkey.patch_all()"
