"""The bus, on both runtimes."""

import anyio
import pytest

# The bus is the test's own, and goes with it.
pytestmark = pytest.mark.allow_leaks("subscriptions")


async def test_plain_listeners_hear_in_the_order_of_subscription(twin):
    heard = []
    for number in range(10):
        twin.bus.on("a", lambda data, number=number: heard.append((number, data)))
    await twin(twin.bus.emit("a", "x"))

    assert heard == [(number, "x") for number in range(10)]


async def test_one_function_subscribed_twice_is_called_once(twin):
    heard = []
    twin.bus.on("a", heard.append)
    twin.bus.on("a", heard.append)
    await twin(twin.bus.emit("a", 1))

    assert heard == [1]
    assert twin.bus.listener_count("a") == 1


async def test_off_takes_a_listener_away_whether_it_hears_once_or_always(twin):
    heard = []
    twin.bus.on("a", heard.append)
    twin.bus.once("b", heard.append)
    twin.bus.off("a", heard.append)
    twin.bus.off("b", heard.append)
    twin.bus.off("never heard of", heard.append)
    await twin(twin.bus.emit("a", 1))
    await twin(twin.bus.emit("b", 2))

    assert heard == []
    assert twin.bus.listener_count() == 0


async def test_once_hears_once_even_if_it_emits_again(twin):
    heard = []

    def again(data):
        heard.append(data)
        twin.bus.emit_nowait("a", data + 1)

    twin.bus.once("a", again)
    await twin(twin.bus.emit("a", 1))
    await twin(twin.bus.emit("a", 5))

    assert heard == [1]


async def test_what_listens_or_leaves_during_an_emit_counts_from_the_next(twin):
    heard = []

    def first(data):
        heard.append(("first", data))
        twin.bus.off("a", second)
        twin.bus.on("a", third)

    def second(data):
        heard.append(("second", data))

    def third(data):
        heard.append(("third", data))

    twin.bus.on("a", first)
    twin.bus.on("a", second)
    await twin(twin.bus.emit("a", 1))
    await twin(twin.bus.emit("a", 2))

    assert heard == [("first", 1), ("second", 1), ("first", 2), ("third", 2)]


async def test_an_error_keeps_no_other_from_hearing(twin, caplog):
    heard = []
    twin.bus.on("a", lambda data: 1 / 0)
    twin.bus.on("a", heard.append)
    await twin(twin.bus.emit("a", 1))

    assert heard == [1]
    assert [record.exc_info[0] for record in caplog.records] == [ZeroDivisionError]


async def test_emits_nest(twin):
    log = []

    def outer(data):
        log.append("outer begins")
        twin.bus.emit_nowait("inner")
        log.append("outer ends")

    twin.bus.on("outer", outer)
    twin.bus.on("inner", lambda data: log.append("inner"))
    await twin(twin.bus.emit("outer"))

    assert log == ["outer begins", "inner", "outer ends"]


async def test_a_listener_that_waits_is_waited_for(twin):
    log = []

    @twin.waits
    async def slow(data):
        await twin.turns()
        log.append("heard")

    twin.bus.on("a", slow)
    await twin(twin.bus.emit("a"))
    log.append("emitted")

    assert log == ["heard", "emitted"]


async def test_a_prefix_hears_every_event_below_it(twin):
    heard = []
    twin.bus.on("a:*", heard.append)
    for event in ("a:b", "a:c:d", "ab", "b:a", "a:"):
        await twin(twin.bus.emit(event, event))

    assert heard == ["a:b", "a:c:d", "a:"]


async def test_clear_takes_one_event_or_all(twin):
    for event in ("a", "b", "c"):
        twin.bus.on(event, print)
    twin.bus.clear("a")
    twin.bus.clear("never heard of")

    assert [twin.bus.listener_count(event) for event in ("a", "b", "c")] == [0, 1, 1]
    twin.bus.clear()
    assert twin.bus.listener_count() == 0


async def test_wait_for_gives_the_data_of_the_next_event_that_is_wanted(twin):
    async def emits():
        await twin.until(lambda: twin.bus.has_listeners("a"))
        for number in (1, 2, 3):
            await twin(twin.bus.emit("a", number))

    async def waits():
        return await twin(twin.bus.wait_for("a", predicate=lambda data: data > 1, timeout=5))

    assert await twin.together(waits, emits) == [2, None]
    assert not twin.bus.has_listeners("a")


async def test_wait_for_in_vain_is_a_timeout_error(twin):
    with pytest.raises(TimeoutError):
        await twin(twin.bus.wait_for("a", timeout=0.01))

    assert not twin.bus.has_listeners("a")


async def test_what_cannot_be_called_is_refused(twin):
    for subscribe in (twin.bus.on, twin.bus.once):
        with pytest.raises(TypeError, match="str"):
            subscribe("a", "no function")
    assert twin.bus.listener_count() == 0


async def test_a_stream_keeps_the_newest(twin):
    with twin.bus.stream("a", maxsize=2) as events:
        for number in range(5):
            await twin(twin.bus.emit("a", number))
        if twin.on_gevent:
            read = [next(events), next(events)]
        else:
            read = [await anext(events), await anext(events)]

        assert read == [3, 4]
        assert events.dropped == 3
    assert not twin.bus.has_listeners("a")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"predicate": 3}, "a predicate must be callable, got"),
        ({"predicate": anyio.sleep}, "a predicate must be a plain function"),
        ({"timeout": "1"}, "timeout must be a number of seconds or None, got '1'"),
    ],
    ids=["number", "coroutine function", "text"],
)
async def test_a_wait_for_what_cannot_come_is_refused(twin, wrong, message):
    with pytest.raises(TypeError, match=message):
        await twin(twin.bus.wait_for("a", **wrong))

    assert not twin.bus.has_listeners("a")
