"""Which values a socket callback is called with."""

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specter.sansio.socket_arguments import SocketArguments, names_given

KNOWN = {"sid": "S", "environ": {"E": 1}, "auth": "A"}


def called(fn: Callable[..., Any], *values: Any, event: str = "message") -> Any:
    names = names_given(event)
    args, kwargs = SocketArguments(fn, names).fill(values, {name: KNOWN[name] for name in names})
    return fn(*args, **kwargs)


class Chat:
    def data(self, data):
        return data

    def sid_first(self, sid, data):
        return sid, data

    def sid_last(self, data, sid):
        return data, sid

    def nothing(self):
        return "nothing"

    @staticmethod
    def static(sid, data):
        return sid, data

    @classmethod
    def of_class(cls, sid, data):
        return sid, data

    def __call__(self, sid, data):
        return sid, data


class Pair:
    def __init__(self, sid, data):
        self.both = (sid, data)


chat = Chat()


@pytest.mark.parametrize(
    ("fn", "values", "expected"),
    [
        pytest.param(chat.data, ("d",), "d", id="the-data"),
        pytest.param(chat.sid_first, ("d",), ("S", "d"), id="python-socketio-s-own-form"),
        pytest.param(chat.sid_last, ("d",), ("d", "S"), id="sid-wherever-it-stands"),
        pytest.param(chat.nothing, ("d", "e"), "nothing", id="no-parameters"),
        pytest.param(chat.static, ("d",), ("S", "d"), id="static-method"),
        pytest.param(chat.of_class, ("d",), ("S", "d"), id="class-method"),
        pytest.param(chat, ("d",), ("S", "d"), id="object-with-call"),
        pytest.param(lambda a, b: (a, b), ("1", "2", "3"), ("1", "2"), id="fewer-parameters-get-fewer"),
        pytest.param(lambda a, b="b": (a, b), ("1",), ("1", "b"), id="defaults-stay"),
        pytest.param(lambda a=0, sid=None: (a, sid), (), (0, "S"), id="sid-behind-a-default"),
        pytest.param(lambda a, sid, b=0: (a, sid, b), ("1", "2"), ("1", "S", "2"), id="sid-in-the-middle"),
        pytest.param(lambda *values: values, ("1", "2"), ("1", "2"), id="all-of-them"),
        pytest.param(lambda sid, *values: (sid, values), ("1", "2"), ("S", ("1", "2")), id="sid-and-all-of-them"),
        pytest.param(lambda a, *values, sid: (a, values, sid), ("1", "2"), ("1", ("2",), "S"), id="sid-by-keyword"),
        pytest.param(lambda a, *, environ: (a, environ), ("1",), ("1", {"E": 1}), id="environ-by-keyword"),
        pytest.param(lambda a, *, key: (a, key), ("1", "2"), ("1", "2"), id="required-keyword-takes-a-value"),
        pytest.param(lambda a, *, retries=3: (a, retries), ("1", "2"), ("1", 3), id="optional-keyword-is-private"),
        pytest.param(lambda a, **options: (a, options), ("1", "2"), ("1", {}), id="keywords-get-nothing"),
        pytest.param(lambda sid, a, /: (sid, a), ("1",), ("S", "1"), id="positional-only"),
        pytest.param(lambda auth: auth, ("data",), "data", id="auth-is-data-elsewhere"),
        pytest.param(functools.partial(lambda x, sid, a: (x, sid, a), "x"), ("1",), ("x", "S", "1"), id="partial"),
        pytest.param(
            functools.partial(lambda sid, a=0, b=0: (sid, a, b), sid="mine"),
            ("1", "2"),
            ("mine", "1", "2"),
            id="what-a-partial-bound-stays-bound",
        ),
        pytest.param(
            functools.partial(lambda a, b, *, c=0: (a, b, c), a="mine"),
            ("1", "2"),
            ("mine", "1", 0),
            id="partial-private",
        ),
        pytest.param(dict, ({"a": 1},), {"a": 1}, id="builtin-without-signature"),
        pytest.param(len, ("abc", "more"), 3, id="builtin-with-signature"),
    ],
)
def test_a_callback_gets_what_it_asks_for(fn: Callable[..., Any], values: tuple[Any, ...], expected: Any) -> None:
    assert called(fn, *values) == expected


@pytest.mark.parametrize(
    ("fn", "expected"),
    [
        pytest.param(lambda: "ok", "ok", id="nothing"),
        pytest.param(lambda auth: auth, "A", id="auth"),
        pytest.param(lambda data: data, "A", id="auth-is-the-value"),
        pytest.param(lambda sid, environ: (sid, environ), ("S", {"E": 1}), id="sid-environ"),
        pytest.param(lambda sid, environ, auth: (sid, environ, auth), ("S", {"E": 1}, "A"), id="sid-environ-auth"),
        pytest.param(lambda auth, environ, sid: (sid, environ, auth), ("S", {"E": 1}, "A"), id="any-order"),
    ],
)
def test_connect_gives_auth_by_name_and_as_its_value(fn: Callable[..., Any], expected: Any) -> None:
    assert called(fn, "A", event="connect") == expected


def test_a_class_is_called_with_what_its_init_asks_for() -> None:
    assert called(Pair, "d").both == ("S", "d")


def logged(fn: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs)

    return wrapper


def with_user(fn: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(fn)
    def wrapper(data: Any) -> Any:
        return fn("user", data)

    return wrapper


class Decorated:
    @logged
    def data(self, data):
        return data

    @logged
    def __call__(self, data, sid):
        return data, sid


@pytest.mark.parametrize(
    ("fn", "expected"),
    [
        pytest.param(logged(chat.sid_last), ("d", "S"), id="passes-on-what-comes"),
        pytest.param(logged(logged(chat.nothing)), "nothing", id="twice"),
        pytest.param(with_user(lambda user, data: (user, data)), ("user", "d"), id="its-own-parameters"),
        pytest.param(
            logged(with_user(lambda user, data: (user, data))), ("user", "d"), id="those-of-the-first-with-some"
        ),
        pytest.param(Decorated().data, "d", id="method"),
        pytest.param(Decorated(), ("d", "S"), id="object-with-call"),
        pytest.param(functools.partial(logged(lambda x, data: (x, data)), "x"), ("x", "d"), id="partial"),
    ],
)
def test_a_decorated_function_gets_what_reaches_the_one_it_wraps(fn: Callable[..., Any], expected: Any) -> None:
    assert called(fn, "d", "more") == expected


def test_too_few_values_are_python_s_own_error_that_names_the_parameter() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'data'$"):
        called(chat.sid_last)


def test_what_is_not_known_by_name_is_the_default_else_none() -> None:
    arguments = SocketArguments(lambda sid, environ="default": (sid, environ), names_given("message"))

    assert arguments.fill((), {}) == ([None, "default"], {})


@pytest.mark.parametrize(
    ("fn", "expected"),
    [
        (lambda a: a, ([1], {})),
        (lambda a, b, c: None, ([1, 2, "v"], {})),
        (lambda a, /, b=0: a, ([1, 2], {})),
        (lambda *rest, b: rest, (["v", "w"], {"b": 2})),
        (lambda x, *, b=0: x, (["v"], {"b": 2})),
        (lambda **options: options, ([], {"a": 1, "b": 2})),
        (dict, (["v", "w"], {})),
    ],
)
def test_extra_keywords_go_to_the_parameters_of_these_names(fn: Callable[..., Any], expected: Any) -> None:
    assert SocketArguments(fn).fill(("v", "w"), {}, {"a": 1, "b": 2}) == expected


@pytest.mark.parametrize(
    ("fn", "takes"),
    [
        (lambda: None, 0),
        (lambda a, b=0, *, key=0: None, 2),
        (lambda a, *rest, **options: None, sys.maxsize),
        (lambda a, sid: None, -1),
        (lambda a, *, key: None, -1),
        (functools.partial(lambda a, b, c: None, b=0), -1),
    ],
)
def test_it_is_known_how_many_values_a_callback_takes_as_they_come(fn: Callable[..., Any], takes: int) -> None:
    assert SocketArguments(fn, names_given("message")).takes == takes


def test_the_signature_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = SocketArguments(chat.sid_first, names_given("message"))
    monkeypatch.setattr(inspect, "signature", None)

    assert arguments.fill(("d",), KNOWN) == (["S", "d"], {})


def test_what_cannot_be_called_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        SocketArguments(3)  # type: ignore[arg-type]


names = st.lists(st.sampled_from(["a", "b", "c", "sid", "environ", "auth"]), unique=True)


@given(parameters=names, rest=st.booleans(), values=st.lists(st.integers(), max_size=6))
def test_values_keep_their_order_and_names_their_meaning(parameters: list[str], rest: bool, values: list[int]) -> None:
    """With a default for each parameter the call always succeeds, and says where everything went."""
    text = ", ".join([*(f"{name}=None" for name in parameters), *(["*rest"] if rest else [])])
    scope: dict[str, Any] = {}
    exec(f"def fn({text}): return dict(locals())", scope)
    got = called(scope["fn"], *values)

    left = list(values)
    for name in parameters:
        if name in ("sid", "environ"):
            assert got[name] == KNOWN[name]
        else:
            assert got[name] == (left.pop(0) if left else None)
    if rest:
        assert list(got["rest"]) == left
