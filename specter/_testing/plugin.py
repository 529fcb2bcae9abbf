"""The pytest plugin, loaded by itself where Specter is installed. Thin: what it needs is imported when it is needed."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "virtual_clock: run the test in virtual time, which moves when all tasks wait.")
    config.addinivalue_line("markers", "allow_leaks(*kinds): kinds of things that the test may leave behind.")
