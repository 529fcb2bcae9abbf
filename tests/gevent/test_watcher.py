"""Following polls and streams: values, retries, and how a watcher is."""

import itertools
import sys
from types import SimpleNamespace

import gevent
import pytest
from fake_gevent import FakeGreenlet
from gevent.event import Event
from greenlets import ended

from specter_gevent import Watcher, WatcherError
from specter_gevent.testing import eventually

# Waits between tries are no longer than this here. Seconds.
SHORT = 0.01


def until_told(watcher, count):
    """The first values that a subscriber of a new watcher hears."""
    told = []
    unsubscribe = watcher.subscribe(lambda value, _: told.append(value))
    watcher.start()
    eventually(lambda: len(told) >= count)
    watcher.stop()
    unsubscribe()
    return told[:count]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "one of poll or stream is required"),
        ({"poll": int, "stream": list}, "provide poll OR stream, not both"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=rf"^\[SPECTER:watcher\] 'wrong': {message}$"):
        Watcher("wrong", **arguments)


async def coroutine(*_):
    pass


async def generator():
    yield 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"poll": 5}, "must be callable, got int"),
        ({"stream": "x"}, "must be callable, got str"),
        ({"poll": int, "transform": 5}, "must be callable, got int"),
        ({"poll": coroutine}, "use_backend"),
        ({"stream": coroutine}, "use_backend"),
        ({"stream": generator}, "got the asynchronous generator .*use_backend"),
        ({"poll": int, "transform": coroutine}, "use_backend"),
    ],
)
def test_wrong_functions_are_refused(arguments, message):
    with pytest.raises(TypeError, match=rf"'wrong'.*{message}"):
        Watcher("wrong", **arguments)


def test_a_subscriber_that_cannot_be_called_is_refused():
    watcher = Watcher("right", poll=int)

    for fn in (5, coroutine):
        with pytest.raises(TypeError, match="a subscriber must be"):
            watcher.subscribe(fn)


@pytest.mark.parametrize("given", [0.01, 0, -1, "0.05"])
def test_an_interval_below_the_least_is_raised_to_it(given):
    assert Watcher("eager", poll=int, interval=given)._interval == 0.1
    assert Watcher("lazy", poll=int, interval="7")._interval == 7.0


def test_a_poll_is_told_again_and_again():
    count = itertools.count()

    assert until_told(Watcher("poll", poll=lambda: next(count), interval=0), 3) == [0, 1, 2]


def test_a_poll_may_find_nothing():
    watcher = Watcher("poll", poll=lambda: None)

    assert until_told(watcher, 1) == [None]
    assert watcher.last_value is None


def test_a_stream_is_told_and_read_again():
    assert until_told(Watcher("stream", stream=lambda: "abc", max_backoff=SHORT), 5) == ["a", "b", "c", "a", "b"]


def test_dedupe_keeps_quiet_about_equal_values():
    values = iter([1, 1.0, 2, None, None, 2])
    watcher = Watcher("changes", stream=lambda: values, dedupe=True)

    assert until_told(watcher, 4) == [1, 2, None, 2]


def test_the_first_value_is_told_even_if_it_equals_everything():
    class Anything:
        def __eq__(self, other):
            return True

    watcher = Watcher("changes", poll=Anything, dedupe=True)

    assert len(until_told(watcher, 1)) == 1


def test_values_are_transformed_before_they_are_told():
    watcher = Watcher("doubled", stream=lambda: [1, 2], transform=lambda value: value * 2)

    assert until_told(watcher, 2) == [2, 4]
    assert watcher.last_value == 4


@pytest.mark.parametrize("error", [ValueError("no"), gevent.Timeout(1)], ids=["error", "timeout"])
def test_every_subscriber_hears_and_errors_are_logged(caplog, error):
    watcher = Watcher("stream", stream=lambda: ["a"])

    def fail(value, source):
        raise error

    watcher.subscribe(fail)

    assert until_told(watcher, 1) == ["a"]
    assert f"[SPECTER:watcher] 'stream' subscriber error: {error}" in caplog.text


def test_a_function_that_is_subscribed_twice_is_called_twice():
    watcher = Watcher("poll", poll=lambda: 1, interval=60)
    told = []

    def hear(value, _):
        told.append(value)

    ends = [watcher.subscribe(hear), watcher.subscribe(hear)]
    until_told(watcher, 1)
    assert watcher._subscribers == [hear, hear]
    ends[0]()
    until_told(watcher, 1)

    assert told == [1, 1, 1]


def test_after_an_unsubscribe_nothing_is_heard():
    watcher = Watcher("stream", stream=lambda: [1, 2, 3])
    told = []
    unsubscribe = watcher.subscribe(lambda value, _: (told.append(value), unsubscribe()))

    until_told(watcher, 3)

    assert told == [1]
    unsubscribe()


@pytest.mark.parametrize("error", [ValueError("no answer"), gevent.Timeout(1)], ids=["error", "timeout"])
def test_an_error_is_logged_counted_and_followed_by_another_try(caplog, error):
    answers = iter([error, 7])

    def poll():
        answer = next(answers)
        if answer is error:
            raise answer
        return answer

    watcher = Watcher("shaky", poll=poll, max_backoff=SHORT)

    assert until_told(watcher, 1) == [7]
    assert watcher.health()["error_count"] == 1
    assert "[SPECTER:watcher] 'shaky' error (attempt 1): " in caplog.text


@pytest.mark.parametrize("stream", [lambda: [], lambda: 1 / 0], ids=["ends", "fails"])
def test_without_retry_the_first_try_is_the_last(stream):
    watcher = Watcher("once", stream=stream, retry=False).start()

    eventually(lambda: not watcher.running)

    assert watcher.health()["running"] is False


def test_a_watcher_error_ends_it_for_good(caplog):
    def stream():
        yield 1
        raise WatcherError("the device is gone")

    watcher = Watcher("device", stream=stream)

    assert until_told(watcher, 1) == [1]
    watcher.start()
    eventually(lambda: not watcher.running)
    assert "[SPECTER:watcher] 'device' has ended for good: the device is gone" in caplog.text


class TestInMovedTime:
    @pytest.fixture(autouse=True)
    def clock(self, monkeypatch):
        """A clock that moves when a watcher waits, and stops it at a moment."""
        clock = SimpleNamespace(now=1000.0, until=1000.0)

        class Moved(Event):
            def wait(self, timeout):
                clock.now += timeout
                if clock.now > clock.until:
                    self.set()
                return self.is_set()

        monkeypatch.setattr("specter_gevent.watcher.GeventEvent", Moved)
        monkeypatch.setattr("specter_gevent.watcher.time", SimpleNamespace(monotonic=lambda: clock.now))
        monkeypatch.setattr("specter_gevent.watcher.random.random", lambda: 0.0)
        return clock

    def tries(self, clock, source, seconds, **arguments):
        """When the source is asked."""
        began = []

        def begin():
            began.append(clock.now - 1000)
            return source()

        clock.until = clock.now + seconds
        mode = arguments.pop("mode", "stream")
        watcher = Watcher("retried", **{mode: begin}, **arguments).start()
        ended(watcher._greenlet)
        assert not watcher.running
        return began

    def test_a_stream_that_ends_at_once_is_no_hot_loop(self, clock):
        assert self.tries(clock, list, 70) == [0, 1, 3, 7, 15, 31, 61]

    def test_no_wait_is_longer_than_max_backoff(self, clock):
        assert self.tries(clock, list, 10, max_backoff=3) == [0, 1, 3, 6, 9]

    @pytest.mark.parametrize("max_backoff", [0, -1])
    def test_no_backoff_is_the_least(self, clock, max_backoff):
        assert len(self.tries(clock, list, 1.05, max_backoff=max_backoff)) == 11

    def test_what_worked_longer_than_its_last_wait_begins_anew(self, clock):
        lengths = iter([0, 0, 0, 2, 5, 0, 0])

        def stream():
            clock.now += next(lengths, 100)
            yield 1

        # 0, wait 1, wait 2, wait 4, 2 s, wait 8, 5 s, wait 16, wait 30; 5 s are less than 8.
        assert self.tries(clock, stream, 60) == [0, 1, 3, 7, 17, 38]

    def test_a_poll_that_hangs_before_it_fails_has_not_worked(self, clock):
        def poll():
            clock.now += 10
            raise OSError("timed out")

        assert self.tries(clock, poll, 60, mode="poll") == [0, 11, 23, 37, 55]

    def test_a_poll_that_had_answers_begins_anew(self, clock):
        calls = itertools.count(1)

        def poll():
            if next(calls) in (1, 2, 3, 6, 7):
                raise OSError("no answer")

        # Waits 1, 2 and 4; answers at 7 and 12; an error at 17, 5 s of work after the wait of 4: 1 again, then 2.
        assert self.tries(clock, poll, 29, mode="poll") == [0, 1, 3, 7, 12, 17, 18, 20, 25]

    def test_uptime_is_the_time_since_the_start(self, clock):
        watcher = Watcher("slow", poll=int, interval=5)
        assert watcher.health()["uptime_seconds"] == 0
        clock.until = clock.now + 14
        ended(watcher.start()._greenlet)

        assert watcher.health()["uptime_seconds"] == 15.0


def test_health_says_how_it_is():
    watcher = Watcher("healthy", poll=int, interval=60)
    watcher.subscribe(lambda value, _: None)
    watcher.start()

    assert watcher.health() == {
        "name": "healthy",
        "running": True,
        "mode": "poll",
        "error_count": 0,
        "uptime_seconds": pytest.approx(0, abs=10),
        "subscribers": 1,
    }
    assert repr(watcher) == "<Watcher 'healthy' poll running>"
    watcher.stop()
    assert repr(watcher) == "<Watcher 'healthy' poll stopped>"


def test_a_spawn_that_runs_at_once_watches_at_once(monkeypatch):
    names = []

    def spawn(fn):
        names.append(fn.__name__)
        fn()
        return FakeGreenlet()

    monkeypatch.setattr(gevent, "spawn", spawn)
    watcher = Watcher("at once", stream=lambda: [1, 2], retry=False)
    told = []
    watcher.subscribe(lambda value, _: told.append(value))

    watcher.start()

    assert told == [1, 2]
    assert names == ["_run"]
    assert not watcher.running


def test_a_watcher_sleeps_in_none_of_the_functions_that_tests_replace(monkeypatch):
    def fake(*_):
        raise AssertionError("called")

    count = itertools.count()
    watcher = Watcher("poll", poll=lambda: next(count), interval=0)
    told, enough = [], Event()
    watcher.subscribe(lambda value, _: (told.append(value), enough.set() if value == 1 else None))
    with monkeypatch.context() as replace:
        for name in ("sleep", "wait", "joinall", "get_hub"):
            replace.setattr(gevent, name, fake)
        watcher.start()
        enough.wait()
        watcher.stop()

    assert told == [0, 1]


def test_the_error_is_where_it_has_always_been():
    assert sys.modules["specter_gevent.watcher"].WatcherError is WatcherError
