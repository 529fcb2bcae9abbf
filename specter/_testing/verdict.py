"""What becomes of the leaks of a test."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from specter.sansio.leaks import KINDS, OF_A_TEST, Leak, checked_kinds, in_order, report

_found = pytest.StashKey[list[Leak]]()
_failed = pytest.StashKey[bool]()


def keep(item: pytest.Item, leaks: Iterable[Leak]) -> None:
    """Keep what a test has left behind, for its verdict."""
    item.stash.setdefault(_found, []).extend(leaks)


def keep_stubborn(item: pytest.Item, leaks: Iterable[Leak]) -> None:
    """Keep the tasks of a test that did not end when they were cancelled, whether or not it may leave some behind."""
    found = item.stash.setdefault(_found, [])
    for leak in leaks:
        known = next((one for one in found if (one.kind, one.what) == (leak.kind, leak.what)), leak)
        found[:] = [one for one in found if one is not known]
        found.append(replace(known, what=f"{known.what}, which does not end when it is cancelled"))


def note_outcome(item: pytest.Item, outcome: pytest.TestReport) -> None:
    """Note whether a test has failed, before its leaks are told."""
    if outcome.when == "setup":  # it may be run again
        item.stash[_failed] = outcome.failed
    elif outcome.when == "call":
        item.stash[_failed] = outcome.failed or has_failed(item)


def has_failed(item: pytest.Item) -> bool:
    """Whether a test has failed, before what it has left behind, and what it has logged, is told."""
    return item.stash.get(_failed, False)


def allowed_by(item: pytest.Item) -> frozenset[str]:
    """Give the kinds of leaks that a test may leave behind; it fails if it names none, or one that there is not."""
    allowed: frozenset[str] = frozenset()
    problem = ""
    for marker in item.iter_markers("allow_leaks"):
        try:
            allowed |= checked_kinds(marker.args)
        except ValueError as error:
            problem = str(error)
        if not marker.args:
            problem = f"name the kinds of leaks that the test may leave behind, of {', '.join(KINDS)}"
    if problem:
        pytest.fail(f"@pytest.mark.allow_leaks: {problem}", pytrace=False)
    return allowed


def verdict(item: pytest.Item) -> str:
    """
    Tell why a test must fail for what it has left behind; empty if it need not.

    Of a test that has failed already the leaks are shown beside its failure, which may well be their cause.
    """
    found: list[Leak] = item.stash.get(_found, [])
    left, failed = in_order(found), has_failed(item)
    item.stash[_found] = []  # it may be run again
    if left and failed:
        item.add_report_section("teardown", "leaks", report(left, OF_A_TEST))
    return report(left, OF_A_TEST) if left and not failed else ""
