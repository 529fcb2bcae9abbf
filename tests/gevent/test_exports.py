"""The public names of the gevent package: what there is, where it comes from, what it costs to import."""

import ast
import pickle
from importlib import import_module
from modulefinder import ModuleFinder
from pathlib import Path
from types import FunctionType

import pytest
from fresh import ROOT, python

import specter
import specter_gevent

NAMES = sorted(set(specter._MODULES) - {"Runtime", "current_sid"})
# These are Flask's answers and routes; all others need gevent alone.
WEB = {"HTTPError", "Router", "expect_json", "json_endpoint", "require_fields", "route"}
# An import of what stands there raises ModuleNotFoundError, as if it were not installed.
WITHOUT = """
import sys
for name in ({}):
    sys.modules[name] = None
import specter_gevent
"""


def home(name: str) -> str:
    """The full name of the module that has a public name."""
    module = specter._MODULES[name]
    return f"specter.{module}" if module.startswith("sansio.") else f"specter_gevent.{module}"


def test_the_public_names_are_those_of_asyncio_but_for_two() -> None:
    assert specter_gevent.__all__ == [name for name in specter.__all__ if name not in ("Runtime", "current_sid")]
    assert set(specter_gevent.__all__) <= set(dir(specter_gevent))


@pytest.mark.parametrize("name", NAMES)
def test_a_class_or_function_names_a_module_that_has_it_and_can_be_pickled(name: str) -> None:
    value = getattr(specter_gevent, name)

    assert value is not None
    if isinstance(value, type | FunctionType):
        assert getattr(import_module(value.__module__), name) is value
        assert pickle.loads(pickle.dumps(value)) is value


def test_a_star_import_brings_all_of_them() -> None:
    namespace: dict[str, object] = {}
    exec("from specter_gevent import *", namespace)

    assert set(specter_gevent.__all__) <= namespace.keys()


def test_type_checkers_and_the_import_see_the_same_names() -> None:
    tree = ast.parse((ROOT / "specter_gevent" / "__init__.py").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        str(alias.asname): f"specter_gevent.{node.module}" if node.level else str(node.module)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert seen == {name: home(name) for name in NAMES}


def test_static_analysis_finds_every_module(tmp_path: Path) -> None:
    script = tmp_path / "app.py"
    script.write_text("import specter_gevent\n")
    finder = ModuleFinder(path=[str(ROOT)])
    finder.run_script(str(script))

    assert {home(name) for name in NAMES} <= finder.modules.keys()


def test_an_unknown_name_is_an_attribute_error() -> None:
    for name in ("Servce", "Runtime", "_private"):
        with pytest.raises(AttributeError, match=f"module 'specter_gevent' has no attribute '{name}'"):
            getattr(specter_gevent, name)


@pytest.mark.parametrize("name", sorted(WEB))
def test_a_name_whose_companion_is_missing_names_the_extra(name: str) -> None:
    without = WITHOUT.format("'flask', 'werkzeug', 'flask_socketio', 'socketio', 'engineio'")
    said = python(f"{without}\ntry: specter_gevent.{name}\nexcept ImportError as error: print(error)")

    assert said.startswith(f"specter_gevent.{name} needs ")
    assert said.endswith(": pip install 'specter-runtime[gevent]'")


def test_all_other_names_need_gevent_alone() -> None:
    others = [name for name in NAMES if name not in WEB]
    companions = "'anyio', 'quart', 'flask', 'werkzeug', 'flask_socketio', 'socketio', 'engineio'"

    python(f"{WITHOUT.format(companions)}\nfor name in {others}: getattr(specter_gevent, name)")


def test_importing_the_package_imports_no_companion() -> None:
    heavy = {"anyio", "asyncio", "flask", "gevent", "logging", "quart", "socketio", "werkzeug"}
    code = f"import sys; before = set(sys.modules); import specter_gevent; print({heavy} & (set(sys.modules) - before))"

    assert python(code) == "set()"


def test_importing_the_package_installs_nothing_in_the_process() -> None:
    code = """
import atexit, signal, sys
before = [signal.getsignal(number) for number in signal.valid_signals()]
hooks = sys.excepthook, sys.unraisablehook, sys.displayhook
registered = []
atexit.register = lambda fn, *args, **kw: registered.append(getattr(fn, "__module__", ""))
from specter_gevent import *
assert [signal.getsignal(number) for number in signal.valid_signals()] == before
assert (sys.excepthook, sys.unraisablehook, sys.displayhook) == hooks
print([name for name in registered if name and name.startswith("specter")])
"""
    assert python(code) == "[]"
