"""Models."""

import gevent
from observing import Part, dies, differs, raised, returns, tried

from specter import Model, bus, create_model


def _nested():
    return create_model("m", {"a": {"b": {"c": 1}}, "list": [1, 2]})


def a_new_model():
    given = {"a": {"b": 1}}
    model = create_model("m", given)
    given["a"]["b"] = 2

    return model.name, model.get(), isinstance(model, Model), Model("empty").get(), repr(model)


def a_path_is_a_text_a_tuple_or_a_list():
    model = _nested()

    return [model.get(path) for path in ("a.b.c", ("a", "b", "c"), ["a", "b"], "a..b.", ".a")]


def what_is_no_path_is_refused():
    model = _nested()

    return [raised(call, 5) for call in (model.get, model.delete)] + [raised(model.set, {"a": 1}, 1)]


def get_of_what_is_not_there():
    model = _nested()

    return model.get("a.x"), model.get("a.x.y", 5), model.get("list.0", "no"), model.get("a.b.c.d", "no")


def get_of_an_empty_path_is_all():
    model = _nested()

    return model.get("") == model.get(()) == model.get(None) == model.snapshot()


def what_comes_out_is_the_callers_own():
    model = _nested()
    for part in (
        model.get(),
        model.snapshot(),
        model.set("x", {"y": 1}),
        model.patch({}),
        model.update(lambda draft: None),
    ):
        part.clear()
    model.get("a.b").clear()
    model.get("list").append(3)

    return model.get()


def what_goes_in_is_the_models_own():
    model, given = create_model("m"), {"x": [1]}
    model.set("a", given)
    model.patch({"b": given})
    model.update(lambda draft: {**draft, "c": given})
    given["x"].append(2)

    return model.get()


def set_makes_the_way():
    model = create_model("m", {"a": 1})

    return model.set("b.c.d", 2), model.set("a.x", 3), model.set(("k.ey", 5), 4)


def set_needs_a_path():
    model = create_model("m")

    return raised(model.set, "", 1), raised(model.set, (), 1), raised(model.set, "...", 1)


def select_by_path_or_function():
    model = _nested()

    return (
        model.select("a.b.c"),
        model.select("a.x", 5),
        model.select(lambda state: state["a"]["b"]["c"] + 1),
        raised(model.select, dies("no")),
    )


def a_selector_cannot_change_the_model():
    model = _nested()
    model.select(lambda state: state.clear())

    return model.get("a.b.c")


def patch_merges_the_first_level():
    model = create_model("m", {"a": {"x": 1}, "b": 2})

    return model.patch({"a": {"y": 2}}), model.patch({"a.b": 1}), raised(model.patch, [("a", 1)])


def update_edits_a_draft():
    model = _nested()

    def edits(draft):
        draft["a"]["b"]["c"] += 1

    return (
        model.update(edits),
        model.update(lambda draft: {"new": 1}),
        raised(model.update, 5),
        raised(model.update, lambda draft: [1]),
    )


def update_that_fails_leaves_the_state():
    model, told = _nested(), []
    model.subscribe(lambda state, of: told.append(state))

    def edits_and_fails(draft):
        draft["a"]["b"].clear()
        raise ValueError("no")

    return raised(model.update, edits_and_fails), model.get("a.b"), told


@differs("Reading a store or a model inside its own `update()` stands still for ever.", ours=[True, [1]])
def reading_inside_an_update():
    model, seen = _nested(), []

    return returns(model.update, lambda draft: seen.append(model.get("a.b.c"))), seen


def delete_takes_a_path_out():
    model, told = _nested(), []
    model.subscribe(lambda state, of: told.append(state))

    return model.delete("a.b.c"), model.delete("a.x.y"), model.delete("list.0"), model.delete(""), len(told)


def clear_takes_all_out():
    model, told = _nested(), []
    model.subscribe(lambda state, of: told.append(state))

    return model.clear(), model.clear(), told


def subscribers_get_the_state_and_the_model():
    model, told = create_model("m"), []
    unsubscribe = model.subscribe(lambda state, of: told.append((state, of is model)))
    model.set("a.b", 1)
    gives = unsubscribe(), unsubscribe()
    model.set("a.b", 2)

    return told, gives


def subscribers_hear_only_of_a_change():
    model, told = create_model("m", {"a": 1}), []
    model.subscribe(lambda state, of: told.append(state))
    model.set("a", 1)
    model.set("a", True)
    model.patch({})
    model.set("a", 2)

    return told


def a_selector_tells_its_slice():
    model, told = _nested(), []
    model.subscribe(lambda value, of: told.append(("path", value)), selector="a.b")
    model.subscribe(lambda value, of: told.append(("list path", value)), selector=["a", "b", "c"])
    model.subscribe(lambda value, of: told.append(("function", value)), selector=lambda state: len(state))
    model.set("a.b.c", 2)
    model.set("other", 1)
    model.delete("a")

    return told


def a_slice_that_is_not_there_is_none():
    model, told = create_model("m"), []
    model.subscribe(lambda value, of: told.append(value), selector="a.b", immediate=True)
    model.set("a.b", None)
    model.set("a.b", 1)
    model.clear()

    return told


def subscribers_hear_in_order():
    model, told = create_model("m"), []
    for number in range(10):
        model.subscribe(lambda value, of, number=number: told.append(number))
    model.set("a", 1)

    return told


@differs(
    "Ending one of two equal subscriptions to a model ends the other one, which cannot be ended twice.",
    ours=[1, 1, 2],
)
def one_function_subscribed_twice_hears_twice():
    model, told = create_model("m"), []

    def hears(value, of):
        told.append(value)

    first, second = model.subscribe(hears, selector="a"), model.subscribe(hears, selector="a")
    model.set("a", 1)
    second()
    model.set("a", 2)
    first()
    model.set("a", 3)

    return told


def a_subscriber_cannot_change_what_another_gets():
    model, told = create_model("m"), []

    def spoils(value, of):
        value["a"] = "spoiled"

    model.subscribe(spoils)
    model.subscribe(lambda value, of: told.append(value))
    model.set("a", {"b": 1})

    return told, model.get()


def immediate_tells_at_once():
    model, told = _nested(), []
    model.subscribe(lambda value, of: told.append(value), selector="a.b", immediate=True)
    model.watch(lambda value, of: told.append("watch"))
    model.watch(lambda value, of: told.append("never at once"), selector="a", immediate=False)
    model.subscribe(dies("no"), immediate=True)

    return told


def errors_of_subscribers_stay_theirs():
    model, told = create_model("m"), []
    model.subscribe(dies("first"))
    model.subscribe(lambda value, of: told.append(value))
    model.subscribe(dies("last"))

    return model.set("a", 1), told


def a_selector_that_fails_at_once_refuses_the_subscription():
    model, told = create_model("m"), []
    error = raised(model.subscribe, lambda value, of: told.append(value), selector=lambda state: state["a"])
    model.set("a", 1)

    return error, told


def a_selector_that_fails_later_keeps_no_other_from_hearing():
    model, told = create_model("m", {"a": 1}), []
    model.subscribe(lambda value, of: told.append(value), selector=lambda state: state["a"])
    model.subscribe(lambda value, of: told.append(value), selector="b")
    model.delete("a")
    model.set("b", 2)
    model.set("a", 3)

    return told


def an_owner_takes_its_subscriptions_along():
    model, told, owner = create_model("m"), [], Part().start()
    model.subscribe(lambda value, of: told.append(value), selector="a", owner=owner)
    model.set("a", 1)
    owner.stop()
    model.set("a", 2)

    return told


@differs(
    "`subscribe(fn, owner=...)` with an owner that cannot own fails, and subscribes all the same.",
    ours=[["TypeError", "[SPECTER:model] owner for 'm' must expose add_cleanup(). Got object."], []],
)
def an_owner_that_cannot_own():
    model, told = create_model("m"), []
    error = raised(model.subscribe, lambda value, of: told.append(value), owner=object())
    model.set("a", 1)

    return error, told


@differs(
    "After a change that a subscriber makes, later subscribers hear the new value first and the old one last.",
    ours=[2, 2],
)
def a_nested_change_ends_on_the_newest_value():
    model, told = create_model("m"), []
    model.subscribe(lambda value, of: value == 1 and model.set("a", 2), selector="a")
    model.subscribe(lambda value, of: told.append(value), selector="a")
    model.set("a", 1)

    return told[-1], model.get("a")


def events_are_emitted_where_asked_for():
    heard, log = [], []
    bus.on("m:changed", heard.append)
    bus.on("mine", lambda data: log.append("bus"))
    create_model("m").set("silent", True)
    model = create_model("m", emit_events=True)
    model.set("a", 1)
    model.set("a", 1)
    model.delete("unknown")
    mine = create_model("m", emit_events=True, change_event="mine")
    mine.subscribe(lambda value, of: log.append("subscriber"))
    mine.set("a", 1)

    return heard, log


def destroy_empties_it_without_a_word():
    model, told = _nested(), []
    model.subscribe(lambda value, of: told.append(value))
    gives = model.destroy()
    empty = model.get()
    model.set("a", 1)

    return gives, empty, told, model.get()


def keys_need_not_be_texts():
    model = create_model("m", {1: {"x": "one"}})

    return model.get((1, "x")), model.get("1.x"), model.set((2, 3), 4)[2][3]


@differs(
    "Changing a store or a model inside its own `update()` or `access()` stands still for ever.",
    ours=["RuntimeError", "'m' cannot be changed by a reader, or by a mutator but through its draft"],
)
def a_change_inside_an_update():
    model = create_model("m")
    greenlet = gevent.spawn(tried, model.update, lambda draft: model.set("a", 1))
    greenlet.join(timeout=0.2)
    told = greenlet.value
    greenlet.kill()

    return told


def _deep(levels):
    value = {}
    for _ in range(levels):
        value = {"a": value}
    return value


def as_deep_as_people_write():
    return [bool(create_model("m", _deep(150))), bool(create_model("m").set("a", _deep(150)))]


@differs(
    "A model takes as many levels as Python has calls, and values that contain themselves.",
    ours=["ValueError", "ValueError"],
)
def very_deep():
    itself = {}
    itself["itself"] = itself

    return [tried(lambda value=value: [type(create_model("m", value)).__name__])[0] for value in (_deep(250), itself)]


@differs(
    "A model takes a list or a text as its first state, and fails at the first change.",
    ours=["TypeError", "initial_state must be a dict, got list"],
)
def a_first_state_that_is_no_dict():
    return tried(lambda: [create_model("m", ["a"]).get("a")])


@differs(
    "What cannot be called is taken for a callback, and fails at each call, which is logged.",
    ours=["TypeError", "a subscriber must be callable, got int"],
)
def a_subscriber_that_cannot_be_called():
    return tried(create_model("m").subscribe, 3)
