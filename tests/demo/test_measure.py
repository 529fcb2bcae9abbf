"""The child process of the demo: a report of what takes how much room."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from specter.demo import measure
from specter.demo.measure import bar, readable, weigh


def report(folder: Path) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run([sys.executable, "-I", measure.__file__, str(folder)], capture_output=True, timeout=20)


def test_the_largest_part_comes_last_before_the_sum(tmp_path: Path) -> None:
    (tmp_path / "small.txt").write_text("x")
    (tmp_path / "large").mkdir()
    (tmp_path / "large" / "a").write_bytes(b"x" * 2048)
    (tmp_path / "large" / "b").write_bytes(b"x" * 1024)

    lines = report(tmp_path).stdout.decode().splitlines()

    assert lines[0] == "measuring large/"
    assert lines[-2].split("  ")[-2:] == ["large/", "(2 files)"]
    assert lines[-3].endswith("small.txt")
    assert "3.0 KiB" in lines[-1] and lines[-1].endswith("(3 files)")


def test_a_name_that_is_no_text_is_printed_all_the_same(tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/bad\xff", "wb"):
        pass

    done = report(tmp_path)

    assert done.returncode == 0
    assert b"bad" in done.stdout


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    done = report(tmp_path / "none")

    assert (done.returncode, done.stdout) == (1, b"No such file or directory\n")


def test_links_weigh_nothing(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "all").symlink_to("/")

    assert weigh(str(tmp_path)) == (0, 0)


def test_a_very_deep_folder_is_measured(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(300):
        deep = deep / "d"
    deep.mkdir(parents=True)
    (deep / "file").write_text("x")

    assert weigh(str(tmp_path)) == (1, 1)


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (2**30, "1.0 GiB"), (2**51, "2048.0 TiB")],
)
def test_sizes_are_written_for_people(size: int, text: str) -> None:
    assert readable(size) == text


@pytest.mark.parametrize("share", [0, 0.001, 0.3, 0.999, 1])
def test_a_bar_is_as_wide_as_any_other(share: float) -> None:
    assert len(bar(share)) == measure.BAR_WIDTH
