"""What pytest shows of an error: lines of the test and of the application, not those of the harness between them."""

from __future__ import annotations

from collections.abc import Iterator
from traceback import walk_tb

# And what is there for the harness alone.
_HARNESS = (
    *("specter.testing", "specter_gevent.testing", "specter._testing"),
    *("specter.sansio.leaks", "specter.sansio.socket_client", "specter.sansio.socket_packets"),
)
# Of what this raises itself, pytest would say that all entries are hidden.
_PLUGIN = "specter._testing.plugin"


def hide_harness(error: BaseException) -> None:
    """Have pytest leave out the frames of the harness, unless it is run with ``--full-trace``."""
    for each in _with_causes(error):
        for frame, _ in walk_tb(each.__traceback__):
            module = frame.f_globals.get("__name__", "")
            if module.startswith(_HARNESS) and module != _PLUGIN:
                # pytest looks for this among the globals of a frame as well as among its locals.
                frame.f_globals["__tracebackhide__"] = True


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    """Give an error and all that is shown with it."""
    seen: set[int] = set()
    left: list[BaseException | None] = [error]
    while left:
        each = left.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            yield each
            left += [each.__cause__, each.__context__]
            if isinstance(each, BaseExceptionGroup):
                left += each.exceptions
