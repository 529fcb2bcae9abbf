"""The catalog: what is known of every file, and a Cache with the summary by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from specter import Model, Service, create_cache
from specter.demo.folder import Batch
from specter.demo.reading import Facts

Totals = dict[str, int]


class Catalog(Service):
    """Keeps the facts of all files; tells the bus (``catalog:changed``) when one came, changed or went."""

    def __init__(self, board: Model) -> None:
        super().__init__("catalog")
        self.board = board

    def on_start(self) -> None:
        """Begin with nothing known."""
        self.facts: dict[str, Facts] = {}
        self.totals: Counter[str] = Counter()
        self.served = self.computed = 0
        self.summary = self.own(create_cache("summary", depends_on=["catalog:changed"]))
        self.listen("file:read", self.on_read)
        self.listen("folder:changed", self.on_changes)
        self.listen("summary:invalidated", self.on_stale)

    def on_read(self, facts: Facts) -> None:
        """Keep what was read of a file."""
        self.forget(facts.path)
        self.facts[facts.path] = facts
        self.totals.update(counted(facts))
        self.tell()

    def on_changes(self, batch: Batch) -> None:
        """Forget the files that are gone."""
        gone = [change.path for change in batch.changes if change.what == "deleted" and change.path in self.facts]
        for path in gone:
            self.forget(path)
        if gone:
            self.tell()

    def forget(self, path: str) -> None:
        """Drop the facts of a file, if there are any."""
        if facts := self.facts.pop(path, None):
            self.totals.subtract(counted(facts))

    def tell(self) -> None:
        """Put the totals on the board and invalidate what was computed from the facts."""
        self.board.set("totals", {name: self.totals[name] for name in ("files", "bytes", "lines", "problems")})
        self.emit_nowait("catalog:changed")

    def on_stale(self, data: Any) -> None:
        """Tell the page that the summary it has is an old one."""
        self.board.set("summary.fresh", False)

    async def summarize(self) -> list[dict[str, Any]]:
        """Return the summary by kind, computed only if something changed since it was last asked for."""
        self.served += 1
        summary: list[dict[str, Any]] = await self.summary.get_or_compute(self.compute)
        self.board.set("summary", {"fresh": True, "computed": self.computed, "served": self.served})
        return summary

    def compute(self) -> list[dict[str, Any]]:
        """Compute the summary: what the cache calls when it has none."""
        self.computed += 1
        return by_kind(self.facts.values())


def counted(facts: Facts) -> Totals:
    """Return what one file adds to the totals."""
    return {"files": 1, "bytes": facts.size, "lines": facts.lines or 0, "problems": int(facts.problem is not None)}


def by_kind(facts: Iterable[Facts]) -> list[dict[str, Any]]:
    """Sum files up by kind: ``{"kind", "files", "bytes", "lines", "problems"}`` each, the largest first."""
    sums: dict[str, Counter[str]] = {}
    for one in facts:
        sums.setdefault(one.kind, Counter()).update(counted(one))
    rows = [{"kind": kind, **counts} for kind, counts in sums.items()]
    return sorted(rows, key=lambda row: (-row["bytes"], row["kind"]))
