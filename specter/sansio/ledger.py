"""
What a service owns, and the order in which it goes.

Order: the service's own hook, timers, tasks, bus subscriptions, children (last first), cleanups (last first),
subscribers. Hooks come first because they may need everything; tasks before what they use; children before cleanups,
since a cleanup often ends what children were given. What a step acquires while the teardown runs is released by it,
too: the plan goes round until nothing is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

# A cleanup that adds a cleanup that adds a cleanup ... would keep a service for ever.
MOST_ROUNDS = 100


class Step(NamedTuple):
    """
    One step of a teardown.

    Args:
        kind: ``hook``, ``timers``, ``tasks``, ``unsubscribe``, ``child``, ``cleanup`` or ``subscribers``.
        subject: What it is done to: the function to call, the list of timers, the child; else `None`.
    """

    kind: str
    subject: Any = None


class Ledger:
    """
    All that one service owns. Lists are oldest first.

    What the runtimes hold in different ways can be given:

    Args:
        tasks: Those that run; each leaves when it ends.
        children: A list, or ``{id of the child: child}``.
        subscribers: Those who hear of the state.
    """

    __slots__ = ("bus_unsubs", "children", "cleanups", "intervals", "subscribers", "tasks", "timeouts")

    def __init__(
        self,
        tasks: dict[Any, None] | None = None,
        children: Any = None,
        subscribers: dict[Any, Any] | None = None,
    ) -> None:
        self.intervals: dict[str, Any] = {}
        self.timeouts: dict[str, Any] = {}
        # A dict keeps the order in which tasks were started.
        self.tasks = {} if tasks is None else tasks
        self.bus_unsubs: list[Callable[[], Any]] = []
        # By id, since thousands of children come and go one by one.
        self.children: Any = {} if children is None else children
        self.cleanups: list[Callable[[], Any]] = []
        self.subscribers = {} if subscribers is None else subscribers

    def __bool__(self) -> bool:
        """Whether anything must be released."""
        # Asked at every stop, hence no loop.
        return bool(
            self.intervals
            or self.timeouts
            or self.tasks
            or self.bus_unsubs
            or self.children
            or self.cleanups
            or self.subscribers
        )

    def teardown(self, *hooks: Callable[[], Any]) -> Iterator[Step]:
        """
        Plan a teardown, step by step; what a step adds is seen by those that follow.

        Args:
            hooks: Called first, in this order.

        Returns:
            Steps to be carried out one after another, each whatever became of the one before.
        """
        for hook in hooks:
            yield Step("hook", hook)
        for _ in range(MOST_ROUNDS):
            yield from self._round()
            if not self:
                return

    def _round(self) -> Iterator[Step]:
        if self.intervals or self.timeouts:
            timers = [*self.intervals.values(), *self.timeouts.values()]
            self.intervals.clear()
            self.timeouts.clear()
            yield Step("timers", timers)
        # Also without any: from here on none may be started.
        yield _TASKS
        while self.bus_unsubs:
            yield Step("unsubscribe", self.bus_unsubs.pop())
        for _ in range(len(self.children)):
            # Asked each time: one may have left by itself meanwhile. And no more than there were, or one that adds
            # another for ever would keep the round from ending.
            if self.children:
                yield Step("child", self._last_child())
        for _ in range(len(self.cleanups)):
            if self.cleanups:
                yield Step("cleanup", self.cleanups.pop())
        if self.subscribers:
            yield _SUBSCRIBERS

    def _last_child(self) -> Any:
        children = self.children
        return children.pop() if isinstance(children, list) else children.popitem()[1]


_TASKS = Step("tasks")
_SUBSCRIBERS = Step("subscribers")
