"""Values by key, and who provided them."""

from __future__ import annotations

from typing import Any


def checked_key(key: object) -> str:
    """
    Give the key without the white space around it.

    Raises:
        TypeError: *key* is no string, or an empty one.
    """
    if not isinstance(key, str) or not key.strip():
        raise TypeError(f"a registry key must be a non-empty string, got {key!r}")
    return key.strip()


class Entries:
    """The table. What changes it needs the caller's lock; `resolve` and `has` do not."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        # {key: proof of who provided the value}. A replacement has another one, and outlives the first one's owner.
        self._proofs: dict[str, object] = {}

    def provide(self, key: str, value: Any, *, replace: bool) -> object:
        """
        Put a value in.

        Returns:
            A proof for `withdraw`.

        Raises:
            KeyError: The key is taken and *replace* is false.
        """
        if key in self._values and not replace:
            raise KeyError(f"{key!r} is provided already; pass replace=True to put another value there")
        proof = object()
        self._values[key] = value
        self._proofs[key] = proof
        return proof

    def withdraw(self, key: str, proof: object) -> bool:
        """Take the value out if it is still the one that *proof* was given for."""
        return self._proofs.get(key) is proof and self.unregister(key)

    def unregister(self, key: str) -> bool:
        """Take a value out. Returns whether there was one."""
        self._proofs.pop(key, None)
        return self._values.pop(key, _MISSING) is not _MISSING

    def resolve(self, key: str) -> Any:
        """The value, `None` if there is none."""
        return self._values.get(key)

    def has(self, key: str) -> bool:
        """Whether there is a value, `None` included."""
        return key in self._values

    def require(self, key: str) -> Any:
        """
        The value.

        Raises:
            KeyError: There is none; lists what there is.
        """
        try:
            return self._values[key]
        except KeyError:
            raise KeyError(f"{key!r} is not provided; there are: {', '.join(self.keys()) or 'none'}") from None

    def keys(self) -> list[str]:
        """All keys, sorted."""
        return sorted(self._values)

    def clear(self) -> None:
        """Take all values out."""
        self._values.clear()
        self._proofs.clear()


_MISSING = object()
