"""Events of the bus as a stream, and waiting for the next one."""

import anyio
import pytest

from specter.testing import cancel_everywhere

# Streams.


async def test_a_stream_gives_the_data_of_future_events(events):
    events.emit_nowait("event", 0)
    with events.stream("event") as stream:
        for number in range(1, 4):
            events.emit_nowait("event", number)
        got = [await anext(stream) for _ in range(3)]

    assert got == [1, 2, 3]
    assert stream.dropped == 0
    assert not events.has_listeners("event")


async def test_a_stream_waits_for_events(events):
    got = []

    async def read():
        with events.stream("a:*") as stream:
            async for data in stream:
                got.append(data)
                if data == 2:
                    break

    async with anyio.create_task_group() as group:
        group.start_soon(read)
        for number in (1, 2):
            await anyio.wait_all_tasks_blocked()
            events.emit_nowait(f"a:{number}", number)

    assert got == [1, 2]


async def test_a_stream_drops_the_oldest_and_counts(events):
    with events.stream("event", maxsize=2) as stream:
        for number in range(5):
            events.emit_nowait("event", number)
        got = [await anext(stream), await anext(stream)]

    assert got == [3, 4]
    assert stream.dropped == 3


async def test_a_stream_whose_block_was_left_gives_what_it_has_and_ends(events):
    with events.stream("event") as stream:
        events.emit_nowait("event", 1)
    events.emit_nowait("event", 2)

    assert [data async for data in stream] == [1]


async def test_a_reader_that_waits_when_the_block_is_left_ends(events):
    got = []

    async def read(stream):
        got.extend([data async for data in stream])
        got.append("end")

    async with anyio.create_task_group() as group:
        with events.stream("event") as stream:
            group.start_soon(read, stream)
            group.start_soon(read, stream)
            await anyio.wait_all_tasks_blocked()

    assert got == ["end", "end"]


@pytest.mark.parametrize("maxsize", [0, -1])
def test_a_stream_keeps_at_least_one(events, maxsize):
    with (
        pytest.raises(ValueError, match=f"maxsize must be 1 or more, got {maxsize}"),
        events.stream("a", maxsize=maxsize),
    ):
        raise AssertionError


async def test_a_stream_gives_none_too(events):
    with events.stream("event") as stream:
        events.emit_nowait("event")
        assert await anext(stream) is None


# wait_for.


async def waiting(events, got, *args, **kwargs):
    try:
        got.append(await events.wait_for(*args, **kwargs))
    except TimeoutError as error:
        got.append(str(error))


async def test_wait_for_gives_the_data_of_the_next_event(events):
    got = []
    events.emit_nowait("event", 0)
    async with anyio.create_task_group() as group:
        group.start_soon(waiting, events, got, "event")
        await anyio.wait_all_tasks_blocked()
        events.emit_nowait("event", 1)
        events.emit_nowait("event", 2)

    assert got == [1]
    assert not events.has_listeners("event")


async def test_wait_for_hears_prefixes(events):
    got = []
    async with anyio.create_task_group() as group:
        group.start_soon(waiting, events, got, "a:*")
        await anyio.wait_all_tasks_blocked()
        events.emit_nowait("a:b", None)

    assert got == [None]


async def test_wait_for_lets_pass_what_the_predicate_refuses(events):
    got = []
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: waiting(events, got, "event", predicate=lambda data: data > 1))
        await anyio.wait_all_tasks_blocked()
        for number in range(5):
            events.emit_nowait("event", number)

    assert got == [2]


async def test_an_error_of_the_predicate_is_logged_and_the_wait_goes_on(events, caplog):
    got = []
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: waiting(events, got, "event", predicate=lambda data: 1 / data))
        await anyio.wait_all_tasks_blocked()
        events.emit_nowait("event", 0)
        events.emit_nowait("event", 1)

    assert got == [1]
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.virtual_clock
async def test_wait_for_gives_up_in_time(events):
    began = anyio.current_time()
    with pytest.raises(TimeoutError, match="no event 'event' within 10 seconds"):
        await events.wait_for("event", timeout=10)

    assert anyio.current_time() - began == 10
    assert not events.has_listeners("event")


async def test_a_cancelled_wait_for_leaves_no_listener(events):
    def check():
        assert not events.has_listeners("event")

    async def scenario():
        with anyio.move_on_after(0.02):
            await events.wait_for("event")

    assert await cancel_everywhere(scenario, check) > 0


async def test_several_can_wait_for_one_event(events):
    got = []
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(waiting, events, got, "event")
        await anyio.wait_all_tasks_blocked()
        events.emit_nowait("event", 1)

    assert got == [1, 1, 1]
