"""The hasher: a QueueService whose workers read what changed, one file an item."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import anyio
from anyio import to_thread

from specter import Model, QueueService
from specter.demo.board import SPEED_SECONDS, shown
from specter.demo.folder import Batch, Folder
from specter.demo.reading import Facts, read_file
from specter.demo.survey import MAX_FILES

WORKERS = 2


class Hasher(QueueService):
    """Reads files in worker threads and tells the bus (``file:read``, a `Facts`) what it found."""

    def __init__(self, folder: Folder, board: Model) -> None:
        super().__init__("hasher", worker_count=WORKERS, maxsize=2 * MAX_FILES)
        self.folder = folder
        self.board = board

    def on_start(self) -> None:
        """Begin to take files."""
        self.stopping = False
        self.waiting: set[str] = set()
        self.current: list[str] = []
        self.done = self.total = self.bytes = 0
        self.read_now = 0
        self.speed = deque([0] * SPEED_SECONDS, maxlen=SPEED_SECONDS)
        self.listen("folder:changed", self.on_changes)
        self.interval(self.sample, 1.0)
        self.board.subscribe(self.on_algorithm, selector="settings.algorithm", owner=self)

    def on_stop(self) -> None:
        """Have the threads end that read: a service can cancel its tasks, but not a thread."""
        self.stopping = True

    def on_changes(self, batch: Batch) -> None:
        """Take the files that are new or other than before."""
        self.take(change.path for change in batch.changes if change.what != "deleted")

    def on_algorithm(self, algorithm: str, board: Model) -> None:
        """Take every file again: a hash of another kind is wanted."""
        self.take(self.folder.files)

    def take(self, paths: Iterable[str]) -> None:
        """Queue files; one that waits already is not queued twice, however often it changes."""
        if not self.waiting and not self.current:
            self.done = self.total = self.bytes = 0
        for path in paths:
            if path not in self.waiting and self.enqueue_nowait(path):
                self.waiting.add(path)
                self.total += 1
        self.show()

    async def handle_item(self, path: str) -> None:
        """Read one file, if it is still of interest before and after."""
        # From here on a change queues it again: the reading may have missed it.
        self.waiting.discard(path)
        self.current.append(path)
        self.show()
        try:
            facts = await self.read(path) if path in self.folder.files else None
            if facts and path in self.folder.files:
                self.bytes += facts.size
                self.read_now += 1
                self.emit_nowait("file:read", facts)
            await anyio.sleep(self.board.get("settings.pause") / 1000)
        finally:
            self.current.remove(path)
            self.done += 1
            self.show()

    async def read(self, path: str) -> Facts | None:
        """Read in a worker thread."""
        algorithm = self.board.get("settings.algorithm")
        return await to_thread.run_sync(read_file, self.folder.root, path, algorithm, lambda: not self.stopping)

    def sample(self) -> None:
        """Write down how many files were read in the last second."""
        self.speed.append(self.read_now)
        self.read_now = 0
        self.board.set("speed", list(self.speed))

    def show(self) -> None:
        """Put the progress on the board."""
        self.board.set(
            "queue",
            {
                "pending": len(self.waiting),
                "done": self.done,
                "total": self.total,
                "bytes": self.bytes,
                "workers": WORKERS,
                "current": [shown(path) for path in self.current],
            },
        )
