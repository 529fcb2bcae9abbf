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
        waiting: Those that wait, first first. The counts stay right if an item is appended here, where any number may
            wait, or if the first is taken out of here in exchange for a taken one that is done.
        taken: How many were taken and are not done.

    Raises:
        TypeError: *maxsize* is no whole number.
        ValueError: It is negative.
    """

    def __init__(self, maxsize: int = 0) -> None:
        require_count(maxsize, "maxsize", 0)
        self.maxsize = maxsize
        self.waiting: deque[Any] = deque()
        self.taken = 0
        self._line: deque[Ticket] = deque()

    @property
    def unfinished(self) -> int:
        """How many were accepted and are not done: those that wait and those being worked on."""
        return len(self.waiting) + self.taken

    @property
    def full(self) -> bool:
        """Whether there is no room."""
        return 0 < self.maxsize <= len(self.waiting)

    def offer(self, item: Any) -> bool:
        """Accept an item if there is room, and nobody waits for it."""
        if self.full or self._line:
            return False
        self.waiting.append(item)
        return True

    def line_up(self, item: Any) -> Ticket:
        """Take a place in the line. Only when an item was not accepted."""
        ticket = Ticket(item)
        self._line.append(ticket)
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give the place up. Harmless once the item was accepted or refused."""
        if ticket.state == "waiting":
            self._line.remove(ticket)
            ticket.state = "refused"

    def admit(self) -> list[Ticket]:
        """Accept the items of the line for which there is room. Returns their tickets, in order."""
        admitted = []
        while self._line and not self.full:
            ticket = self._line.popleft()
            ticket.state = "accepted"
            self.waiting.append(ticket.item)
            admitted.append(ticket)
        return admitted

    def take(self) -> Any:
        """
        Take out the first item. What lines up is to be admitted then.

        Raises:
            IndexError: Nothing waits.
        """
        item = self.waiting.popleft()
        self.taken += 1
        return item

    def done(self) -> None:
        """
        A taken item is done.

        Raises:
            ValueError: More were done than were taken.
        """
        if not self.taken:
            raise ValueError("done was called more often than items were taken")
        self.taken -= 1

    def refuse(self) -> list[Ticket]:
        """Send the whole line away. Returns the tickets, refused."""
        refused = list(self._line)
        self._line.clear()
        for ticket in refused:
            ticket.state = "refused"
        return refused

    def drop(self) -> int:
        """Forget what waits. Returns how many items that were."""
        dropped = 0
        # One by one: another thread may take one meanwhile, which is not dropped then.
        while True:
            try:
                self.waiting.popleft()
            except IndexError:
                return dropped
            dropped += 1
