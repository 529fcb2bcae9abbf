"""What is refused as a duration."""

import math

import pytest

from specter.sansio.duration import require_seconds


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
