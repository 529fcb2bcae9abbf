"""Socket events that nobody hears: each name is told once, as far as that is worth a line in the log."""

from __future__ import annotations

# A client may send as many names as it likes, and as long as it likes.
MOST_TOLD = 100
_MOST_SHOWN = 100


class Unheard:
    """The names that were told."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def tell(self, event: str) -> str | None:
        """
        Note that nobody hears an event.

        Args:
            event: Its name, as the client sent it.

        Returns:
            How it is shown in the log; `None` if it was told before, or enough were.
        """
        name = event if len(event) <= _MOST_SHOWN else f"{event[:_MOST_SHOWN]}…"
        if name in self._told or len(self._told) >= MOST_TOLD:
            return None
        self._told.add(name)
        return name

    @property
    def enough(self) -> bool:
        """Whether no other one will be told."""
        return len(self._told) >= MOST_TOLD
