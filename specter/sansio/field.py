"""What one field of a payload may hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .callables import is_coroutine_function


class Field:
    """
    One field of a `Schema`.

    A field that is missing or ``None`` has its default, unless it is required. Any other value is brought into the
    type, must be one of the choices, and is then given to the validator.

    Args:
        type: ``str``, ``int``, ``float``, ``bool``, ``list``, ``dict``, another type or a plain function of one value;
            ``list[T]``, ``dict[K, V]``, ``tuple[T, ...]``, ``set[T]``, ``T | None``; a `Schema`, also in their places.
        required: The field must be there and not ``None`` (but for ``T | None``, where ``None`` is a value).
        default: For an optional field that is missing. A function is called for each payload (a type is not); a
            container, and those in it, are copied for each. Not checked.
        choices: The values allowed, compared after conversion; ``None`` or empty for any.
        validator: Called with the converted value. It refuses by returning ``False`` or by raising, with the text that
            the sender is to read. It must not wait.
        label: Stands for the field's name in messages.

    Raises:
        TypeError: *validator* cannot be called, or it or *default* is a coroutine function.
    """

    def __init__(
        self,
        type: Any = str,
        *,
        required: bool = False,
        default: Any = None,
        choices: Iterable[Any] | None = None,
        validator: Callable[[Any], Any] | None = None,
        label: str | None = None,
    ) -> None:
        if validator is not None and not callable(validator):
            raise TypeError(f"validator must be a plain function or None, got {validator!r}")
        for role, fn in (("validator", validator), ("default", default)):
            if fn is not None and is_coroutine_function(fn):
                raise TypeError(f"{role} must be a plain function, got {fn!r}: a schema cannot wait")
        self.type = type
        self.required = required
        self.default = default
        self.choices = None if choices is None else tuple(choices) or None
        self.validator = validator
        self.label = label

    def __repr__(self) -> str:
        return f"<Field {self.type!r}{' required' if self.required else ''}>"
