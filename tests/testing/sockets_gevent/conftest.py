"""The server that clients on gevent talk to."""

from __future__ import annotations

import pytest
from talking_gevent import new_server


@pytest.fixture
def server():
    """A Socket.IO server that echoes."""
    return new_server()
