"""Which event loop a test needs."""

import pytest

asyncio_only = pytest.mark.parametrize("anyio_backend", ["asyncio"])
