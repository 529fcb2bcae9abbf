"""Quart and python-socketio run on asyncio alone."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """The event loop under an async test."""
    return "asyncio"
