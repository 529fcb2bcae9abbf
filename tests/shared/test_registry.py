"""The registry, on both runtimes."""

import pytest

# The registry is the test's own, and goes with it.
pytestmark = pytest.mark.allow_leaks("registry")


async def test_what_is_provided_is_found(twin):
    value = object()

    assert twin.registry.provide("  a ", value) is value
    assert twin.registry.resolve("a") is twin.registry.require(" a") is value
    assert twin.registry.has("a")
    assert twin.registry.list() == ["a"]


async def test_a_key_that_is_taken_is_refused_unless_it_is_replaced(twin):
    twin.registry.provide("a", 1)
    with pytest.raises(KeyError, match="replace=True"):
        twin.registry.provide("a", 2)

    assert twin.registry.resolve("a") == 1
    assert twin.registry.provide("a", 2, replace=True) == twin.registry.resolve("a") == 2


@pytest.mark.parametrize("key", ["", "  ", None, 5])
async def test_a_key_is_a_text_with_something_in_it(twin, key):
    calls = ("resolve", "require", "has", "unregister")
    for call in calls:
        with pytest.raises(TypeError, match="non-empty string"):
            getattr(twin.registry, call)(key)
    with pytest.raises(TypeError, match="non-empty string"):
        twin.registry.provide(key, 1)


async def test_require_lists_what_there_is(twin):
    twin.registry.provide("mail", 1)
    with pytest.raises(KeyError, match="mail"):
        twin.registry.require("post")


async def test_none_is_a_value(twin):
    twin.registry.provide("a", None)

    assert twin.registry.has("a")
    assert twin.registry.require("a") is None
    assert await twin(twin.registry.wait_for("a", timeout=5)) is None


async def test_an_owner_takes_along_only_what_it_provided(twin):
    first, second = twin.Service("first"), twin.Service("second")
    for service in (first, second):
        await twin(service.start())
    twin.registry.provide("a", "first", owner=first)
    twin.registry.provide("b", "first", owner=first)
    twin.registry.provide("a", "second", owner=second, replace=True)
    await twin(first.stop())

    assert twin.registry.resolve("a") == "second"
    assert not twin.registry.has("b")
    await twin(second.stop())
    assert twin.registry.list() == []


async def test_an_owner_that_cannot_own_is_refused_by_its_type(twin):
    with pytest.raises(TypeError, match="object"):
        twin.registry.provide("a", 1, owner=object())

    assert not twin.registry.has("a")


async def test_wait_for_gives_what_comes_to_all_who_wait(twin):
    async def waits():
        return await twin(twin.registry.wait_for("a", timeout=5))

    async def provides():
        await twin.until(lambda: len(twin.registry._waiters.get("a", ())) == 2)
        twin.registry.provide("a", 5)

    assert await twin.together(waits, waits, provides) == [5, 5, None]
    assert twin.registry._waiters == {}


async def test_wait_for_in_vain_is_a_timeout_error(twin):
    with pytest.raises(TimeoutError):
        await twin(twin.registry.wait_for("a", timeout=0.01))

    assert twin.registry._waiters == {}


async def test_clear_tells_those_who_wait(twin):
    async def waits():
        return await twin(twin.registry.wait_for("a", timeout=5))

    async def clears():
        await twin.until(lambda: twin.registry._waiters)
        twin.registry.clear()

    error, _ = await twin.together(waits, clears)
    assert isinstance(error, RuntimeError)
    assert twin.registry._waiters == {}
