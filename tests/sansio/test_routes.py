"""Marks on functions, and the routes of a class."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specter.sansio.routes import (
    PlannedRoute,
    RouteSpec,
    marked_methods,
    normal_prefix,
    normal_rule,
    planned_routes,
    route,
    route_spec,
)


def view() -> None: ...


def other() -> None: ...


def test_a_mark_leaves_the_function_as_it_is() -> None:
    def fn() -> str:
        return "x"

    marked = route("/a", methods=["post"], endpoint="e", json_errors="E")(fn)

    assert marked is fn
    assert vars(fn)["_specter_routes"] == (RouteSpec("/a", ("POST",), "e", "E"),)


def test_several_marks_are_kept_the_lowest_first() -> None:
    @route("/one")
    @route("/two", methods={"PUT"})
    def fn() -> None: ...

    assert vars(fn)["_specter_routes"] == (RouteSpec("/two", ("PUT",)), RouteSpec("/one", ("GET",)))


@pytest.mark.parametrize("methods", [None, (), []])
def test_the_method_is_get_by_default(methods: Any) -> None:
    assert route_spec("/a", methods).methods == ("GET",)


@pytest.mark.parametrize("rule", [None, 3, b"/a"], ids=repr)
def test_a_rule_must_be_text(rule: Any) -> None:
    with pytest.raises(TypeError, match="rule must be a str such as '/media', got"):
        route(rule)


@pytest.mark.parametrize("methods", ["POST", [3]], ids=repr)
def test_methods_must_be_a_list_of_names(methods: Any) -> None:
    with pytest.raises(TypeError, match="methods must be a list of names, got"):
        route("/a", methods=methods)


class Proxy:
    """Fails when it is asked for anything, as Quart's proxies do outside a request."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"asked for {name}")


class Base:
    request = Proxy()

    @route("/one")
    def one(self) -> None: ...

    @route("/two")
    def two(self) -> None: ...

    @route("/three")
    def three(self) -> None: ...


class Derived(Base):
    def one(self) -> None: ...

    @route("/two-b")
    def two(self) -> None: ...

    @route("/four")
    def _four(self) -> None: ...

    @staticmethod
    @route("/five")
    def five() -> None: ...

    @route("/six")
    @classmethod
    def six(cls) -> None: ...

    @property
    def seven(self) -> None:
        raise RuntimeError("a property was asked for")


def test_marked_methods_are_found_those_of_the_base_first() -> None:
    found = [(name, [spec.rule for spec in specs]) for name, specs in marked_methods(Derived)]

    assert found == [
        ("two", ["/two-b"]),
        ("three", ["/three"]),
        ("_four", ["/four"]),
        ("five", ["/five"]),
        ("six", ["/six"]),
    ]


def test_an_override_does_not_change_the_base() -> None:
    assert [name for name, _ in marked_methods(Base)] == ["one", "two", "three"]


def test_what_only_looks_like_a_mark_is_none() -> None:
    class Odd:
        _specter_routes = "text"

        class Inner:
            _specter_routes = ("/x",)

    assert [name for name, _ in marked_methods(Odd)] == ["Inner"]


def test_an_endpoint_is_the_name_of_the_view_unless_it_has_one() -> None:
    specs = [route_spec("/a"), route_spec("/b", endpoint="bee")]

    planned = planned_routes("r", [("view", view, specs[0]), ("other", other, specs[1])])

    assert planned == [PlannedRoute("view", view, specs[0]), PlannedRoute("bee", other, specs[1])]


def test_one_view_may_have_several_rules() -> None:
    routes = [("view", view, route_spec(rule)) for rule in ("/a", "/b")]

    assert [(plan.endpoint, plan.spec.rule) for plan in planned_routes("r", routes)] == [("view", "/a"), ("view", "/b")]


@pytest.mark.parametrize(
    "second",
    [
        ("view", other, route_spec("/b")),
        ("x", other, route_spec("/b", endpoint="view")),
        ("view", view, route_spec("/b", json_errors="E")),
    ],
    ids=["same name", "same endpoint", "other errors"],
)
def test_an_endpoint_cannot_have_two_views(second: tuple[str, Callable[..., Any], RouteSpec]) -> None:
    with pytest.raises(ValueError, match="router 'r' has two views for the endpoint 'view': '/a' and '/b'; give one"):
        planned_routes("r", [("view", view, route_spec("/a")), second])


@pytest.mark.parametrize(
    ("rule", "prefix", "expected"),
    [
        ("/a", "", "/a"),
        ("a", "", "/a"),
        ("//a", "", "/a"),
        ("/a/", "", "/a/"),
        ("a/<int:x>/b", "", "/a/<int:x>/b"),
        ("/", "", "/"),
        ("", "", "/"),
        ("", "/p", ""),
        ("/", "/p", "/"),
        ("a", "/p", "/a"),
    ],
)
def test_a_rule_gets_one_slash_in_front(rule: str, prefix: str, expected: str) -> None:
    assert normal_rule(rule, prefix) == expected


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        (None, ""),
        ("", ""),
        ("/", ""),
        ("api", "/api"),
        ("/api/", "/api"),
        ("api/v1/", "/api/v1"),
        ("//api//v1", "/api/v1"),
        (" /api ", "/api"),
    ],
)
def test_a_prefix_gets_a_slash_in_front_and_none_behind(prefix: str | None, expected: str) -> None:
    assert normal_prefix(prefix) == expected


@given(st.text("/ab ", max_size=6), st.text("/ab ", max_size=6))
def test_prefix_and_rule_make_a_path(prefix: str, rule: str) -> None:
    front = normal_prefix(prefix)
    path = front + normal_rule(rule, front)

    assert path.startswith("/")
    assert normal_prefix(front) == front
    assert not path.startswith("//")


def test_a_prefix_must_be_text() -> None:
    with pytest.raises(TypeError, match="url_prefix must be a str such as '/api', got 3"):
        normal_prefix(3)  # type: ignore[arg-type]
