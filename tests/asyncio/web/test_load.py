"""What `specter run` finds under a name, and what it says of what it cannot serve."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import socketio

from specter.serving.application import behind_gate, servable
from specter.serving.gate import Gate
from specter.serving.load import BrokenModule
from specter.serving.load import load as load_any
from specter.serving.problem import Problem

Write = Callable[[str], str]
_numbers = itertools.count()


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write a module into the current folder; its name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    written = []

    def write(source: str) -> str:
        name = f"loaded_{next(_numbers)}"
        (tmp_path / f"{name}.py").write_text(source)
        written.append(name)
        return name

    yield write
    for name in written:
        sys.modules.pop(name, None)


def load(target: str) -> Any:
    return load_any(target, servable)


def test_a_module_in_the_current_folder_is_found(write: Write) -> None:
    assert load(f"{write('app = 5')}:app") == 5


def test_a_path_of_attributes_is_followed(write: Write) -> None:
    assert load(f"{write('class site: app = 5')}:site.app") == 5


def test_a_factory_is_called(write: Write) -> None:
    assert load(f"{write('def make(): return 5')}:make()") == 5


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("app", "must be given as module:app or module:factory(), got 'app'"),
        ("app:", "got 'app:'"),
        (":app", "got ':app'"),
        ("app:()", "got 'app:()'"),
        (
            "folder/app.py:app",
            "a module is named by dots, from the current folder on: 'folder.app', got 'folder/app.py'",
        ),
        ("./app:app", "'app', got './app'"),
        ("..app:app", "'app', got '..app'"),
        ("no_such_module:app", "there is no module 'no_such_module' in "),
        ("no_such_package.module:app", "there is no module 'no_such_package' in "),
    ],
)
def test_a_wrong_module_is_a_problem(write: Write, target: str, problem: str) -> None:
    with pytest.raises(Problem) as raised:
        load(target)

    assert problem in str(raised.value)


def test_a_wrong_attribute_is_a_problem_that_says_what_there_is(write: Write) -> None:
    name = write("from quart import Quart\nsite = Quart(__name__)\nasync def view(): pass\nnumber = 5")

    with pytest.raises(Problem, match=f"module '{name}' has no 'app'; it has site$"):
        load(f"{name}:app")


@pytest.mark.parametrize(
    ("factory", "problem"),
    [
        ("def make(needed): pass", "must be callable without arguments: missing a required argument: 'needed'"),
        ("async def make(): pass", "must be a plain function without arguments, got a coroutine function"),
        ("make = 5", "must be a plain function without arguments, got int"),
    ],
)
def test_a_factory_that_cannot_be_called_is_a_problem(write: Write, factory: str, problem: str) -> None:
    with pytest.raises(Problem) as raised:
        load(f"{write(factory)}:make()")

    assert problem in str(raised.value)


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("import nowhere_to_be_found", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("1 / 0", "ZeroDivisionError"),
        ("def f(:", "SyntaxError"),
        ("def make():\n    1 / 0", "ZeroDivisionError"),
    ],
    ids=["import", "error", "syntax", "factory"],
)
def test_an_error_of_the_module_is_told_from_its_own_first_line_on(write: Write, source: str, error: str) -> None:
    name = write(source)
    with pytest.raises(BrokenModule) as raised:
        load(f"{name}:make()")
    told = str(raised.value)

    assert error in told
    assert any(f"{name}.py" in line for line in told.splitlines()[:2])
    assert "load.py" not in told


@pytest.mark.parametrize(
    ("source", "line", "says"),
    [
        (
            "from flask import Flask\nfrom specter import boot\nboot(Flask('site'), None)",
            3,
            "a Flask application cannot be served by the asyncio runtime: give --backend gevent, ",
        ),
        (
            "from flask_socketio import SocketIO\nimport specter\nspecter.ServiceManager(None, SocketIO())",
            3,
            "got SocketIO, which needs the gevent runtime: give --backend gevent, ",
        ),
        ("import specter.core.bus", 1, "specter.core is a path of specter-runtime 0.1, which exists on gevent alone"),
        ("def make():\n    from specter.core import bus", 2, "specter is on asyncio here"),
    ],
    ids=["boot", "socketio", "import", "factory"],
)
def test_what_needs_the_other_runtime_is_a_problem_in_one_line(write: Write, source: str, line: int, says: str) -> None:
    name = write(source)
    with pytest.raises(Problem) as raised:
        load(f"{name}:make()")
    problem = str(raised.value)

    assert problem.startswith(f"{name}.py:{line}: ")
    assert says in problem
    assert "\n" not in problem


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("app = 5", "must be a Quart app, a ServiceManager or an ASGI app, got int"),
        ("def app(): pass", "got function; if it makes the application, write parentheses after it"),
        ("from specter import ServiceManager\napp = ServiceManager()", "is a manager without a Quart app, which has"),
        (
            "from quart import Quart\nfrom specter import *\nboot(s := Quart('shop'), None)\napp = ServiceManager(s)",
            "application 'shop' has a manager already",
        ),
        ("from flask import Flask\napp = Flask('site')", "is a Flask application, which the asyncio runtime cannot"),
    ],
    ids=["number", "function", "manager", "second manager", "flask"],
)
def test_what_cannot_be_served_is_a_problem(write: Write, source: str, problem: str) -> None:
    found = load(f"{write(source)}:app")
    with pytest.raises(Problem) as raised:
        behind_gate("site:app", found)

    assert problem in str(raised.value)
    assert "site:app" in str(raised.value)


def test_an_asgi_application_gets_a_gate() -> None:
    async def app(scope: object, receive: object, send: object) -> None: ...

    assert behind_gate("site:app", app).gate.app is app


def test_a_gate_is_served_as_it_is() -> None:
    async def app(scope: object, receive: object, send: object) -> None: ...

    gate = Gate(app)

    assert behind_gate("site:app", gate).gate is gate


@pytest.mark.parametrize("name", ["app", "manager", "manager.asgi"])
def test_a_manager_is_served_by_any_of_its_names(write: Write, name: str) -> None:
    source = "from quart import Quart\nfrom specter import boot\napp = Quart('site')\nmanager = boot(app, None)"
    module = write(source)
    gate = behind_gate("site:app", load(f"{module}:{name}")).gate

    assert gate is load(f"{module}:manager").asgi


@pytest.mark.parametrize("made", ["boot(app, None)", "ServiceManager(app)"])
async def test_a_manager_boots_with_its_server_once_however_it_was_made(write: Write, made: str) -> None:
    module = write(f"from quart import Quart\nfrom specter import *\napp = Quart('site')\nmanager = {made}")
    manager = load(f"{module}:manager")
    behind_gate("site:manager", manager)
    behind_gate("site:manager", manager)

    assert len(manager.app.while_serving_gens) == 1
    async with manager.app.test_app():
        assert manager.booted
    assert not manager.booted


def test_the_socketio_server_of_an_application_is_known() -> None:
    sio = socketio.AsyncServer(async_mode="asgi")
    found = behind_gate("site:app", socketio.ASGIApp(sio))

    assert found.socketio is sio
    assert found.handlers is not None
