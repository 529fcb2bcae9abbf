"""A nested state that tells its subscribers about their slice of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from types import CoroutineType
from typing import Any

from specter.sansio import model as rules
from specter.sansio.callables import require_answer, require_plain
from specter.sansio.copies import copied
from specter.sansio.model import MISSING, Tree
from specter.sansio.slices import Selected, Slices

from ._observed import Observed
from ._old_functions import delete_path, get_path, set_path
from ._overrides import is_ours
from .event_bus import bus

logger = logging.getLogger("specter.core.model")

# Applications of 0.1.x take them from here.
_normalize_path = rules.parts
_get_path, _set_path, _delete_path = get_path, set_path, delete_path

# "a.b", or the keys as a tuple or a list.
Path = str | Sequence[Any]
Selector = Path | Callable[[dict[Any, Any]], Any]


def _given(value: Any) -> Any:
    return value


class Model(Observed[dict[Any, Any]]):
    """
    A tree of dicts that several parts of an application share.

    What goes in and what comes out is copied: nobody can change the model but by its methods. A path is ``"a.b"``, or a
    tuple or list of keys; it leads through dicts alone, a list is a value like any other. Reading does not wait; a
    change waits for the mutator of another greenlet. A change returns when subscribers have heard of it, in the
    greenlet that made it. It costs in proportion to its path, and the snapshot that it returns to the size of the
    model.

    Args:
        name: For logs and for the event.
        initial_state: `None` for an empty model. Copied.
        emit_events: Whether the bus gets an event for each change, with a snapshot.
        change_event: Its name, if not ``<name>:changed``.

    Raises:
        TypeError: *initial_state* is no dict, or holds what cannot be copied.
        ValueError: It has more than 200 levels, or contains itself.

    Attributes:
        name: As given.
    """

    _specter_kind = "model"

    # Its copy is made when it changes, since what it is a copy of may be edited after that.
    _specter_show = staticmethod(_given)

    def __init__(
        self,
        name: str,
        initial_state: dict[Any, Any] | None = None,
        *,
        emit_events: bool = False,
        change_event: str | None = None,
    ) -> None:
        super().__init__(name, emit_events, change_event)
        self._specter_tree = Tree(initial_state or None)
        self._subscribers = _Subscribers()

    def __repr__(self) -> str:
        return f"<Model {self.name!r}>"

    def get(self, path: Path | None = None, default: Any = None) -> Any:
        """
        Read what is at a path.

        Args:
            path: `None` and an empty path stand for the whole model.
            default: What to return a copy of if there is nothing.

        Raises:
            TypeError: *path* is no path.
        """
        return self._specter_slice(() if path is None else rules.parts(path), default)

    def select(self, selector: Selector | None, default: Any = None) -> Any:
        """
        Read a slice.

        Args:
            selector: A path, or a plain function of a snapshot, whose errors are raised. `None` for the whole model.
            default: What to return a copy of if there is nothing at the path.

        Raises:
            TypeError: *selector* is neither.
        """
        if not callable(selector):
            return self.get(selector, default=default)
        found = selector(self.snapshot())
        if isinstance(found, CoroutineType):
            require_answer(found, selector, "a selector")
        return found

    def snapshot(self) -> dict[Any, Any]:
        """A copy of the whole model."""
        snapshot: dict[Any, Any] = self._specter_slice(())
        return snapshot

    def set(self, path: Path, value: Any) -> dict[Any, Any]:
        """
        Set what is at a path. Dicts that are missing on the way are made; what is no dict and in the way is replaced.

        Returns:
            A snapshot.

        Raises:
            TypeError: *path* is no path, or *value* cannot be copied.
            ValueError: *path* is empty, or the model would have more than 200 levels.
        """
        return self._specter_change(Tree.put, (rules.parts(path), value))

    def patch(self, partial: dict[Any, Any]) -> dict[Any, Any]:
        """
        Set the entries of *partial* at the top of the model, not deeply. All of them or none.

        Returns:
            A snapshot.

        Raises:
            TypeError: *partial* is no dict, or cannot be copied.
            ValueError: The model would have more than 200 levels.
        """
        return self._specter_change(Tree.merge, (partial,))

    def update(self, mutator: Callable[[dict[Any, Any]], dict[Any, Any] | None]) -> dict[Any, Any]:
        """
        Change the model in one step: nobody else changes it meanwhile. Costs in proportion to the size of the model.

        Args:
            mutator: A plain function that gets a draft, a copy of the model, and edits it or returns a dict that takes
                its place. If it raises, the model stays as it was. It changes the model through its draft alone.

        Returns:
            A snapshot.

        Raises:
            TypeError: *mutator* cannot be called, is a coroutine function, or returned neither a dict nor `None`.
            ValueError: The model would have more than 200 levels.
        """
        self._specter_hold()
        try:
            root = self._specter_tree.drafted(mutator)
            with self._lock:
                snapshot = self._specter_commit(Tree.replace, (root,))
        finally:
            self._specter_let_go()
        if self._specter_heard:
            self._specter_deliver()
        return snapshot

    def delete(self, path: Path) -> dict[Any, Any]:
        """
        Delete what is at a path. Where nothing is, nothing happens and nobody hears of it.

        Returns:
            A snapshot.

        Raises:
            TypeError: *path* is no path.
        """
        return self._specter_change(Tree.remove, (rules.parts(path),))

    def clear(self) -> dict[Any, Any]:
        """
        Delete everything.

        Returns:
            A snapshot: empty.
        """
        return self._specter_change(Tree.replace, ({},))

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
            fn: A plain function.
            selector: A path, or a plain function of a snapshot, which is its own. Costs nothing where a change does not
                touch the path; a function is called after every change. `None` for the whole model.
            immediate: Also call *fn* now.
            owner: Ends the subscription when it stops; anything with ``add_cleanup``.

        Returns:
            A plain function that ends the subscription.

        Raises:
            TypeError: *fn* cannot be called, or is a coroutine function, *selector* is neither a path nor a plain
                function, or *owner* cannot own. What a function that selects raises here is raised as well; later it
                is logged.
        """
        self._specter_require_subscriber(fn, owner)
        asked = self._specter_asked(selector)
        path, selected = self._specter_watched(selector)
        subscriber = _Subscriber(fn, selected)
        self._lock.acquire()
        try:
            self._subscribers.add(subscriber, path)
            if immediate:
                if asked is not MISSING:
                    present = copied(asked)
                else:
                    present = self._specter_slice(path) if selected is None else copied(selected.value)
                self._specter_first = fns = iter((fn,))
                self._specter_heard.append((fns, present))
        finally:
            self._lock.release()

        def unsubscribe() -> None:
            self._lock.acquire()
            try:
                self._subscribers.remove(subscriber)
            finally:
                self._lock.release()

        if owner is not None:
            owner.add_cleanup(unsubscribe)
        if immediate:
            self._specter_deliver()
        return unsubscribe

    def watch(
        self, fn: Callable[[Any, Model], Any], *, selector: Selector | None = None, immediate: bool = True
    ) -> Callable[[], None]:
        """Subscribe, and hear of the present slice at once; see `subscribe`."""
        return self.subscribe(fn, selector=selector, immediate=immediate)

    def destroy(self) -> None:
        """End all subscriptions, and empty the model. Nobody hears of it."""
        self._specter_hold()
        try:
            with self._lock:
                self._specter_tree = Tree()
                self._subscribers.clear()
        finally:
            self._specter_let_go()
        logger.debug("[SPECTER:model] '%s' destroyed", self.name)

    @property
    def _state(self) -> dict[Any, Any]:
        return self._specter_tree.root

    @_state.setter
    def _state(self, state: dict[Any, Any]) -> None:
        self._specter_tree = Tree(state)

    def _specter_asked(self, selector: Selector | None) -> Any:
        """What a subscriber finds by a method that is not ours; `MISSING` if those that are asked for it are."""
        if selector is None:
            return MISSING if is_ours(self.snapshot, _SNAPSHOT) else self.snapshot()
        read, ours = (self.snapshot, _SNAPSHOT) if callable(selector) else (self.get, _GET)
        return MISSING if is_ours(self.select, _SELECT) and is_ours(read, ours) else self.select(selector)

    def _specter_watched(self, selector: Selector | None) -> tuple[rules.Path | None, Selected | None]:
        """What a selector is: a path, or a function, called here for the first time."""
        if not callable(selector):
            return rules.parts(() if selector is None else selector), None
        require_plain(selector, "a selector")
        with self._lock:
            root = self._specter_tree.give(self._specter_tree.root)
        return None, Selected(selector, root)

    def _specter_slice(self, path: rules.Path | None, default: Any = None) -> Any:
        """A copy of what is at a path."""
        with self._lock:
            value = self._specter_tree.find(path or ())
            return copied(default if value is MISSING else value)

    def _specter_commit(self, rule: Callable[..., list[rules.Change] | None], what: tuple[Any, ...]) -> dict[Any, Any]:
        tree = self._specter_tree
        changes = rule(tree, *what)
        if changes is not None:
            for subscriber, value in self._subscribers.heard(tree.root, changes):
                if subscriber.selected is None:
                    self._specter_heard.append((iter((subscriber.fn,)), copied(value)))
                else:
                    self._specter_heard.append((iter((subscriber.select,)), tree.give(value)))
            if self._emit_events:
                self._specter_heard.append((iter((_emit,)), copied(tree.root)))
        snapshot: dict[Any, Any] = copied(tree.root)
        return snapshot


_GET, _SELECT, _SNAPSHOT = Model.get, Model.select, Model.snapshot


class _Subscriber:
    """Who hears of a slice, and the function that selects it, if one does."""

    __slots__ = ("fn", "selected")

    def __init__(self, fn: Callable[[Any, Model], Any], selected: Selected | None) -> None:
        self.fn = fn
        self.selected = selected

    def select(self, root: dict[Any, Any], model: Model) -> None:
        """Tell of the slice if it has changed. *root* is the model's own."""
        if self.selected is not None and self.selected.changed(root):
            self.fn(copied(self.selected.value), model)


class _Subscribers(Slices[_Subscriber]):
    """The subscribers, in order. Tests of applications compare them with a list."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return [*self] == other


def _emit(state: dict[Any, Any], model: Model) -> None:
    bus.emit(model._change_event, state)


def create_model(name: str, initial_state: dict[Any, Any] | None = None, **options: Any) -> Model:
    """Make a `Model`; *options* are its keyword arguments."""
    return Model(name, initial_state, **options)
