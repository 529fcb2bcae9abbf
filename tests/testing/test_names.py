"""The public names of the two harnesses: the same, with the same parameters, documented."""

import ast
import inspect
import sys
from collections.abc import Iterator
from types import FunctionType, ModuleType

import pytest
from fresh import ROOT

import specter.testing
import specter_gevent.testing
from specter._testing import names

# What only one side has, and why.
ASYNCIO_ALONE = {
    "Harness.aclose": "on gevent nothing is awaited: it is `close`",
    "HTTPClient.aclose": "the same",
    "SocketClient.aclose": "the same",
    "backend_options": "gevent has one hub and no other loop to choose",
    "loop_factory": "the same",
}
GEVENT_ALONE = {
    "HTTPClient.close": "on asyncio it is `aclose`",
    "HTTPClient.open": "Flask's client makes each request by it",
    "SocketClient.close": "on asyncio it is `aclose`",
}


def public(package: ModuleType) -> dict[str, object]:
    found: dict[str, object] = {}
    for name in package.__all__:
        value = found[name] = getattr(package, name)
        if isinstance(value, type) and value.__module__.startswith(package.__name__):
            found |= {f"{name}.{member}": one for member, one in vars(value).items() if not member.startswith("_")}
    return found


ASYNCIO, GEVENT = public(specter.testing), public(specter_gevent.testing)


@pytest.mark.parametrize("package", [specter.testing, specter_gevent.testing], ids=["asyncio", "gevent"])
def test_type_checkers_and_the_import_see_the_same_names(package: ModuleType) -> None:
    tree = ast.parse((ROOT / package.__name__.replace(".", "/") / "__init__.py").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        str(alias.asname): str(node.module)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert seen == {name: names.MODULES[name] for name in package.__all__}
    assert set(package.__all__) <= set(dir(package))


def test_a_name_of_one_side_alone_has_a_reason() -> None:
    assert ASYNCIO.keys() - GEVENT.keys() == ASYNCIO_ALONE.keys()
    assert GEVENT.keys() - ASYNCIO.keys() <= GEVENT_ALONE.keys()


def functions(side: dict[str, object]) -> Iterator[tuple[str, FunctionType]]:
    for name, value in side.items():
        function = getattr(value, "__func__", value)
        if isinstance(function, FunctionType):
            yield name, function


def test_parameters_are_the_same() -> None:
    asyncio, gevent = (
        {
            name: str(inspect.signature(one).replace(return_annotation=inspect.Signature.empty))
            for name, one in functions(side)
        }
        for side in (ASYNCIO, GEVENT)
    )
    # Flask-SocketIO's test client is its own: it has no path in a URL.
    both = asyncio.keys() & gevent.keys() - {"socket"}

    assert {name: (asyncio[name], gevent[name]) for name in both if not same(asyncio[name], gevent[name])} == {}


def same(asyncio: str, gevent: str) -> bool:
    return asyncio.replace("Async", "").replace("Awaitable", "") == gevent.replace("Async", "").replace("Awaitable", "")


def test_gevent_has_no_coroutine_function_but_those_of_shared_tests() -> None:
    waiting = {name for name, one in functions(GEVENT) if inspect.iscoroutinefunction(one)}

    assert {name for name in waiting if not name.startswith("Backend.")} == set()


@pytest.mark.parametrize("side", [ASYNCIO, GEVENT], ids=["asyncio", "gevent"])
def test_every_name_is_documented(side: dict[str, object]) -> None:
    assert [name for name, value in side.items() if not (inspect.getdoc(value) or "").strip()] == []


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'specter\.testing' has no attribute 'runing'; did you mean 'run"):
        specter.testing.runing  # noqa: B018
    with pytest.raises(AttributeError, match=r"module 'specter_gevent\.testing' has no attribute 'loop_factory'"):
        specter_gevent.testing.loop_factory  # noqa: B018


@pytest.mark.parametrize("package", [specter.testing, specter_gevent.testing], ids=["asyncio", "gevent"])
@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("sockets", "; did you mean 'socket'?"),
        ("no_leaks", ": it is {package}.no_leaks"),
        ("xyz", ""),
    ],
)
def test_the_harness_tells_of_a_name_that_it_has_not(package: ModuleType, name: str, hint: str) -> None:
    with pytest.raises(AttributeError) as found:
        getattr(package.Harness(), name)

    assert str(found.value) == f"the harness has no attribute {name!r}{hint.format(package=package.__name__)}"


@pytest.mark.parametrize(("package", "needed"), [(specter.testing, "quart"), (specter_gevent.testing, "flask")])
def test_the_harness_says_what_to_install(monkeypatch: pytest.MonkeyPatch, package: ModuleType, needed: str) -> None:
    monkeypatch.delitem(vars(package), "http", raising=False)
    monkeypatch.delitem(sys.modules, f"{package.__name__}._http_client", raising=False)
    for name in [name for name in sys.modules if name.partition(".")[0] == needed]:
        monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(ImportError, match=rf"testing\.http needs {needed}: pip install 'specter-runtime\["):
        package.Harness().http(None)
