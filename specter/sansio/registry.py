"""Values by key, and who provided them."""

from __future__ import annotations

from typing import Any


def checked_key(key: object, refusal: str = "a registry key must be a non-empty string", *fields: str) -> str:
    """
    Give the key without the white space around it.

    Args:
        key: Whatever the caller was given.
        refusal: The beginning of the error's text.
        fields: What stands in it for its ``{}``.

    Raises:
        TypeError: *key* is no string, or an empty one.
    """
    if isinstance(key, str) and (stripped := key.strip()):
        return stripped
    raise TypeError(f"{refusal.format(*fields)}, got {key!r}")


class Proof:
    """
    Tells one provided value from another of the same key.

    Attributes:
        cleanup: What the runtime has given the owner to be called at its end; opaque here.
    """

    __slots__ = ("cleanup",)

    def __init__(self) -> None:
        self.cleanup: Any = None


class Entries:
    """
    The table. What changes it needs the caller's lock; `resolve` and `has` do not.

    Args:
        taken: Text of the error for a key that is taken; ``{key}`` stands for it.
        missing: Text of the error for a key that is not there; ``{key}``, and for those that are there ``{names}``,
            sorted, or ``{keys}``, a list in the order in which they came.

    Attributes:
        values: ``{key: value}``, in the order in which the keys came. May be read without the lock.
    """

    def __init__(
        self,
        *,
        taken: str = "{key!r} is provided already; pass replace=True to put another value there",
        missing: str = "{key!r} is not provided; there are: {names}",
    ) -> None:
        self._taken = taken
        self._missing = missing
        self.values: dict[str, Any] = {}
        # {key: proof of who provided the value}. A replacement has another one, and outlives the first one's owner.
        self._proofs: dict[str, Proof] = {}
        self._taken_over: set[str] = set()

    def provide(self, key: str, value: Any, *, replace: bool) -> Proof:
        """
        Put a value in.

        Returns:
            A proof for `withdraw`.

        Raises:
            KeyError: The key is taken and *replace* is false.
        """
        if key in self.values and not replace and key not in self._taken_over:
            raise KeyError(self._taken.format(key=key))
        proof = Proof()
        self.values[key] = value
        self._proofs[key] = proof
        self._taken_over.discard(key)
        return proof

    def proof(self, key: str) -> Proof | None:
        """That of the value which is there now."""
        return self._proofs.get(key)

    def withdraw(self, key: str, proof: object) -> bool:
        """Take the value out if it is still the one that *proof* was given for."""
        return self._proofs.get(key) is proof and self.unregister(key)

    def is_replaced(self, key: str, proof: object) -> bool:
        """Whether another value has taken the place of the one that *proof* was given for."""
        return self._proofs.get(key, proof) is not proof

    def unregister(self, key: str) -> bool:
        """Take a value out. Returns whether there was one."""
        self._proofs.pop(key, None)
        return self.values.pop(key, _MISSING) is not _MISSING

    def resolve(self, key: str) -> Any:
        """The value, `None` if there is none."""
        return self.values.get(key)

    def has(self, key: str) -> bool:
        """Whether there is a value, `None` included."""
        return key in self.values

    def require(self, key: str) -> Any:
        """
        The value.

        Raises:
            KeyError: There is none; lists what there is.
        """
        try:
            return self.values[key]
        except KeyError:
            names = ", ".join(self.keys()) or "none"
            raise KeyError(self._missing.format(key=key, keys=list(self.values), names=names)) from None

    def take_over(self, others: Entries) -> None:
        """Put in what another table has, until a value is provided in its place. That one stays as it is."""
        self._taken_over.update(others.values)
        self.values.update(others.values)
        self._proofs.update(others._proofs)

    def keys(self) -> list[str]:
        """All keys, sorted."""
        return sorted(self.values)

    def clear(self) -> None:
        """Take all values out."""
        self.values.clear()
        self._proofs.clear()


_MISSING = object()
