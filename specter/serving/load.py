"""Finding what `specter run` is to serve."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import traceback
from dataclasses import dataclass
from types import ModuleType
from typing import Any, cast

from specter._calls import is_coroutine_function
from specter._lifespan import Lifespan
from specter._running_handlers import RunningHandlers

from .asgi import ASGIApp
from .gate import Gate
from .problem import Problem


@dataclass(frozen=True)
class Application:
    """
    What is served.

    Attributes:
        gate: All calls go through it.
        socketio: The python-socketio server in an application without a manager, if it can be seen.
        handlers: Those of that server.
    """

    gate: Gate
    socketio: Any = None
    handlers: RunningHandlers | None = None


class BrokenModule(Exception):
    """The module was found, and raised an error; the text is the traceback from its first line on."""


def load(target: str) -> Any:
    """
    Import what *target* names.

    Args:
        target: ``module:attribute`` or ``module:factory()``, found from the current folder on.

    Raises:
        Problem: There is no such thing.
        BrokenModule: The module, or the factory, raised an error.
    """
    module_name, _, attribute = target.partition(":")
    if not module_name or not attribute:
        raise Problem(f"the application must be given as module:app or module:factory(), got {target!r}")
    folder = os.getcwd()
    if folder not in sys.path:
        sys.path.insert(0, folder)
    factory = attribute.endswith("()")
    found = _attribute(_import(module_name), attribute.removesuffix("()"))
    return _call(target, found) if factory else found


def behind_gate(target: str, found: Any) -> Application:
    """
    Put a gate before an application that has none.

    Args:
        target: How it is called in messages.
        found: A Quart app (its manager's ``asgi`` is served, if it has one), a manager or an ASGI app.

    Raises:
        Problem: It cannot be served.
    """
    if isinstance(found, Gate):
        return Application(found)
    manager = _manager_of(found)
    if manager is not None:
        return Application(_booted_by_server(target, manager).asgi)
    if _is_flask(found):
        raise Problem(
            f"{target} is a Flask application, which the asyncio runtime cannot serve: "
            "give --backend gevent, or set SPECTER_BACKEND=gevent"
        )
    if not callable(found) or not is_coroutine_function(found):
        hint = "; if it makes the application, write parentheses after it" if callable(found) else ""
        raise Problem(
            f"{target} must be a Quart app, a ServiceManager or an ASGI app, got {type(found).__name__}{hint}"
        )
    socketio = getattr(found, "engineio_server", None)  # of socketio.ASGIApp
    return Application(
        Gate(cast(ASGIApp, found)), socketio, RunningHandlers(socketio) if socketio is not None else None
    )


def _import(name: str) -> ModuleType:
    if name.endswith(".py") or "/" in name:
        raise Problem(f"a module is named without folder and ending: {name.removesuffix('.py').replace('/', '.')!r}")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
            raise BrokenModule(_from_module(error)) from error
        raise Problem(f"there is no module {error.name!r} in {os.getcwd()} or on Python's path") from error
    except Exception as error:
        raise BrokenModule(_from_module(error)) from error


def _attribute(module: ModuleType, path: str) -> Any:
    found: Any = module
    for name in path.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            raise Problem(f"module {module.__name__!r} has no {path!r}{_instead(module)}") from None
    return found


def _instead(module: ModuleType) -> str:
    names = [name for name, value in vars(module).items() if _servable(value)]
    return f"; it has {', '.join(names)}" if names else ""


def _servable(value: Any) -> bool:
    if isinstance(value, type) or inspect.isfunction(value):
        return False
    return _manager_of(value) is not None or is_coroutine_function(value)


def _call(target: str, factory: Any) -> Any:
    if not callable(factory) or is_coroutine_function(factory):
        raise Problem(f"{target} must be a plain function without arguments, got {type(factory).__name__}")
    try:
        inspect.signature(factory).bind()
    except TypeError as error:
        raise Problem(f"{target} must be callable without arguments: {error}") from error
    try:
        return factory()
    except Exception as error:
        raise BrokenModule(_from_module(error)) from error


def _manager_of(found: Any) -> Any:
    module = sys.modules.get("specter.manager")
    if module is None:
        return None
    extensions = getattr(found, "extensions", None)
    candidates = (found, extensions.get("specter") if isinstance(extensions, dict) else None)
    return next((one for one in candidates if isinstance(one, module.ServiceManager)), None)


def _booted_by_server(target: str, manager: Any) -> Any:
    """Wire a manager that was made without `boot` into its application; else nothing would ever start."""
    if manager.app is None:
        raise Problem(
            f"{target} is a manager without a Quart app, which has nothing to serve: give it one, ServiceManager(app), "
            "or run it without a server: asyncio.run(manager.run())"
        )
    if manager.app.extensions.get("specter") is not manager:
        Lifespan(manager).wire(manager.app)
    return manager


def _is_flask(found: Any) -> bool:
    flask = sys.modules.get("flask")
    return flask is not None and isinstance(found, flask.Flask)


def _from_module(error: Exception) -> str:
    """The traceback, without our own lines and those of the import system."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = (__file__, importlib.__file__, "<frozen importlib")
    own = [frame for frame in frames if not frame.filename.startswith(ours)]
    described = traceback.TracebackException.from_exception(error)
    described.stack = traceback.StackSummary.from_list(own)
    return "".join(described.format()).rstrip()
