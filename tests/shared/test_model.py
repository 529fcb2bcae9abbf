"""Models, on both runtimes."""

import pytest

# The bus is the test's own, and goes with it.
pytestmark = pytest.mark.allow_leaks("subscriptions")


@pytest.fixture
def model(twin):
    return twin.create_model("m", {"a": {"b": {"c": 1}}, "list": [1]})


@pytest.mark.parametrize("path", ["a.b.c", ("a", "b", "c"), ["a", "b", "c"]], ids=["text", "tuple", "list"])
async def test_a_path_is_a_text_a_tuple_or_a_list(twin, model, path):
    model.set(path, 2)

    assert model.get(path) == model.select(path) == model.get("a.b")["c"] == 2
    model.delete(path)
    assert model.get() == {"a": {"b": {}}, "list": [1]}
    assert model.get(path, 5) == 5


async def test_nobody_changes_a_model_through_what_went_in_or_came_out(twin, model):
    given = {"x": [1]}
    model.set("given", given)
    given["x"].append(2)
    model.get("given")["x"].append(3)
    model.snapshot().clear()
    model.select(lambda state: state.clear())
    model.subscribe(lambda value, of: value.clear())
    model.set("list", [2])

    assert model.get() == {"a": {"b": {"c": 1}}, "list": [2], "given": {"x": [1]}}


async def test_set_makes_the_way_to_its_path(twin, model):
    model.set("list.x.y", 1)

    assert model.get() == {"a": {"b": {"c": 1}}, "list": {"x": {"y": 1}}}


async def test_what_is_no_path_is_refused(twin, model):
    for call in (model.get, model.delete, lambda path: model.set(path, 1)):
        with pytest.raises(TypeError, match="int"):
            call(5)
    with pytest.raises(ValueError, match="path"):
        model.set("", 1)


async def test_subscribers_hear_only_of_their_slice(twin, model):
    told = []
    model.subscribe(lambda value, of: told.append(("path", value)), selector="a.b.c")
    model.subscribe(lambda value, of: told.append(("function", value)), selector=len)
    model.subscribe(lambda value, of: told.append(("all", of is model)))
    model.set("a.b.c", 1)
    model.set("a.b.c", 2)
    model.patch({"new": 1})
    model.delete("a")

    assert told == [
        ("path", 2), ("all", True),
        ("function", 3), ("all", True),
        ("path", None), ("function", 2), ("all", True),
    ]  # fmt: skip


async def test_a_change_by_a_subscriber_leaves_all_with_the_newest_value(twin, model):
    first, last = [], []

    def changes(value, of):
        first.append(value)
        if value == 2:
            model.set("a.b.c", 3)

    model.subscribe(changes, selector="a.b.c")
    model.subscribe(lambda value, of: last.append(value), selector="a.b.c")
    model.set("a.b.c", 2)

    assert (first[-1], last[-1], model.get("a.b.c")) == (3, 3, 3)


@pytest.mark.parametrize("mutator", [lambda draft: draft.clear() or 1 / 0, lambda draft: draft.clear() or [1]])
async def test_an_update_that_fails_leaves_the_state(twin, model, mutator):
    before, told = model.snapshot(), []
    model.subscribe(lambda value, of: told.append(value))
    with pytest.raises((ZeroDivisionError, TypeError)):
        model.update(mutator)

    assert model.snapshot() == before
    assert told == []


async def test_a_model_can_be_read_inside_its_update(twin, model):
    model.update(lambda draft: {"c": model.get("a.b.c")})

    assert model.get() == {"c": 1}


async def test_watch_tells_at_once_and_an_owner_ends_it(twin, model):
    told = []
    owner = await twin(twin.Service("owner").start())
    model.watch(lambda value, of: told.append(value), selector="a.b.c")
    model.subscribe(lambda value, of: told.append(("owned", value)), selector="a.b.c", owner=owner)
    model.set("a.b.c", 2)
    await twin(owner.stop())
    model.set("a.b.c", 3)
    model.destroy()
    model.set("a.b.c", 4)

    assert told == [1, 2, ("owned", 2), 3]


async def test_changes_are_events_where_asked_for(twin):
    heard = []
    twin.bus.on("m:changed", heard.append)
    twin.create_model("m").set("silent", True)
    model = twin.create_model("m", emit_events=True)
    model.set("a.b", 1)
    model.delete("unknown")
    await twin.turns()

    assert heard == [{"a": {"b": 1}}]
