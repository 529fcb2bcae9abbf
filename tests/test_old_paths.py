"""
The import paths of 0.1.x on gevent: each is the module that took its place, in whatever order they are imported.

An order is a list of statements, each run in a namespace of its own. It has a process of its own, forked from one that
has imported what is not ours: that alone takes longer than everything else here.
"""

import itertools
import random

import pytest
from fresh import python

from specter._backend import OLD_PATHS

FORMS = [
    "import specter.core",
    "import specter.core.bus",
    "from specter.core import bus",
    "from specter.core import registry as module",
    "from specter.core.registry import registry",
    "from specter.core.lifecycle import Service",
    "import specter.boot",
    "from specter import boot",
    "import specter.http",
    "from specter.router import Router",
    "import specter; specter.core.process",
    "from specter import *",
    "import importlib; importlib.import_module('specter.core.manager')",
    "from unittest.mock import patch; patch('specter.registry.require').start(); patch.stopall()",
    "from unittest.mock import patch; patch('specter.core.process.subprocess.Popen').start(); patch.stopall()",
]
MORE_FORMS = [
    "import specter.core.manager as manager; manager.ServiceManager",
    "from specter.boot import boot; boot.__call__",
    "from specter.core import *",
    "import specter.http, specter.router; specter.http.json_endpoint; specter.router.RouteSpec",
    "import specter_gevent.manager",
    "from specter_gevent import *",
    "import specter; specter.use_backend('gevent')",
    "from unittest.mock import patch; patch('specter.core.bus.bus').start(); patch.stopall()",
    "from unittest.mock import patch; patch('specter.boot.ServiceManager').start(); patch.stopall()",
    "from unittest.mock import patch; patch('specter.core.lifecycle.gevent.spawn').start(); patch.stopall()",
    "import pickle; pickle.loads(b'cspecter.core.lifecycle\\nService\\n.')",
    "import inspect, specter.core.store as store; assert 'class Store' in inspect.getsource(store)",
    "import importlib, specter.core.ownership as module; importlib.reload(module)",
]
RIGHT = """
import importlib, sys
import specter, specter_gevent
from specter._backend import OLD_PATHS

def check_objects():
    assert type(specter.boot).__name__ == "function", specter.boot
    assert specter.boot is specter_gevent.boot
    assert specter.bus is specter_gevent.event_bus.bus is specter_gevent.bus
    assert specter.registry is specter_gevent.service_registry.registry is specter_gevent.registry
    assert specter.Service is specter_gevent.Service is specter_gevent.service.Service

check_objects()
for old, file in OLD_PATHS.items():
    module = importlib.import_module("specter." + old)
    assert module is sys.modules["specter." + old] is sys.modules[file], old
    assert module.__spec__.name == module.__name__ == file, old
    assert module.__package__ in ("specter_gevent", "specter_gevent.core", "specter.sansio"), old
    parent, _, name = old.rpartition(".")
    if old != "boot":
        assert getattr(importlib.import_module(".".join(filter(None, ["specter", parent]))), name) is module, old
check_objects()
for name in ("Runtime", "current_sid"):
    assert not hasattr(specter, name), name
assert importlib.reload(specter.core.process) is specter.core.process
assert specter.http is specter_gevent.http
"""
# Importing what is not ours, and then a process for each order; `gevent` has no hub yet, so they can be forked.
WARM = """
import os, sys, traceback, unittest.mock
import flask, flask_socketio, gevent.event, gevent.lock, gevent.queue, gevent.subprocess

for order in {orders!r}:
    child = os.fork()
    if not child:
        try:
            for statement in order:
                exec(statement, {{"__name__": "order"}})
            exec({right!r}, {{"__name__": "right"}})
        except BaseException:
            traceback.print_exc()
            print("order:", *order, sep="\\\\n    ", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit("wrong")
"""


def run_orders(orders: list[list[str]]) -> None:
    python(WARM.format(orders=orders, right=RIGHT), SPECTER_BACKEND="gevent")


def test_an_old_path_is_the_module_that_took_its_place_however_it_is_imported() -> None:
    run_orders([[form] for form in FORMS + MORE_FORMS])


def test_old_paths_can_be_imported_in_any_order() -> None:
    dice = random.Random(1)
    everything = FORMS + MORE_FORMS

    run_orders([dice.sample(everything, count) for count in [2] * 4 + [len(everything)] * 4])


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_old_paths_can_be_imported_in_every_order() -> None:
    dice = random.Random(2)
    pairs = [list(pair) for pair in itertools.permutations(FORMS, 2)]

    run_orders(pairs + [dice.sample(FORMS + MORE_FORMS, len(FORMS + MORE_FORMS)) for _ in range(25)])


def test_a_patched_process_has_the_old_paths() -> None:
    python(f"from gevent import monkey; monkey.patch_all()\nimport specter.core.bus\n{RIGHT}")


def test_what_0_1_does_not_have_is_not_found() -> None:
    code = """
import importlib
for path in ("core.nothing", "core.bus.bus", "bus", "registry"):
    try:
        importlib.import_module("specter." + path)
    except ModuleNotFoundError as error:
        print(error)
try:
    from specter.core import nothing
except ImportError as error:
    print(type(error).__name__)
"""
    assert python(code, SPECTER_BACKEND="gevent").splitlines() == [
        "No module named 'specter.core.nothing'",
        "No module named 'specter.core.bus.bus'; 'specter.core.bus' is not a package",
        "No module named 'specter.bus'",
        "No module named 'specter.registry'",
        "ImportError",
    ]


# Below the old paths are the names that applications and their tests take from there, or put a mock in the place of.

NAMES = {
    "boot": "ServiceManager boot",
    "core": "ManagedProcess Model Operation OperationError Outcome QueueService Service Store create_model create_store"
    " start_process",
    "core.bus": "EventBus bus",
    "core.cache": "Cache bus create_cache",
    "core.controller": "Controller Handler Service _ControllerHandler registry",
    "core.handler": "Handler registry",
    "core.lifecycle": "Service bus gevent resolve_cleanup uuid",
    "core.manager": "Service ServiceManager SocketIngress atexit registry",
    "core.model": "Model _normalize_path bus create_model",
    "core.operation": "Operation OperationError Outcome",
    "core.outcome": "Outcome",
    "core.ownership": "OWNERSHIP_STOP_METHODS resolve_cleanup",
    "core.process": "ManagedProcess gevent start_process subprocess",
    "core.queue_service": "Empty Full JoinableQueue QueueService Service",
    "core.registry": "SPECTERRegistry registry",
    "core.schema": "Field Outcome Schema SchemaError _coerce_bool",
    "core.socket_ingress": "SocketIngress",
    "core.store": "Store bus create_store",
    "core.watcher": "GeventEvent Watcher WatcherError gevent time",
    "http": "HTTPError _normalize_response expect_json json_endpoint jsonify request require_fields",
    "router": "Blueprint RouteSpec Router json_endpoint registry route",
}


def test_every_name_of_0_1_that_somebody_may_reach_for_is_there() -> None:
    wanted = {path: names.split() for path, names in NAMES.items()}
    code = f"""
import importlib
for path, names in {wanted!r}.items():
    module = importlib.import_module("specter." + path)
    print(*(f"{{path}}.{{name}}" for name in names if not hasattr(module, name)), end="")
"""
    assert NAMES.keys() == OLD_PATHS.keys()
    assert python(code, SPECTER_BACKEND="gevent") == ""


@pytest.mark.parametrize(
    "name", ["specter_gevent", "specter_gevent.event_bus", "specter", "specter.core", "specter.core.bus"]
)
def test_the_level_of_each_logger_counts_also_where_no_old_path_is_imported(name: str) -> None:
    code = f"""
import logging, sys
from specter import bus
logging.getLogger({name!r}).setLevel("ERROR")
print(sys.modules["specter_gevent.event_bus"].logger.getEffectiveLevel() == logging.ERROR)
"""
    assert python(code, SPECTER_BACKEND="gevent") == "True"


def test_the_source_of_every_class_and_function_can_be_read() -> None:
    code = """
import inspect, specter
for name in specter.__all__:
    value = getattr(specter, name)
    if inspect.isclass(value) or inspect.isfunction(value):
        assert name in inspect.getsource(value).partition(":")[0], name
        assert inspect.getmodule(value).__name__ == value.__module__, name
        assert not value.__module__.startswith("specter.core"), name
"""
    python(code, SPECTER_BACKEND="gevent")


# Made under 0.1.1, in the oldest form: it can be read here.
PICKLES = {
    "service": b"cspecter.core.lifecycle\nService\np0\n.",
    "boot": b"cspecter.boot\nboot\np0\n.",
    "outcome": b"ccopy_reg\n_reconstructor\np0\n(cspecter.core.outcome\nOutcome\np1\nc__builtin__\nobject\np2\nNtp3\n"
    b"Rp4\n(dp5\nVok\np6\nI01\nsVvalue\np7\nI1\nsVerror\np8\nNsVstatus\np9\nI201\nsVmeta\np10\n(dp11\nVkind\np12\nVa\np13\n"
    b"ssb.",
    "operation": b"cspecter.core.operation\nOperationError\np0\n(Vno\np1\ntp2\nRp3\n(dp4\nVmessage\np5\ng1\nsVstatus\n"
    b"p6\nI409\nsVmeta\np7\n(dp8\nVa\np9\nI1\nssb.",
    "schema": b"cspecter.core.schema\nSchemaError\np0\n(Vbad\np1\ntp2\nRp3\n(dp4\nVmessage\np5\ng1\nsVfield\np6\nVf\n"
    b"p7\nsVerrors\np8\n(dp9\nsb.",
    "http": b"cspecter.http\nHTTPError\np0\n(Vgone\np1\ntp2\nRp3\n(dp4\nVmessage\np5\ng1\nsVstatus_code\np6\nI410\n"
    b"sVpayload\np7\n(dp8\nVa\np9\nI1\nssVlog_message\np10\nNsVlog_level\np11\nI30\nsb.",
    "watcher": b"cspecter.core.watcher\nWatcherError\np0\n(Vx\np1\ntp2\nRp3\n.",
}


def test_pickles_made_under_0_1_are_read() -> None:
    code = f"""
import pickle
read = {{name: pickle.loads(made) for name, made in {PICKLES!r}.items()}}
again = {{name: pickle.loads(pickle.dumps(value)) for name, value in read.items()}}
import specter
for found in (read, again):
    assert found["service"] is specter.Service
    assert found["boot"] is specter.boot
    assert found["outcome"] == specter.Outcome.success(1, status=201, kind="a")
    error = found["operation"]
    assert type(error) is specter.OperationError
    assert (error.message, error.status, error.meta, str(error)) == ("no", 409, {{"a": 1}}, "no")
    error = found["schema"]
    assert type(error) is specter.SchemaError
    assert (error.message, error.field, error.errors) == ("bad", "f", {{}})
    error = found["http"]
    assert type(error) is specter.HTTPError
    assert (error.message, error.status_code, error.payload) == ("gone", 410, {{"a": 1}})
    assert type(found["watcher"]) is specter.WatcherError and str(found["watcher"]) == "x"
"""
    python(code, SPECTER_BACKEND="gevent")
