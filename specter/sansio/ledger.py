"""
What a service owns, and the order in which it goes.

Order: the service's own hook, timers, tasks, bus subscriptions (first first), children (last first), cleanups (last
first), subscribers. Hooks come first because they may need everything; tasks before what they use; children before
cleanups, since a cleanup often ends what children were given. What a step acquires while the teardown runs is released
by it, too: the plan goes round until nothing is left.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any, Literal

# A cleanup that adds a cleanup that adds a cleanup ... would keep a service for ever.
MOST_ROUNDS = 100


# (kind, subject). What it is done to is the hook, the list of timers, the function to call or the child; else `None`.
# A plain tuple: there are thousands of steps when an application stops.
Step = tuple[
    Literal["hook", "timers", "tasks", "unsubscribe", "child", "cleanup", "subscribers", "endless"],
    Any,
]


class Ledger:
    """
    All that one service owns. Lists are oldest first.

    Args:
        children: ``{id of the child: child}`` if not given, which thousands can leave one by one; or a list.

    Attributes:
        held: Each of the others: ``any(held)`` tells whether anything must be released. They are never replaced.
    """

    __slots__ = ("bus_unsubs", "children", "cleanups", "held", "intervals", "subscribers", "tasks", "timeouts")

    def __init__(self, children: Any = None) -> None:
        self.intervals: dict[str, Any] = {}
        self.timeouts: dict[str, Any] = {}
        # A dict keeps the order in which tasks were started; each leaves when it ends.
        self.tasks: dict[Any, None] = {}
        self.bus_unsubs: list[Callable[[], Any]] = []
        self.children: Any = {} if children is None else children
        self.cleanups: list[Callable[[], Any]] = []
        self.subscribers: dict[Any, Any] = {}
        self.held: tuple[Collection[Any], ...] = (
            self.intervals,
            self.timeouts,
            self.tasks,
            self.bus_unsubs,
            self.children,
            self.cleanups,
            self.subscribers,
        )

    def __bool__(self) -> bool:
        """Whether anything must be released."""
        return any(self.held)

    def teardown(self, *hooks: Callable[[], Any]) -> Iterator[Step]:
        """
        Plan a teardown, step by step; what a step adds is seen by those that follow.

        Args:
            hooks: Called first, in this order.

        Returns:
            Steps to be carried out one after another, each whatever became of the one before. The last one is
            ``endless`` if it was given up, since each round has acquired something new.
        """
        for hook in hooks:
            yield "hook", hook
        # In one piece, asking before each loop: most services hold little, and a thousand of them may stop at once.
        rounds = 0
        while True:
            if self.intervals or self.timeouts:
                timers = [*self.intervals.values(), *self.timeouts.values()]
                self.intervals.clear()
                self.timeouts.clear()
                yield "timers", timers
            # Also without any: from here on none may be started.
            yield "tasks", None
            if unsubs := self.bus_unsubs:
                unsubs.reverse()
                while unsubs:
                    yield "unsubscribe", unsubs.pop()
            # No more of these than there were, or one that adds another for ever would keep the round from ending.
            # Asked each time: one may have left by itself meanwhile.
            if children := self.children:
                listed = isinstance(children, list)
                for _ in range(len(children)):
                    if children:
                        yield "child", children.pop() if listed else children.popitem()[1]
            if cleanups := self.cleanups:
                for _ in range(len(cleanups)):
                    if cleanups:
                        yield "cleanup", cleanups.pop()
            if self.subscribers:
                yield "subscribers", None
            rounds += 1
            if not any(self.held):
                return
            if rounds == MOST_ROUNDS:
                yield "endless", None
                return
