"""The two packages side by side: the same names with the same parameters, and a coroutine exactly where it may wait."""

import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from fresh import ROOT

import specter
import specter_gevent

# What stands on one side alone, and why.
ASYNCIO_ALONE = {
    "HTTPError.get_response": "on gevent it is no werkzeug exception, as in 0.1",
    "HTTPError.log_once": "on gevent json_endpoint alone answers it, and logs then",
    "QueueService.health": "on gevent it is that of every service, as in 0.1",
    "Runtime": "greenlets live in a hub that is always there",
    "ServiceManager.adopt": "on gevent it is that of every service: register_* goes on after boot",
    "ServiceManager.asgi": "ASGI is asyncio's",
    "ServiceManager.run": "on gevent the server runs the application, and atexit ends it, as in 0.1",
    "ServiceManager.running_handlers": "on asyncio a task is cancelled; greenlets of handlers belong to engineio",
    "ServiceManager.start": "on asyncio it boots; on gevent it starts the manager alone, as in 0.1",
    "ServiceManager.stop": "on asyncio it shuts down; on gevent it stops the manager alone, as in 0.1",
    "current_sid": "Flask has the session id in its request",
}
GEVENT_ALONE = {
    "QueueService.on_start": "starts the workers there, as in 0.1, so that an override that does not call it has none",
    "QueueService.on_stop": "stops the workers there, as in 0.1",
}
# These may wait: on asyncio each is a coroutine function, and nothing else is.
AWAITED = {
    "Cache.get_or_compute", "Controller.build_handler", "Controller.stop", "EventBus.emit", "EventBus.wait_for",
    "Handler.setup", "Handler.stop", "Handler.teardown", "ManagedProcess.start", "ManagedProcess.stop",
    "ManagedProcess.wait", "Operation.run", "QueueService.enqueue", "QueueService.join", "SPECTERRegistry.wait_for",
    "Service.adopt", "Service.emit", "Service.enter", "Service.start", "Service.start_process", "Service.stop",
    "ServiceManager.adopt", "ServiceManager.boot", "ServiceManager.run", "ServiceManager.shutdown",
    "ServiceManager.start", "ServiceManager.stop", "SocketIngress.dispatch", "SocketIngress.dispatch_default_error",
    "Watcher.start", "Watcher.stop", "Watcher.teardown", "expect_json", "start_process",
}  # fmt: skip
# Parameters that applications of 0.1.x may give by name, so they keep it on gevent: {member: {asyncio: gevent}}.
KEYWORDS = {
    "EventBus.off": {"fn": "callback"},
    "EventBus.on": {"fn": "callback"},
    "EventBus.once": {"fn": "callback"},
    "ManagedProcess.watch_stream": {"fn": "handler"},
    "Service.cancel_greenlet": {"handle": "glet"},
    "Service.interval": {"fn": "callback"},
    "Service.listen": {"fn": "handler"},
    "Service.spawn": {"fn": "callback"},
    "Service.spawn_later": {"fn": "callback"},
    "Service.timeout": {"fn": "callback"},
    "SocketIngress.dispatch": {"event": "event_name"},
    "SocketIngress.handler": {"event": "event_name"},
    "SocketIngress.on": {"event": "event_name", "fn": "callback"},
    "SocketIngress.on_error_default": {"fn": "callback"},
    "SocketIngress.subscribe": {"event": "event_name", "fn": "callback"},
    "SocketIngress.subscribe_error_default": {"fn": "callback"},
    "SocketIngress.unsubscribe": {"event": "event_name", "fn": "callback"},
    "SocketIngress.unsubscribe_error_default": {"fn": "callback"},
}
# Parameters of asyncio alone, and why.
_ONE_BY_ONE = "on gevent services start one by one and boot goes on, as in 0.1; the end has no deadline of its own"
PARAMETERS_OF_ASYNCIO = {
    "ServiceManager.__init__": ({"strict", "graceful_timeout", "shutdown_timeout"}, _ONE_BY_ONE),
    "Watcher.__init__": ({"threaded"}, "a greenlet may block in a patched process"),
    "boot": ({"strict", "graceful_timeout", "shutdown_timeout"}, _ONE_BY_ONE),
}
# Other defaults, and why: {member: ({parameter: default on gevent}, reason)}.
_ALONE = "as in 0.1, where a process ends alone"
DEFAULTS_OF_GEVENT = {
    "ManagedProcess.__init__": ({"kill_group": "False"}, _ALONE),
    "start_process": ({"kill_group": "False"}, _ALONE),
}
# The words in which one and the same is said on the two sides.
COLOUR = {
    r"\basync (?=for|with)": "",
    r"\bplain or (a )?coroutine function": r"\1plain function",
    r"^Cancel a task\b": "Kill a greenlet",
    r"\bcancelling the handle\b": "killing the greenlet",
    r"\bQuart\b": "Flask",
}
# What is said to be something else, and why.
OTHER_WORDS = {
    "QueueService.on_workers_started": "on_start starts the workers, as in 0.1",
    "QueueService.on_workers_stopping": "on_stop stops the workers, as in 0.1",
    "Service.cancel_greenlet": "on asyncio it is the same function as cancel_task",
    "ServiceManager.register_controller": "it can be registered after boot as well, and is one part among others",
    "ServiceManager.shutdown": "it forgets the parts, as in 0.1",
    "boot": "booted on return, not when the server starts",
}

VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def is_ours(cls: type) -> bool:
    return cls.__module__.partition(".")[0] in ("specter", "specter_gevent")


def public(package: Any) -> Iterator[tuple[str, object]]:
    """Every public name of a package, and every public attribute of its classes, at the class that brings it."""
    classes = [value for name in package.__all__ if isinstance(value := getattr(package, name), type)]
    for name in package.__all__:
        value = getattr(package, name)
        yield name, value
        if not isinstance(value, type):
            continue
        above = [base for base in value.__mro__[1:] if base in classes or not is_ours(base)]
        for member in dir(value):
            found = inspect.getattr_static(value, member)
            if member.startswith("_") and member != "__init__":
                continue
            if not any(inspect.getattr_static(base, member, None) is found for base in above):
                yield f"{name}.{member}", found


ASYNCIO, GEVENT = dict(public(specter)), dict(public(specter_gevent))
BOTH = sorted(ASYNCIO.keys() & GEVENT.keys())
CLASSES = [name for name in BOTH if isinstance(ASYNCIO[name], type)]


def function(value: object) -> Callable[..., Any] | None:
    """The function behind a member, None if it is none."""
    value = getattr(value, "__func__", value)  # class and static methods
    if isinstance(value, property):
        return None
    return inspect.unwrap(value) if isinstance(value, FunctionType) else None


def parameters(value: object) -> list[tuple[str, str, str]]:
    """Name, kind and default of each; those of ``**options`` have no name that anybody could give."""
    call = function(value)
    if call is None:
        return []
    found = inspect.signature(call).parameters.values()
    return [
        ("*" if one.kind in VARIABLE else one.name, one.kind.name, default(one.default))
        for one in found
        if one.name not in ("self", "cls")
    ]


def default(value: object) -> str:
    # A private sentinel stands for "not given", and each side has its own.
    return type(value).__name__ if type(value).__repr__ is object.__repr__ else repr(value)


@pytest.mark.parametrize(
    ("one", "other", "alone"),
    [(ASYNCIO, GEVENT, ASYNCIO_ALONE), (GEVENT, ASYNCIO, GEVENT_ALONE)],
    ids=["asyncio", "gevent"],
)
def test_a_name_of_one_side_alone_has_a_reason(
    one: dict[str, object], other: dict[str, object], alone: dict[str, str]
) -> None:
    missing = {name for name in one.keys() - other.keys() if name.partition(".")[0] not in alone}
    members_of_both = {name for name in alone if name.partition(".")[0] in other}

    assert missing == members_of_both
    assert not [name for name in alone if name not in one or name in other]


def test_public_names_stand_in_the_same_order() -> None:
    assert [name for name in specter.__all__ if name not in ASYNCIO_ALONE] == specter_gevent.__all__


def test_parameters_are_the_same() -> None:
    wrong = {}
    for name in BOTH:
        alone = PARAMETERS_OF_ASYNCIO[name][0] if name in PARAMETERS_OF_ASYNCIO else set()
        defaults = DEFAULTS_OF_GEVENT[name][0] if name in DEFAULTS_OF_GEVENT else {}
        asyncio, gevent = parameters(ASYNCIO[name]), parameters(GEVENT[name])
        expected = [
            (KEYWORDS.get(name, {}).get(parameter, parameter), kind, defaults.get(parameter, value))
            for parameter, kind, value in asyncio
            if parameter not in alone
        ]
        if gevent != expected or not alone <= {parameter for parameter, _, _ in asyncio}:
            wrong[name] = (expected, gevent)

    assert wrong == {}


@pytest.mark.parametrize("side", [ASYNCIO, GEVENT], ids=["asyncio", "gevent"])
def test_every_signature_can_be_inspected(side: dict[str, Any]) -> None:
    for value in side.values():
        if callable(value):
            inspect.signature(value)


def test_what_is_excepted_exists() -> None:
    excepted = {*KEYWORDS, *PARAMETERS_OF_ASYNCIO, *DEFAULTS_OF_GEVENT, *OTHER_WORDS}

    assert sorted(excepted - set(BOTH)) == []


def test_a_coroutine_function_stands_exactly_where_asyncio_may_wait() -> None:
    assert {name for name, value in ASYNCIO.items() if inspect.iscoroutinefunction(function(value))} == AWAITED


def test_gevent_has_no_coroutine_function() -> None:
    functions = {name: function(value) for name, value in GEVENT.items()}

    assert not [name for name, fn in functions.items() if inspect.iscoroutinefunction(fn)]
    assert not [name for name, fn in functions.items() if inspect.isasyncgenfunction(fn)]


def kind(value: object) -> type:
    return FunctionType if function(value) else type(value)


def test_both_sides_have_the_same_kind_of_thing() -> None:
    wrong = {name: (kind(ASYNCIO[name]), kind(GEVENT[name])) for name in BOTH if name not in ("bus", "registry")}

    assert {name: kinds for name, kinds in wrong.items() if kinds[0] is not kinds[1]} == {}


def beginning(text: str) -> str:
    """What it is, without the conditions and further matters that follow."""
    return re.split(r"[\n,;:(]|\.( |$)", text)[0].rstrip(".")


def test_what_is_said_begins_with_the_same_words() -> None:
    other = {}
    for name in BOTH:
        asyncio, gevent = (inspect.getdoc(side[name]) or "" for side in (ASYNCIO, GEVENT))
        for parameter, old in KEYWORDS.get(name, {}).items():
            asyncio = re.sub(rf"(\*|`|\b){parameter}(?=\*|`|\()", rf"\1{old}", asyncio)
        for word, here in COLOUR.items():
            asyncio = re.sub(word, here, asyncio)
        if beginning(asyncio) != beginning(gevent):
            other[name] = (beginning(asyncio), beginning(gevent))

    assert {name: words for name, words in other.items() if name not in OTHER_WORDS} == {}
    assert other.keys() == OTHER_WORDS.keys()


def test_methods_stand_in_the_same_order() -> None:
    wrong = {}
    for name in CLASSES:
        asyncio, gevent = (
            [member for member, value in vars(side[name]).items() if not member.startswith("_") and function(value)]
            for side in (ASYNCIO, GEVENT)
        )
        both = [member for member in asyncio if member in gevent]
        if [member for member in gevent if member in asyncio] != both:
            wrong[name] = (both, gevent)

    assert wrong == {}


def test_what_is_a_context_manager_is_one_on_both_sides() -> None:
    entered = {name for name in CLASSES if hasattr(GEVENT[name], "__enter__")}

    assert {name for name in CLASSES if hasattr(ASYNCIO[name], "__aenter__")} == entered
    assert not [name for name in CLASSES if hasattr(GEVENT[name], "__aenter__")]


def modules() -> list[Path]:
    return [path for path in sorted((ROOT / "specter_gevent").glob("*.py")) if not path.name.startswith("_")]


def test_a_module_of_gevent_has_a_twin_of_its_name() -> None:
    alone = [path.stem for path in modules() if not (ROOT / "specter" / path.name).exists()]

    assert alone == ["core"]  # a package of 0.1


def test_the_tool_shows_how_twins_differ() -> None:
    tool = ROOT / "tools" / "twins.py"
    all_of_them, one = (
        subprocess.run([sys.executable, tool, *names], capture_output=True, text=True, check=True).stdout
        for names in ([], ["event_bus"])
    )

    assert {line.split()[0] for line in all_of_them.splitlines()} >= {"event_bus", "service_registry"}
    assert one.startswith("--- specter/event_bus.py\n+++ specter_gevent/event_bus.py\n")
    assert "async " not in one
    assert "await " not in one
