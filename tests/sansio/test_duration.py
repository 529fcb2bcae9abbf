"""What is refused as a duration."""

import math

import pytest

from specter.sansio.duration import limit, require_seconds


@pytest.mark.parametrize("seconds, least", [(0.001, None), (5, None), (0, 0), (2, 2)])
def test_a_duration_is_a_number_of_seconds(seconds, least):
    require_seconds(seconds, "delay", least)


@pytest.mark.parametrize(
    "seconds, least, error, message",
    [
        ("1", None, TypeError, "delay must be a number of seconds, got '1'"),
        (True, None, TypeError, "delay must be a number of seconds, got True"),
        (math.inf, None, ValueError, "delay must be finite, got inf"),
        (math.nan, 0, ValueError, "delay must be finite, got nan"),
        (0, None, ValueError, "delay must be more than 0 seconds, got 0"),
        (-1, 0, ValueError, "delay must be 0 seconds or more, got -1"),
    ],
    ids=lambda value: repr(value)[:12],
)
def test_what_is_none_is_refused(seconds, least, error, message):
    with pytest.raises(error) as raised:
        require_seconds(seconds, "delay", least)

    assert str(raised.value) == message


@pytest.mark.parametrize("timeout, seconds", [(None, math.inf), (0, 0), (-1, -1), (2.5, 2.5), (math.inf, math.inf)])
def test_a_limit_is_a_number_of_seconds_or_there_is_none(timeout, seconds):
    assert limit(timeout) == seconds


@pytest.mark.parametrize("timeout, error", [("1", TypeError), (True, TypeError), (math.nan, ValueError)])
def test_what_is_no_limit_is_refused(timeout, error):
    with pytest.raises(error, match="timeout must be .*, got " + repr(timeout)):
        limit(timeout)
