"""
Routes as a class, on Quart.

    Router ──mount()──> Blueprint ──register(app)──> application
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator
from functools import partial
from inspect import isawaitable
from typing import Any, Generic, Self, TypeVar

from quart import Blueprint, Quart

from ._calls import is_coroutine_function, name_of
from ._lifespan import check_app
from .http import answering, json_endpoint, respond
from .ownership import Cleanups
from .sansio.outcome import Outcome
from .sansio.routes import F, RouteSpec, marked_methods, normal_prefix, normal_rule, planned_routes, route_spec
from .sansio.routes import route as route
from .service_registry import registry

log = logging.getLogger(__name__)
T = TypeVar("T")


class Router:
    """
    A group of routes: methods marked with `route`, inherited ones too, and functions given to `Router.route`.

    A view is a plain function (it runs in a worker thread, as Quart does it) or a coroutine function, and returns what
    a view of Quart may return, or an `Outcome`. A slash at the end of a path makes no difference.

    Args:
        name: Name of the blueprint, in front of each endpoint; by default the class attribute ``name``.
        url_prefix: In front of each rule; by default the class attribute ``url_prefix``.
        import_name: Module whose folder holds the blueprint's resources; by default that of the subclass.

    Raises:
        TypeError: *name* is no text.
        ValueError: *name* has a dot in it.
    """

    name: str = "router"
    url_prefix: str = ""

    def __init__(
        self, name: str | None = None, *, url_prefix: str | None = None, import_name: str | None = None
    ) -> None:
        self.name = name or type(self).name
        if not isinstance(self.name, str):
            raise TypeError(f"the name of a router must be a str, got {name!r}")
        if url_prefix is not None:
            self.url_prefix = url_prefix
        self._blueprint = Blueprint(self.name, import_name or type(self).__module__)
        self._dynamic_routes: list[tuple[str, Callable[..., Any], RouteSpec]] = []
        self._has_routes = False
        self._mounted = False
        self._cleanups = Cleanups(self.name)

    def on_mount(self) -> None:
        """Override: get what the views need. Called after the routes were collected. A plain function."""

    def on_unmount(self) -> Any:
        """Override: called by `teardown`, before the cleanups. A plain or a coroutine function."""

    def route(
        self,
        rule: str,
        *,
        methods: Iterable[str] | None = None,
        endpoint: str | None = None,
        json_errors: str | bool | None = None,
    ) -> Callable[[F], F]:
        """
        Make a function the view of a route: a decorator that returns the function itself.

        Args:
            rule: The path, below the prefix: ``/media/<int:id>``.
            methods: Names of HTTP methods, in any case; ``GET`` by default.
            endpoint: Name of the route; by default that of the function.
            json_errors: Answer errors of the view as `json_endpoint` does: with this text, or ``True`` for its own.

        Raises:
            RuntimeError: The router was mounted: the route would never be reached.
            TypeError: *rule* is no text, *methods* is no list of names, or the view cannot be called.
        """
        spec = route_spec(rule, methods, endpoint, json_errors)

        def add(view: F) -> F:
            if not callable(view):
                raise TypeError(f"the view of {rule!r} must be a function, got {view!r}")
            if self._has_routes:
                raise RuntimeError(
                    f"router {self.name!r} is mounted, and {rule!r} would never be reached: call route() before "
                    "mount(), blueprint() or register()"
                )
            self._dynamic_routes.append((getattr(view, "__name__", type(view).__name__), view, spec))
            return view

        return add

    def mount(self) -> Blueprint:
        """
        Collect the routes and call `on_mount`. Mounted already: nothing happens.

        After `teardown` it calls `on_mount` again; the routes stay as they are.

        Returns:
            The blueprint, to be registered with an application or with another blueprint.

        Raises:
            TypeError: `on_mount` is a coroutine function.
            ValueError: Two views have one endpoint.
        """
        if is_coroutine_function(self.on_mount):
            raise TypeError(f"{type(self).__name__}.on_mount must be a plain function: mount() cannot wait")
        if not self._mounted:
            self._add_routes()
            self.on_mount()
            self._mounted = True
        return self._blueprint

    def blueprint(self) -> Blueprint:
        """Mount, if that was not done, and give the blueprint: `mount`."""
        return self.mount()

    def register(self, app: Quart | Blueprint) -> Self:
        """
        Mount, if that was not done, and register the routes.

        Args:
            app: The application, or a blueprint to nest in.

        Returns:
            The router.

        Raises:
            RuntimeError: It is too late: the application or that blueprint takes no more routes.
            TypeError: *app* is neither; a Flask application is told of the backend switch.
            ValueError: The application has a blueprint of this name already, this one or another.
        """
        if not isinstance(app, Blueprint):
            self._check_app(app)
        blueprint = self.mount()
        try:
            app.register_blueprint(blueprint)
        except AssertionError as error:
            raise RuntimeError(f"router {self.name!r} must be registered before {app.name!r} is used") from error
        return self

    def teardown(self) -> Awaitable[Self]:
        """
        Call `on_unmount`, if it is mounted, then the cleanups, last first. Errors are logged, and the rest goes on.

        What is plain has run when this returns. If a coroutine function is among them, the result must be awaited:
        that runs it and what comes after. The routes stay with the application.

        Returns:
            Something to await, which gives the router.
        """
        if self._mounted:
            self._mounted = False
            self.add_cleanup(self.on_unmount)
        self._run_plain_cleanups()
        return self._run_cleanups() if self._cleanups.pending else _Done(self)

    def require(self, key: str) -> Any:
        """Give a value of the registry; `KeyError` if it has none."""
        return registry.require(key)

    def resolve(self, key: str) -> Any:
        """Give a value of the registry, or ``None``."""
        return registry.resolve(key)

    def add_cleanup(self, fn: Callable[[], Any]) -> Self:
        """Have a plain or coroutine function called by `teardown`."""
        self._cleanups.add(fn)
        return self

    def _forget_cleanup(self, fn: Callable[[], Any]) -> None:
        self._cleanups.forget(fn)

    def own(self, resource: T, stop_method: str | None = None) -> T:
        """
        Have a resource ended by `teardown`.

        Args:
            resource: Anything with a method to end it; ``None`` is ignored.
            stop_method: Name of that method; by default the first that exists of ``stop``, ``close``, ``aclose``,
                ``disconnect``, ``destroy``, ``terminate``, ``kill``.

        Returns:
            The resource.

        Raises:
            TypeError: It has no such method.
        """
        return self._cleanups.own(resource, stop_method)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def _check_app(self, app: Quart) -> None:
        if app is None:
            raise TypeError(f"router {self.name!r} must be registered with a Quart application, got None")
        check_app(app)
        taken = app.blueprints.get(self.name)
        if taken is not None:
            whose = "it already" if taken is self._blueprint else "another blueprint of that name"
            raise ValueError(f"router {self.name!r} cannot be registered: {app.name!r} has {whose}")

    def _add_routes(self) -> None:
        if self._has_routes:
            return
        prefix = normal_prefix(self.url_prefix)
        views: dict[str, Callable[..., Any]] = {}
        for endpoint, view, spec in planned_routes(self.name, self._routes()):
            if endpoint not in views:
                views[endpoint] = _answered(view, spec.json_errors)
            self._blueprint.add_url_rule(
                normal_rule(spec.rule, prefix),
                endpoint,
                views[endpoint],
                methods=list(spec.methods),
                strict_slashes=False,
            )
        self._blueprint.url_prefix = prefix or None
        self._has_routes = True

    def _routes(self) -> Iterator[tuple[str, Callable[..., Any], RouteSpec]]:
        for name, specs in marked_methods(type(self)):
            for spec in specs:
                yield name, getattr(self, name), spec
        yield from self._dynamic_routes

    def _run_plain_cleanups(self) -> None:
        """Run cleanups until one must be awaited: that is left, and all that come after it."""
        pending = self._cleanups.pending
        while pending and not is_coroutine_function(pending[-1]):
            fn = pending.pop()
            try:
                result = fn()
            except Exception:
                log.exception("cleanup %s of %r failed", name_of(fn), self.name)
                continue
            if isawaitable(result):  # lambda: client.aclose()
                pending.append(partial(_same, result))
                return

    async def _run_cleanups(self) -> Self:
        await self._cleanups.run()
        return self


class _Done(Generic[T]):
    """Nothing is left to wait for."""

    def __init__(self, value: T) -> None:
        self._value = value

    def __await__(self) -> Generator[Any, None, T]:
        yield from ()
        return self._value


def _same(value: T) -> T:
    return value


def _answered(view: Callable[..., Any], json_errors: str | bool | None) -> Callable[..., Any]:
    if json_errors:
        return json_endpoint(None if json_errors is True else json_errors)(view)
    return answering(view, _unless_quart_does)


def _unless_quart_does(value: Any) -> Any:
    """Answer what Quart cannot: all else it answers itself, and the sooner for it."""
    return respond(value) if isinstance(value, Outcome) else value
