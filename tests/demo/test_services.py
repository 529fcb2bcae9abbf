"""The services of the demo at work on a real folder, without a server, on both event loops."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest

from specter import Model, Runtime
from specter.demo import folder as folder_module
from specter.demo import usage as usage_module
from specter.demo.board import create_board
from specter.demo.catalog import Catalog, by_kind
from specter.demo.folder import Folder
from specter.demo.hasher import Hasher
from specter.demo.journal import KEPT, Journal
from specter.demo.reading import Facts
from specter.demo.usage import Usage
from specter.testing import eventually


@dataclass
class Demo:
    """The services that watch and read, started."""

    root: Path
    board: Model
    folder: Folder
    hasher: Hasher
    catalog: Catalog
    journal: Journal

    def entries(self) -> list[tuple[str, str]]:
        """What happened to which file, newest first."""
        return [(entry["what"], entry["path"]) for entry in self.board.get("activity")]


@asynccontextmanager
async def watching(root: Path) -> AsyncIterator[Demo]:
    board = create_board(root)
    folder = Folder(root, board)
    demo = Demo(root, board, folder, Hasher(folder, board), Catalog(board), Journal(board))
    with anyio.fail_after(30):
        async with Runtime(), demo.catalog, demo.journal, demo.hasher, demo.folder:
            await eventually(lambda: board.get("folder.files") is not None)
            yield demo


async def test_what_lies_in_the_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("one\ntwo\n")
    (tmp_path / "b.bin").write_bytes(b"\0" * 10)
    async with watching(tmp_path) as demo:
        await eventually(lambda: demo.board.get("queue.done") == 2)

        assert demo.board.get("totals") == {"files": 2, "bytes": 18, "lines": 2, "problems": 0}
        assert demo.entries() == [("seen", "")]
        assert demo.board.get("queue.done") == demo.board.get("queue.total") == 2


async def test_a_change_is_written_down_and_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n")
    async with watching(tmp_path) as demo:
        await eventually(lambda: demo.board.get("totals.lines") == 1)
        (tmp_path / "a.txt").write_text("one\ntwo\n")
        (tmp_path / "b.txt").write_text("three\n")
        await eventually(lambda: demo.board.get("totals.lines") == 3)

        assert {("modified", "a.txt"), ("added", "b.txt")} <= set(demo.entries())
        assert demo.board.get("activity")[0]["facts"]["digest"]


async def test_a_file_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n")
    async with watching(tmp_path) as demo:
        await eventually(lambda: "a.txt" in demo.catalog.facts)
        (tmp_path / "a.txt").unlink()
        await eventually(lambda: ("deleted", "a.txt") in demo.entries())

        assert demo.board.get("totals") == {"files": 0, "bytes": 0, "lines": 0, "problems": 0}


async def test_what_is_ignored_from_now_on_leaves_without_being_called_deleted(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("one\n")
    async with watching(tmp_path) as demo:
        await eventually(lambda: "a.log" in demo.catalog.facts)
        demo.board.set("settings.ignore", ["*.log"])
        await eventually(lambda: not demo.catalog.facts)

        assert demo.board.get("activity")[0]["counts"] == {"deleted": 1}
        assert demo.board.get("changes.deleted") == 0


async def test_another_algorithm_reads_every_file_again(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n")
    async with watching(tmp_path) as demo:
        await eventually(lambda: "a.txt" in demo.catalog.facts)
        demo.board.set("settings.algorithm", "md5")
        await eventually(lambda: len(demo.catalog.facts["a.txt"].digest) == 32)


async def test_a_file_that_waits_is_not_queued_twice(tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / f"{number}.txt").touch()
    async with watching(tmp_path) as demo:
        await eventually(lambda: demo.board.get("queue.done") == 10)
        demo.board.set("settings.pause", 2000)
        demo.hasher.take(demo.folder.files)
        demo.hasher.take(demo.folder.files)

        assert demo.hasher.total == 10
        assert demo.hasher.pending_count() <= 10


async def test_changes_are_seen_where_the_system_tells_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*paths: str, **options: Any) -> Any:
        raise OSError("inotify watch limit reached")

    monkeypatch.setattr(folder_module, "awatch", full)
    async with watching(tmp_path) as demo:
        (tmp_path / "a.txt").touch()
        await eventually(lambda: ("added", "a.txt") in demo.entries())


async def test_a_folder_that_comes_back_is_watched_again(tmp_path: Path) -> None:
    root = tmp_path / "shown"
    root.mkdir()
    async with watching(root) as demo:
        root.rmdir()
        await eventually(lambda: not demo.board.get("folder.alive"))
        root.mkdir()
        (root / "a.txt").touch()
        await eventually(lambda: ("added", "a.txt") in demo.entries())

        assert demo.board.get("folder.alive")


async def test_the_journal_keeps_the_latest_alone(tmp_path: Path) -> None:
    async with watching(tmp_path) as demo:
        for number in range(KEPT + 20):
            (tmp_path / f"{number}.txt").touch()
        await eventually(lambda: demo.board.get("changes.added") == KEPT + 20)

        assert len(demo.board.get("activity")) == KEPT


async def test_names_that_are_no_text_reach_the_board_as_text(tmp_path: Path) -> None:
    (tmp_path / "bad\udcff.txt").touch()
    async with watching(tmp_path) as demo:
        await eventually(lambda: demo.board.get("totals.files") == 1)
        (tmp_path / "bad\udcff.txt").write_text("more")
        await eventually(lambda: ("modified", "bad\ufffd.txt") in demo.entries())


async def test_a_huge_file_does_not_hold_a_stop(tmp_path: Path) -> None:
    (tmp_path / "huge").touch()
    os.truncate(tmp_path / "huge", 500 * 2**20)
    async with watching(tmp_path) as demo:
        await eventually(lambda: demo.hasher.current)
        before = anyio.current_time()
        await demo.hasher.stop()

        assert anyio.current_time() - before < 1


async def test_the_summary_is_computed_once_for_each_change(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("one\n")
    async with watching(tmp_path) as demo:
        await eventually(lambda: demo.catalog.facts)
        first = await demo.catalog.summarize()
        await demo.catalog.summarize()

        assert [row["kind"] for row in first] == ["Python"]
        assert demo.board.get("summary") == {"fresh": True, "computed": 1, "served": 2}

        (tmp_path / "b.css").write_text("body {}\n")
        await eventually(lambda: not demo.board.get("summary.fresh"))

        assert [row["kind"] for row in await demo.catalog.summarize()] == ["CSS", "Python"]
        assert demo.catalog.computed == 2


def test_kinds_are_summed_up_the_largest_first() -> None:
    facts = [Facts("a.py", "Python", 10, 1), Facts("b.py", "Python", 5, 2), Facts("c", "Other", 100, None, "", "odd")]

    assert by_kind(facts) == [
        {"kind": "Other", "files": 1, "bytes": 100, "lines": 0, "problems": 1},
        {"kind": "Python", "files": 2, "bytes": 15, "lines": 3, "problems": 0},
    ]


async def test_the_process_prints_into_the_board(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n")
    board = create_board(tmp_path)
    async with Runtime(), Usage(tmp_path, board):
        await eventually(lambda: board.get("usage.returncode") is not None)

    assert board.get("usage.returncode") == 0
    assert "together" in board.get("usage.lines")[-1]


async def test_the_process_is_started_once_by_two_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "endless.py"
    script.write_text("import time\ntime.sleep(600)\n")
    board = create_board(tmp_path)
    started: list[bool] = []

    async def measure() -> None:
        started.append(await usage.measure())

    async with Runtime(), Usage(tmp_path, board) as usage:
        await eventually(lambda: board.get("usage.returncode") is not None)
        # One that ends by itself may have ended before the second call looks at it.
        monkeypatch.setattr(usage_module, "SCRIPT", script)
        async with anyio.create_task_group() as group:
            group.start_soon(measure)
            group.start_soon(measure)

    assert sorted(started) == [False, True]


async def test_the_process_ends_with_its_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "endless.py"
    script.write_text("import time\nprint('begun')\ntime.sleep(600)\n")
    monkeypatch.setattr(usage_module, "SCRIPT", script)
    board = create_board(tmp_path)
    async with Runtime(), Usage(tmp_path, board) as usage:
        await eventually(lambda: board.get("usage.lines") == ["begun"])

        assert await usage.measure() is False
        assert usage.process is not None
        await usage.halt()
        assert not board.get("usage.running")
        assert await usage.measure() is True

        process = usage.process
    assert not process.running
