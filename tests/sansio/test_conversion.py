"""Bringing values into types: what is taken, and what is refused."""

import uuid
from decimal import Decimal
from typing import Any, List, Optional  # noqa: UP035

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sansio.conversions import Color, Level, bending, named, problems, refusing

from specter.sansio.conversion import REFUSING, converter_of, is_nullable
from specter.sansio.copies import MAX_LEVELS
from specter.sansio.problems import HERE, MAX_PROBLEMS, MAX_QUOTED, Mismatch, quoted


class Text(str):
    __slots__ = ()


TAKEN = [
    (str, "x", "x"),
    (str, "", ""),
    (str, 1, "1"),
    (str, 1.5, "1.5"),
    (str, Text("x"), "x"),
    (str, Decimal("1.5"), "1.5"),
    (int, 3, 3),
    (int, "3", 3),
    (int, " 12 ", 12),
    (int, 2.0, 2),
    (int, True, 1),
    (int, Level.LOW, 1),
    (float, 1, 1.0),
    (float, "1.5", 1.5),
    (float, "1e3", 1000.0),
    (float, True, 1.0),
    (bool, True, True),
    (bool, 1, True),
    (bool, 0, False),
    (bool, 0.0, False),
    (list, [1, [2]], [1, [2]]),
    (dict, {"a": {"b": 1}}, {"a": {"b": 1}}),
    (tuple, [1, [2]], (1, [2])),
    (set, [1, 1], {1}),
    (frozenset, (1, 2), frozenset({1, 2})),
    (bytes, bytearray(b"x"), b"x"),
    (object, {"a": [1]}, {"a": [1]}),
    (Any, None, None),
    (Color, "red", Color.RED),
    (Color, Color.RED, Color.RED),
    (uuid.UUID, "00000000-0000-0000-0000-000000000001", uuid.UUID(int=1)),
    (str.upper, "a", "A"),
    (list[int], [1, "2"], [1, 2]),
    (List[int], [1, "2"], [1, 2]),  # noqa: UP006
    (List, [1, "2"], [1, "2"]),  # noqa: UP006
    (list[list[int]], [["1"], []], [[1], []]),
    (dict[str, int], {"a": "1"}, {"a": 1}),
    (dict[int, Any], {"1": [None]}, {1: [None]}),
    (tuple[int, ...], ["1", 2], (1, 2)),
    (set[int], ["1", 1], {1}),
    (frozenset[str], ["a"], frozenset({"a"})),
    (int | None, None, None),
    (Optional[int], "3", 3),  # noqa: UP045
    (int | str, "a", "a"),
    (int | str, "3", "3"),
    (int | str, 3, 3),
    (int | bool, True, True),
    (int | list[int], ["1"], [1]),
    (list[int | None], [None, "1"], [None, 1]),
]


@pytest.mark.parametrize(("kind", "value", "expected"), TAKEN, ids=repr)
def test_a_value_that_fits_is_taken(kind: Any, value: Any, expected: Any) -> None:
    converted = refusing(kind)(value)

    assert (converted, type(converted)) == (expected, type(value) if type(value) is Text else type(expected))


@pytest.mark.parametrize("word", ["1", "true", "yes", "on", " YES ", "True"])
def test_words_for_true(word: str) -> None:
    assert refusing(bool)(word) is True
    assert bending(bool)(word) is True


@pytest.mark.parametrize("word", ["0", "false", "no", "off", "", " ", "No"])
def test_words_for_false(word: str) -> None:
    assert refusing(bool)(word) is False
    assert bending(bool)(word) is False


def unhashable() -> str:
    """What this Python says of a list in a set."""
    value: list[Any] = [[1]]
    with pytest.raises(TypeError) as raised:
        set(value)
    return str(raised.value)


REFUSED: list[tuple[Any, Any, str]] = [
    (str, None, "must be str: Cannot convert NoneType 'None' to str"),
    (str, True, "must be str: Cannot convert bool 'True' to str"),
    (str, [1], "must be str: Cannot convert list '[1]' to str"),
    (str, b"x", "must be str: Cannot convert bytes 'b'x'' to str"),
    (str, 10**5000, "must be str: Cannot convert int 'a large int' to str"),
    (int, "x", "must be int: Cannot convert str 'x' to int"),
    (int, "", "must be int: Cannot convert str '' to int"),
    (int, "1.5", "must be int: Cannot convert str '1.5' to int"),
    (int, 1.5, "must be int: Cannot convert float '1.5' to int"),
    (int, float("nan"), "must be int: Cannot convert float 'nan' to int"),
    (int, float("inf"), "must be int: Cannot convert float 'inf' to int"),
    (int, Decimal("1.5"), "must be int: Cannot convert Decimal '1.5' to int"),
    (int, [1], "must be int: Cannot convert list '[1]' to int"),
    (int, "9" * 5000, f"must be int: Cannot convert str '{'9' * MAX_QUOTED}...' to int"),
    (float, "x", "must be float: Cannot convert str 'x' to float"),
    (float, 10**400, f"must be float: Cannot convert int '1{'0' * (MAX_QUOTED - 1)}...' to float"),
    (bool, "maybe", "must be bool: Cannot convert str 'maybe' to bool"),
    (bool, 2, "must be bool: Cannot convert int '2' to bool"),
    (bool, [1], "must be bool: Cannot convert list '[1]' to bool"),
    (list, "ab", "must be list: Expected list, got str"),
    (list, (1,), "must be list: Expected list, got tuple"),
    (dict, [1], "must be dict: Expected dict, got list"),
    (tuple, "ab", "must be tuple: Expected tuple, got str"),
    (set, [[1]], f"must be set: {unhashable()}"),
    (bytes, 5, "must be bytes: Expected bytes, got int"),
    (bytes, "x", "must be bytes: Expected bytes, got str"),
    (Color, "blue", "must be Color: 'blue' is not a valid Color"),
    (uuid.UUID, 3, "must be UUID: 'int' object has no attribute 'replace'"),
    (Decimal, "x", "must be Decimal: [<class 'decimal.ConversionSyntax'>]"),
    (int | None, "x", "must be int: Cannot convert str 'x' to int"),
    (int | float, "x", "must be int or float, got str 'x'"),
    (int | list[int], {}, "must be int or list, got dict '{}'"),
]


@pytest.mark.parametrize(("kind", "value", "text"), REFUSED, ids=lambda value: quoted(value)[:40])
def test_a_value_that_does_not_fit_is_refused(kind: Any, value: Any, text: str) -> None:
    assert problems(refusing(kind), value) == {"x": f"'x' {text}"}


def test_a_problem_within_a_list_names_the_index() -> None:
    assert problems(refusing(list[list[int]]), [[1], ["2", "x"], 3]) == {
        "x.1.1": "'x.1.1' must be int: Cannot convert str 'x' to int",
        "x.2": "'x.2' must be list: Expected list, got int",
    }


def test_a_problem_within_a_dict_names_the_key() -> None:
    assert problems(refusing(dict[int, int]), {"1": "y", "z": 2}) == {
        "x.1": "'x.1' must be int: Cannot convert str 'y' to int",
        "x.z": "'x.z' must be int: Cannot convert str 'z' to int",
    }


def test_a_dict_of_a_type_takes_no_list() -> None:
    assert problems(refusing(dict[str, int]), [1]) == {"x": "'x' must be dict: Expected dict, got list"}


@pytest.mark.parametrize(
    ("kind", "value"), [(list[int], ["y"] * 500), (dict[str, int], dict.fromkeys(map(str, range(500)), "y"))]
)
def test_the_list_of_problems_is_bounded(kind: Any, value: Any) -> None:
    assert len(problems(refusing(kind), value)) == MAX_PROBLEMS


@pytest.mark.parametrize("kind", [list, object, Any], ids=repr)
def test_a_value_that_is_nested_too_deeply_is_refused(kind: Any) -> None:
    value: list[Any] = []
    for _ in range(5000):
        value = [value]

    assert problems(refusing(kind), value) == {"x": f"'x' must not be nested deeper than {MAX_LEVELS} levels"}


def test_a_value_that_contains_itself_is_refused() -> None:
    value: dict[str, Any] = {}
    value["self"] = value

    assert "nested deeper" in problems(refusing(dict), value)["x"]


def test_what_cannot_be_copied_is_refused() -> None:
    assert "cannot be copied" in problems(refusing(list), [(i for i in "x")])["x"]


def test_an_object_of_another_kind_is_passed_on() -> None:
    value = object()

    assert refusing(object)(value) is value


@pytest.mark.parametrize("sub", [type("Sub", (list,), {}), type("Sub", (dict,), {})], ids=["list", "dict"])
def test_a_subclass_of_a_container_comes_out_plain(sub: Any) -> None:
    plain = sub.__mro__[1]

    assert type(refusing(plain)(sub())) is plain


plain_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


def containers(value: Any) -> list[int]:
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    own = [id(value)] if isinstance(value, (dict, list)) else []
    return own + [found for item in inner for found in containers(item)]


@given(plain_json)
def test_what_comes_out_is_equal_and_shares_no_container(value: Any) -> None:
    out = refusing(Any)(value)

    assert out == value
    assert not set(containers(out)) & set(containers(value))


@given(st.text() | st.integers() | st.floats() | st.booleans() | st.none() | st.lists(st.integers()))
@pytest.mark.parametrize("kind", [str, int, float, bool], ids=repr)
def test_a_converter_gives_its_type_or_refuses(kind: type, value: Any) -> None:
    try:
        converted = refusing(kind)(value)
    except Mismatch:
        return
    assert type(converted) is kind
    assert refusing(kind)(converted) == converted or converted != converted


@given(st.text() | st.integers() | st.floats() | st.booleans() | st.none() | st.lists(st.integers()))
@pytest.mark.parametrize("kind", [str, int, float, bool], ids=repr)
def test_what_is_taken_is_converted_as_0_1_1_did(kind: type, value: Any) -> None:
    try:
        converted = refusing(kind)(value)
    except Mismatch:
        return
    bent = bending(kind)(value)
    assert converted == bent or converted != converted


async def waits(value: Any) -> Any:
    return value


@pytest.mark.parametrize("kind", ["int", None, 3, waits, tuple[int, str], type[int], dict], ids=named)
def test_a_type_that_cannot_be_understood_is_refused(kind: Any) -> None:
    if kind is dict:
        kind = {"a": int}
    with pytest.raises(TypeError, match="type must be a type, list"):
        refusing(kind)


def test_a_coroutine_function_is_no_type_anywhere() -> None:
    with pytest.raises(TypeError, match="type must be a type, list"):
        bending(waits)


def test_the_type_of_an_item_is_checked_as_well() -> None:
    with pytest.raises(TypeError, match="got 'int'"):
        refusing(list["int"])


@pytest.mark.parametrize(("kind", "expected"), [(int, False), (int | None, True), (int | str, False), (None, False)])
def test_a_union_with_none_is_nullable(kind: Any, expected: bool) -> None:
    assert is_nullable(kind) is expected


def test_a_nested_type_is_asked_for_first() -> None:
    inner = object()

    convert = converter_of(list[inner], REFUSING, lambda part: str.upper if part is inner else None)  # type: ignore[valid-type]

    assert convert(["x"]) == ["X"]


class Nameless:
    def __call__(self, value: Any) -> Any:
        raise ValueError("no")


def test_a_callable_without_a_name_is_called_by_its_class() -> None:
    assert problems(refusing(Nameless()), 1) == {"x": "'x' must be Nameless: no"}


def test_a_place_is_named_from_the_outside_in() -> None:
    place = HERE.within("c").within("b").within("a")

    assert (place.path, place.head) == ("a.b.c", "'a.b.c'")


def test_a_label_stands_for_the_name() -> None:
    place = HERE.within("c").within("b", "The B").within("a", "The A")

    assert (place.path, place.head) == ("a.b.c", "'The B.c'")


def test_a_quotation_is_bounded() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    assert quoted("x" * 1000) == "x" * MAX_QUOTED + "..."
    assert quoted(deep) == "a large list"
