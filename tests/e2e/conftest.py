"""Whole applications, in processes of their own or under a real server: asyncio alone."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """The event loop under an async test."""
    return "asyncio"
