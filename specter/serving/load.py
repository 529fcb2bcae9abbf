"""Finding what `specter run` is to serve."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import traceback
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

from specter._calls import is_coroutine_function
from specter.sansio.errors import WrongRuntime

from .problem import Problem

_IMPORT_SYSTEM = (importlib.__file__, "<frozen importlib")
_PACKAGES = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
_OURS = tuple(os.path.join(_PACKAGES, name, "") for name in ("specter", "specter_gevent"))


class BrokenModule(Exception):
    """The module was found, and raised an error; the text is the traceback from its first line on."""


def load(target: str, servable: Callable[[object], bool]) -> Any:
    """
    Import what *target* names.

    Args:
        target: ``module:attribute`` or ``module:factory()``, found from the current folder on.
        servable: Tells whether something could be meant, where the attribute is wrong.

    Raises:
        Problem: There is no such thing.
        BrokenModule: The module, or the factory, raised an error that is not about the choice of the runtime.
    """
    module_name, _, attribute = target.partition(":")
    if not module_name or not attribute.removesuffix("()"):
        raise Problem(f"the application must be given as module:app or module:factory(), got {target!r}")
    folder = os.getcwd()
    if folder not in sys.path:
        sys.path.insert(0, folder)
    factory = attribute.endswith("()")
    found = _attribute(_import(module_name), attribute.removesuffix("()"), servable)
    return _call(target, found) if factory else found


def _import(name: str) -> ModuleType:
    if name.endswith(".py") or "/" in name or name.startswith("."):
        meant = name.removesuffix(".py").replace("/", ".").strip(".")
        raise Problem(f"a module is named by dots, from the current folder on: {meant!r}, got {name!r}")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
            raise BrokenModule(_from_module(error)) from error
        raise Problem(f"there is no module {error.name!r} in {os.getcwd()} or on Python's path") from error
    except Exception as error:
        raise _broken(error) from error


def _attribute(module: ModuleType, path: str, servable: Callable[[object], bool]) -> Any:
    found: Any = module
    for name in path.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            raise Problem(f"module {module.__name__!r} has no {path!r}{_instead(module, servable)}") from None
    return found


def _instead(module: ModuleType, servable: Callable[[object], bool]) -> str:
    objects = {name: value for name, value in vars(module).items() if not isinstance(value, type | FunctionType)}
    names = [name for name, value in objects.items() if servable(value)]
    return f"; it has {', '.join(names)}" if names else ""


def _call(target: str, factory: Any) -> Any:
    if not callable(factory) or is_coroutine_function(factory):
        kind = "a coroutine function" if callable(factory) else type(factory).__name__
        raise Problem(f"{target} must be a plain function without arguments, got {kind}")
    try:
        inspect.signature(factory).bind()
    except TypeError as error:
        raise Problem(f"{target} must be callable without arguments: {error}") from error
    try:
        return factory()
    except Exception as error:
        raise _broken(error) from error


def _broken(error: Exception) -> Problem | BrokenModule:
    """What to say of an error that the application has raised while it was loaded."""
    if isinstance(error, WrongRuntime):
        line = _own_line(error)
        return Problem(f"{line}{error.problem}: give --backend {error.needs}, or set SPECTER_BACKEND={error.needs}")
    return BrokenModule(_from_module(error))


def _own_line(error: Exception) -> str:
    """The last line of the application in the traceback, as the beginning of a message."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith((*_OURS, *_IMPORT_SYSTEM))]
    return f"{os.path.relpath(own[-1].filename)}:{own[-1].lineno}: " if own else ""


def _from_module(error: Exception) -> str:
    """The traceback, without our own lines and those of the import system."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith((__file__, *_IMPORT_SYSTEM))]
    described = traceback.TracebackException.from_exception(error)
    described.stack = traceback.StackSummary.from_list(own)
    return "".join(described.format()).rstrip()
