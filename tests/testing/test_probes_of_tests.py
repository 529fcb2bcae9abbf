"""What a test says that has failed by a probe: the planted bug, its place, and what was seen last."""

import pytest
from inner_projects import marked, run

ASYNC = """\
import asyncio

import anyio
import pytest
from anyio.lowlevel import checkpoint

from specter import Model, Service, bus, registry


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request):
    return request.param


async def test_released_twice(harness):
    async def scenario():
        made.append(semaphore := anyio.Semaphore(1))
        async with semaphore:
            try:
                await checkpoint()  # twice
            except anyio.get_cancelled_exc_class():
                semaphore.release()
                raise

    def check():
        assert made[-1].value == 1, f"semaphore has {made[-1].value} of 1"

    made = []
    await harness.cancel_everywhere(scenario, check)


async def test_leaked(harness):
    class Leaky(Service):
        async def on_start(self):
            unsubscribe = bus.on("planted", print)  # leaked
            await checkpoint()
            self.add_cleanup(unsubscribe)

    async def scenario():
        async with Leaky("leaky"):
            pass

    await harness.cancel_everywhere(scenario)


async def test_kept(harness):
    async def scenario():
        made.append(lock := anyio.Lock())
        await lock.acquire()
        await checkpoint()  # kept
        lock.release()

    def check():
        assert not made[-1].locked(), "the lock is kept"

    made = []
    await harness.cancel_everywhere(scenario, check)


async def test_lost(harness, anyio_backend_name):
    async def scenario():
        shelf[:] = ["item"]
        coming = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(lambda: coming.done() or coming.set_result(shelf.pop()))
        shelf.append(await coming)  # lost

    def check():
        assert shelf == ["item"], "the item is lost"

    shelf = []
    if anyio_backend_name == "trio":
        pytest.skip("no edge there")
    await harness.cancel_everywhere(scenario, check)


async def test_wrong_order(harness):
    recorder = harness.record(bus, "media:*")
    bus.on("media:added", lambda data: bus.emit_nowait("media:ready", data))
    await bus.emit("media:added", 1)
    assert recorder.events == [("media:ready", 1), ("media:added", 1)]


async def test_never(harness):
    with harness.record(bus) as recorder:
        bus.emit_nowait("other")
        await recorder.wait_for("media:ready", timeout=0.01)


async def test_in_vain(harness):
    model = Model("m", {"n": 2})
    await harness.eventually(lambda: model.get("n") == 3, on=model, timeout=0.01)  # vain


async def test_a_start_that_fails(harness):
    service = Service("s")
    harness.fail(service, "on_start", OSError("no disk"))
    await service.start()


async def test_misspelt(harness):
    harness.fail(Service("s"), "on_strat", OSError)


instance = Service("kept from test to test")


async def test_a_fault_ends_with_its_test(harness):
    harness.fail(instance, "on_start", OSError("left over"))
    harness.record(bus, "left:over")


async def test_the_next_test_has_no_fault(harness):
    async with instance:
        assert vars(instance).keys() & {"on_start"} == set()
"""


def test_what_an_async_test_says(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_probing=ASYNC)
    outcome = run(pytester)

    assert outcome.counts == {"failed": 17, "passed": 4, "skipped": 1}, outcome.text
    for backend in ("asyncio", "trio"):
        expected = {
            "released_twice": [
                "AssertionError: semaphore has 2 of 1",
                f"(scope, {backend})",
                f"; the cancellation came at test_probing.py:{marked(ASYNC, 'twice')} in scenario",
            ],
            "leaked": [
                "subscriptions: ",
                f"created at test_probing.py:{marked(ASYNC, 'leaked')} in on_start",
                f"(scope, {backend})",
            ],
            "kept": ["the lock is kept", f"test_probing.py:{marked(ASYNC, 'kept')} in scenario"],
            "wrong_order": ["At index 0 diff: Recorded(name='media:added', data=1) != ('media:ready', 1)"],
            "never": ["no event 'media:ready' within 0.01 seconds; recorded: other"],
            "in_vain": [
                f'model.get("n") == 3 (test_probing.py:{marked(ASYNC, "vain")}) did not come true within 0.01 seconds',
                "it last gave False",
            ],
            "a_start_that_fails": ["OSError: no disk"],
            "misspelt": ["AttributeError: Service has no method 'on_strat'; did you mean 'on_start' or "],
        }
        for test, texts in expected.items():
            said = outcome.section(f"test_{test}[{backend}]")
            assert [text for text in texts if text not in said] == [], said
    lost = outcome.section("test_lost[asyncio]")
    assert "the item is lost" in lost
    assert f"cancelled at checkpoint 1 (late, asyncio), at test_probing.py:{marked(ASYNC, 'lost')} in scenario" in lost


GEVENT = """\
import gevent
from gevent.lock import BoundedSemaphore

from specter_gevent import Service, bus
from specter_gevent.testing import cancel_everywhere, eventually, fail, isolated, record


def test_kept():
    def scenario():
        made.append(lock := BoundedSemaphore(1))
        lock.acquire()
        gevent.sleep(0)  # kept
        lock.release()

    def check():
        assert not made[-1].locked(), "the lock is kept"

    made = []
    cancel_everywhere(scenario, check)


def test_leaked():
    class Leaky(Service):
        def on_start(self):
            bus.on("planted", print)  # leaked
            gevent.sleep(0)
            bus.clear("planted")

    with isolated():
        cancel_everywhere(lambda: Leaky("leaky").start().stop())


def test_wrong_order():
    with isolated(), record(bus) as recorder:
        bus.emit("first")
        bus.emit("second")
    assert recorder.names == ["second", "first"]


def test_in_vain():
    found = []
    eventually(lambda: found, timeout=0.01)  # vain


def test_misspelt():
    fail(Service("s"), "on_strat", OSError)
"""


def test_what_a_gevent_test_says(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_probing=GEVENT)
    outcome = run(pytester)

    assert outcome.counts == {"failed": 5}, outcome.text
    expected = {
        "kept": [
            "the lock is kept",
            f"cancelled at checkpoint 1 (kill, gevent), at test_probing.py:{marked(GEVENT, 'kept')} in scenario",
        ],
        "leaked": ["subscriptions: ", f"created at test_probing.py:{marked(GEVENT, 'leaked')} in on_start"],
        "wrong_order": ["'first'"],
        "in_vain": [f"found (test_probing.py:{marked(GEVENT, 'vain')}) did not come true within 0.01 seconds"],
        "misspelt": ["Service has no method 'on_strat'; did you mean 'on_start' or "],
    }
    for test, texts in expected.items():
        said = outcome.section(f"test_{test}")
        assert [text for text in texts if text not in said] == [], said
