"""Caches, on both runtimes."""

import pytest

# The bus is the test's own, and goes with it.
pytestmark = pytest.mark.allow_leaks("subscriptions")


async def test_a_value_is_there_until_it_is_invalidated(twin):
    cache = twin.create_cache("c")
    assert (cache.get("default"), cache.is_valid()) == ("default", False)
    cache.set(0)
    assert (cache.get("default"), cache.is_valid()) == (0, True)
    cache.invalidate()
    assert (cache.get("default"), cache.is_valid()) == ("default", False)


async def test_a_value_expires(twin):
    cache = twin.create_cache("c", ttl=3600)
    cache.set("short", ttl=0.001)
    await twin.sleep(0.01)
    assert not cache.is_valid()
    cache.set("long")
    await twin.sleep(0.01)
    assert cache.get() == "long"


async def test_many_ask_and_one_computes(twin):
    calls = []
    cache = twin.create_cache("c")

    @twin.waits
    async def factory():
        calls.append(1)
        await twin.sleep(0.01)
        return "value"

    async def asks():
        return await twin(cache.get_or_compute(factory))

    assert await twin.together(*[asks] * 10) == ["value"] * 10
    assert (len(calls), cache.get()) == (1, "value")


async def test_a_failure_is_never_kept(twin):
    answers = [ValueError("no"), None, "value"]
    cache = twin.create_cache("c")

    def factory():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(ValueError, match="no"):
        await twin(cache.get_or_compute(factory))
    assert await twin(cache.get_or_compute(factory)) is None
    assert await twin(cache.get_or_compute(factory)) == "value"
    assert await twin(cache.get_or_compute(factory)) == "value"


async def test_a_factory_that_asks_its_own_cache_is_refused(twin):
    cache = twin.create_cache("c")

    @twin.waits
    async def factory():
        return await twin(cache.get_or_compute(lambda: "never"))

    with pytest.raises(RuntimeError, match="c"):
        await twin(cache.get_or_compute(factory))
    assert await twin(cache.get_or_compute(lambda: "value")) == "value"


async def test_a_value_that_is_invalidated_while_it_is_computed_is_not_kept(twin):
    cache = twin.create_cache("c")

    @twin.waits
    async def factory():
        cache.invalidate()
        return "old"

    assert await twin(cache.get_or_compute(factory)) == "old"
    assert not cache.is_valid()


async def test_invalidating_clears_then_calls_then_emits(twin, caplog):
    log = []
    cache = twin.create_cache("c")
    cache.set("value")
    cache.on_invalidate(lambda: log.append(("called", cache.get())))
    cache.on_invalidate(lambda: 1 / 0)
    gone = cache.on_invalidate(lambda: log.append("never"))
    twin.bus.on("c:invalidated", lambda data: log.append("event"))
    gone()
    cache.invalidate()
    await twin.turns()

    assert log == [("called", None), "event"]
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ZeroDivisionError]


@pytest.mark.parametrize("depends_on", [["e"], ("e", "f")], ids=["list", "tuple"])
async def test_a_cache_follows_what_it_depends_on(twin, depends_on):
    first = twin.create_cache("first", depends_on=depends_on)
    second = twin.create_cache("second", depends_on=["first:invalidated"])
    for cache in (first, second):
        cache.set("value")
    await twin(twin.bus.emit("e"))
    await twin.turns()

    assert not first.is_valid()
    assert not second.is_valid()


async def test_a_cycle_of_dependencies_invalidates_each_once(twin):
    log = []
    for name, other in (("a", "b"), ("b", "c"), ("c", "a")):
        cache = twin.create_cache(name, depends_on=[f"{other}:invalidated"])
        cache.set("value")
        cache.on_invalidate(lambda name=name: log.append(name))
    cache.invalidate()
    await twin.turns(10)

    assert sorted(log) == ["a", "b", "c"]


async def test_destroy_takes_it_out_of_everything(twin):
    log = []
    cache = twin.create_cache("c", depends_on=["e"])
    cache.set("value")
    cache.on_invalidate(lambda: log.append("called"))
    twin.bus.on("c:invalidated", lambda data: log.append("event"))
    cache.destroy()
    await twin(twin.bus.emit("e"))
    await twin.turns()

    assert log == []
    assert not cache.is_valid()
    assert not twin.bus.has_listeners("e")
