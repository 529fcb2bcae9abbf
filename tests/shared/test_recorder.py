"""Recording a bus, on both runtimes."""

from importlib import import_module

import pytest

# The bus is the test's own, and goes with it.
pytestmark = pytest.mark.allow_leaks("subscriptions")


@pytest.fixture
def harness(twin):
    return import_module(f"{twin.package.__name__}.testing")


async def test_events_are_recorded_in_order_with_their_data(twin, harness):
    with harness.record(twin.bus) as recorder:
        await twin(twin.bus.emit("b", 1))
        twin.bus.emit_nowait("a", {"n": 2})
        await twin(twin.bus.emit("b"))

    assert recorder.events == [("b", 1), ("a", {"n": 2}), ("b", None)]
    assert recorder.events[1].name == "a"
    assert recorder.events[1].data == {"n": 2}
    assert recorder.names == ["b", "a", "b"]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [("*", ["media:added", "media", "other", "media:ready"]), ("media:*", ["media:added", "media:ready"]),
     ("media", ["media"]), ("none", [])],
)  # fmt: skip
async def test_a_pattern_chooses(twin, harness, pattern, names):
    with harness.record(twin.bus, pattern) as recorder:
        for name in ["media:added", "media", "other", "media:ready"]:
            await twin(twin.bus.emit(name))

    assert recorder.names == names


async def test_an_event_is_recorded_before_those_that_its_listeners_emit(twin, harness):
    twin.bus.on("first", lambda data: twin.bus.emit_nowait("second"))

    with harness.record(twin.bus) as recorder:
        await twin(twin.bus.emit("first"))

    assert recorder.names == ["first", "second"]


async def test_what_services_emit_is_recorded_whoever_listens(twin, harness):
    emit, heard = twin.bus.emit_nowait, []

    with harness.record(twin.bus) as recorder:
        async with twin.within(twin.Service("s")) as service:
            service.listen("event", heard.append)
            await twin(service.emit("event", 1))
            emit("event", 2)
            emit("event", 3)
        store = twin.create_store("store", emit_events=True)
        store.set({"a": 1})

    assert heard == [1, 2, 3]
    assert recorder.events == [("event", 1), ("event", 2), ("event", 3), ("store:changed", {"a": 1})]


async def test_a_recorder_is_no_listener(twin, harness):
    with harness.record(twin.bus):
        await twin(twin.bus.emit("event"))
        twin.bus.on("event", print)

        assert twin.bus.listener_count() == 1
        assert twin.bus.listener_count("event") == 1
        assert not twin.bus.has_listeners("other")
        twin.bus.clear()
        assert twin.bus.listener_count() == 0


async def test_clearing_the_bus_does_not_end_a_recorder(twin, harness):
    with harness.record(twin.bus) as recorder:
        twin.bus.clear()
        await twin(twin.bus.emit("event"))

    assert recorder.names == ["event"]


async def test_after_its_end_nothing_is_recorded_and_what_was_stays(twin, harness):
    recorder = harness.record(twin.bus, "event")
    twin.bus.emit_nowait("event", 1)
    recorder.close()
    recorder.close()
    twin.bus.emit_nowait("event", 2)

    assert recorder.events == [("event", 1)]
    assert repr(recorder) == "<Recorder 'event', 1 events>"


async def test_recorders_do_not_disturb_each_other(twin, harness):
    with harness.record(twin.bus) as outer:
        with harness.record(twin.bus) as inner:
            twin.bus.emit_nowait("a")
        twin.bus.emit_nowait("b")

    assert (outer.names, inner.names) == (["a", "b"], ["a"])


async def test_cleared_it_goes_on(twin, harness):
    with harness.record(twin.bus) as recorder:
        twin.bus.emit_nowait("a")
        recorder.clear()
        twin.bus.emit_nowait("b")

    assert recorder.names == ["b"]


async def test_a_list_that_was_taken_does_not_change(twin, harness):
    with harness.record(twin.bus) as recorder:
        before = recorder.events
        twin.bus.emit_nowait("a")

    assert before == []


async def test_waiting_gives_the_data_of_an_event_that_came_before_or_comes(twin, harness):
    with harness.record(twin.bus) as recorder:
        twin.bus.emit_nowait("media:added", "early")
        assert await twin(recorder.wait_for("media:*", timeout=5)) == "early"

        async def later():
            await twin.turns()
            twin.bus.emit_nowait("other", "not this")
            twin.bus.emit_nowait("event", "late")

        async def wait():
            return await twin(recorder.wait_for("event", timeout=5))

        assert (await twin.together(wait, wait, later))[:2] == ["late", "late"]
        assert recorder._waiting == []


async def test_waiting_in_vain_says_what_there_was(twin, harness):
    with harness.record(twin.bus) as recorder:
        with pytest.raises(TimeoutError, match="no event 'x' within 0 seconds; recorded: none"):
            await twin(recorder.wait_for("x", timeout=0))
        twin.bus.emit_nowait("a")
        twin.bus.emit_nowait("b")
        with pytest.raises(TimeoutError, match="no event 'x' within 0.01 seconds; recorded: a, b"):
            await twin(recorder.wait_for("x", timeout=0.01))
        assert recorder._waiting == []


async def test_what_is_no_bus_and_no_pattern_is_refused(twin, harness):
    with pytest.raises(TypeError, match="records the events of an EventBus, got <module"):
        harness.record(harness, "*")
    for pattern in ("", None):
        with pytest.raises(TypeError, match="a pattern must be a non-empty string, got"):
            harness.record(twin.bus, pattern)
