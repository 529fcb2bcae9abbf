"""Following polls and streams: values, retries, and how a watcher is."""

import itertools

import anyio
import anyio.to_thread
import pytest
import trio.testing
from anyio.lowlevel import checkpoint
from watched import SHORT, async_values, until_told

from specter import Runtime, Watcher, WatcherError
from specter.testing import eventually


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "either poll or stream, got none"),
        ({"poll": int, "stream": list}, "either poll or stream, got both"),
        ({"poll": int, "interval": 0.09}, "interval of watcher 'wrong' must be 0.1 seconds or more, got 0.09"),
        ({"poll": int, "interval": float("nan")}, "interval of watcher 'wrong' must be"),
        ({"poll": int, "max_backoff": 0}, "max_backoff of watcher 'wrong' must be more than 0 seconds, got 0"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Watcher("wrong", **arguments)


async def nothing():
    return None


@pytest.mark.parametrize(
    "arguments",
    [
        {"poll": 5},
        {"stream": "x"},
        {"poll": int, "transform": 5},
        {"poll": nothing, "threaded": True},
        {"poll": int, "interval": "5"},
        {"poll": int, "max_backoff": None},
    ],
)
def test_wrong_functions_and_times_are_refused(arguments):
    with pytest.raises(TypeError, match="'wrong'"):
        Watcher("wrong", **arguments)


async def test_without_a_runtime_a_start_says_what_to_do():
    watcher = Watcher("lost", poll=int)

    with pytest.raises(RuntimeError, match=r"(?s)watcher 'lost'.*async with Runtime"):
        await watcher.start()

    assert not watcher.running


async def test_a_poll_is_told_again_and_again(runtime):
    count = itertools.count()

    assert await until_told(Watcher("poll", poll=lambda: next(count), interval=0.1), 3) == [0, 1, 2]


async def test_a_poll_may_be_a_coroutine_function_and_find_nothing(runtime):
    watcher = Watcher("poll", poll=nothing, interval=0.1)

    assert await until_told(watcher, 1) == [None]
    assert watcher.last_value is None


async def plain_values():
    return ["a", "b", "c"]


@pytest.mark.parametrize(
    ("stream", "threaded"),
    [(lambda: "abc", False), (plain_values, False), (async_values, False), (lambda: iter("abc"), True)],
    ids=["plain", "coroutine", "async", "threaded"],
)
async def test_a_stream_is_told_and_read_again(runtime, stream, threaded):
    watcher = Watcher("stream", stream=stream, threaded=threaded, max_backoff=SHORT)

    assert await until_told(watcher, 5) == ["a", "b", "c", "a", "b"]


async def test_dedupe_keeps_quiet_about_equal_values(runtime):
    values = iter([1, 1.0, 2, None, None, 2])
    watcher = Watcher("changes", stream=lambda: values, dedupe=True)

    assert await until_told(watcher, 4) == [1, 2, None, 2]


async def double(value):
    return value * 2


@pytest.mark.parametrize("transform", [lambda value: value * 2, double], ids=["plain", "coroutine"])
async def test_values_are_transformed_before_they_are_told(runtime, transform):
    watcher = Watcher("doubled", stream=lambda: [1, 2], transform=transform)

    assert await until_told(watcher, 2) == [2, 4]
    assert watcher.last_value == 4


async def test_every_subscriber_hears_and_errors_are_logged(runtime, caplog):
    watcher = Watcher("stream", stream=lambda: ["a"])

    def fail(value, source):
        raise ValueError(f"{source.name} gave {value}")

    watcher.subscribe(fail)

    assert await until_told(watcher, 1) == ["a"]
    assert "ValueError: stream gave a" in caplog.text


async def test_coroutine_subscribers_hear_one_value_at_a_time(runtime):
    watcher = Watcher("stream", stream=lambda: [1, 2, 3])
    events = []
    done = anyio.Event()

    async def hear(value, _):
        events.append(("begin", value))
        await anyio.sleep(0.01)
        events.append(("end", value))
        if value == 3:
            done.set()

    watcher.subscribe(hear)
    await watcher.start()
    with anyio.fail_after(10):
        await done.wait()
    await watcher.stop()

    # A stream that ends begins again.
    assert events[:6] == [(phase, value) for value in (1, 2, 3) for phase in ("begin", "end")]


async def test_after_an_unsubscribe_nothing_is_heard(runtime):
    watcher = Watcher("stream", stream=lambda: [1, 2, 3])
    told = []
    unsubscribe = watcher.subscribe(lambda value, _: (told.append(value), unsubscribe()))

    await until_told(watcher, 3)

    assert told == [1]
    unsubscribe()


async def test_an_error_is_logged_counted_and_followed_by_another_try(runtime, caplog):
    answers = iter([ValueError("no answer"), 7])

    def poll():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    watcher = Watcher("shaky", poll=poll, max_backoff=SHORT)

    assert await until_told(watcher, 1) == [7]
    assert watcher.health()["error_count"] == 1
    assert "watcher 'shaky' failed" in caplog.text
    assert "ValueError: no answer" in caplog.text


@pytest.mark.parametrize("stream", [lambda: [], lambda: 1 / 0], ids=["ends", "fails"])
async def test_without_retry_the_first_try_is_the_last(runtime, stream):
    watcher = await Watcher("once", stream=stream, retry=False).start()

    await eventually(lambda: not watcher.running)

    assert watcher.health()["running"] is False


async def test_a_watcher_error_ends_it_for_good(runtime, caplog):
    async def stream():
        yield 1
        raise WatcherError("the device is gone")

    watcher = Watcher("device", stream=stream)

    assert await until_told(watcher, 1) == [1]
    await watcher.start()
    await eventually(lambda: not watcher.running)
    assert "watcher 'device' has ended for good" in caplog.text


class TestInVirtualTime:
    @pytest.fixture
    def anyio_backend(self):
        return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}

    async def tries(self, stream, seconds, **arguments):
        """When tries begin, rounded."""
        began = []

        def begin():
            began.append(anyio.current_time())
            return stream()

        async with Runtime():
            start = anyio.current_time()
            watcher = await Watcher("retried", stream=begin, **arguments).start()
            await anyio.sleep(seconds)
            await watcher.stop()
        return [moment - start for moment in began]

    @pytest.fixture(autouse=True)
    def no_chance(self, monkeypatch):
        monkeypatch.setattr("specter.watcher.random.random", lambda: 0.0)

    async def test_a_stream_that_ends_at_once_is_no_hot_loop(self):
        assert await self.tries(list, 70) == [0, 1, 3, 7, 15, 31, 61]

    async def test_no_wait_is_longer_than_max_backoff(self):
        assert await self.tries(list, 10, max_backoff=3) == [0, 1, 3, 6, 9]

    async def test_what_worked_longer_than_its_last_wait_begins_anew(self):
        lengths = iter([0, 0, 0, 2, 5, 0, 0])

        async def stream():
            await anyio.sleep(next(lengths, 100))
            yield 1

        # 0, wait 1, wait 2, wait 4, 2 s, wait 8, 5 s, wait 16, wait 30, 30; 5 s are less than 8.
        assert await self.tries(stream, 60) == [0, 1, 3, 7, 17, 38]

    async def test_a_long_silent_stream_has_worked(self):
        async def stream():
            await anyio.sleep(100)
            return []

        assert await self.tries(stream, 310) == [0, 101, 202, 303]

    async def test_a_poll_that_hangs_before_it_fails_has_not_worked(self):
        began = []

        async def poll():
            began.append(anyio.current_time())
            await anyio.sleep(10)
            raise OSError("timed out")

        async with Runtime():
            start = anyio.current_time()
            watcher = await Watcher("hanging", poll=poll).start()
            await anyio.sleep(60)
            await watcher.stop()

        assert [moment - start for moment in began] == [0, 11, 23, 37, 55]

    async def test_a_poll_that_had_answers_begins_anew(self):
        began = []

        async def poll():
            began.append(anyio.current_time())
            if len(began) in (1, 2, 3, 6, 7):
                raise OSError("no answer")

        async with Runtime():
            start = anyio.current_time()
            watcher = await Watcher("shaky", poll=poll, interval=5).start()
            await anyio.sleep(29)
            await watcher.stop()

        # Waits 1, 2 and 4; answers at 7 and 12; an error at 17, 5 s of work after the wait of 4: 1 again, then 2.
        assert [moment - start for moment in began] == [0, 1, 3, 7, 12, 17, 18, 20, 25]

    async def test_a_poll_waits_its_interval_after_each_answer(self):
        moments = []

        async def poll():
            await anyio.sleep(3)
            return anyio.current_time()

        async with Runtime():
            start = anyio.current_time()
            watcher = Watcher("slow", poll=poll, interval=5)
            watcher.subscribe(lambda value, _: moments.append(value - start))
            await watcher.start()
            await anyio.sleep(20)
            assert watcher.health()["uptime_seconds"] == 20.0
            await watcher.stop()

        assert moments == [3, 11, 19]
        assert watcher.health()["uptime_seconds"] == 0.0


async def test_starting_twice_is_starting_once(runtime):
    calls = []
    watcher = Watcher("twice", poll=lambda: calls.append(1), interval=60)

    assert await watcher.start() is watcher
    await watcher.start()
    await eventually(lambda: calls)

    assert [task.label for task in runtime.tasks()] == ["watcher twice"]
    assert await watcher.stop() is watcher
    assert await watcher.stop() is watcher
    assert not watcher.running


async def test_a_stopped_watcher_starts_again_with_its_subscribers(runtime):
    count = itertools.count()
    watcher = Watcher("again", poll=lambda: next(count), interval=60)
    told = []
    watcher.subscribe(lambda value, _: told.append(value))

    for number in range(3):
        await watcher.start()
        await eventually(lambda: len(told) > number)  # noqa: B023
        await watcher.teardown()

    assert told == [0, 1, 2]


async def test_health_says_how_it_is(runtime):
    watcher = Watcher("healthy", poll=int, interval=60)
    watcher.subscribe(lambda value, _: None)
    await watcher.start()

    assert watcher.health() == {
        "name": "healthy",
        "running": True,
        "mode": "poll",
        "error_count": 0,
        "uptime_seconds": pytest.approx(0, abs=10),
        "subscribers": 1,
    }
    assert (await anyio.to_thread.run_sync(watcher.health))["running"] is True
    await watcher.stop()


async def test_a_plain_stream_leaves_the_event_loop_its_turns(runtime):
    watcher = await Watcher("busy", stream=itertools.count).start()

    with anyio.fail_after(5):
        for _ in range(100):
            await checkpoint()
    await watcher.stop()
