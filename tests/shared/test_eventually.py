"""Waiting until something has come true, on both runtimes."""

import threading
from functools import partial
from importlib import import_module

import pytest

# The bus is the test's own, and goes with it.
pytestmark = pytest.mark.allow_leaks("subscriptions")


@pytest.fixture
def harness(twin):
    return import_module(f"{twin.package.__name__}.testing")


# What it waits for.


async def test_what_is_true_already_is_given_at_once(twin, harness):
    asked = []

    assert await twin(harness.eventually(lambda: asked.append(1) or "value", timeout=0)) == "value"
    assert asked == [1]


async def test_it_is_asked_again_when_something_has_run(twin, harness):
    values, asked = [], []

    async def later():
        await twin.turns()
        values.append("value")
        await twin.sleep(0.01)

    async def wait():
        return await twin(harness.eventually(lambda: asked.append(1) or values[:]))

    outcomes = await twin.together(wait, later)

    assert outcomes[0] == ["value"]
    assert len(asked) < 20


async def test_nothing_is_asked_while_nothing_runs(twin, harness):
    asked = []

    with pytest.raises(TimeoutError):
        await twin(harness.eventually(lambda: asked.append(1), timeout=0.3))

    assert len(asked) < 15


async def test_two_that_wait_do_not_keep_each_other_busy(twin, harness):
    asked = []

    async def wait():
        await twin(harness.eventually(lambda: asked.append(1), timeout=0.2))

    outcomes = await twin.together(wait, wait)

    assert {type(outcome) for outcome in outcomes} == {TimeoutError}
    assert len(asked) < 40


@pytest.mark.parametrize("error", [AssertionError, AttributeError, KeyError, IndexError])
async def test_what_is_not_there_yet_is_waited_for(twin, harness, error):
    there = []

    def predicate():
        if not there:
            raise error("not yet")
        return "value"

    async def later():
        await twin.turns()
        there.append(1)
        await twin.turns()

    async def wait():
        return await twin(harness.eventually(predicate))

    assert (await twin.together(wait, later))[0] == "value"


async def test_another_error_of_the_predicate_is_raised(twin, harness):
    with pytest.raises(ZeroDivisionError):
        await twin(harness.eventually(lambda: 1 / 0))


async def test_what_a_thread_does_without_a_word_is_noticed(twin, harness):
    done = []
    thread = threading.Timer(0.02, done.append, [1])
    thread.start()

    assert await twin(harness.eventually(lambda: done)) == [1]
    thread.join()


# What it says.


async def test_in_vain_it_says_the_source_and_the_last_answer(twin, harness):
    store = twin.create_store("s", {"n": 2})

    with pytest.raises(TimeoutError) as found:
        await twin(harness.eventually(lambda: store.get("n") == 3, timeout=0.01))

    line = found.tb.tb_lineno
    assert str(found.value) == (
        f'store.get("n") == 3 (test_eventually.py:{line}) did not come true within 0.01 seconds: it last gave False'
    )


async def test_in_vain_it_says_the_last_error(twin, harness):
    def nothing_there():
        raise KeyError("n")

    with pytest.raises(TimeoutError, match=r"nothing_there \(test_eventually.py:\d+\) .*: it last raised") as found:
        await twin(harness.eventually(nothing_there, timeout=0))
    assert isinstance(found.value.__cause__, KeyError)


async def test_in_vain_it_says_the_last_error_in_one_line(twin, harness):
    def asserts():
        raise AssertionError("assert 1 == 2\n  many\n  more")

    with pytest.raises(TimeoutError, match="it last raised AssertionError: assert 1 == 2$"):
        await twin(harness.eventually(asserts, timeout=0))


async def test_of_a_function_that_only_asserts_it_says_what_is_missing(twin, harness):
    def only_asserts():
        assert True

    with pytest.raises(TimeoutError, match=r"last gave None \(a function that only asserts returns True at its end\)$"):
        await twin(harness.eventually(only_asserts, timeout=0))


async def test_of_a_function_that_gives_something_it_says_that_alone(twin, harness):
    def gives():
        return 0

    with pytest.raises(TimeoutError, match="last gave 0$"):
        await twin(harness.eventually(gives, timeout=0))


async def test_what_cannot_be_called_or_observed_is_refused(twin, harness):
    with pytest.raises(TypeError, match="a predicate must be callable"):
        await twin(harness.eventually(True))
    with pytest.raises(TypeError, match="on= takes stores, models, .*, got 5"):
        await twin(harness.eventually(lambda: False, on=5))


# What is observed.


async def changed(twin, harness, thing, predicate, change):
    """What `eventually` gives, that observes *thing*, when *change* was called."""

    async def later():
        await twin.turns()
        await twin(change())

    async def wait():
        return await twin(harness.eventually(predicate, on=thing))

    return (await twin.together(wait, later))[0]


async def done():
    """Nothing to wait for."""


def plain(twin, fn):
    """A call of *fn* that can be waited for on asyncio."""
    return fn if twin.on_gevent else lambda: (fn(), done())[1]


async def test_a_store_is_observed(twin, harness):
    store = twin.create_store("s")

    assert await changed(twin, harness, store, lambda: store.get("n"), plain(twin, lambda: store.set({"n": 1}))) == 1
    assert not list(store._subscribers)


async def test_a_model_is_observed(twin, harness):
    model = twin.create_model("m")

    assert await changed(twin, harness, model, lambda: model.get("a.b"), plain(twin, lambda: model.set("a.b", 1))) == 1


async def test_the_state_and_the_life_of_a_service_are_observed(twin, harness):
    service = twin.Service("s")
    before = set(vars(service))

    assert await changed(twin, harness, service, lambda: service.running, service.start)
    assert await changed(
        twin, harness, service, lambda: service.get_state()["n"], plain(twin, lambda: service.set_state({"n": 5}))
    ) == 5  # fmt: skip
    assert await changed(twin, harness, service, lambda: not service.running, service.stop)
    assert "_set_phase" not in set(vars(service)) - before


async def test_a_queue_is_observed(twin, harness):
    class Work(twin.QueueService):
        def handle_item(self, item):
            done.append(item)

    work, done = Work("work"), []
    await twin(work.start())

    await changed(twin, harness, work, lambda: done, lambda: work.enqueue(1))
    assert done == [1]
    await twin(work.stop())


async def test_a_bus_and_a_recorder_are_observed(twin, harness):
    heard = []
    twin.bus.on("event", heard.append)

    with harness.record(twin.bus) as recorder:
        await changed(twin, harness, twin.bus, lambda: heard, lambda: twin.bus.emit("event", 1))
        await changed(twin, harness, recorder, lambda: len(recorder.names) == 2, lambda: twin.bus.emit("event", 2))

    assert heard == [1, 2]
    assert len(twin.bus._listeners.hearing("event").entries) == 1


async def test_the_registry_is_observed(twin, harness):
    registry = twin.registry

    await changed(twin, harness, registry, lambda: registry.has("a"), plain(twin, lambda: registry.provide("a", 1)))
    await changed(twin, harness, registry, lambda: not registry.list(), plain(twin, registry.clear))

    async with twin.within(twin.Service("owner")) as owner:
        registry.provide("b", 1, owner=owner)
        await changed(twin, harness, registry, lambda: not registry.has("b"), owner.stop)
    table = registry._table if twin.on_gevent else registry._entries
    assert not {"provide", "unregister", "clear"} & vars(table).keys()


async def test_several_are_observed(twin, harness):
    one, two = twin.create_store("one"), twin.create_store("two")

    for store in (one, two):
        change = plain(twin, partial(store.set, {"n": 1}))
        assert await changed(twin, harness, (one, two), partial(store.get, "n"), change)


async def test_what_is_observed_is_heard_of_from_a_thread(twin, harness):
    store = twin.create_store("s")
    thread = threading.Timer(0.01, store.set, [{"n": 1}])
    thread.start()

    assert await twin(harness.eventually(lambda: store.get("n"), on=store)) == 1
    await twin.sleep(0.01)
    thread.join()
