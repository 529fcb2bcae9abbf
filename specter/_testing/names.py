"""The public names of `specter.testing` and `specter_gevent.testing`, imported when they are first used."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from specter import _backend

# The public name: the module of the harness that has it, or the place where both runtimes find it.
MODULES = {
    "Backend": "_backend",
    "Disconnected": "specter.sansio.errors",
    "Harness": "_harness",
    "HTTPClient": "_http_client",
    "Hang": "_faults",
    "Leak": "specter.sansio.leaks",
    "LeakError": "specter.sansio.errors",
    "PacketError": "specter.sansio.errors",
    "Recorder": "_recorder",
    "Refused": "specter.sansio.errors",
    "SocketClient": "_socket_client",
    "VirtualClock": "_clock",
    "backend_options": "_clock",
    "cancel_everywhere": "_cancel_everywhere",
    "eventually": "_eventually",
    "fail": "_faults",
    "hang": "_faults",
    "http": "_http_client",
    "isolated": "_isolation",
    "leaks": "_leaks",
    "loop_factory": "_clock",
    "no_leaks": "_leaks",
    "record": "_recorder",
    "running": "_running",
    "socket": "_socket_client",
    "virtual_time": "_clock",
}
# gevent has one hub and no other loop to choose.
ASYNCIO_ONLY = frozenset({"backend_options", "loop_factory"})


def names_on(backend: _backend.Backend) -> list[str]:
    """Give the public names of the harness of *backend*, in the order of the alphabet."""
    return sorted(set(MODULES) if backend == "asyncio" else MODULES.keys() - ASYNCIO_ONLY)


def alike(name: str, known: Iterable[str]) -> str:
    """Suggest names in the place of one that there is not, as the end of a sentence; empty if none is like it."""
    # Python itself suggests one in a traceback; pytest shows that from Python 3.12 on.
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=4, cutoff=0.6)
    return f"; did you mean {' or '.join(map(repr, close))}?" if close else ""


def not_in_harness(name: str, package: str, harness: object) -> AttributeError:
    """Make the error of a name that the fixture ``harness`` of *package* has not."""
    if name in MODULES:
        hint = f": it is {package}.{name}"
    else:
        hint = alike(name, [each for each in dir(harness) if not each.startswith("_")])
    return AttributeError(f"the harness has no attribute {name!r}{hint}")


def load(name: str, package: str, backend: _backend.Backend) -> object:
    """
    Import what *name* means in *package*, the harness of *backend*.

    Raises:
        AttributeError: There is no such name; names those that are alike.
        ImportError: It needs a package that is not installed; names the extra.
    """
    known = names_on(backend)
    if name not in known:
        raise AttributeError(f"module {package!r} has no attribute {name!r}{alike(name, known)}", name=name)
    module = MODULES[name]
    try:
        return getattr(import_module(module if "." in module else f"{package}.{module}"), name)
    except ModuleNotFoundError as error:
        raise _backend.missing_extra(f"{package}.{name}", backend, error) from error
