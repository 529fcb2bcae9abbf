"""The folder: a Watcher looks at it when the file system stirs, and what changed goes on the bus."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, KeysView
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from anyio import to_thread
from watchfiles import awatch

from specter import Model, Service, Watcher
from specter.demo.board import shown
from specter.demo.survey import Change, Survey, difference, take_survey

# Network drives and full inotify tables tell nothing: look this often whatever is heard.
LOOK_SECONDS = 2.0

# How long the thread that listens stays deaf to a cancellation.
LISTEN_MS = 200


# A survey, and the patterns of what it left out; None before the first one.
Seen = tuple[Survey, list[str] | None]


@dataclass(frozen=True)
class Batch:
    """
    Changes that one look has found.

    Attributes:
        changes: Sorted by path.
        quiet: Nobody touched the files: they come into view, or leave it, because of what is looked for.
    """

    changes: list[Change]
    quiet: bool


class Folder(Service):
    """Knows the files of the folder, and tells the bus (``folder:changed``, a `Batch`) what changed among them."""

    # Whoever listens to it starts before it and stops after it.
    depends_on = ("catalog", "hasher", "journal")

    def __init__(self, root: Path, board: Model) -> None:
        super().__init__("folder")
        self.root = str(root)
        self.board = board

    async def on_start(self) -> None:
        """Begin to watch."""
        self.seen: Seen = (Survey(), None)
        self.look_now = anyio.Event()
        self.stopping = False
        self.board.subscribe(self.on_ignore, selector="settings.ignore", owner=self)
        watcher = self.own(Watcher("folder", stream=self.surveys, max_backoff=5.0))
        watcher.subscribe(self.on_survey)
        await watcher.start()

    def on_stop(self) -> None:
        """Have the threads end that look and listen: a service can cancel its tasks, but not a thread."""
        self.stopping = True
        self.look_now.set()

    @property
    def files(self) -> KeysView[str]:
        """Paths of the files that the last look has found."""
        return self.seen[0].files.keys()

    def on_ignore(self, ignore: list[str], board: Model) -> None:
        """Look again, because what is left out has changed."""
        self.look_now.set()

    async def surveys(self) -> AsyncIterator[Seen]:
        """
        Look once, then whenever something stirs.

        What `awatch` reports is a hint and no more: a survey tells the same whether files came one by one, with a
        new folder, or while nobody watched. Folders are watched one by one, since a recursive watch would follow
        links out of the folder and count what is ignored.
        """
        while not self.stopping:
            self.look_now = anyio.Event()
            first, ignore = await self.look()
            yield first, ignore
            if not first.alive:
                with anyio.move_on_after(LOOK_SECONDS / 2):
                    await self.look_now.wait()
                continue
            async with aclosing(self.hints(first.folders)) as hints:
                async for _ in hints:
                    latest, ignore = await self.look()
                    yield latest, ignore
                    if latest.folders != first.folders:
                        break

    async def hints(self, folders: tuple[str, ...]) -> AsyncGenerator[None, None]:
        """Tell when to look, until the settings change."""
        watched = [path for path in folders if path == shown(path)]
        listening = awatch(
            *watched,
            watch_filter=None,
            recursive=False,
            debounce=400,
            rust_timeout=LISTEN_MS,
            yield_on_timeout=True,
            stop_event=self.look_now,
            ignore_permission_denied=True,
        )
        # At the first chance: something may have stirred before anybody listened.
        looked_at, took = -math.inf, 0.0
        async with aclosing(listening) as heard:
            async for changes in heard:
                now = time.monotonic()
                if changes or now - looked_at > LOOK_SECONDS + 30 * took:
                    yield
                    looked_at = time.monotonic()
                    took = looked_at - now
                    # A fifth of the time at most goes into looking, however busy and however large the folder is.
                    await anyio.sleep(4 * took)

    async def look(self) -> Seen:
        """Take a survey in a worker thread; the last one again if the service stops meanwhile."""
        ignore: list[str] = self.board.get("settings.ignore")
        survey = await to_thread.run_sync(partial(take_survey, self.root, ignore, go_on=lambda: not self.stopping))
        return (survey, ignore) if survey else self.seen

    def on_survey(self, found: Seen, watcher: Any) -> None:
        """Put on the board what there is, and on the bus what changed."""
        (before, ignored_before), (survey, ignore) = self.seen, found
        self.seen = found
        self.board.set(
            "folder",
            {
                **self.board.get("folder"),
                "alive": survey.alive,
                "truncated": survey.truncated,
                "files": len(survey.files),
                "folders": len(survey.folders),
                "unreadable": survey.unreadable,
            },
        )
        if changes := difference(before, survey):
            self.emit_nowait("folder:changed", Batch(changes, quiet=ignore != ignored_before))
