"""A survey of a folder: bounded, blind to links and to what is ignored; and what two of them tell."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specter.demo.survey import Change, Stamp, Survey, difference, ignoring, take_survey

paths = st.text("ab/.", min_size=1, max_size=4)
surveys = st.dictionaries(paths, st.builds(Stamp, st.integers(0, 2), st.just(0), st.just(0))).map(Survey)


def survey_of(root: Path, *ignore: str, **options: Any) -> Survey:
    survey = take_survey(str(root), ignore, **options)
    assert survey
    return survey


def write(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def test_files_are_named_relative_to_the_root(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "sub/b.txt")

    survey = survey_of(tmp_path)

    assert list(survey.files) == ["a.txt", "sub/b.txt"]
    assert survey.folders == (str(tmp_path), str(tmp_path / "sub"))
    assert survey.files["a.txt"].size == 5


def test_ignored_folders_are_not_entered(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "node_modules/left/index.js", "deep/node_modules/x.js")

    survey = survey_of(tmp_path, "node_modules")

    assert list(survey.files) == ["a.txt"]
    assert len(survey.folders) == 2


@pytest.mark.parametrize(
    ("path", "pattern", "expected"),
    [
        ("a/b.pyc", "*.pyc", True),
        ("a/b.pyc", "a/*", True),
        ("a/b.pyc", "a", False),
        (".git", ".git", True),
        ("x/.git", ".git", True),
        (".github", ".git", False),
        ("docs/build", "docs/build", True),
        ("other/docs/build", "docs/build", False),
        ("[a]", "[a]", False),
        ("A.TXT", "*.txt", False),
    ],
)
def test_a_pattern_is_compared_with_the_name_or_with_a_slash_the_path(path: str, pattern: str, expected: bool) -> None:
    assert ignoring([pattern])(path) is expected
    assert ignoring(["other", pattern, "x/y"])(path) is expected


def test_no_pattern_leaves_nothing_out() -> None:
    assert not ignoring([])("a") and not ignoring([])("")


def test_links_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path, "sub/a.txt")
    (tmp_path / "sub" / "loop").symlink_to(tmp_path)
    (tmp_path / "everything").symlink_to("/")
    (tmp_path / "passwd").symlink_to("/etc/passwd")
    (tmp_path / "dangling").symlink_to("nowhere")

    assert list(survey_of(tmp_path).files) == ["sub/a.txt"]


def test_pipes_and_sockets_are_not_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert not survey_of(tmp_path).files


def test_a_survey_stops_at_its_limits(tmp_path: Path) -> None:
    write(tmp_path, *(f"{folder}/{file}" for folder in range(5) for file in range(5)))

    few_files = survey_of(tmp_path, max_files=7)
    few_folders = survey_of(tmp_path, max_folders=3)

    assert few_files.truncated and len(few_files.files) == 7
    assert few_folders.truncated and len(few_folders.folders) == 3
    assert not survey_of(tmp_path).truncated


def test_a_missing_root_is_not_alive(tmp_path: Path) -> None:
    assert not survey_of(tmp_path / "none").alive


def test_a_root_that_became_a_file_is_not_alive(tmp_path: Path) -> None:
    write(tmp_path, "file")

    assert not survey_of(tmp_path / "file").alive


def test_a_survey_can_be_ended(tmp_path: Path) -> None:
    write(tmp_path, "a", "b/c")
    answers = iter([True, False])

    assert take_survey(str(tmp_path), (), go_on=lambda: next(answers)) is None


def test_a_name_that_is_no_text_is_kept(tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/bad\xff", "wb"):
        pass

    assert list(survey_of(tmp_path).files) == ["bad\udcff"]


def test_the_difference_names_what_changed() -> None:
    old, new = Stamp(1, 1, 1), Stamp(1, 2, 1)

    changes = difference(
        Survey({"gone": old, "same": old, "touched": old}), Survey({"same": old, "touched": new, "new": new})
    )

    assert changes == [Change("gone", "deleted"), Change("new", "added"), Change("touched", "modified")]


@given(surveys, surveys)
def test_the_difference_leads_from_one_survey_to_the_other(before: Survey, after: Survey) -> None:
    files = dict(before.files)
    for path, what in difference(before, after):
        if what == "deleted":
            del files[path]
        else:
            assert (path in files) == (what == "modified")
            files[path] = after.files[path]

    assert files == after.files


def test_a_folder_that_cannot_be_listed_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "a", "closed/b")
    scandir = os.scandir

    def refusing(path: str) -> Any:
        if path == str(tmp_path / "closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    survey = survey_of(tmp_path)
    closed = survey_of(tmp_path / "closed")

    assert (list(survey.files), survey.unreadable) == (["a"], 1)
    assert (closed.alive, closed.folders, closed.unreadable) == (True, (), 1)
