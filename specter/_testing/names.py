"""The public names of `specter.testing` and `specter_gevent.testing`, imported when they are first used."""

from __future__ import annotations

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


def load(name: str, package: str, backend: _backend.Backend) -> object:
    """
    Import what *name* means in *package*, the harness of *backend*.

    Raises:
        AttributeError: There is no such name.
        ImportError: It needs a package that is not installed; names the extra.
    """
    if name not in names_on(backend):
        raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name)
    module = MODULES[name]
    try:
        return getattr(import_module(module if "." in module else f"{package}.{module}"), name)
    except ModuleNotFoundError as error:
        raise _backend.missing_extra(f"{package}.{name}", backend, error) from error
