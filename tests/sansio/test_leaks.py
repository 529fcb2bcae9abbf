"""What a leak report says, and in which order."""

import pytest

from specter.sansio.errors import LeakError
from specter.sansio.leaks import KINDS, Leak, checked_kinds, in_order


@pytest.mark.parametrize(
    ("leak", "text"),
    [
        (Leak("files", "pipe, fd 7"), "files: pipe, fd 7"),
        (Leak("timers", "timeout, f", "s"), "timers: timeout, f of 's'"),
        (
            Leak("tasks", "task 'a'", "s", "app.py:1 in f", "app.py:2 in g"),
            "tasks: task 'a' of 's', created at app.py:1 in f, waits at app.py:2 in g",
        ),
        (Leak("threads", "thread 't'", waits="app.py:2 in g"), "threads: thread 't', waits at app.py:2 in g"),
    ],
    ids=["bare", "owned", "all", "unowned"],
)
def test_a_leak_tells_what_is_known_of_it(leak: Leak, text: str) -> None:
    assert str(leak) == text


def test_owners_come_before_what_they_own_and_the_rest_keeps_its_order() -> None:
    leaks = [Leak("sockets", "a"), Leak("tasks", "b"), Leak("services", "c"), Leak("tasks", "d")]

    assert [leak.what for leak in in_order(leaks)] == ["c", "b", "d", "a"]
    assert [leak.what for leak in in_order(leaks, {"tasks"})] == ["c", "a"]


def test_only_kinds_can_be_excepted() -> None:
    assert checked_kinds(["tasks", "files", "tasks"]) == {"tasks", "files"}
    assert checked_kinds(KINDS) == set(KINDS)
    assert checked_kinds("tasks") == {"tasks"}
    for wrong in ("task", 1, None, ()):
        with pytest.raises(ValueError) as refused:
            checked_kinds([wrong])
        assert str(refused.value).startswith(f"{wrong!r} is no kind of leak; there are: services, tasks, timers, ")


def test_the_error_has_one_line_for_each_and_says_what_to_do() -> None:
    error = LeakError([Leak("tasks", "a"), Leak("files", "b")])

    assert str(error).splitlines() == [
        "2 things were left behind:",
        "  tasks: a",
        "  files: b",
        'end what was started, or except it by allow=["tasks", "files"]',
    ]
    assert str(LeakError([Leak("tasks", "a")])).startswith("1 thing was left behind:\n")
    assert isinstance(error, AssertionError)
