"""Virtual time on asyncio and trio."""

import itertools

import anyio
import pytest
from outside import PATIENCE

from specter.testing import backend_options, virtual_time


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request):
    return request.param, backend_options(request.param)


@pytest.fixture
async def ticking(anyio_backend):
    """A virtual clock, and a task that has time move on each second."""

    async def tick():
        for _ in itertools.count():
            await anyio.sleep(1)

    with virtual_time(patience=PATIENCE) as clock:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tick)
            yield clock
            tasks.cancel_scope.cancel()
