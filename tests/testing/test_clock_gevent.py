"""The virtual clock on gevent: when time moves, and that nothing of gevent waits beside it."""

import itertools
import math
import threading
import time

import gevent
import pytest
from gevent.event import AsyncResult, Event
from gevent.lock import BoundedSemaphore
from gevent.pool import Pool
from gevent.queue import Empty, Queue
from greenlets import patched

from specter_gevent.testing import virtual_time


def timed_out(wait):
    with gevent.Timeout(60):
        wait()


class TestMoving:
    def test_time_moves_to_what_is_waited_for(self):
        with virtual_time() as clock:
            moments = []

            def wait(seconds):
                gevent.sleep(seconds)
                moments.append(clock.now)

            gevent.joinall([gevent.spawn(wait, seconds) for seconds in (86_400, 0.25, 60, 0.1)])

        assert moments == [0.1, 0.25, 60, 86_400]

    def test_time_stands_still_while_a_greenlet_runs(self):
        with virtual_time() as clock:
            sleeper = gevent.spawn(gevent.sleep, 5)
            for _ in range(500):
                gevent.sleep(0)
                assert clock.now == 0
            sleeper.join()

        assert clock.now == 5

    def test_time_stands_still_while_the_hub_has_much_to_run(self, monkeypatch):
        """It takes a turn for each, and lets others have theirs in between."""
        monkeypatch.setattr("sys.getswitchinterval", lambda: -1.0)
        with virtual_time() as clock:
            sleeper = gevent.spawn(gevent.sleep, 5)
            gevent.sleep(0)
            moments = []
            gevent.joinall([gevent.spawn(lambda: moments.append(clock.now)) for _ in range(300)])
            sleeper.kill()

        assert moments == [0] * 300

    @pytest.mark.parametrize(
        "wait",
        [
            lambda: gevent.sleep(60),
            lambda: timed_out(Event().wait),
            lambda: Event().wait(60),
            lambda: AsyncResult().wait(60),
            lambda: Queue().get(timeout=60),
            lambda: BoundedSemaphore(0).acquire(timeout=60),
            lambda: gevent.spawn(Event().wait).join(60),
            lambda: gevent.spawn_later(60, int).get(),
            lambda: gevent.wait([Event()], timeout=60),
            lambda: Pool(1).apply(gevent.sleep, (60,)),
            lambda: gevent.with_timeout(60, gevent.sleep, 1000, timeout_value=None),
        ],
        ids="sleep Timeout Event AsyncResult Queue Semaphore join spawn_later wait Pool with_timeout".split(),
    )
    def test_everything_that_waits_goes_by_it(self, wait):
        with virtual_time() as clock:
            real = time.monotonic()
            try:
                wait()
            except (gevent.Timeout, Empty):
                pass
            took = time.monotonic() - real

            assert clock.now == 60
            assert took < 10

    def test_sockets_time_out_by_it(self):
        listener = gevent.socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(60)
        with virtual_time() as clock:
            with pytest.raises(TimeoutError):
                listener.accept()
            listener.close()

            assert clock.now == 60

    def test_a_timer_that_repeats(self):
        with virtual_time() as clock:
            moments = []
            timer = gevent.get_hub().loop.timer(5, 10)
            timer.start(lambda: moments.append(clock.now))
            clock.advance(30)
            timer.stop()
            clock.advance(30)

        assert moments == [5, 15, 25]

    def test_what_is_stopped_is_not_called(self):
        with virtual_time() as clock:
            calls = []
            with gevent.get_hub().loop.timer(5) as timer:
                timer.start(calls.append, "stopped")
                assert timer.active
            later = gevent.spawn_later(5, calls.append, "killed")
            later.kill()
            clock.advance(10)

        assert calls == []

    def test_an_error_in_a_timer_is_reported_and_the_others_go_on(self, monkeypatch):
        errors, calls = [], []
        monkeypatch.setattr(gevent.get_hub(), "handle_error", lambda *error: errors.append(error), raising=False)
        with virtual_time() as clock:
            gevent.get_hub().loop.timer(1).start({}.pop, "missing")
            gevent.get_hub().loop.timer(1).start(lambda: calls.append(clock.now))
            clock.advance(2)

        ((_, kind, _, _),) = errors
        assert kind is KeyError
        assert calls == [1]

    def test_who_waits_for_nothing_is_told_so(self):
        told = []

        def wait():  # on a hub of its own, where nothing is left of other tests
            with virtual_time() as clock:
                clock.advance(60)
                gevent.get_hub().loop.timer(60, ref=False).start(int)  # which keeps nobody, as in real time
                try:
                    Event().wait()
                except gevent.exceptions.LoopExit:
                    told.append(clock.now)
            gevent.get_hub().destroy()

        thread = threading.Thread(target=wait)
        thread.start()
        thread.join()

        assert told == [60]

    def test_each_run_is_like_the_other(self):
        traces = []
        for _ in range(3):
            trace = []

            def wander(number, trace=trace):
                for step in range(20):
                    gevent.sleep((number * 7 + step * 3) % 10 / 10)
                    trace.append((clock.now, number))

            with virtual_time() as clock:
                gevent.joinall([gevent.spawn(wander, number) for number in range(30)])
            traces.append(trace)

        assert len(traces[0]) == 600
        assert traces[0] == traces[1] == traces[2]


class TestAdvancing:
    def test_everything_happens_that_is_due_until_then(self):
        with virtual_time() as clock:
            moments, follows = [], Event()

            def tick():
                for _ in itertools.count():
                    gevent.sleep(10)
                    moments.append(clock.now)
                    if clock.now == 60:
                        gevent.sleep(0)
                        follows.set()

            ticker = gevent.spawn(tick)
            clock.advance(60)

            assert moments == [10, 20, 30, 40, 50, 60]
            assert follows.is_set()
            assert clock.now == 60
            ticker.kill()

    def test_to_settle_takes_no_time(self):
        with virtual_time() as clock:
            steps = []

            def walk():
                for step in range(20):
                    gevent.sleep(0)
                    steps.append(step)
                gevent.sleep(1)
                steps.append("too late")

            walker = gevent.spawn(walk)
            clock.settle()

            assert steps == list(range(20))
            assert clock.now == 0
            walker.kill()

    @pytest.mark.parametrize("seconds, error", [(-1, ValueError), (math.inf, ValueError), ("1", TypeError)])
    def test_what_is_no_duration_is_refused(self, seconds, error):
        with virtual_time() as clock, pytest.raises(error, match="the time to advance must be"):
            clock.advance(seconds)


IN_A_PATCHED_PROCESS = """
import threading, time
from specter_gevent import Service
from specter_gevent.testing import virtual_time
with virtual_time() as clock:
    began = time.monotonic()
    time.sleep(60)
    threading.Event().wait(60)
    thread = threading.Thread(target=time.sleep, args=(60,))
    thread.start()
    thread.join()
    lock = threading.Lock()
    lock.acquire()
    lock.acquire(timeout=60)
    service, ticks = Service("s"), []
    service.start()
    service.interval(lambda: ticks.append(clock.now), 60)
    time.sleep(121)
    service.stop()
    print(clock.now, ticks, time.monotonic() - began < 5)
"""


def test_in_a_patched_process_it_is_the_same():
    assert patched(IN_A_PATCHED_PROCESS) == "361.0 [300.0, 360.0] True"
