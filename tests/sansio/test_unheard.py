"""Which events that nobody hears are worth a line."""

from specter.sansio.unheard import MOST_TOLD, Unheard


def test_a_name_is_told_once() -> None:
    unheard = Unheard()

    assert [unheard.tell("a"), unheard.tell("b"), unheard.tell("a")] == ["a", "b", None]


def test_a_long_name_is_cut() -> None:
    unheard = Unheard()
    shown = unheard.tell("x" * 1_000_000)

    assert shown is not None and len(shown) == 101
    assert unheard.tell("x" * 1_000_001) is None


def test_names_without_end_are_told_up_to_a_number() -> None:
    unheard = Unheard()
    told = [unheard.tell(str(number)) for number in range(MOST_TOLD)]

    assert None not in told
    assert unheard.enough
    assert unheard.tell("one more") is None
