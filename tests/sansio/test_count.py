"""What is refused as a number of things."""

import pytest

from specter.sansio.count import require_count


@pytest.mark.parametrize("count", [1, 2, 10**9])
def test_a_count_is_a_whole_number(count):
    require_count(count, "worker_count", 1)


@pytest.mark.parametrize(
    "count, error, message",
    [
        (1.5, TypeError, "worker_count must be a whole number, got 1.5"),
        ("1", TypeError, "worker_count must be a whole number, got '1'"),
        (True, TypeError, "worker_count must be a whole number, got True"),
        (0, ValueError, "worker_count must be 1 or more, got 0"),
    ],
)
def test_what_is_none_is_refused(count, error, message):
    with pytest.raises(error) as raised:
        require_count(count, "worker_count", 1)

    assert str(raised.value) == message
