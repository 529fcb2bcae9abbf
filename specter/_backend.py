"""
Which runtime the names of `specter` mean, and the import paths that gevent applications have used since 0.1.

The choice stays open until the first name is taken; then it stands for the life of the process:

    use_backend() > SPECTER_BACKEND > a process patched by gevent > what is installed        (first answer wins)
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.abc import Loader
else:
    Loader = object  # importing importlib.abc would double what `import specter` costs

Backend = Literal["asyncio", "gevent"]

# The path of 0.1.x below `specter.`: the module that takes its place on gevent.
OLD_PATHS = {
    "boot": "specter_gevent.manager",
    "core": "specter_gevent.core",
    "core.bus": "specter_gevent.event_bus",
    "core.cache": "specter_gevent.cache",
    "core.controller": "specter_gevent.controller",
    "core.handler": "specter_gevent.handler",
    "core.lifecycle": "specter_gevent.service",
    "core.manager": "specter_gevent.manager",
    "core.model": "specter_gevent.model",
    "core.operation": "specter_gevent.operation",
    "core.outcome": "specter.sansio.outcome",
    "core.ownership": "specter_gevent.ownership",
    "core.process": "specter_gevent.process",
    "core.queue_service": "specter_gevent.queue_service",
    "core.registry": "specter_gevent.service_registry",
    "core.schema": "specter_gevent.schema",
    "core.socket_ingress": "specter_gevent.socket_ingress",
    "core.store": "specter_gevent.store",
    "core.watcher": "specter_gevent.watcher",
    "http": "specter_gevent.http",
    "router": "specter_gevent.router",
}
# The path below `specter.` that has a twin: the twin, which takes its place on gevent.
_TWINS = {"testing": "specter_gevent.testing"}
_ON_GEVENT = OLD_PATHS | _TWINS
# Of these, what asyncio has a file of its own for.
_BOTH = frozenset({"http", "router", *_TWINS})
# The extra that a missing package comes with, by runtime.
_EXTRAS = {
    "asyncio": ("quart", {"click", "engineio", "hypercorn", "quart", "socketio", "werkzeug"}),
    "gevent": ("gevent", {"click", "engineio", "flask", "flask_socketio", "gevent", "socketio", "werkzeug"}),
}


class _Choice(NamedTuple):
    backend: Backend
    because: str


_called: _Choice | None = None  # by use_backend()
_found: _Choice | None = None  # what is installed, looked up once
_taken: tuple[_Choice, str] | None = None  # the choice that stands, and the name it was made for


def use_backend(backend: Backend) -> None:
    """
    Choose the runtime, before the first name is taken from `specter`.

    Beats the environment and every detection. Until a name is taken, the last call counts.

    Args:
        backend: ``"asyncio"`` or ``"gevent"``.

    Raises:
        ValueError: *backend* is neither of the two.
        ImportError: gevent is asked for and not installed; names the extra.
        RuntimeError: A name of the other runtime was handed out already.
    """
    global _called
    wanted = _Choice(_checked("backend", backend), f"use_backend({backend!r}) was called")
    if _taken is not None and _taken[0].backend != backend:
        choice, name = _taken
        raise RuntimeError(
            f"use_backend({backend!r}) comes too late: {name} was handed out for {choice.backend!r} already, "
            f"because {choice.because}; call it before the first import from specter, or set SPECTER_BACKEND={backend}"
        )
    _require_installed(wanted)
    _called = wanted


def current_backend() -> Backend:
    """
    Tell the runtime that a name taken from `specter` belongs to.

    Asking does not settle it: as long as no name was taken, `use_backend` may still change the answer.

    Returns:
        ``"asyncio"`` or ``"gevent"``.

    Raises:
        ValueError: The environment's ``SPECTER_BACKEND`` is neither of the two.
    """
    return _choice().backend


def take(name: str) -> Backend:
    """
    Settle the choice, for *name*, which is about to be handed out.

    Returns:
        The runtime that stands from now on.

    Raises:
        ImportError: The choice is gevent, which is not installed; names the extra.
        ValueError: The environment's ``SPECTER_BACKEND`` is neither ``asyncio`` nor ``gevent``.
    """
    global _taken
    if _taken is None:
        choice = _choice()
        _require_installed(choice)
        _taken = choice, name
    return _taken[0].backend


def missing_extra(wanted: str, backend: Backend, error: ModuleNotFoundError) -> ImportError:
    """
    Say how to install what *wanted* needs.

    Args:
        wanted: The name or path that was asked for, ``specter.Controller``.
        backend: The runtime it was asked of.
        error: Names the module that was not found.

    Returns:
        An error that names the extra; *error* itself if no extra brings that module.
    """
    extra, packages = _EXTRAS[backend]
    package = (error.name or "").partition(".")[0]
    if package not in packages:
        return error
    return ImportError(f"{wanted} needs {package}: pip install 'specter-runtime[{extra}]'", name=error.name)


def _choice() -> _Choice:
    """Ask the rules in their order."""
    if _taken is not None:
        return _taken[0]
    return _called or _from_environment() or _from_patches() or _from_installed()


def _from_environment() -> _Choice | None:
    value = os.environ.get("SPECTER_BACKEND")
    if not value:
        return None
    return _Choice(_checked("SPECTER_BACKEND", value), f"the environment has SPECTER_BACKEND={value}")


def _from_patches() -> _Choice | None:
    # `import gevent` alone loads gevent.monkey with nothing patched: its answer counts, not its presence.
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_anything_patched():
        return None
    return _Choice("gevent", "gevent has monkey-patched this process")


def _from_installed() -> _Choice:
    # Last and once, because it looks through every folder of sys.path.
    global _found
    if _found is None:
        if _installed("gevent") and _installed("flask_socketio") and not _installed("quart"):
            _found = _Choice("gevent", "gevent and Flask-SocketIO are installed and Quart is not")
        else:
            _found = _Choice("asyncio", "nothing asks for gevent")
    return _found


def _installed(package: str) -> bool:
    from importlib.util import find_spec

    if package in sys.modules:  # find_spec refuses a module without a __spec__, as tests put there
        return sys.modules[package] is not None
    return find_spec(package) is not None


def _require_installed(choice: _Choice) -> None:
    if choice.backend == "gevent" and not _installed("gevent"):
        raise ImportError(
            f"specter is on gevent here, because {choice.because}, and gevent is not installed: "
            "pip install 'specter-runtime[gevent]', or set SPECTER_BACKEND=asyncio",
            name="gevent",
        )


def _checked(origin: str, value: str) -> Backend:
    for backend in get_args(Backend):
        if value == backend:
            return backend  # type: ignore[no-any-return]
    raise ValueError(f"{origin} must be 'asyncio' or 'gevent', got {value!r}")


class OldPaths(Loader):
    """
    Finds the import paths of 0.1.x, `specter.core.bus` and the like, and those that have a twin, `specter.testing`.

    On gevent each is the module that took its place: the same object, with its own name and spec, so that what is
    patched there reaches the code that runs. On asyncio they are refused with a hint at the switch.

    It stands first among the finders, because asyncio has files under some of these paths.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find such a path; None for every other, and on asyncio for those that it has files for."""
        if not fullname.startswith("specter."):
            return None
        old = fullname.removeprefix("specter.")
        if old not in _ON_GEVENT:
            return None
        if current_backend() == "gevent":
            take(fullname)
            return ModuleSpec(fullname, self, origin=_ON_GEVENT[old], is_package=old in {"core", *_TWINS})
        if old in _BOTH:
            take(fullname)
            return None
        from .sansio.errors import WrongPath

        # Not ModuleNotFoundError: `from specter import core` would swallow it, and the hint with it.
        raise WrongPath(
            f"{fullname} is a path of specter-runtime 0.1, which exists on gevent alone; specter is on asyncio here, "
            f"because {_choice().because}",
            needs="gevent",
        )

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Give the module itself, imported under its own name."""
        assert spec.origin is not None
        try:
            module = import_module(spec.origin)
            import_module("specter_gevent._old_loggers").join()
        except ModuleNotFoundError as error:
            raise missing_extra(spec.name, "gevent", error) from error
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Put the module's own spec back, which the import system has replaced: reload() needs it."""
        assert module.__spec__ is not None
        module.__spec__ = module.__spec__.loader_state
