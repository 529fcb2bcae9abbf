"""The gevent tests' own tools: what they rely on, they check first."""

import sys

import gevent
import pytest
from greenlets import ended, patched, turns


def test_the_process_of_the_tests_is_not_patched():
    monkey = sys.modules.get("gevent.monkey")

    assert monkey is None or not monkey.is_anything_patched()


def test_turns_run_what_can_run():
    seen = []
    gevent.spawn(seen.append, 1)
    turns(1)

    assert seen == [1]


def test_ended_raises_what_the_greenlet_raised(hub_errors):
    with pytest.raises(ZeroDivisionError):
        ended(gevent.spawn(lambda: 1 / 0))

    assert "ZeroDivisionError" in hub_errors.pop()


def test_a_patched_process_is_patched():
    assert patched("import time\nprint(time.sleep.__module__)") == "gevent.hub"
