"""`eventually` on gevent in virtual time, and killed; the rest is in `tests/shared`."""

import gevent
import pytest

from specter_gevent import Service, Store
from specter_gevent.testing import cancel_everywhere, eventually, virtual_time


def test_in_virtual_time_the_moment_is_exact_and_no_time_is_lost():
    done, asked = [], []

    with virtual_time() as clock:
        gevent.spawn_later(3600.5, done.append, 1)
        gevent.spawn_later(7000, done.clear)
        assert eventually(lambda: asked.append(1) or done[:], timeout=7200) == [1]
        assert clock.now == 3600.5

    assert len(asked) < 20


def test_a_timer_of_a_service_is_noticed_at_its_moment():
    ticks = []

    with virtual_time() as clock:
        service = Service("s").start()
        service.interval(lambda: ticks.append(clock.now), 60)
        eventually(lambda: len(ticks) == 10, timeout=3600)
        assert clock.now == 600
        service.stop()


@pytest.mark.parametrize("observed", [False, True])
def test_a_timeout_comes_at_its_moment(observed):
    store = Store("s")

    with virtual_time() as clock:
        with pytest.raises(TimeoutError):
            eventually(lambda: store.get("n"), on=store if observed else None, timeout=12.5)
        assert clock.now == 12.5


def test_what_comes_true_with_the_end_of_the_time_is_in_time():
    done = []

    with virtual_time() as clock:
        gevent.spawn_later(10, done.append, 1)
        assert eventually(lambda: done, timeout=10) == [1]
        assert clock.now == 10


def test_what_it_gives_leads_to_more_that_runs():
    log = []

    def wait():
        eventually(lambda: log)
        log.append("second")

    greenlets = [gevent.spawn(wait), gevent.spawn(log.append, "first")]
    gevent.joinall(greenlets, timeout=5)

    assert log == ["first", "second"]
    assert all(greenlet.ready() for greenlet in greenlets)


@pytest.mark.parametrize("observed", [False, True])
def test_killed_anywhere_it_leaves_nothing(observed):
    stores = []

    def scenario():
        stores.append(store := Store("s"))
        greenlet = gevent.spawn(eventually, lambda: store.get("n"))
        try:
            with gevent.Timeout(0.005, False):
                eventually(lambda: store.get("other"), on=store if observed else None)
            store.set({"n": 1})
            greenlet.join()
        finally:
            greenlet.kill()

    def check():
        assert not list(stores[-1]._subscribers)

    assert cancel_everywhere(scenario, check) > 0
