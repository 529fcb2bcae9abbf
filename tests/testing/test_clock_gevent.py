"""The virtual clock on gevent: when time moves, what holds it, and that nothing of gevent waits beside it."""

import itertools
import math
import socket
import subprocess
import threading
import time

import gevent
import pytest
from gevent import subprocess as gevent_subprocess
from gevent.event import AsyncResult, Event
from gevent.lock import BoundedSemaphore
from gevent.pool import Pool
from gevent.queue import Empty, Queue
from gevent.server import StreamServer
from gevent.socket import create_connection
from gevent.threadpool import ThreadPool
from greenlets import patched

from specter_gevent import Service
from specter_gevent.testing import virtual_time

# Real seconds of work outside, in which time would run on for days.
WORK = 0.05


@pytest.fixture
def ticking():
    """A virtual clock, and a greenlet that has time move on each second."""

    def tick():
        for _ in itertools.count():
            gevent.sleep(1)

    with virtual_time() as clock:
        ticker = gevent.spawn(tick)
        yield clock
        ticker.kill()


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


class TestSwitching:
    def test_the_hub_has_its_loop_back(self):
        loop = gevent.get_hub().loop
        with virtual_time():
            assert gevent.get_hub().loop is not loop

        assert gevent.get_hub().loop is loop
        real = time.monotonic()
        gevent.sleep(0.02)
        assert time.monotonic() - real >= 0.019

    def test_timers_of_services_go_over_and_back(self):
        service, calls = Service("s"), []
        service.start()
        service.interval(lambda: calls.append("hour"), 3600)
        with virtual_time() as clock:
            service.timeout(lambda: calls.append("later"), 7200.05)
            clock.advance(7200)
            assert calls == ["hour", "hour"]
        with gevent.Timeout(10):
            while "later" not in calls:
                gevent.sleep(0.005)
        service.stop()

        assert calls == ["hour", "hour", "later"]

    def test_what_still_waits_goes_on_in_real_time(self):
        with virtual_time() as clock:
            sleeper = gevent.spawn(gevent.sleep, 3600.02)
            timeout = gevent.Timeout(3700)
            timeout.start()
            killed = gevent.spawn_later(3700, int)
            clock.advance(3600)
        real = time.monotonic()
        sleeper.get()
        took = time.monotonic() - real

        assert 0.015 <= took < 10
        assert timeout.pending
        timeout.cancel()
        killed.kill()
        assert not timeout.pending

    def test_a_second_time_goes_on_from_the_first(self):
        service, calls = Service("s"), []
        service.start()
        service.interval(lambda: calls.append(None), 3600)
        for _ in range(3):
            with virtual_time() as clock:
                clock.advance(86_400)
                assert clock.now == 86_400
        service.stop()

        # Each begins at a whole second, and the last hour of the first ones is not quite over then.
        assert 70 <= len(calls) <= 72

    def test_a_clock_that_has_ended_stands_still(self):
        with virtual_time() as clock:
            clock.advance(7)

        assert clock.now == 7
        assert repr(clock) == "<VirtualClock 7 s, ended>"
        for call in (clock.settle, lambda: clock.advance(1)):
            with pytest.raises(RuntimeError, match="the virtual clock has ended"):
                call()

    def test_it_is_refused_twice(self):
        with virtual_time() as clock:
            with pytest.raises(RuntimeError, match="time is virtual already on this hub"), virtual_time():
                pass  # pragma: no cover
            clock.advance(1)

        assert clock.now == 1

    def test_another_loop_is_refused(self, monkeypatch):
        class Loop:
            pass

        monkeypatch.setattr(gevent.get_hub(), "loop", Loop())
        with pytest.raises(RuntimeError, match="needs gevent's libev loop; of this one the time cannot be moved"):
            with virtual_time():
                pass  # pragma: no cover

    def test_each_thread_has_its_own(self):
        with virtual_time() as clock:
            thread = gevent.get_hub().threadpool.spawn(lambda: (gevent.sleep(0.001), time.monotonic()))
            thread.get()

        assert clock.now == 0


class TestHolding:
    @pytest.mark.parametrize("popen", [subprocess.Popen, gevent_subprocess.Popen], ids=["standard", "gevent"])
    def test_child_processes(self, ticking, popen):
        child = popen(["sleep", str(WORK)])
        ticking.advance(1)

        assert child.poll() == 0, "time moved while it was at work"

    def test_it_holds_while_it_is_started(self, ticking):
        child = gevent_subprocess.Popen(["true"])
        child.wait()

        assert ticking.now == 0

    def test_threads_of_the_hub(self, ticking):
        gevent.get_hub().threadpool.apply(time.sleep, (WORK,))

        assert ticking.now == 0

    def test_threads_of_another_pool(self, ticking):
        pool = ThreadPool(1)
        results = [pool.spawn(time.sleep, WORK / 2) for _ in range(2)]
        gevent.wait(results)

        assert ticking.now == 0
        pool.kill()

    def test_looking_up_a_name(self, ticking):
        gevent.socket.getaddrinfo("localhost", 80)

        assert ticking.now == 0

    def test_who_waits_for_an_answer_from_outside(self, ticking):
        listening = socket.create_server(("127.0.0.1", 0))

        def serve():
            connection, _ = listening.accept()
            with connection, connection.makefile("rwb", buffering=0) as file:
                for line in file:
                    time.sleep(4 * WORK)
                    file.write(line)

        threading.Thread(target=serve, daemon=True).start()
        connection = create_connection(listening.getsockname())
        for _ in range(3):
            connection.sendall(b"?\n")
            assert connection.recv(10) == b"?\n"
        connection.close()
        listening.close()

        assert ticking.now == 0

    def test_both_ends_in_one_hub_need_no_hold(self, ticking):
        def answer(connection, _):
            while data := connection.recv(10):
                connection.sendall(data)

        server = StreamServer(("127.0.0.1", 0), answer)
        server.start()
        real = time.monotonic()
        connection = create_connection(("127.0.0.1", server.server_port))
        for _ in range(20):
            connection.sendall(b"?")
            assert connection.recv(10) == b"?"
            gevent.sleep(60)
        connection.close()
        server.stop()

        assert ticking.now == pytest.approx(20 * 60, abs=3)
        assert time.monotonic() - real < 20 * 0.05 + 5

    def test_patience_ends_and_the_holder_is_named(self, caplog):
        with virtual_time(patience=0.1) as clock:
            child = subprocess.Popen(["sleep", "60"])
            real = time.monotonic()
            gevent.sleep(0.2)
            took = time.monotonic() - real
            child.kill()
            child.wait()
            clock.advance(3600)

        assert 0.29 <= took < 5
        assert clock.now == pytest.approx(3600.2, abs=1)
        (record,) = [record for record in caplog.records if record.name == "specter.testing"]
        assert record.getMessage().startswith(
            f"virtual time goes on at the real rate: at work for more than 0.1 s is child process {child.pid} (sleep), "
            "started at test_clock_gevent.py:"
        )

    def test_what_is_heard_renews_it(self):
        script = "for i in $(seq 20); do echo $i; sleep 0.1; done"
        with virtual_time(patience=1.5) as clock:
            later = gevent.spawn_later(3600, int)
            child = gevent_subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE)
            lines = list(child.stdout)
            child.wait()

            assert len(lines) == 20
            assert clock.now == 0
            later.kill()


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
