"""
Who waits for whom, so that nobody waits for itself.

A stop waits for its steps, a step for the tasks that it ends, a task perhaps for the stop of yet another service. If
the last of them waited for the first, all would wait for ever. So each wait is noted here for as long as it lasts, and
who is about to begin one asks before whether what it would wait for waits for it.
"""

from __future__ import annotations

from typing import Any


class Waits:
    """The waits that last. What waits is opaque here, and known by its identity."""

    def __init__(self) -> None:
        # {id of who waits: {id of what it waits for: (that, how many times)}}. One may wait for many things at once: a
        # manager that boots does for each service that starts.
        self._awaited: dict[int, dict[int, tuple[Any, int]]] = {}

    def __len__(self) -> int:
        """How many wait."""
        return len(self._awaited)

    def add(self, waiter: object, awaited: object) -> None:
        """
        Note that a wait begins.

        Args:
            waiter: Who waits.
            awaited: What for; a list stands for all that is in it, at any time.
        """
        found = self._awaited.setdefault(id(waiter), {})
        before = found.get(id(awaited))
        found[id(awaited)] = awaited, 1 if before is None else before[1] + 1

    def remove(self, waiter: object, awaited: object) -> None:
        """Note that a wait ends that `add` noted."""
        found = self._awaited[id(waiter)]
        _, times = found.pop(id(awaited))
        if times > 1:
            found[id(awaited)] = awaited, times - 1
        elif not found:
            del self._awaited[id(waiter)]

    def leads(self, first: object, last: object) -> bool:
        """Whether *first* is *last*, or waits for it, directly or by way of others."""
        if first is last:
            return True
        seen = {id(first)}
        ahead = [first]
        while ahead:
            node = ahead.pop()
            # Copies: another thread may note waits of its own.
            awaited = [other for other, _ in list(self._awaited.get(id(node), {}).values())]
            for other in (*(node if isinstance(node, list) else ()), *awaited):
                if other is last:
                    return True
                if id(other) not in seen:
                    seen.add(id(other))
                    ahead.append(other)
        return False
