"""What a test hands to a harness in the place of what can run, and what it is told then."""

from __future__ import annotations

import inspect

from specter._backend import Backend
from specter.sansio.companions import comes_from
from specter.sansio.errors import WrongCompanion

_PACKAGES: dict[str, Backend] = {"specter_gevent": "gevent", "specter": "asyncio"}


def told(given: object) -> str:
    """Say what was given: its type, or what was probably meant."""
    if isinstance(given, type):
        return f"the class {given.__name__}: hand over one of its objects, {given.__name__}(...)"
    if inspect.iscoroutine(given):
        return f"a coroutine: hand over what it returns, await {given.__name__}(...)"
    if inspect.isroutine(given):
        return f"the function {given.__name__}: hand over what it returns, {given.__name__}(...)"
    return type(given).__name__


def is_asgi(given: object) -> bool:
    """Whether it can be an ASGI application, as far as can be seen: a function takes the scope and two functions."""
    if not callable(given) or isinstance(given, type):
        return False
    if not inspect.isroutine(given):
        return True
    try:
        inspect.signature(given).bind({}, None, None)
    except TypeError:
        return False
    except ValueError:  # nothing is known of its parameters
        return True
    return True


def refuse_other_runtime(given: object, here: Backend) -> None:
    """
    Refuse an object of the runtime whose harness this is not.

    Raises:
        TypeError: It is one; names the harness that it needs.
    """
    of = next((backend for package, backend in _PACKAGES.items() if comes_from(given, package)), here)
    if of != here:
        theirs, ours = ("specter_gevent.testing", "specter.testing")[:: 1 if of == "gevent" else -1]
        raise WrongCompanion(f"{ours} cannot run a {type(given).__name__} of {of}, {theirs} can", needs=of)
