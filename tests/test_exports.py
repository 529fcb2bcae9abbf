"""The public names: what there is, where it comes from, what it costs to import."""

import ast
import inspect
import itertools
import pickle
import pydoc
import re
from modulefinder import ModuleFinder
from pathlib import Path
from types import FunctionType
from typing import get_type_hints

import pytest
from fresh import ROOT, python

import specter

NAMES = """
    Service QueueService Controller Handler ServiceManager SocketIngress boot ManagedProcess start_process Watcher
    WatcherError Model create_model Store create_store Cache create_cache Schema Field SchemaError Outcome Operation
    OperationError Router route EventBus bus SPECTERRegistry registry HTTPError json_endpoint expect_json require_fields
    __version__ use_backend current_backend ServiceError Runtime current_sid
""".split()
# These are about HTTP: they need the extra `quart`. All others need anyio alone.
WEB = {"HTTPError", "Router", "expect_json", "json_endpoint", "require_fields", "route"}
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "specter").glob("*.py")
    if not path.name.startswith("__")
)
OBJECTS = """
import specter
assert isinstance(specter.registry, specter.SPECTERRegistry), specter.registry
assert isinstance(specter.bus, specter.EventBus), specter.bus
assert type(specter.boot).__name__ == "function", specter.boot
"""
BARE = """
import sys
for name in (
    "click", "engineio", "flask", "flask_socketio", "gevent", "hypercorn", "quart", "socketio", "trio", "watchfiles",
    "werkzeug",
):
    sys.modules[name] = None        # an import of it raises ModuleNotFoundError, as if it were not installed
import specter
"""


def test_the_public_names_are_those_of_the_contract() -> None:
    assert sorted(specter.__all__) == sorted(NAMES)
    assert set(NAMES) <= set(dir(specter))


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_can_be_imported(name: str) -> None:
    assert getattr(specter, name) is not None


def test_a_star_import_brings_all_of_them() -> None:
    namespace: dict[str, object] = {}
    exec("from specter import *", namespace)

    assert set(NAMES) <= namespace.keys()


def test_type_checkers_and_the_import_see_the_same_names() -> None:
    tree = ast.parse((ROOT / "specter" / "__init__.py").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        str(alias.asname): node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert seen == specter._MODULES


def test_static_analysis_finds_every_module(tmp_path: Path) -> None:
    script = tmp_path / "app.py"
    script.write_text("import specter\n")
    finder = ModuleFinder(path=[str(ROOT)])
    finder.run_script(str(script))

    assert {f"specter.{module}" for module in specter._MODULES.values()} <= finder.modules.keys()


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'specter' has no attribute 'Servce'"):
        specter.Servce  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'Servce'"):
        exec("from specter import Servce")


@pytest.mark.parametrize("name", NAMES)
def test_tools_find_the_source_the_types_and_the_place_of_a_class_or_function(name: str) -> None:
    value = getattr(specter, name)
    if isinstance(value, type | FunctionType):
        assert re.search(rf"^(class|def|async def) {name}\b", inspect.getsource(value), re.MULTILINE)
        assert pickle.loads(pickle.dumps(value)) is value
        assert name in pydoc.render_doc(value, renderer=pydoc.plaintext)
    if isinstance(value, type):

        class Mine(value):  # type: ignore[misc, valid-type]
            own: int

        assert get_type_hints(Mine)["own"] is int


@pytest.mark.parametrize("module", MODULES)
def test_bus_registry_and_boot_are_the_objects_after_an_import_of(module: str) -> None:
    python(f"import {module}\n{OBJECTS}")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_bus_registry_and_boot_are_the_objects_in_every_order() -> None:
    places = ["specter.event_bus", "specter.manager", "specter.service_registry"]
    statements = [
        *(f"import {place}" for place in places),
        "from specter import boot, bus, registry",
        "from specter import *",
        "try: import specter.boot\nexcept ImportError: print('refused')",
        "try: from specter import core\nexcept ImportError: print('refused')",
    ]
    for order in itertools.permutations(statements, 3):
        python("\n".join([*order, OBJECTS]))


@pytest.mark.parametrize("name", sorted(WEB))
def test_a_name_whose_companion_is_missing_names_the_extra(name: str) -> None:
    code = f"{BARE}\ntry: specter.{name}\nexcept ImportError as error: print(error)"
    said = python(code)

    assert said.startswith(f"specter.{name} needs ")
    assert said.endswith(": pip install 'specter-runtime[quart]'")


def test_all_other_names_need_anyio_alone() -> None:
    names = [name for name in NAMES if name not in WEB]

    python(f"{BARE}\nfor name in {names}: getattr(specter, name)")


def test_importing_the_package_costs_less_than_30_milliseconds() -> None:
    # Processor time, and the best of five, because other work on the machine is not the import's cost.
    code = "import time; start = time.process_time(); import specter; print(time.process_time() - start)"
    costs = [float(python(code)) for _ in range(5)]

    assert min(costs) < 0.030


@pytest.mark.parametrize("value", [True, "text"])
def test_only_modules_are_kept_from_taking_the_place_of_a_name(monkeypatch: pytest.MonkeyPatch, value: object) -> None:
    monkeypatch.setattr(specter, "boot", value)

    assert specter.boot is value
