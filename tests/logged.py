"""What a test looks for in the log."""

import logging

import pytest


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The messages of what was logged as an error, in their order."""
    return [record.message for record in caplog.records if record.levelno >= logging.ERROR]
