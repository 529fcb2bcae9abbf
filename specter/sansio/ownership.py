"""Who may own, and how that which is owned is ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import CoroutineType
from typing import Any

# In this order: a resource that can be stopped gently is not killed.
STOP_METHODS = ("stop", "close", "aclose", "disconnect", "destroy", "terminate", "kill")


def require_owner(owner: object) -> None:
    """
    Refuse an owner that cannot take a cleanup.

    Raises:
        TypeError: *owner* has no callable ``add_cleanup``; names its type.
    """
    if not callable(getattr(owner, "add_cleanup", None)):
        raise TypeError(f"owner must have add_cleanup(fn), got {type(owner).__name__}")


def require_callable(fn: object, what: str) -> None:
    """
    Refuse what cannot be called.

    Raises:
        TypeError: *fn* is not callable; *what* names its role.
    """
    if not callable(fn):
        called = f": pass {fn.__qualname__} itself, without calling it" if isinstance(fn, CoroutineType) else ""
        raise TypeError(f"{what} must be callable, got {type(fn).__name__}{called}")


def stop_method(resource: object, name: str | None = None, *, tried: Sequence[str] = STOP_METHODS) -> Callable[[], Any]:
    """
    Find the bound method that ends a resource.

    Args:
        resource: What is owned.
        name: The method to take; `None` for the first of *tried* that exists.
        tried: Names of methods, most gentle first.

    Raises:
        TypeError: There is no such method; names the resource's type and what was tried.
    """
    method = first_method(resource, (name,) if name is not None else tried)
    if method is None:
        wanted = repr(name) if name is not None else ", ".join(tried)
        raise TypeError(
            f"{type(resource).__name__} cannot be owned: no method to end it (tried {wanted}); pass stop_method="
        )
    return method


def first_method(resource: object, names: Iterable[str]) -> Callable[[], Any] | None:
    """The first of the methods *names* that *resource* has, bound; `None` if it has none of them."""
    for name in names:
        method = getattr(resource, name, None)
        if callable(method):
            return method  # type: ignore[no-any-return]
    return None
