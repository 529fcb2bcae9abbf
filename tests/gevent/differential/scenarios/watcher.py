"""Watchers."""

import gevent
from observing import Part, dies, differs, raised, soon, tried, turns

from specter import Watcher, WatcherError


def one_of_poll_and_stream():
    return raised(Watcher, "w"), raised(Watcher, "w", poll=list, stream=list)


def a_new_watcher():
    poll, stream = Watcher("p", poll=list), Watcher("s", stream=list)

    return poll.name, poll.running, poll.last_value, poll.health(), stream.health()["mode"], repr(poll), repr(stream)


def a_short_interval_is_made_longer():
    return [Watcher("w", poll=list, interval=seconds)._interval for seconds in (0, 0.01, -5, 0.5, "2")]


def poll_tells_what_it_sees():
    seen = []
    values = iter(range(100))
    watcher = Watcher("w", poll=lambda: next(values), interval=0.1)
    watcher.subscribe(lambda value, of: seen.append((value, of is watcher)))
    chained = watcher.start() is watcher, watcher.start() is watcher
    running = watcher.running, watcher.health()["running"], repr(watcher)
    soon(lambda: len(seen) == 2)
    last = watcher.last_value

    return chained, running, seen, last, watcher.stop() is watcher, watcher.running


def the_first_poll_is_at_once():
    seen = []
    watcher = Watcher("w", poll=lambda: 1, interval=60)
    watcher.subscribe(lambda value, of: seen.append(value))
    watcher.start()
    before = list(seen)
    turns(2)

    return before, seen, watcher.stop().running


def stream_tells_each_item():
    seen = []

    def stream():
        yield from ("a", "b", "c")
        gevent.sleep(60)

    watcher = Watcher("w", stream=stream)
    watcher.subscribe(lambda value, of: seen.append(value))
    watcher.start()
    soon(lambda: len(seen) == 3)

    return seen, watcher.last_value, watcher.running


@differs(
    "A stream that ends at once is opened again tens of thousands of times a second.",
    ours=[True, [1, 2]],
)
def a_stream_that_ends_at_once():
    opened = []

    def stream():
        opened.append(1)
        if len(opened) > 10_000:
            raise gevent.GreenletExit
        return [1, 2]

    seen = []
    watcher = Watcher("w", stream=stream)
    watcher.subscribe(lambda value, of: seen.append(value))
    watcher.start()
    turns()

    return len(opened) == 1, seen[:10]


@differs("With `retry=False` a stream that has ended is opened again.", ours=[1, False])
def a_stream_that_ends_without_retry():
    opened = []

    def stream():
        opened.append(1)
        if len(opened) > 3:
            gevent.sleep(60)
        return []

    watcher = Watcher("w", stream=stream, retry=False).start()
    turns()

    return len(opened), watcher.running


def an_error_is_counted_and_waited_after():
    calls = []

    def fails():
        calls.append(1)
        raise ValueError("no")

    watcher = Watcher("w", poll=fails, interval=0.1).start()
    gevent.sleep(0.05)
    seen = len(calls), watcher.running, watcher.health()["error_count"]

    return seen, watcher.stop().running


def an_error_without_retry_is_the_end():
    watcher = Watcher("w", poll=dies("no"), retry=False).start()
    turns()

    return watcher.running, watcher.health()["error_count"], watcher.stop() is watcher


@differs(
    "`WatcherError` is retried like other errors.",
    ours=[False, 1],
)
def a_watcher_error_is_the_end():
    def fails():
        raise WatcherError("gone for good")

    watcher = Watcher("w", poll=fails).start()
    turns()

    return watcher.running, watcher.health()["error_count"]


def it_can_be_started_again_after_an_end():
    values = [ValueError("no"), 5]

    def poll():
        value = values.pop(0)
        if isinstance(value, Exception):
            raise value
        return value

    watcher = Watcher("w", poll=poll, retry=False, interval=60).start()
    turns()
    watcher.start()
    turns()

    return watcher.last_value, watcher.running, watcher.health()["error_count"]


def dedupe_tells_only_changes():
    seen = []
    values = iter([1, 1, 2, 2, 1])

    def stream():
        yield from values
        gevent.sleep(60)

    watcher = Watcher("w", stream=stream, dedupe=True)
    watcher.subscribe(lambda value, of: seen.append(value))
    watcher.start()
    turns()

    return seen


def transform_is_what_is_told():
    seen = []

    def stream():
        yield from (1, 2)
        gevent.sleep(60)

    watcher = Watcher("w", stream=stream, transform=lambda value: value * 10, dedupe=True)
    watcher.subscribe(lambda value, of: seen.append(value))
    watcher.start()
    turns()

    return seen, watcher.last_value


def a_failing_transform_is_an_error():
    watcher = Watcher("w", poll=lambda: 1, transform=dies("no"), retry=False).start()
    turns()

    return watcher.running, watcher.health()["error_count"], watcher.last_value


def a_failing_subscriber_keeps_no_other_from_hearing():
    seen = []
    watcher = Watcher("w", poll=lambda: 1, interval=60)
    watcher.subscribe(dies("first"))
    watcher.subscribe(lambda value, of: seen.append(value))
    watcher.subscribe(dies("last"))
    watcher.start()
    turns()

    return seen, watcher.running, watcher.health()["error_count"], watcher.health()["subscribers"]


def subscribers_hear_in_order_and_may_leave():
    seen = []
    watcher = Watcher("w", poll=lambda: 1, interval=60)
    leave = [watcher.subscribe(lambda value, of, number=number: seen.append(number)) for number in range(5)]
    gives = leave[2](), leave[2]()
    watcher.start()
    turns()

    return gives, seen, watcher.health()["subscribers"]


def one_function_subscribed_twice_hears_twice():
    seen = []

    def hears(value, of):
        seen.append(value)

    watcher = Watcher("w", poll=lambda: 1, interval=60)
    watcher.subscribe(hears)
    watcher.subscribe(hears)
    watcher.start()
    turns()

    return seen


def none_is_a_value():
    seen = []
    watcher = Watcher("w", poll=lambda: None, interval=60, dedupe=True)
    watcher.subscribe(lambda value, of: seen.append(value))
    watcher.start()
    turns()

    return seen, watcher.last_value


def stop_ends_a_wait_at_once():
    watcher = Watcher("w", poll=lambda: 1, interval=60).start()
    turns()
    with gevent.Timeout(2, False):
        watcher.stop()
        return watcher.running, watcher.last_value, watcher._greenlet, watcher.stop() is watcher
    return "stands still"


@differs(
    "`stop()` in a subscriber waits 5 s and then kills its caller.",
    ours=["stopped", False],
)
def stop_in_a_subscriber():
    log = []
    watcher = Watcher("w", poll=lambda: 1, interval=60)

    def stops(value, of):
        of.stop()
        log.append("stopped")

    watcher.subscribe(stops)
    watcher.start()
    soon(lambda: log, 0.2)

    return log[0] if log else "stands still", watcher.running


def teardown_is_stop():
    watcher = Watcher("w", poll=lambda: 1, interval=60).start()
    turns()
    watcher.teardown()

    return watcher.running


def a_service_owns_a_watcher():
    service = Part().start()
    watcher = service.own(Watcher("w", poll=lambda: 1, interval=60)).start()
    turns()
    service.stop()

    return watcher.running


def health_tells_of_it():
    watcher = Watcher("w", poll=lambda: 1, interval=60)
    before = watcher.health()
    watcher.start()
    turns()
    during = watcher.health()

    return before, list(during), during["uptime_seconds"] < 60, during["mode"]


@differs(
    "A `gevent.Timeout` out of poll, stream or a subscriber ends a watcher, which says that it runs.", ours=[True, True]
)
def a_timeout_from_poll():
    tries = []

    def polls():
        tries.append(1)
        raise gevent.Timeout(1)

    watcher = Watcher("w", poll=polls, max_backoff=0.01).start()
    again = soon(lambda: len(tries) > 1, patience=3)
    running = watcher.running
    watcher.stop()

    return again, running


@differs(
    "A `gevent.Timeout` out of poll, stream or a subscriber ends a watcher, which says that it runs.", ours=[True, True]
)
def a_timeout_in_a_subscriber():
    told = []

    def takes_too_long(value, of):
        raise gevent.Timeout(1)

    watcher = Watcher("w", poll=lambda: 1, interval=0.1)
    watcher.subscribe(takes_too_long)
    watcher.subscribe(lambda value, of: told.append(value))
    watcher.start()
    again = soon(lambda: len(told) > 1, patience=3)
    running = watcher.running
    watcher.stop()

    return again, running


@differs("A `max_backoff` of 0 or less tries again without a wait.", ours=[False, False])
def a_backoff_of_nothing():
    often = []
    for most in (0, -1):
        watcher = Watcher("w", poll=dies("it was meant to"), max_backoff=most).start()
        gevent.sleep(0.15)
        often.append(watcher.health()["error_count"] > 20)
        watcher.stop()

    return often


@differs(
    "What cannot be called is taken for a callback, and fails at each call, which is logged.",
    ours=[["TypeError", "poll or stream of watcher 'w' must be callable, got int"]] * 2,
)
def what_cannot_be_called():
    return tried(Watcher, "w", poll=3), tried(Watcher, "w", stream=3)


def teardown_calls_an_override_of_stop():
    class Noting(Watcher):
        def stop(self):
            log.append("stop")
            return super().stop()

    log = []
    watcher = Noting("w", poll=int).start()
    watcher.teardown()

    return log, watcher.running
