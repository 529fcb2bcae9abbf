"""Stores, on both runtimes."""

import pytest

# The bus is the test's own, and goes with it.
pytestmark = pytest.mark.allow_leaks("subscriptions")


async def test_snapshots_are_copies(twin):
    given = {"a": 1}
    store = twin.create_store("s", given)
    given["a"] = 2
    store.get()["a"] = 3
    store.snapshot()["a"] = 4
    store.set({"b": 5})["a"] = 6

    assert store.get() == {"a": 1, "b": 5}
    assert (store.get("a"), store.get("c"), store.get("c", 7)) == (1, None, 7)


async def test_each_change_gives_and_tells_a_snapshot(twin):
    told = []
    store = twin.create_store("s", {"a": 1})
    store.subscribe(lambda state, of: told.append((state, of is store)))
    given = [
        store.set({"b": 2}),
        store.replace({"c": 3}),
        store.update(lambda draft: draft.update(d=4)),
        store.update(lambda draft: {"e": 5}),
        store.delete("e", "unknown"),
        store.clear(),
    ]

    assert given == [{"a": 1, "b": 2}, {"c": 3}, {"c": 3, "d": 4}, {"e": 5}, {}, {}]
    assert told == [(state, True) for state in given]


async def test_deleting_what_is_not_there_tells_nobody(twin):
    told = []
    store = twin.create_store("s", {"a": 1})
    store.subscribe(lambda state, of: told.append(state))

    assert store.delete("unknown") == store.delete() == {"a": 1}
    assert told == []


@pytest.mark.parametrize("mutator", [lambda draft: draft.clear() or 1 / 0, lambda draft: draft.clear() or [1]])
async def test_an_update_that_fails_leaves_the_state(twin, mutator):
    told = []
    store = twin.create_store("s", {"a": 1})
    store.subscribe(lambda state, of: told.append(state))
    with pytest.raises((ZeroDivisionError, TypeError)):
        store.update(mutator)

    assert store.get() == {"a": 1}
    assert told == []


async def test_a_store_can_be_read_inside_its_update(twin):
    store = twin.create_store("s", {"a": 1})

    assert store.update(lambda draft: {"b": store.get("a"), "c": store.snapshot()}) == {"b": 1, "c": {"a": 1}}


async def test_what_is_no_dict_and_what_cannot_be_called_are_refused(twin):
    store = twin.create_store("s", {"a": 1})
    for call in (store.set, store.replace):
        with pytest.raises(TypeError, match="list"):
            call([1])
    for call in (store.update, store.access):
        with pytest.raises(TypeError, match="callable"):
            call(5)

    assert store.get() == {"a": 1}


async def test_subscriptions_end_by_themselves_by_their_owner_or_with_the_store(twin):
    told = []
    owner = await twin(twin.Service("owner").start())
    store = twin.create_store("s")
    end = store.subscribe(lambda state, of: told.append("first"))
    store.subscribe(lambda state, of: told.append("owned"), owner=owner)
    store.watch(lambda state, of: told.append("watch"))
    store.set({"n": 1})
    end()
    end()
    await twin(owner.stop())
    store.set({"n": 2})
    store.destroy()
    store.set({"n": 3})

    assert told == ["watch", "first", "owned", "watch", "watch"]


async def test_a_refused_owner_leaves_no_subscription(twin):
    told = []
    store = twin.create_store("s")
    with pytest.raises(TypeError, match="object"):
        store.subscribe(lambda state, of: told.append(state), owner=object())
    store.set({"a": 1})

    assert told == []


async def test_an_error_keeps_no_other_subscriber_from_hearing(twin, caplog):
    told = []
    store = twin.create_store("s")
    store.subscribe(lambda state, of: 1 / 0)
    store.subscribe(lambda state, of: told.append(state))
    store.set({"a": 1})

    assert told == [{"a": 1}]
    assert [record.exc_info[0] for record in caplog.records] == [ZeroDivisionError]


@pytest.mark.parametrize("options, event", [({}, "s:changed"), ({"change_event": "mine"}, "mine")])
async def test_changes_are_events_where_asked_for(twin, options, event):
    heard = []
    twin.bus.on(event, heard.append)
    twin.create_store("s").set({"silent": True})
    store = twin.create_store("s", emit_events=True, **options)
    store.set({"a": 1})
    store.delete("unknown")
    store.destroy()
    await twin.turns()

    assert heard == [{"a": 1}]
