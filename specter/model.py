"""A nested state that tells its subscribers about their slice of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from ._audience import Calls, Hearer, Make, calls_here
from ._calls import name_of
from ._observed import Observed, require_plain, require_subscriber
from .ownership import forget_cleanup
from .sansio import model as rules
from .sansio.copies import copied
from .sansio.model import MISSING, Tree
from .sansio.slices import Selected, Slices

log = logging.getLogger(__name__)

# "a.b", or the keys as a tuple or a list.
Path = str | Sequence[Any]
Selector = Path | Callable[[dict[Any, Any]], Any]


class Model(Observed):
    """
    A tree of dicts that several parts of an application share.

    What goes in and what comes out is copied: nobody can change the model but by its methods. A path is ``"a.b"``, or a
    tuple or list of keys; it leads through dicts alone, a list is a value like any other. A change costs in proportion
    to its path, not to the size of the model. Reading, changing and subscribing are safe from every thread. A change
    returns when plain subscribers have heard of it; coroutine ones hear of it one change at a time and in order.

    Args:
        name: For logs and for the event.
        initial_state: `None` for an empty model. Copied.
        emit_events: Whether the bus gets an event for each change, with a snapshot.
        change_event: Its name, if not ``<name>:changed``.

    Raises:
        TypeError: *name* is no non-empty string, *initial_state* is no dict, or holds what cannot be copied.
        ValueError: It has more than 200 levels, or contains itself.

    Attributes:
        name: As given.
    """

    def __init__(
        self,
        name: str,
        initial_state: dict[Any, Any] | None = None,
        *,
        emit_events: bool = False,
        change_event: str | None = None,
    ) -> None:
        super().__init__(name, emit_events, change_event)
        self._tree = Tree(initial_state)
        self._slices: Slices[_Watching] = Slices()

    def __repr__(self) -> str:
        return f"<Model {self.name!r}>"

    def get(self, path: Path | None = None, default: Any = None) -> Any:
        """
        Read what is at a path.

        Args:
            path: `None` and an empty path stand for the whole model.
            default: What to return if there is nothing, itself and not a copy.

        Raises:
            TypeError: *path* is no path.
        """
        keys = () if path is None else rules.parts(path)
        with self._lock:
            value = self._tree.give(self._tree.find(keys))
        return default if value is MISSING else copied(value)

    def select(self, selector: Selector | None, default: Any = None) -> Any:
        """
        Read a slice.

        Args:
            selector: A path, or a plain function of a snapshot, whose errors are raised. `None` for the whole model.
            default: What to return if there is nothing at the path.

        Raises:
            TypeError: *selector* is neither.
        """
        if not callable(selector):
            return self.get(selector, default)
        require_plain(selector, "a selector")
        return selector(self.snapshot())

    def snapshot(self) -> dict[Any, Any]:
        """A copy of the whole model."""
        snapshot: dict[Any, Any] = self.get()
        return snapshot

    def set(self, path: Path, value: Any) -> None:
        """
        Set what is at a path. Dicts that are missing on the way are made; what is no dict and in the way is replaced.

        Raises:
            TypeError: *path* is no path, or *value* cannot be copied.
            ValueError: *path* is empty, or the model would have more than 200 levels.
        """
        self._change(self._tree.put, rules.parts(path), value)

    def patch(self, partial: dict[Any, Any]) -> None:
        """
        Set the entries of *partial* at the top of the model, not deeply. All of them or none.

        Raises:
            TypeError: *partial* is no dict, or cannot be copied.
            ValueError: The model would have more than 200 levels.
        """
        self._change(self._tree.merge, partial)

    def update(self, mutator: Callable[[dict[Any, Any]], dict[Any, Any] | None]) -> None:
        """
        Change the model in one step: nobody else changes it meanwhile. Costs in proportion to the size of the model.

        Args:
            mutator: A plain function that gets a draft, a copy of the model, and edits it or returns a dict that takes
                its place. If it raises, the model stays as it was. It changes the model through its draft alone.

        Raises:
            TypeError: *mutator* cannot be called, is a coroutine function, or returned neither a dict nor `None`.
            ValueError: The model would have more than 200 levels.
        """
        require_plain(mutator, "a mutator")
        self._change(self._update, mutator)

    def delete(self, path: Path) -> None:
        """
        Delete what is at a path. Where nothing is, nothing happens and nobody hears of it.

        Raises:
            TypeError: *path* is no path.
        """
        self._change(self._tree.remove, rules.parts(path))

    def clear(self) -> None:
        """Delete everything."""
        self._change(self._tree.replace, {})

    def subscribe(
        self,
        fn: Callable[[Any, Model], Any],
        *,
        selector: Selector | None = None,
        immediate: bool = False,
        owner: Any = None,
    ) -> Callable[[], None]:
        """
        Hear when a slice has changed (``==``): ``fn(slice, model)``.

        Args:
            fn: Plain or a coroutine function.
            selector: A path, or a plain function of a snapshot, which is its own. Costs nothing where a change does not
                touch the path; a function is called after every change. `None` for the whole model.
            immediate: Also call *fn* now.
            owner: Ends the subscription when it stops, and has the deliveries as its tasks; anything with
                ``add_cleanup``.

        Returns:
            A plain function that ends the subscription.

        Raises:
            TypeError: *fn* cannot be called, *selector* is neither a path nor a plain function, or *owner* cannot own.
                What a function that selects raises here is raised as well; later it is logged.
        """
        require_subscriber(fn, owner)
        require_plain(selector, "a selector")
        with self._lock:
            subscriber, path, present = self._subscriber(fn, selector, owner)
            self._slices.add(subscriber, path)
            if immediate:
                subscriber.tell(present)

        def cancel() -> None:
            self._remove(subscriber)
            subscriber.cancel()

        def unsubscribe() -> None:
            forget_cleanup(owner, cancel)
            self._remove(subscriber)
            subscriber.close()

        if owner is not None:
            owner.add_cleanup(cancel)
        if immediate:
            subscriber.calls.deliver()
        return unsubscribe

    def watch(
        self, fn: Callable[[Any, Model], Any], *, selector: Selector | None = None, immediate: bool = True
    ) -> Callable[[], None]:
        """Subscribe, and hear of the present slice at once; see `subscribe`."""
        return self.subscribe(fn, selector=selector, immediate=immediate)

    def destroy(self) -> None:
        """End all subscriptions. The state stays."""
        with self._lock:
            gone = self._slices.clear()
        for subscriber in gone:
            subscriber.close()
        log.debug("model %r destroyed", self.name)

    @property
    def _state(self) -> dict[Any, Any]:
        return self._tree.root

    @property
    def _subscribers(self) -> list[Hearer]:
        return list(self._slices)

    def _subscriber(
        self, fn: Callable[..., Any], selector: Selector | None, owner: Any
    ) -> tuple[_Watching, rules.Path | None, Any]:
        """A subscriber, the path that it watches, and what to tell it for it to hear of the present state."""
        calls = calls_here(self._slices, self)
        if callable(selector):
            hear = _hearing_selected(fn, Selected(selector, self._tree.root))
            return _Watching(hear, calls, owner, show=None), None, None
        path = rules.parts(() if selector is None else selector)
        present = self._tree.find(path)
        subscriber = _Watching(fn, calls, owner, show=copied)
        return subscriber, path, self._tree.give(None if present is MISSING else present)

    def _remove(self, subscriber: _Watching) -> None:
        with self._lock:
            self._slices.remove(subscriber)

    def _update(self, mutator: Callable[[dict[Any, Any]], dict[Any, Any] | None]) -> list[rules.Change]:
        self._mutating = True
        try:
            return self._tree.update(mutator)
        finally:
            self._mutating = False

    def _change(self, rule: Callable[..., list[rules.Change] | None], *args: Any) -> None:
        with self._lock:
            if self._mutating:
                self._require_no_mutator()
            changes = rule(*args)
            if changes is None:
                return
            waiting = self._commit(changes)
        for subscriber in waiting:
            subscriber.calls.deliver()

    def _commit(self, changes: list[rules.Change]) -> list[Hearer]:
        tree = self._tree
        waiting: list[Hearer] = []
        for subscriber, value in self._slices.heard(tree.root, changes):
            subscriber.tell(tree.give(value))
            waiting.append(subscriber)
        if self._bus_subscriber is not None:
            self._bus_subscriber.calls.add((self._bus_subscriber,), tree.give(tree.root), copied)
            waiting.append(self._bus_subscriber)
        return waiting


class _Watching(Hearer):
    """
    A subscriber to a slice.

    Args:
        show: Makes of the slice what the function is called with; `None` for the slice itself.
    """

    __slots__ = ("_show",)

    def __init__(self, fn: Callable[..., Any], calls: Calls, owner: Any, show: Make | None) -> None:
        super().__init__(fn, calls, owner)
        self._show = show

    def tell(self, value: Any) -> None:
        """Queue a call that tells of the slice."""
        self.calls.add((self,), value, self._show)


def _hearing_selected(fn: Callable[..., Any], selected: Selected) -> Callable[[Any, Any], Any]:
    def hear(root: dict[Any, Any] | None, model: Model) -> Any:
        # Without a root it is the slice as known that is asked for.
        if root is None or selected.changed(root):
            return fn(copied(selected.value), model)
        return None

    hear.__qualname__ = name_of(fn)
    return hear


def create_model(name: str, initial_state: dict[Any, Any] | None = None, **options: Any) -> Model:
    """Make a `Model`; *options* are its keyword arguments."""
    return Model(name, initial_state, **options)
