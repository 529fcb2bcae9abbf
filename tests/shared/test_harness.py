"""The functions of the harness, bound to a test, on both runtimes."""

import pytest


async def test_what_is_open_at_its_end_is_closed_last_first(twin, testing):
    ended = []
    service = twin.Service("s")
    async with twin.within(testing.Harness()) as harness:
        recorder = harness.record(twin.bus)
        harness.add_cleanup(lambda: ended.append(service.running))
        entered = harness.enter(harness.running(service))
        assert (await entered if not twin.on_gevent else entered) is service
        harness.fail(service, "on_stop", ValueError("planted"))
        assert service.running
    await twin(twin.bus.emit("after"))

    assert ended == [False]
    assert recorder.names == []
    assert not vars(service).get("on_stop")


async def test_it_is_an_owner_as_a_service_is(twin, testing):
    async with twin.within(testing.Harness()) as harness:
        twin.registry.provide("fake", 1, owner=harness)
        twin.create_store("s", {}).subscribe(print, owner=harness)
        assert twin.registry.has("fake")

    assert not twin.registry.has("fake")


async def test_a_hanging_service_goes_on_when_it_ends(twin, testing):
    service = twin.Service("s")
    async with twin.within(service):
        async with twin.within(testing.Harness()) as harness:
            hang = harness.hang(service, "on_stop")
            assert hang is not None
        await twin(service.stop())

    assert not service.running


async def test_a_cleanup_must_be_a_function(twin, testing):
    async with twin.within(testing.Harness()) as harness:
        with pytest.raises(TypeError, match="a cleanup must be callable, got int"):
            harness.add_cleanup(1)


def test_it_closes_without_an_event_loop(twin, testing):
    ended = []
    harness = testing.Harness()
    recorder = harness.record(twin.bus)
    harness.add_cleanup(lambda: ended.append(1))
    harness.close()
    harness.close()
    twin.bus.emit_nowait("after")

    assert ended == [1]
    assert recorder.names == []
