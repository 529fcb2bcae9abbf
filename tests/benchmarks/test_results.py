"""What is made of the samples: figures, ratios, verdicts, exponents, tables."""

from pathlib import Path

import pytest

from benchmarks.cases import Goal
from benchmarks.growth import exponent, fits
from benchmarks.report import BEGIN, END, NoMarksError, markdown, put_into
from benchmarks.results import Area, Entry, Results, Row
from benchmarks.table import lines, number


def row(*entries: Entry, goals=(), n=None, curve=False, more_is_better=False) -> Row:
    case = "what grows" if curve else "a case"
    return Row(case, f"{case} {n}", n, "µs", "old", more_is_better, curve, list(goals), list(entries))


def results(*areas: Area) -> Results:
    return Results("2026-01-01", {"python": "3.11"}, {"asyncio": {"anyio": "4"}}, False, 3, list(areas))


OURS, OLD = Entry("ours", [2.0, 1.0, 1.5]), Entry("old", [2.0, 2.0, 2.0])


def test_the_best_sample_counts() -> None:
    assert row(OURS, OLD).figure("ours") == 1.0
    assert row(OURS, OLD, more_is_better=True).figure("ours") == 2.0
    assert row(Entry("ours", skipped="x"), OLD).figure("ours") is None


def test_spread_and_ratio() -> None:
    assert row(OURS, OLD).spread("ours") == pytest.approx(0.5)
    assert row(OURS, OLD).ratio("ours") == 0.5
    assert row(OURS).ratio("ours") is None


@pytest.mark.parametrize(
    ("goal", "reached", "met"),
    [
        (Goal("ours", 0.5, "old"), 0.5, True),
        (Goal("ours", 0.4, "old"), 0.5, False),
        (Goal("ours", 1.0), 1.0, True),
        (Goal("ours", 0.9), 1.0, False),
        (Goal("ours", at_least=0.6, of="old"), 0.5, False),
        (Goal("ours", of="old", more=-2.0), -1.0, False),
        (Goal("ours", of="old", more=-1.0), -1.0, True),
        (Goal("ours", 1.0, "nobody"), None, None),
    ],
    ids=str,
)
def test_goals(goal: Goal, reached: float | None, met: bool | None) -> None:
    assert row(OURS, OLD, goals=[goal]).verdicts("ours") == [(goal, reached, met)]


def test_a_goal_may_be_for_one_size_only() -> None:
    goal = Goal("ours", 1.0, n=100)

    assert row(OURS, goals=[goal], n=10).verdicts("ours") == []
    assert len(row(OURS, goals=[goal], n=100).verdicts("ours")) == 1


def test_the_exponent_of_what_grows() -> None:
    assert exponent([(10, 3.0), (100, 30.0), (1000, 300.0)]) == pytest.approx(1)
    assert exponent([(10, 5.0), (100, 5.0)]) == pytest.approx(0)
    assert exponent([(1, 1.0), (10, 100.0)]) == pytest.approx(2)


def grown() -> list[Row]:
    return [row(Entry("ours", [n / 10]), Entry("old", skipped="x"), n=n, curve=True) for n in (10, 100, 1000)]


def test_only_who_has_points_has_an_exponent() -> None:
    assert fits(grown()) == {"ours": pytest.approx(1)}


def test_results_are_kept_and_read_again(tmp_path: Path) -> None:
    kept = results(Area("bus", "events", [row(OURS, OLD, goals=[Goal("ours", 1.0, "old")])]))

    kept.write(tmp_path / "all.json")

    assert Results.read(tmp_path / "all.json") == kept


def test_the_table_says_what_is_missed_skipped_and_failed() -> None:
    entries = OURS, OLD, Entry("absent", skipped="absent is not installed"), Entry("broken", failed="Traceback")
    text = "\n".join(lines(Area("bus", "events", [row(*entries, goals=[Goal("ours", 0.4, "old")]), *grown()])))

    assert "≤ 0.4 × old: MISSED with 0.5" in text
    assert "skipped: absent is not installed" in text
    assert "FAILED" in text
    assert "n^1.00" in text


def test_the_page_gets_the_figures_and_keeps_the_rest(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    found = results(Area("bus", "events", [row(OURS, OLD, goals=[Goal("ours", 0.4, "old")]), *grown()]))

    put_into(page, markdown(found, {"bus": tmp_path / "bus.svg"}, page=page))

    text = page.read_text()
    assert text.startswith(f"before\n{BEGIN}\n") and text.endswith(f"{END}\nafter\n")
    assert "| ours | 1.00 | 50% | 0.5 | ≤ 0.4 × old: **0.5** |" in text
    assert "![events](bus.svg)" in text
    assert "| bus | a case None | ours | ≤ 0.4 × old | 0.5 |" in text
    assert "n^1.00" in text
    assert "\nold\n" not in text


def test_a_page_without_marks_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing")

    with pytest.raises(NoMarksError, match="page.md"):
        put_into(page, "figures")


@pytest.mark.parametrize(
    ("figure", "text"), [(12345.6, "12,346"), (123.4, "123"), (12.345, "12.35"), (0.12345, "0.123")]
)
def test_figures_have_the_digits_that_matter(figure: float, text: str) -> None:
    assert number(figure) == text
