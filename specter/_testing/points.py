"""
Where faults are injected: methods of one instance, and functions that are handed to them.

    fault ──stands at── Point: a function in the instance's own ``__dict__``, in the place of the method
                        gone with the last fault, so that nothing of it stays
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from specter.sansio.callables import is_coroutine_function

from .names import alike

# Functions that an instance was made with, and the attributes in which the twins keep them.
_KEPT = {"poll": ("_source", "_poll_fn"), "stream": ("_source", "_stream_fn"), "transform": ("_transform",)}

# Its attribute has the point, so that a second fault finds the first one.
_MARK = "_specter_point"

_MISSING: Any = object()


StandIn = Callable[[Callable[..., Any]], Callable[..., Any]]


class Fault:
    """
    A fault at a point. A context manager: the fault is undone where the block ends.

    Args:
        target: The instance.
        name: A method of it; ``method.parameter`` for the function that is handed to the method as that parameter.
        times: How many calls meet the fault; `None` for all. Those after it reach the method itself.
        stand_in: Makes of a function the one that is called in its place.

    Attributes:
        calls: How many calls have met the fault so far.

    Raises:
        AttributeError: *target* has no such method, or the method no such parameter. Names those that are alike.
        TypeError: The attribute is no method, or *target* is a class, or has no ``__dict__``.
        ValueError: *times* is less than 1.
    """

    # What is refused half way is shown by pytest all the same.
    _place = "nowhere, it is refused"
    calls = 0

    def __init__(self, target: Any, name: str, times: int | None, stand_in: StandIn) -> None:
        if times is not None and times < 1:
            raise ValueError(f"times must be 1 or more, or None for always, got {times!r}")
        method, _, parameter = name.partition(".")
        self._point = Point.at(target, method)
        self._parameter = parameter
        if parameter:
            self._point.require_parameter(parameter)
        self._times = times
        self._stand_in = stand_in
        self._place = f"at {self._point.name!r} of {type(target).__name__}"
        self._point.add(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._place}, {self.calls} calls>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.undo()

    def undo(self) -> None:
        """Take the fault away. The method is the instance's own again; twice is harmless."""
        self._point.remove(self)

    def met(self) -> bool:
        """Whether the call that is made now meets the fault; it is counted then."""
        if not self._point.has(self) or (self._times is not None and self.calls >= self._times):
            return False
        self.calls += 1
        return True

    def standing_for(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Give what is called in the place of the method: it, or the function it is handed, meets the fault."""
        if not self._parameter:
            return self._stand_in(fn)
        parameter, signature = self._parameter, inspect.signature(self._point.original)

        def handing(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            handed = bound.arguments.get(parameter)
            if callable(handed):
                bound.arguments[parameter] = self._stand_in(handed)
            return fn(*bound.args, **bound.kwargs)

        return handing


class Failure(Fault):
    """
    Raises in the place of a method. Made by `fail`.

    Args:
        target: The instance.
        name: A method of it; see `Fault`.
        error: An exception, or a class of them.
        times: How many calls fail; `None` for all.

    Raises:
        TypeError: *error* is neither; and what `Fault` raises.
    """

    def __init__(self, target: Any, name: str, error: BaseException | type[BaseException], times: int | None) -> None:
        if not (isinstance(error, BaseException) or (isinstance(error, type) and issubclass(error, BaseException))):
            raise TypeError(f"an error must be an exception or a class of them, got {error!r}")
        self._error = error
        super().__init__(target, name, times, self._failing)

    def _failing(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        def failing(*args: Any, **kwargs: Any) -> Any:
            if self.met():
                raise self._error
            return fn(*args, **kwargs)

        return coloured(fn, failing)


class Noted(Fault):
    """
    No fault: tells when a method has been called.

    Args:
        target: The instance.
        name: A plain method of it; see `Fault`.
        told: Called after each call, in the thread of that.
    """

    def __init__(self, target: Any, name: str, told: Callable[[], object]) -> None:
        self._told = told
        super().__init__(target, name, None, self._noting)

    def _noting(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        def noting(*args: Any, **kwargs: Any) -> Any:
            try:
                return fn(*args, **kwargs)
            finally:
                self._told()

        return coloured(fn, noting)


class Point:
    """
    A method of one instance, and the faults that stand there, the newest first to be met.

    Attributes:
        target: The instance.
        name: The attribute.
        original: The method, bound.
    """

    def __init__(self, target: Any, name: str) -> None:
        self.target = target
        self.name = name
        self.original: Callable[..., Any] = getattr(target, name)
        self._before = vars(target).get(name, _MISSING)
        self._faults: list[Fault] = []

    @classmethod
    def at(cls, target: Any, name: str) -> Point:
        """The point of that name: the one at which another fault stands, or a new one. See `Fault`."""
        if isinstance(target, type):
            raise TypeError(f"a fault stands at an instance, got the class {target.__qualname__}")
        if not hasattr(target, "__dict__"):
            raise TypeError(f"{type(target).__name__} has no __dict__, which would hold a fault")
        name = _existing(target, name)
        method = getattr(target, name)
        if not callable(method):
            raise TypeError(f"{name!r} of {type(target).__name__} is no method, but {method!r}")
        point: Point = getattr(method, _MARK, None) or cls(target, name)
        return point

    def require_parameter(self, parameter: str) -> None:
        """
        Refuse a parameter that the method has not.

        Raises:
            AttributeError: There is no such parameter; names those that there are.
        """
        known = inspect.signature(self.original).parameters
        if parameter not in known:
            raise AttributeError(
                f"{self.name!r} has no parameter {parameter!r}; there are: {', '.join(known) or 'none'}"
            )

    def has(self, fault: Fault) -> bool:
        """Whether *fault* stands here."""
        return fault in self._faults

    def add(self, fault: Fault) -> None:
        """Have *fault* stand here, in front of the others."""
        self._faults.append(fault)
        if len(self._faults) == 1:
            stand_in = coloured(self.original, self._call)
            setattr(stand_in, _MARK, self)
            vars(self.target)[self.name] = stand_in

    def remove(self, fault: Fault) -> None:
        """Have *fault* stand here no more; the instance is as it was before with the last."""
        if fault not in self._faults:
            return
        self._faults.remove(fault)
        if self._faults or getattr(vars(self.target).get(self.name), _MARK, None) is not self:
            return  # what somebody else has put there since is not ours to take away
        if self._before is _MISSING:
            del vars(self.target)[self.name]
        else:
            vars(self.target)[self.name] = self._before

    def _call(self, *args: Any, **kwargs: Any) -> Any:
        fn = self.original
        for fault in self._faults:
            fn = fault.standing_for(fn)
        return fn(*args, **kwargs)


def coloured(like: Callable[..., Any], fn: Callable[..., Any]) -> Callable[..., Any]:
    """Give *fn* the name of *like*, and make it a coroutine function if *like* is one."""
    if not is_coroutine_function(like):
        return named(like, lambda *args, **kwargs: fn(*args, **kwargs))

    async def waiting(*args: Any, **kwargs: Any) -> Any:
        result = fn(*args, **kwargs)
        return await result if isinstance(result, Awaitable) else result

    return named(like, waiting)


def named(like: Callable[..., Any], fn: Callable[..., Any]) -> Callable[..., Any]:
    """Give *fn* the name of *like*."""
    return functools.wraps(like)(fn)


def _existing(target: Any, name: str) -> str:
    """
    Give the attribute that is meant.

    Raises:
        AttributeError: There is none; names those that are alike.
    """
    if hasattr(target, name):
        return name
    for kept in _KEPT.get(name, ()):
        if callable(getattr(target, kept, None)) and name in (getattr(target, "_mode", name), "transform"):
            return kept
    public = [each for each in dir(type(target)) if not each.startswith("_")]
    methods = [each for each in public if callable(getattr(type(target), each))]
    hint = alike(name, methods) or f"; there are: {', '.join(methods)}"
    raise AttributeError(f"{type(target).__name__} has no method {name!r}{hint}")
