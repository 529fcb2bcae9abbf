"""The journal: the latest changes, newest first, each with what was read of the file."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import asdict
from itertools import count
from typing import Any

from specter import Model, Service
from specter.demo.board import shown
from specter.demo.folder import Batch
from specter.demo.reading import Facts

KEPT = 60


class Journal(Service):
    """Listens to the bus and writes down what happens."""

    def __init__(self, board: Model) -> None:
        super().__init__("journal")
        self.board = board

    def on_start(self) -> None:
        """Begin with an empty page."""
        self.entries: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.counts = Counter(added=0, modified=0, deleted=0)
        self.numbers = count(1)
        self.listen("folder:changed", self.on_changes)
        self.listen("file:read", self.on_read)

    def on_changes(self, batch: Batch) -> None:
        """Write the changes down: one entry each, or one for all if nobody touched the files."""
        whats = Counter(change.what for change in batch.changes)
        if batch.quiet:
            self.write("", "seen", counts=dict(whats))
        else:
            self.counts.update(whats)
            for change in batch.changes[-KEPT:]:
                self.write(change.path, change.what)
        self.show()

    def write(self, path: str, what: str, **more: Any) -> None:
        """Put an entry on top."""
        entry = {"id": next(self.numbers), "path": path, "what": what, "at": time.time(), "facts": None, **more}
        self.entries.appendleft(entry)

    def on_read(self, facts: Facts) -> None:
        """Add to the latest entry of a file what was read of it."""
        latest = next((entry for entry in self.entries if entry["path"] == facts.path), None)
        if latest and latest["what"] != "deleted":
            latest["facts"] = {**asdict(facts), "path": shown(facts.path)}
            self.show()

    def show(self) -> None:
        """Put the entries on the board."""
        entries = [{**entry, "path": shown(entry["path"])} for entry in self.entries]
        self.board.patch({"activity": entries, "changes": dict(self.counts)})
