"""Store: subscriptions end with their owners, and with the store."""

import anyio

from specter import Runtime, Service, Store


class Owner:
    """Not a service: only takes cleanups."""

    def __init__(self):
        self.cleanups = []

    def add_cleanup(self, fn):
        self.cleanups.append(fn)


def test_destroy_ends_all_subscriptions_and_keeps_the_state():
    store = Store("s")
    heard = []

    def hear(snapshot, source):
        heard.append(snapshot)

    unsubscribe = store.subscribe(hear)
    store.destroy()
    store.set({"a": 1})
    assert heard == []

    store.subscribe(hear)
    unsubscribe()
    store.set({"a": 2})
    assert heard == [{"a": 2}]


async def test_a_service_that_stops_ends_what_it_subscribed():
    store = Store("s")
    heard = []
    async with Runtime(), Service("owner") as owner:
        store.subscribe(lambda snapshot, source: heard.append(snapshot), owner=owner)
        store.set({"a": 1})

    store.set({"a": 2})

    assert heard == [{"a": 1}]
    assert not store._subscribers


async def test_an_owner_forgets_a_subscription_that_ended_before_it():
    store = Store("s")
    async with Runtime(), Service("owner") as owner:
        unsubscribe = store.subscribe(print, owner=owner)
        kept = len(owner._ledger.cleanups)
        unsubscribe()

        assert len(owner._ledger.cleanups) == kept - 1


async def test_a_function_with_two_owners_hears_on_when_one_stops():
    store = Store("s")
    heard = []

    async def hear(snapshot, source):
        heard.append(snapshot["n"])
        came.set()

    async with Runtime(), Service("stays") as stays:
        came = anyio.Event()
        async with Service("goes") as goes:
            store.subscribe(hear, owner=goes)
            store.subscribe(hear, owner=stays)
        store.set({"n": 1})
        await came.wait()

    assert heard == [1]
    assert not store._subscribers


async def test_any_owner_ends_a_delivery_that_runs():
    store = Store("s")
    owner = Owner()
    async with Runtime():
        running, ended = anyio.Event(), anyio.Event()

        async def hear(snapshot, source):
            running.set()
            try:
                await anyio.sleep_forever()
            finally:
                ended.set()

        store.subscribe(hear, owner=owner)
        store.set({"a": 1})
        await running.wait()
        owner.cleanups.pop()()
        with anyio.fail_after(5):
            await ended.wait()

    assert not store._subscribers
