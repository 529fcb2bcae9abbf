"""Errors that services only log, and a test that is to fail for them."""

from __future__ import annotations

import logging

import pytest

# All of Specter's, on either runtime: there the errors of an application's hooks, tasks, timers and listeners go.
_LOGGERS = ("specter", "specter_gevent")

_ADVICE = "if the test means to cause that, mark it with @pytest.mark.fail_on_logged_errors(False)"


class Errors(logging.Handler):
    """What is logged as an error from `begin` to `end`."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._records: list[logging.LogRecord] = []
        self._texts: list[str] = []
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it as text: what it has of the application may change."""
        # With gevent, what goes to the one logger goes to the other one as well.
        if record not in self._records:
            self._records.append(record)
            self._texts.append(self.format(record))

    def begin(self) -> None:
        """Listen."""
        for name in _LOGGERS:
            logging.getLogger(name).addHandler(self)

    def end(self) -> str:
        """Listen no more. Returns a report; empty if there was none."""
        for name in _LOGGERS:
            logging.getLogger(name).removeHandler(self)
        if not self._texts:
            return ""
        count = "1 error was" if len(self._texts) == 1 else f"{len(self._texts)} errors were"
        return "\n".join([f"{count} logged:", *self._texts, _ADVICE])


_errors = pytest.StashKey[Errors]()


def is_to_fail(item: pytest.Item) -> bool:
    """Whether a test is to fail for errors that are logged: its nearest mark says so, else the configuration."""
    marker = item.get_closest_marker("fail_on_logged_errors")
    if marker is None:
        return bool(item.config.getini("specter_fail_on_logged_errors"))
    return bool(marker.args[0]) if marker.args else True


def begin(item: pytest.Item) -> None:
    """Listen for a test, its fixtures included."""
    errors = item.stash[_errors] = Errors()
    errors.begin()


def end(item: pytest.Item) -> str:
    """Listen no more. Returns why the test is to fail; empty if it is not."""
    errors = item.stash.get(_errors, None)
    if errors is None:
        return ""
    del item.stash[_errors]
    return errors.end()
