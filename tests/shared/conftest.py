"""Each test of this folder runs on asyncio, on trio and on gevent, from one body; see `twin`."""

import importlib.util
import inspect
from functools import partial

import pytest
from twin import Twin

BACKENDS = ["asyncio", *(["trio"] if importlib.util.find_spec("trio") else []), "gevent"]


@pytest.fixture(params=BACKENDS)
def anyio_backend(request):
    return request.param


@pytest.fixture
def twin(anyio_backend):
    """The runtime under the test. Its bus and its registry are empty again afterwards."""
    twin = Twin(anyio_backend)
    yield twin
    for instance in (twin.bus, twin.registry):
        vars(instance).clear()
        type(instance).__init__(instance)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Run an async body by its twin, before anyio's plugin would run it."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    arguments["twin"].run(partial(pyfuncitem.obj, **arguments))
    return True
