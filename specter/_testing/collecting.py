"""Collecting tests: async ones that nobody else runs are anyio's, and what our fixtures surround comes after them."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from specter._backend import current_backend

if TYPE_CHECKING:
    from _pytest.python import PyCollector

FIXTURES = ("specter_runtime", "virtual_clock", "specter_backend", "harness")
# They surround the other fixtures of a test. The harness does not: what it undoes, other fixtures could wait for.
_FIRST = ("specter_runtime", "virtual_clock", "specter_backend")

# Markers of plugins that run async tests, and options by which one runs all of them.
_MARKERS = ("anyio", "asyncio", "asyncio_cooperative", "gen_test", "trio", "twisted")
_AUTOMATIC = {"anyio_mode": "auto", "asyncio_mode": "auto", "trio_mode": True}

# Async tests that only this plugin runs.
_adopted = pytest.StashKey[set[Any]]()
# Whether some test uses a fixture of ours, or something has imported the harness: only then anything is changed for
# tests that do not.
_used = pytest.StashKey[bool]()


def prepare(collector: PyCollector, obj: Any) -> None:
    """Have a test function run on an event loop, if it needs one and has none, and our fixtures around others."""
    fixtures = _fixtures(collector, obj)
    if fixtures:
        pytest.mark.usefixtures(*fixtures)(obj)
    if is_async(obj) and _may_adopt(collector, obj):
        pytest.mark.usefixtures("anyio_backend")(obj)
        collector.config.stash.setdefault(_adopted, set()).add(obj)


def choose_backends(metafunc: pytest.Metafunc) -> None:
    """Have a shared test run on all backends, and an adopted one on asyncio unless the project says otherwise."""
    node = metafunc.definition
    anyio = "anyio_backend" in metafunc.fixturenames
    if "specter_backend" in metafunc.fixturenames:
        # A plain test has no event loop: trio would be a second asyncio there.
        loops = anyio or is_async(metafunc.function)
        names = [name for name in available() if loops or name != "trio"]
        parameters = ("specter_backend", "anyio_backend") if anyio else ("specter_backend",)
        values = [(name,) * len(parameters) for name in names]
        node.add_marker(pytest.mark.parametrize(parameters, values, indirect=["specter_backend"], ids=names))
    elif metafunc.function in node.config.stash.get(_adopted, ()) and _is_unchosen(node):
        # Without a name for it in the test's: there is no other one to tell it from.
        hidden = [pytest.HIDDEN_PARAM] if hasattr(pytest, "HIDDEN_PARAM") else None
        node.add_marker(pytest.mark.parametrize("anyio_backend", ["asyncio"], ids=hidden, scope="session"))


def find_used(session: pytest.Session) -> None:
    """Find out whether a test of this run uses a fixture of ours, or may use the harness without one."""
    everything = session.config.getini("specter_leaks") == "all"
    imported = "specter.testing" in sys.modules
    session.config.stash[_used] = everything or imported or any(uses_ours(item) for item in session.items)


def is_used(config: pytest.Config) -> bool:
    """Whether a test of this run uses a fixture of ours, or may use the harness without one."""
    return config.stash.get(_used, False)


def uses_ours(item: pytest.Item) -> bool:
    """Whether a test uses a fixture of ours, be it through others."""
    names = getattr(item, "fixturenames", ())
    return any(name in names for name in FIXTURES)


def is_async(obj: Any) -> bool:
    """Whether a test is a coroutine function, or one under Hypothesis."""
    return inspect.iscoroutinefunction(written(obj))


def written(obj: Any) -> Any:
    """Give the test as it was written: what Hypothesis, and then anyio's plugin, have made another one of."""
    inner = obj.hypothesis.inner_test if hasattr(obj, "hypothesis") else obj
    return getattr(inner, "_anyio_original_func", inner)


def available() -> list[str]:
    """Give the backends of shared tests: those that are installed, and gevent alone where the process is on gevent."""
    if current_backend() == "gevent":
        return ["gevent"]
    return ["asyncio", *(name for name in ("trio", "gevent") if importlib.util.find_spec(name))]


def _fixtures(collector: PyCollector, obj: Any) -> list[str]:
    """Those of ours that a test asks for itself, and what goes with them."""
    asked = _parameters(obj)
    if "harness" in asked:
        asked.add("specter_runtime")
    if _has_marker(collector, obj, "virtual_clock"):
        asked.add("virtual_clock")
    found = [name for name in _FIRST if name in asked]
    if collector.config.getini("specter_leaks") == "all":
        found.insert(0, "_specter_leaks")
    return found


def _parameters(obj: Callable[..., Any]) -> set[str]:
    try:
        return set(inspect.signature(obj).parameters)
    except (TypeError, ValueError):  # pytest will say what is wrong with it
        return set()


def _may_adopt(collector: PyCollector, obj: Any) -> bool:
    config = collector.config
    if not config.pluginmanager.has_plugin("anyio") or "anyio_backend" in _parameters(obj):
        return False
    if any(_has_marker(collector, obj, name) for name in _MARKERS):
        return False
    return not any(_option(config, name) == value for name, value in _AUTOMATIC.items())


def _has_marker(collector: PyCollector, obj: Any, name: str) -> bool:
    own = getattr(obj, "pytestmark", ())
    return collector.get_closest_marker(name) is not None or any(marker.name == name for marker in own)


def _option(config: pytest.Config, name: str) -> object:
    """What the command line or the project's configuration says; ``None`` if no plugin knows the option."""
    try:
        return config.getoption(name, None) or config.getini(name)
    except ValueError:
        return None


def _is_unchosen(node: Any) -> bool:
    """Whether ``anyio_backend`` is the one of anyio's own plugin."""
    if any("anyio_backend" in str(marker.args[:1]) for marker in node.iter_markers("parametrize")):
        return False
    definitions = node._fixtureinfo.name2fixturedefs.get("anyio_backend", ())
    return bool(definitions) and definitions[-1].func.__module__.startswith("anyio.")
