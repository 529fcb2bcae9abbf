"""
Routes before any web framework comes in: what a mark on a function says, and which routes a class has.

A mark leaves the function as it is, but for the attribute ``_specter_routes``: a tuple of `RouteSpec`, the lowest
decorator first.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import FunctionType
from typing import Any, NamedTuple, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_MARK = "_specter_routes"


@dataclass(frozen=True)
class RouteSpec:
    """
    One route of a view.

    Args:
        rule: The path, as the framework writes rules: ``/media/<int:id>``.
        methods: Names of HTTP methods.
        endpoint: Name of the route; ``None`` for the name of its view.
        json_errors: What the sender reads when the view fails, as JSON; ``True`` for a general text, ``None`` to leave
            errors to the framework.
    """

    rule: str
    methods: tuple[str, ...] = ("GET",)
    endpoint: str | None = None
    json_errors: str | bool | None = None


class PlannedRoute(NamedTuple):
    """A route with its endpoint and its view, as it was written down."""

    endpoint: str
    view: Callable[..., Any]
    spec: RouteSpec


def route_spec(
    rule: str,
    methods: Iterable[str] | None = None,
    endpoint: str | None = None,
    json_errors: str | bool | None = None,
) -> RouteSpec:
    """
    Check what was said about a route.

    Raises:
        TypeError: *rule* is no text, or *methods* is a single text or holds something else.
    """
    if not isinstance(rule, str):
        raise TypeError(f"rule must be a str such as '/media', got {rule!r}")
    if isinstance(methods, str):
        raise TypeError(f"methods must be a list of names, got {methods!r}; write [{methods!r}]")
    names = tuple(methods or ("GET",))
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f"methods must be a list of names, got {methods!r}")
    return RouteSpec(rule, tuple(name.upper() for name in names), endpoint, json_errors)


def route(
    rule: str,
    *,
    methods: Iterable[str] | None = None,
    endpoint: str | None = None,
    json_errors: str | bool | None = None,
) -> Callable[[F], F]:
    """
    Mark a method of a `Router` as the view of a route. Several marks make several routes.

    Args:
        rule: The path, as the framework writes rules: ``/media/<int:id>``. Below the router's ``url_prefix``.
        methods: Names of HTTP methods, in any case; ``GET`` by default.
        endpoint: Name of the route; by default that of the method.
        json_errors: Answer errors of the view as `json_endpoint` does: with this text, or ``True`` for its own.

    Raises:
        TypeError: *rule* is no text, or *methods* is no list of names.
    """
    spec = route_spec(rule, methods, endpoint, json_errors)

    def mark(fn: F) -> F:
        setattr(fn, _MARK, (*_marks(fn), spec))
        return fn

    return mark


def marked_methods(cls: type) -> Iterator[tuple[str, tuple[RouteSpec, ...]]]:
    """
    Find the marked methods of a class: name and marks, those of base classes first, in the order written.

    An override counts as it is written: without a mark of its own it has no route.
    """
    written: dict[str, Any] = {}
    for base in reversed(cls.__mro__[:-1]):
        written |= vars(base)
    for name, value in written.items():
        if marks := _marks(value):
            yield name, marks


def _marks(fn: Any) -> tuple[RouteSpec, ...]:
    kind = type(fn)
    if kind is FunctionType:
        marks = fn.__dict__.get(_MARK, ())
    elif callable(fn) or issubclass(kind, classmethod):
        # Statically: class attributes may be proxies that fail when they are asked for anything.
        marks = inspect.getattr_static(fn, _MARK, ())
        if not marks and isinstance(fn, (staticmethod, classmethod)):
            return _marks(fn.__func__)
    else:
        return ()
    return marks if isinstance(marks, tuple) else ()


def planned_routes(router: str, routes: Iterable[tuple[str, Callable[..., Any], RouteSpec]]) -> list[PlannedRoute]:
    """
    Give each route its endpoint.

    Args:
        router: Name of the router, for errors.
        routes: Name of the view, the view and what its mark says.

    Raises:
        ValueError: Two routes of one endpoint have different views, or answer errors differently.
    """
    planned: dict[str, PlannedRoute] = {}
    result = []
    for name, view, spec in routes:
        new = PlannedRoute(spec.endpoint or name, view, spec)
        old = planned.setdefault(new.endpoint, new)
        if (old.view, old.spec.json_errors) != (view, spec.json_errors):
            raise ValueError(
                f"router {router!r} has two views for the endpoint {new.endpoint!r}: {old.spec.rule!r} and "
                f"{spec.rule!r}; give one of them endpoint='another_name'"
            )
        result.append(new)
    return result


def normal_rule(rule: str, prefix: str) -> str:
    """
    Give a rule the form the framework takes: one slash in front. An empty one is the prefix itself.

    Args:
        rule: As written, with or without that slash.
        prefix: Of the router, as `normal_prefix` gives it.
    """
    return f"/{rule.lstrip('/')}" if rule or not prefix else ""


def normal_prefix(prefix: str | None) -> str:
    """
    Give a prefix the form the framework takes: a slash in front and none behind; empty for none.

    Raises:
        TypeError: *prefix* is neither a text nor ``None``.
    """
    if prefix is not None and not isinstance(prefix, str):
        raise TypeError(f"url_prefix must be a str such as '/api', got {prefix!r}")
    parts = [part.strip() for part in (prefix or "").split("/")]
    return "".join(f"/{part}" for part in parts if part)
