"""Stores."""

import gevent
from observing import Part, dies, differs, raised, returns, tried

from specter import Store, bus, create_store


def a_new_store():
    given = {"a": 1, "nested": {"x": 1}}
    store = create_store("s", given)
    given["a"] = 2
    given["nested"]["x"] = 2

    return store.name, store.get(), isinstance(store, Store), Store("empty").get(), repr(store)


def get_by_key():
    store = create_store("s", {"a": 1, "none": None})

    return store.get("a"), store.get("b"), store.get("b", 5), store.get("none", 5), store.get(None, 5)


def get_and_snapshot_are_shallow_copies():
    store = create_store("s", {"a": 1, "list": [1]})
    for copy in (store.get(), store.snapshot()):
        copy["a"] = 2
        copy["list"].append(2)

    return store.get(), store.get("list") is store.get("list")


def access_reads_in_one():
    store = create_store("s", {"a": 1})

    return store.access(lambda state: state["a"] + 1), raised(store.access, "text"), raised(store.access, dies("no"))


def access_gives_the_state_itself():
    store = create_store("s", {"a": 1})
    store.access(lambda state: state.update(b=2))

    return store.get()


def set_merges_and_gives_a_snapshot():
    store = create_store("s", {"a": 1})
    gives = store.set({"b": 2})
    gives["c"] = 3

    return gives, store.get()


def what_is_no_dict_is_refused():
    store = create_store("s", {"a": 1})

    return raised(store.set, [("a", 2)]), raised(store.set, None), raised(store.replace, "text"), store.get()


def replace_puts_another_state_in():
    store = create_store("s", {"a": 1})
    given = {"b": 2}
    gives = store.replace(given)
    given["c"] = 3

    return gives, store.get()


def delete_takes_keys_out():
    told = []
    store = create_store("s", {"a": 1, "b": 2, "c": 3})
    store.subscribe(lambda state, of: told.append(state))

    return store.delete("a", "unknown", "b"), store.delete("unknown"), store.delete(), told


def clear_takes_all_out():
    told = []
    store = create_store("s", {"a": 1})
    store.subscribe(lambda state, of: told.append(state))

    return store.clear(), store.clear(), told


def update_edits_a_draft():
    store = create_store("s", {"a": 1})

    def edits(draft):
        draft["b"] = draft.pop("a") + 1

    return store.update(edits), store.get()


def update_may_give_another_state():
    store = create_store("s", {"a": 1})
    given = {"b": 2}
    gives = store.update(lambda draft: given)
    given["c"] = 3

    return gives, store.get(), store.update(lambda draft: {})


def update_that_fails_leaves_the_state():
    told = []
    store = create_store("s", {"a": 1})
    store.subscribe(lambda state, of: told.append(state))

    def edits_and_fails(draft):
        draft["a"] = 2
        raise ValueError("no")

    return (
        raised(store.update, edits_and_fails),
        raised(store.update, lambda draft: 5),
        raised(store.update, 5),
        store.get(),
        told,
    )


def update_tells_though_nothing_has_changed():
    told = []
    store = create_store("s", {"a": 1})
    store.subscribe(lambda state, of: told.append(state))
    store.update(lambda draft: None)
    store.set({})
    store.set({"a": 1})

    return told


@differs("Reading a store or a model inside its own `update()` stands still for ever.", ours=[True, [1, {"a": 1}]])
def reading_inside_an_update():
    store = create_store("s", {"a": 1})
    seen = []

    return returns(store.update, lambda draft: seen.extend([store.get("a"), store.snapshot()])), seen


def an_update_of_another_store_inside_an_update():
    first, second = create_store("first", {"a": 1}), create_store("second", {})

    return returns(first.update, lambda draft: second.set({"b": 2}) and None), second.get()


def updates_do_not_mix():
    store = create_store("s", {"n": 0})

    def adds(draft):
        n = draft["n"]
        gevent.sleep(0.002)
        draft["n"] = n + 1

    gevent.joinall([gevent.spawn(store.update, adds) for _ in range(5)])

    return store.get("n")


def subscribers_get_a_snapshot_and_the_store():
    told = []
    store = create_store("s", {"a": 1})
    unsubscribe = store.subscribe(lambda state, of: told.append((state, of is store)))
    store.set({"b": 2})
    gives = unsubscribe(), unsubscribe()
    store.set({"c": 3})

    return told, gives


def each_subscriber_gets_a_copy_of_its_own():
    told = []

    def spoils(state, of):
        told.append(dict(state))
        state.clear()

    def spoils_too(state, of):
        spoils(state, of)

    store = create_store("s", {"a": 1})
    store.subscribe(spoils)
    store.subscribe(spoils_too)
    gives = store.set({"b": 2})

    return told, gives, store.get()


def immediate_tells_at_once():
    told = []
    store = create_store("s", {"a": 1})
    store.subscribe(lambda state, of: told.append(state), immediate=True)
    store.watch(lambda state, of: told.append("watch"))
    store.watch(lambda state, of: told.append("never at once"), immediate=False)

    return told


def errors_of_subscribers_stay_theirs():
    told = []
    store = create_store("s")
    store.subscribe(dies("first"), immediate=True)
    store.subscribe(lambda state, of: told.append(state))
    store.subscribe(dies("last"))

    return store.set({"a": 1}), told


def one_function_subscribed_twice_hears_once():
    told = []

    def hears(state, of):
        told.append(state)

    store = create_store("s")
    store.subscribe(hears)
    store.subscribe(hears)
    store.set({"a": 1})

    return told


def an_owner_takes_its_subscriptions_along():
    told = []
    owner, store = Part().start(), create_store("s")
    store.subscribe(lambda state, of: told.append(state), owner=owner)
    store.set({"n": 1})
    owner.stop()
    store.set({"n": 2})

    return told


@differs(
    "`subscribe(fn, owner=...)` with an owner that cannot own fails, and subscribes all the same.",
    ours=[["TypeError", "[SPECTER:store] owner for 's' must expose add_cleanup(). Got object."], []],
)
def an_owner_that_cannot_own():
    told = []
    store = create_store("s")
    error = raised(store.subscribe, lambda state, of: told.append(state), owner=object())
    store.set({"a": 1})

    return error, told


def a_subscriber_may_set_the_store():
    told = []
    store = create_store("s")

    def counts(state, of):
        told.append(state["n"])
        if state["n"] < 3:
            of.set({"n": state["n"] + 1})

    store.subscribe(counts)
    store.set({"n": 1})

    return told


def events_are_emitted_where_asked_for():
    heard = []
    bus.on("s:changed", heard.append)
    silent, loud = create_store("s"), create_store("s", emit_events=True)
    silent.set({"silent": True})
    loud.set({"a": 1})
    loud.delete("unknown")
    loud.delete("a")

    return heard


def an_event_of_ones_own():
    heard, log = [], []
    bus.on("mine", heard.append)
    bus.on("mine", lambda data: log.append("bus"))
    store = create_store("s", emit_events=True, change_event="mine")
    store.subscribe(lambda state, of: log.append("subscriber"))
    store.set({"a": 1})
    heard[0]["a"] = 2

    return heard, log, store.get()


def destroy_empties_it_without_a_word():
    told, heard = [], []
    bus.on("s:changed", heard.append)
    store = create_store("s", {"a": 1}, emit_events=True)
    store.subscribe(lambda state, of: told.append(state))
    gives = store.destroy()
    empty = store.get()
    store.set({"b": 2})

    return gives, empty, told, heard, store.get()


def a_service_owns_a_store():
    service, store = Part().start(), create_store("s", {"a": 1})
    service.own(store)
    service.stop()

    return store.get()


@differs(
    "Changing a store or a model inside its own `update()` or `access()` stands still for ever.",
    ours=[["RuntimeError", "'s' cannot be changed by a reader, or by a mutator but through its draft"]] * 2,
)
def a_change_inside_an_update_or_a_read():
    told = []
    for hold in ("update", "access"):
        store = create_store("s", {"a": 1})
        greenlet = gevent.spawn(tried, getattr(store, hold), lambda state, store=store: store.set({"b": 2}))
        greenlet.join(timeout=0.2)
        told.append(greenlet.value)
        greenlet.kill()

    return told


@differs("A function that hears a store for two owners hears nothing when the first of them has stopped.", ours=[1, 0])
def one_function_of_two_owners():
    store, one, other, told = create_store("s"), Part().start(), Part().start(), []

    def hears(state, of):
        told.append(state)

    store.subscribe(hears, owner=one)
    store.subscribe(hears, owner=other)
    one.stop()
    store.set({"a": 1})
    heard = len(told)
    other.stop()
    store.set({"a": 2})

    return heard, len(told) - heard


class _InOrder:
    """A subscriber that stands at this place in a set."""

    def __init__(self, place, fn):
        self.place, self.fn = place, fn

    def __hash__(self):
        return self.place

    def __call__(self, state, of):
        self.fn(state, of)


@differs(
    "After a change that a subscriber makes, later subscribers hear the new value first and the old one last.",
    ours=[1, 2],
)
def a_nested_change_ends_on_the_newest_value():
    store, told = create_store("s"), []
    store.subscribe(_InOrder(0, lambda state, of: state["a"] == 1 and of.set({"a": 2})))
    store.subscribe(_InOrder(1, lambda state, of: told.append(state["a"])))
    store.set({"a": 1})

    return told


@differs(
    "What cannot be called is taken for a callback, and fails at each call, which is logged.",
    ours=[["TypeError", "a subscriber must be callable, got int"]],
)
def a_subscriber_that_cannot_be_called():
    return [tried(create_store("s").subscribe, 3)]
