"""The registry: values by key, those who provide them, those who wait for them."""

import re

import anyio
import pytest
from anyio import to_thread

from specter import Runtime, Service, SPECTERRegistry
from specter.testing import cancel_everywhere


@pytest.fixture
def registry():
    return SPECTERRegistry()


class Owner:
    def __init__(self):
        self.cleanups = []

    def add_cleanup(self, fn):
        self.cleanups.append(fn)

    def end(self):
        while self.cleanups:
            self.cleanups.pop()()


def test_what_is_provided_is_found(registry):
    value = object()

    assert registry.provide("a", value) is value
    assert registry.resolve("a") is value
    assert registry.require("a") is value
    assert registry.has("a")
    assert registry.list() == ["a"]


def test_what_is_not_there_is_not_found(registry):
    registry.provide("b", 1)
    registry.provide("a", 2)

    assert registry.resolve("x") is None
    assert not registry.has("x")
    with pytest.raises(KeyError, match=re.escape("'x' is not provided; there are: a, b")):
        registry.require("x")


def test_an_empty_registry_says_so(registry):
    with pytest.raises(KeyError, match="there are: none"):
        registry.require("x")


def test_none_is_a_value(registry):
    registry.provide("a", None)

    assert registry.has("a")
    assert registry.require("a") is None


def test_keys_are_stripped(registry):
    registry.provide("  a ", 1)

    assert registry.list() == ["a"]
    assert registry.resolve(" a") == registry.require("a ") == 1
    assert registry.has("\ta\n")
    assert registry.unregister(" a ")


@pytest.mark.parametrize("key", ["", "  ", None, 1, b"a"])
@pytest.mark.parametrize("method", ["provide", "resolve", "require", "has", "unregister"])
def test_a_key_is_a_name(registry, method, key):
    with pytest.raises(TypeError, match="a registry key must be a non-empty string, got"):
        getattr(registry, method)(key, *([1] if method == "provide" else []))


@pytest.mark.parametrize("key", ["", "  ", None, 1])
async def test_a_key_to_wait_for_is_a_name(registry, key):
    with pytest.raises(TypeError, match="a registry key must be a non-empty string, got"):
        await registry.wait_for(key)


def test_a_taken_key_is_taken(registry):
    registry.provide("a", 1)
    with pytest.raises(KeyError, match="'a' is provided already; pass replace=True"):
        registry.provide("a", 2)
    assert registry.resolve("a") == 1
    registry.provide("a", 2, replace=True)
    assert registry.resolve("a") == 2


def test_unregister_tells_if_there_was_one(registry):
    registry.provide("a", None)

    assert registry.unregister("a")
    assert not registry.unregister("a")


def test_keys_are_listed_in_order(registry):
    for key in "cab":
        registry.provide(key, 1)

    assert registry.list() == ["a", "b", "c"]


def test_clear_takes_all_out(registry):
    registry.provide("a", 1)
    registry.clear()

    assert registry.list() == []
    registry.provide("a", 2)


# Owners.


def test_an_owner_s_end_takes_its_value_out(registry):
    owner = Owner()
    registry.provide("a", 1, owner)
    owner.end()

    assert not registry.has("a")


def test_an_owner_s_end_leaves_a_later_value_alone(registry):
    owner = Owner()
    registry.provide("a", 1, owner=owner)
    registry.provide("a", 1, replace=True)
    owner.end()

    assert registry.has("a")


def test_an_owner_s_end_leaves_a_value_alone_that_came_after_unregistering(registry):
    owner, value = Owner(), object()
    registry.provide("a", value, owner=owner)
    registry.unregister("a")
    registry.provide("a", value)
    owner.end()

    assert registry.has("a")


def test_an_owner_that_replaces_its_own_value_takes_the_new_one_out(registry):
    owner = Owner()
    registry.provide("a", 1, owner=owner)
    registry.provide("a", 2, owner=owner, replace=True)
    owner.end()

    assert not registry.has("a")


def test_what_cannot_own_is_named_and_nothing_is_provided(registry):
    with pytest.raises(TypeError, match=r"owner must have add_cleanup\(fn\), got dict"):
        registry.provide("a", 1, owner={})

    assert not registry.has("a")


async def test_a_service_that_stops_takes_its_values_out(registry):
    async with Runtime():
        service = await Service("svc").start()
        registry.provide("a", 1, owner=service)
        await service.stop()

    assert not registry.has("a")


# Waiting.


async def wait(registry, got, key="a", timeout=None):
    try:
        got.append(await registry.wait_for(key, timeout))
    except (TimeoutError, RuntimeError) as error:
        got.append(str(error))


async def test_wait_for_gives_what_is_there(registry):
    registry.provide("a", 1)

    assert await registry.wait_for(" a ") == 1


async def test_wait_for_gives_what_comes(registry):
    got = []
    async with anyio.create_task_group() as group:
        for _ in range(2):
            group.start_soon(wait, registry, got)
        await anyio.wait_all_tasks_blocked()
        registry.provide("b", 2)
        registry.provide("a", 1)

    assert got == [1, 1]
    assert registry._waiters == {}


@pytest.mark.virtual_clock
async def test_wait_for_gives_up_in_time_and_lists_what_there_is(registry):
    registry.provide("b", 1)
    began = anyio.current_time()
    with pytest.raises(TimeoutError, match="'a' was not provided within 10 seconds; there are: b"):
        await registry.wait_for("a", timeout=10)

    assert anyio.current_time() - began == 10
    assert registry._waiters == {}


async def test_a_timeout_of_zero_takes_what_is_there(registry):
    registry.provide("a", 1)

    assert await registry.wait_for("a", timeout=0) == 1
    with pytest.raises(TimeoutError):
        await registry.wait_for("b", timeout=0)


async def test_a_value_that_goes_before_it_is_seen_is_waited_for_again(registry):
    got = []
    async with anyio.create_task_group() as group:
        group.start_soon(wait, registry, got)
        await anyio.wait_all_tasks_blocked()
        registry.provide("a", 1)
        registry.unregister("a")
        await anyio.wait_all_tasks_blocked()
        assert got == []
        registry.provide("a", 2)

    assert got == [2]


async def test_who_waits_hears_of_a_clear(registry):
    got = []
    async with anyio.create_task_group() as group:
        group.start_soon(wait, registry, got)
        await anyio.wait_all_tasks_blocked()
        registry.clear()

    assert got == ["the registry was cleared while 'a' was waited for"]
    assert registry._waiters == {}


async def test_a_cancelled_wait_leaves_nothing(registry):
    def check():
        assert registry._waiters == {}

    async def scenario():
        with anyio.move_on_after(0.02):
            await registry.wait_for("a")

    assert await cancel_everywhere(scenario, check) > 0


async def test_a_value_provided_in_a_worker_thread_wakes_who_waits(registry):
    got = []
    async with anyio.create_task_group() as group:
        group.start_soon(wait, registry, got)
        await anyio.wait_all_tasks_blocked()
        await to_thread.run_sync(registry.provide, "a", 1)

    assert got == [1]


async def test_a_value_wakes_who_waits_on_another_event_loop(registry):
    got = []
    async with anyio.create_task_group() as group:
        group.start_soon(to_thread.run_sync, anyio.run, wait, registry, got)
        while not registry._waiters:  # noqa: ASYNC110
            await anyio.sleep(0.001)
        registry.provide("a", 1)

    assert got == [1]


async def test_many_threads_provide_and_find(registry):
    def work(name):
        for number in range(200):
            registry.provide(f"{name} {number}", number)
            assert registry.require(f"{name} {number}") == number
            registry.list()
            assert registry.unregister(f"{name} {number}")

    async with anyio.create_task_group() as group:
        for name in "abcd":
            group.start_soon(to_thread.run_sync, work, name)

    assert registry.list() == []


async def test_a_timeout_that_is_no_number_is_refused(registry):
    with pytest.raises(TypeError, match="timeout must be a number of seconds or None, got '1'"):
        await registry.wait_for("a", timeout="1")

    assert not registry._waiters


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda registry: registry.unregister("a"), id="taken out"),
        pytest.param(lambda registry: registry.provide("a", 2, replace=True), id="replaced"),
    ],
)
async def test_an_owner_forgets_a_value_that_has_gone_before_it(registry, end):
    async with Runtime(), Service("owner") as owner:
        kept = len(owner._ledger.cleanups)
        registry.provide("a", 1, owner=owner)
        end(registry)

        assert len(owner._ledger.cleanups) == kept
