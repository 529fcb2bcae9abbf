"""The virtual clock on gevent is switched on and off: what still waits goes over to it, and back."""

import time

import gevent
import pytest

from specter_gevent import Service
from specter_gevent.testing import virtual_time


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
