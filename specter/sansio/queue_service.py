"""
The items of a queue: which are waiting, which are being worked on, and who waits for room.

    offered ──→ waiting ──→ taken ──→ done
       └─ full: lined up ─┘      (unfinished: from accepted to done)

Whoever lines up for room keeps his place: an item that is taken makes room for the first in line, for nobody else.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Literal

from .count import require_count


class Ticket:
    """
    A place in the line for room.

    Args:
        item: What is to be accepted.

    Attributes:
        state: ``waiting``, then ``accepted``, or ``refused``: there will be no room.
    """

    __slots__ = ("item", "state")

    def __init__(self, item: Any) -> None:
        self.item = item
        self.state: Literal["waiting", "accepted", "refused"] = "waiting"


class Backlog:
    """
    The items that were accepted and are not done, first in, first out.

    Args:
        maxsize: How many may wait, those being worked on not counted; 0 for any number.

    Attributes:
        unfinished: How many were accepted and are not done: those that wait and those being worked on.

    Raises:
        TypeError: *maxsize* is no whole number.
        ValueError: It is negative.
    """

    def __init__(self, maxsize: int = 0) -> None:
        require_count(maxsize, "maxsize", 0)
        self.maxsize = maxsize
        self.unfinished = 0
        self._waiting: deque[Any] = deque()
        self._line: deque[Ticket] = deque()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether there is no room."""
        return 0 < self.maxsize <= len(self._waiting)

    def offer(self, item: Any) -> bool:
        """Accept an item if there is room."""
        if self.full:
            return False
        self._waiting.append(item)
        self.unfinished += 1
        return True

    def line_up(self, item: Any) -> Ticket:
        """Take a place in the line. Only when it is full."""
        ticket = Ticket(item)
        self._line.append(ticket)
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give the place up. Harmless once the item was accepted or refused."""
        if ticket.state == "waiting":
            self._line.remove(ticket)
            ticket.state = "refused"

    def take(self) -> tuple[Any, Ticket | None]:
        """
        Take out the first item.

        Returns:
            The item, and the ticket of the one that was accepted in its place.

        Raises:
            IndexError: Nothing waits.
        """
        item = self._waiting.popleft()
        if not self._line:
            return item, None
        ticket = self._line.popleft()
        ticket.state = "accepted"
        self.offer(ticket.item)
        return item, ticket

    def done(self) -> None:
        """
        A taken item is done.

        Raises:
            ValueError: More were done than were taken.
        """
        if self.unfinished <= len(self._waiting):
            raise ValueError("done was called more often than items were taken")
        self.unfinished -= 1

    def refuse(self) -> list[Ticket]:
        """Send the whole line away. Returns the tickets, refused."""
        refused = list(self._line)
        self._line.clear()
        for ticket in refused:
            ticket.state = "refused"
        return refused

    def drop(self) -> int:
        """Forget what waits. Returns how many items that were."""
        dropped = len(self._waiting)
        self._waiting.clear()
        self.unfinished -= dropped
        return dropped
