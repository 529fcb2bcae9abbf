"""
Names with an underscore of 0.1.1: an application's tests and subclasses find them here, or a reason stands below.

What they show and what comes of changing them is compared by the scenarios in ``differential/scenarios/names*.py``.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cached import original
from fresh import ROOT

from specter._backend import OLD_PATHS

COLLECT = """
import importlib, json, sys
from flask import Flask
import specter
from specter.core.controller import _ControllerHandler

assert specter.__file__.startswith(sys.argv[1]), specter.__file__

def ours(thing):
    return (getattr(thing, "__module__", None) or "").startswith("specter")

def of_module(path):
    module = importlib.import_module(path)
    return [name for name, value in vars(module).items()
            if name.startswith("_") and not name.startswith("__") or name == "logger" or ours(value)]

def of_object(thing):
    classes = [cls for cls in type(thing).__mro__ if ours(cls)]
    names = {*getattr(thing, "__dict__", ()), *(name for cls in classes for name in vars(cls))}
    return sorted(name for name in names if not name.startswith("__") and hasattr(thing, name))

class Controller(specter.Controller):
    name = "controller"

objects = [
    specter.Service("s"), specter.QueueService("q"), Controller(), specter.Handler(), specter.SocketIngress(),
    specter.ServiceManager(Flask("f")), specter.ManagedProcess("p"), specter.Watcher("w", poll=len),
    specter.Model("m"), specter.Store("s"), specter.Cache("c"), specter.Schema("s", {}), specter.Field(),
    specter.Outcome.success(), specter.Operation(), specter.Router("r"), specter.EventBus(),
    specter.SPECTERRegistry(), specter.HTTPError("h"), specter.OperationError("o"), specter.SchemaError("s"),
    _ControllerHandler(name="c", controller=Controller()),
]
found = {type(thing).__name__: of_object(thing) for thing in objects}
found |= {path: of_module("specter." + path) for path in sys.argv[2:]}
print(json.dumps(found))
"""

SPELLED = "written otherwise here, and of no use from outside"
INNER = "a step of a method, which a test reaches by the method itself"
LEFT_OUT = {
    "Cache": {"_entry_ttl": "`set(value, ttl)` is how a value gets a time of its own"},
    "Field": {"_resolve_default": INNER},
    "ManagedProcess": {
        "_close_streams": INNER,
        "_require_process": INNER,
        "_stop_readers": INNER,
        "_track_reader": INNER,
    },
    "Model": {
        "_notify": "a slice is compared with what a change replaces, so there is nothing to tell without a change"
    },
    "Router": {"_iter_dynamic_routes": INNER, "_iter_route_methods": INNER},
    "SPECTERRegistry": {"_remove_waiter": INNER, "_validate_key": INNER},
    "SocketIngress": {"_bind_default_error_dispatcher": INNER, "_bind_dispatcher": INNER, "_order": SPELLED},
    "Watcher": {"_backoff": SPELLED, "_poll_loop": INNER, "_stream_loop": INNER},
}


def names_in(package: Path) -> dict[str, set[str]]:
    """The names of the `specter` in a folder, by class and by module."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("SPECTER_", "PYTHON"))}
    code = f"from gevent import monkey; monkey.patch_all()\n{COLLECT}"
    command = [sys.executable, "-P", "-c", code, package, *OLD_PATHS]
    done = subprocess.run(
        command, env=env | {"PYTHONPATH": str(package)}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return {place: set(names) for place, names in json.loads(done.stdout).items()}


@pytest.fixture(scope="module")
def names() -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """The names of 0.1.1 and those that are here, by class and by module."""
    there, here = names_in(original()), names_in(ROOT)
    assert there.keys() == here.keys()
    return there, here


def test_each_name_of_the_original_is_there_or_left_out_with_a_reason(names):
    there, here = names
    missing = {place: there[place] - here[place] for place in there}

    assert {place: left for place, left in missing.items() if left} == {
        place: set(left) for place, left in LEFT_OUT.items()
    }


@pytest.mark.parametrize(
    "kind",
    ["Service", "QueueService", "Controller", "Handler", "_ControllerHandler", "Watcher", "ServiceManager", "Router",
     "ManagedProcess", "Store", "Model", "Cache"],
)  # fmt: skip
def test_names_of_our_own_are_none_that_a_subclass_may_have(kind, names):
    there, here = names

    assert [name for name in here[kind] - there[kind] if name[0] == "_" and not name.startswith("_specter")] == []
