"""Reading one file: what is said of it, and what happens when it cannot be read."""

import hashlib
import os
from pathlib import Path

import pytest

from specter.demo import reading
from specter.demo.kinds import kind_of
from specter.demo.reading import ALGORITHMS, read_file


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_digest_is_that_of_hashlib(tmp_path: Path, algorithm: str) -> None:
    content = os.urandom(reading.CHUNK_BYTES * 2 + 1)
    (tmp_path / "a.bin").write_bytes(content)

    facts = read_file(str(tmp_path), "a.bin", algorithm)

    assert facts is not None
    assert facts.digest == hashlib.new(algorithm, content).hexdigest()
    assert facts.size == len(content)


@pytest.mark.parametrize(
    ("content", "lines"),
    [(b"", 0), (b"one", 1), (b"one\n", 1), (b"one\ntwo", 2), (b"\n\n", 2), (b"\xff\xfe one\n", 1), (b"a\0b\n", None)],
)
def test_lines_are_counted_in_text_only(tmp_path: Path, content: bytes, lines: int | None) -> None:
    (tmp_path / "file").write_bytes(content)

    facts = read_file(str(tmp_path), "file", "md5")

    assert facts is not None
    assert facts.lines == lines


def test_a_file_that_is_gone_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert read_file(str(tmp_path), "nothing", "md5") is None
    assert read_file(str(tmp_path), "file/below", "md5") is None


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    facts = read_file(str(tmp_path), "pipe", "md5")

    assert facts is not None
    assert facts.problem == "not a regular file"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "passwd").symlink_to("/etc/passwd")

    facts = read_file(str(tmp_path), "passwd", "md5")

    assert facts is not None
    assert facts.problem and not facts.digest


def test_an_error_of_the_disk_is_told(tmp_path: Path) -> None:
    facts = read_file("/proc/self", "mem", "md5")

    assert facts is not None
    assert facts.problem == "input/output error"


def test_a_folder_in_its_place_is_told_and_leaks_nothing(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))

    facts = read_file(str(tmp_path), ".", "md5")

    assert facts is not None
    assert facts.problem == "is a directory"
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    with open(tmp_path / "huge", "wb") as file:
        file.truncate(reading.MAX_BYTES + 1)

    facts = read_file(str(tmp_path), "huge", "md5")

    assert facts is not None
    assert facts.problem == "larger than 512 MiB"


def test_a_reading_can_be_ended(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")

    assert read_file(str(tmp_path), "file", "md5", lambda: False) is None


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("a/b.py", "Python"),
        ("README.MD", "Text"),
        ("Makefile", "Shell"),
        ("x/Dockerfile", "Shell"),
        ("archive.tar.gz", "Archive"),
        ("noextension", "Other"),
        ("py", "Other"),
        ("strange.<b>", "Other"),
        (".gitignore", "Settings"),
    ],
)
def test_the_kind_follows_from_the_name(path: str, kind: str) -> None:
    assert kind_of(path) == kind
