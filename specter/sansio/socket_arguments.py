"""
Which values a socket callback is called with.

A client sends an event with any number of values, and the server adds what it knows of the client. A callback says by
its parameters what it wants of them:

- ``sid``, ``environ`` and, on connect, ``auth`` are filled by name, wherever they stand;
- the client's values fill the other parameters in order. Connect's value is ``auth``, disconnect's the reason;
- who takes fewer values gets fewer, ``*args`` takes the rest, ``**kwargs`` nothing;
- a keyword-only parameter with a default keeps it: the application put it there for itself, not for clients;
- what a partial bound stays bound;
- of a function that wraps another one its own parameters count, or, if it takes whatever comes, those of the other;
- a callback that shows no signature gets the client's values.

The signature is read once, when the callback subscribes.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from types import MethodType
from typing import Any, NamedTuple

_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_BY_KEYWORD = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_MISSING: Any = inspect.Parameter.empty


def names_given(event: str) -> frozenset[str]:
    """What the server gives by name: elsewhere than on connect, ``auth`` is a name like any other."""
    return frozenset({"sid", "environ", "auth"} if event == "connect" else {"sid", "environ"})


class _Slot(NamedTuple):
    """
    One parameter to fill.

    Attributes:
        name: The parameter's.
        given: It is filled by name, not from the client's values.
        by_keyword: It has to be passed by keyword.
        default: The parameter's, or `_MISSING`.
    """

    name: str
    given: bool
    by_keyword: bool
    default: Any


class SocketArguments:
    """
    How one callback is called.

    Args:
        fn: The callback: a function, a bound method, a partial, a class, an object with ``__call__``.
        given: The names of the parameters that are filled by name.

    Attributes:
        takes: How many of the client's values it takes as they come: so many it may be called with directly. -1 if
            it wants something by name.
    """

    __slots__ = ("_accepted", "_rest", "_slots", "takes")

    def __init__(self, fn: Callable[..., Any], given: Collection[str] = ()) -> None:
        try:
            parameters = list(_signature(fn).parameters.values())
        except ValueError:  # a builtin that does not show its signature
            parameters = [inspect.Parameter("values", inspect.Parameter.VAR_POSITIONAL)]
        kinds = {parameter.kind for parameter in parameters}
        self._slots = tuple(_slots(fn, parameters, given))
        self._rest = inspect.Parameter.VAR_POSITIONAL in kinds
        if any(slot.given or slot.by_keyword for slot in self._slots):
            self.takes = -1
        else:
            self.takes = sys.maxsize if self._rest else len(self._slots)
        # The names that can be passed by keyword; None for every name.
        self._accepted = (
            None
            if inspect.Parameter.VAR_KEYWORD in kinds
            else frozenset(parameter.name for parameter in parameters if parameter.kind in _BY_KEYWORD)
        )

    def fill(
        self, values: Sequence[Any], named: Mapping[str, Any], extra: Mapping[str, Any] | None = None
    ) -> tuple[Sequence[Any], dict[str, Any]]:
        """
        Choose what the callback is called with.

        Args:
            values: The client's, in order.
            named: What is given by name. For a name that is not in it the callback gets the parameter's default, else
                `None`.
            extra: For the parameters of these names, whatever they are; what the callback cannot take is left out.

        Returns:
            Positional and keyword arguments. If the values are too few for the parameters without a default, so are the
            arguments, and the call raises Python's own `TypeError`.
        """
        if self.takes >= 0 and not extra:
            return values[: self.takes], {}
        extra = extra or {}
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        left = iter(values)
        complete = True
        for name, given, by_keyword, default in self._slots:
            if name in extra:
                value = extra[name]
            elif given:
                value = named.get(name, None if default is _MISSING else default)
            else:
                value = next(left, default)
            if value is _MISSING:
                complete = False
            elif by_keyword or not complete:
                kwargs[name] = value
            else:
                args.append(value)
        if self._rest:
            args.extend(left)
        if extra:
            kwargs |= {name: value for name, value in extra.items() if self._accepts(name)}
        return args, kwargs

    def _accepts(self, name: str) -> bool:
        """Whether a keyword that is none of the slots can be passed."""
        if any(slot.name == name for slot in self._slots):
            return False
        return self._accepted is None or name in self._accepted


def _signature(fn: Callable[..., Any]) -> inspect.Signature:
    own = inspect.signature(fn, follow_wrapped=False)
    if all(parameter.kind is not inspect.Parameter.VAR_POSITIONAL for parameter in own.parameters.values()):
        return own
    wrapped = getattr(fn, "__wrapped__", None)
    if wrapped is not None:
        return _signature(MethodType(wrapped, fn.__self__) if isinstance(fn, MethodType) else wrapped)
    return inspect.signature(fn)  # through a partial, or an object with `__call__`


def _slots(fn: Callable[..., Any], parameters: Iterable[inspect.Parameter], given: Collection[str]) -> Iterator[_Slot]:
    bound: Mapping[str, Any] = {}
    original: Mapping[str, inspect.Parameter] = {}
    if isinstance(fn, functools.partial):
        # What stands behind a parameter that the partial bound by name is shown as keyword-only with a default, but it
        # still is the place for the client's next value.
        bound, original = fn.keywords, inspect.signature(fn.func).parameters
    for parameter in parameters:
        if parameter.name in bound or parameter.kind in _VARIADIC:
            continue
        is_given = parameter.name in given
        by_keyword = parameter.kind is inspect.Parameter.KEYWORD_ONLY
        is_private = original.get(parameter.name, parameter).kind is inspect.Parameter.KEYWORD_ONLY
        if is_given or not is_private or parameter.default is _MISSING:
            yield _Slot(parameter.name, is_given, by_keyword, parameter.default)
