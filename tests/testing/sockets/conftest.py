"""The event loop of Socket.IO clients."""

from __future__ import annotations

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """python-socketio runs on asyncio alone."""
    return "asyncio"
