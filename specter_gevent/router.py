"""
Routes as a class, on Flask.

    Router ──mount()──> Blueprint ──register(app)──> application
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Any, Self, TypeVar

from flask import Blueprint, Flask

from specter.sansio.callables import require_plain
from specter.sansio.outcome import Outcome
from specter.sansio.routes import F, RouteSpec, marked_methods, planned_routes, route_spec
from specter.sansio.routes import route as route

from ._companions import check_app
from .http import json_endpoint, respond
from .ownership import Cleanups, resolve_cleanup
from .service_registry import registry

logger = logging.getLogger("specter.router")
T = TypeVar("T")


class Router:
    """
    A group of routes: methods marked with `route`, inherited ones too, and functions given to `Router.route`.

    A view is a plain function and returns what a view of Flask may return, or an `Outcome`.

    Args:
        name: Name of the blueprint, in front of each endpoint; by default the class attribute ``name``.
        url_prefix: In front of each rule when `register` registers it; by default the class attribute ``url_prefix``.
        import_name: Module whose folder holds the blueprint's resources; by default that of the subclass.
    """

    name: str = "router"
    url_prefix: str = ""

    def __init__(
        self, name: str | None = None, *, url_prefix: str | None = None, import_name: str | None = None
    ) -> None:
        self.name = name or type(self).name
        if url_prefix is not None:
            self.url_prefix = url_prefix
        self._blueprint = Blueprint(self.name, import_name or type(self).__module__)
        self._dynamic_routes: list[tuple[str, Callable[..., Any], RouteSpec]] = []
        self._mounted = False
        self._cleanups = Cleanups()
        # The views by endpoint, and how many routes have got theirs.
        self._specter_planned_views: dict[str, Callable[..., Any]] = {}
        self._specter_planned = 0

    def on_mount(self) -> None:
        """Override: get what the views need, or add routes. Called after the other routes were collected."""

    def on_unmount(self) -> Any:
        """Override: called by `teardown`, before the cleanups."""

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

        Once the router is mounted it is too late: that is logged as an error.

        Args:
            rule: The path, below the prefix: ``/media/<int:id>``.
            methods: Names of HTTP methods, in any case; ``GET`` by default.
            endpoint: Name of the route; by default that of the function.
            json_errors: Answer errors of the view as `json_endpoint` does: with this text, or ``True`` for its own.

        Raises:
            TypeError: *rule* is no text, *methods* is no list of names, or the view is a coroutine function.
        """
        spec = route_spec(rule, methods, endpoint, json_errors)

        def add(view: F) -> F:
            require_plain(view, f"the view of {rule!r}")
            if self._mounted:
                logger.error("router %r is mounted, and %r will never be reached: call route() before", self.name, rule)
            self._dynamic_routes.append((getattr(view, "__name__", type(view).__name__), view, spec))
            return view

        return add

    def mount(self) -> Blueprint:
        """
        Collect the routes and call `on_mount`. Mounted already: nothing happens.

        Returns:
            The blueprint, to be registered with an application or with another blueprint.

        Raises:
            TypeError: `on_mount` or a view is a coroutine function.
            ValueError: Two views have one endpoint.
        """
        if not self._mounted:
            require_plain(self.on_mount, "on_mount")
            require_plain(self.on_unmount, "on_unmount")
            self._specter_add_planned_routes()
            self.on_mount()
            self._specter_add_planned_routes()
            self._mounted = True
        return self._blueprint

    def blueprint(self) -> Blueprint:
        """Mount, if that was not done, and give the blueprint: `mount`."""
        return self.mount()

    def register(self, app: Flask | Blueprint) -> Self:
        """
        Mount, if that was not done, and register the routes.

        Args:
            app: The application, or a blueprint to nest in.

        Returns:
            The router.

        Raises:
            TypeError: *app* is a Quart application; names the backend switch.
        """
        check_app(app)
        app.register_blueprint(self.mount(), url_prefix=self.url_prefix)
        return self

    def teardown(self) -> Self:
        """
        Call `on_unmount`, then the cleanups, last first. Errors of cleanups are logged, and the rest goes on.

        The routes stay with the application.

        Returns:
            The router.

        Raises:
            Exception: What `on_unmount` raised, when the cleanups have run.
        """
        try:
            self.on_unmount()
        finally:
            self._cleanups.run(f"router '{self.name}'")
        return self

    def require(self, key: str) -> Any:
        """Give a value of the registry; `KeyError` if it has none."""
        return registry.require(key)

    def resolve(self, key: str) -> Any:
        """Give a value of the registry, or ``None``."""
        return registry.resolve(key)

    def add_cleanup(self, fn: Callable[[], Any]) -> Self:
        """Have a plain function called by `teardown`. What cannot be called is ignored."""
        self._cleanups.add(fn)
        return self

    def own(self, resource: T, stop_method: str | None = None) -> T:
        """
        Have a resource ended by `teardown`.

        Args:
            resource: Anything with a method to end it; ``None`` is ignored.
            stop_method: Name of that method; by default the first that exists of ``stop``, ``close``, ``disconnect``,
                ``destroy``, ``terminate``, ``kill``.

        Returns:
            The resource.

        Raises:
            TypeError: It has no such method.
        """
        if resource is not None:
            self.add_cleanup(resolve_cleanup(resource, stop_method=stop_method))
        return resource

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def _specter_add_planned_routes(self) -> None:
        """Add the routes that were not there the last time: `on_mount` may have brought some."""
        planned = planned_routes(self.name, self._specter_collected_routes())
        for endpoint, view, spec in planned[self._specter_planned :]:
            if endpoint not in self._specter_planned_views:
                self._specter_planned_views[endpoint] = self._build_view(view, spec)
            self._blueprint.add_url_rule(
                spec.rule, endpoint, self._specter_planned_views[endpoint], methods=list(spec.methods)
            )
        self._specter_planned = len(planned)

    def _specter_collected_routes(self) -> Iterator[tuple[str, Callable[..., Any], RouteSpec]]:
        for name, specs in marked_methods(type(self)):
            for spec in specs:
                yield name, getattr(self, name), spec
        yield from self._dynamic_routes

    def _build_view(self, method: Callable[..., Any], spec: RouteSpec) -> Callable[..., Any]:
        """What Flask calls for a route. Applications override it, to put something round every view."""
        if spec.json_errors:
            return json_endpoint(None if spec.json_errors is True else spec.json_errors)(method)
        require_plain(method, "a view")

        @wraps(method)
        def answered(*args: Any, **kwargs: Any) -> Any:
            value = method(*args, **kwargs)
            # Flask answers all else itself, and the sooner for it; lists only since 2.2.
            return respond(value) if isinstance(value, (Outcome, list)) else value

        return answered
