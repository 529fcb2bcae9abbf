"""Each test of this folder runs on asyncio, on trio and on gevent, from one body."""

import pytest


@pytest.fixture
def twin(specter_backend):
    """The runtime under the test, with a bus and a registry of its own."""
    return specter_backend
