"""`cancel_everywhere` on gevent finds what it is for, says where, and passes what is right."""

import gevent
import pytest
from gevent.lock import BoundedSemaphore, Semaphore
from gevent.queue import Queue

from specter_gevent import Service, bus
from specter_gevent.testing import LeakError, cancel_everywhere, isolated, virtual_time


def pause():
    gevent.sleep(0)


def check_empty(found):
    assert not found


def notes(found):
    return "\n".join(found.value.__notes__)


# What it does.


def test_a_scenario_is_killed_at_each_of_its_switches():
    got_to = []

    def scenario():
        for step in range(3):
            got_to.append(step)
            pause()
        got_to.append("end")

    assert cancel_everywhere(scenario, ways=["kill"]) == 3
    assert got_to == [0, 1, 2, "end", 0, 0, 1, 0, 1, 2, 0, 1, 2, "end"]


def test_prepare_comes_before_each_run_and_check_after_it():
    log = []

    cancel_everywhere(pause, lambda: log.append("check"), prepare=lambda: log.append("prepare"), ways="kill")

    assert log == ["prepare", "check"] * 3


def test_the_check_comes_when_what_was_killed_has_ended():
    running = []

    def work():
        running.append(1)
        try:
            gevent.sleep(60)
        finally:
            pause()
            running.clear()

    def scenario():
        greenlet = gevent.spawn(work)
        try:
            pause()
        finally:
            greenlet.kill(block=False)

    cancel_everywhere(scenario, lambda: check_empty(running))


def test_the_hub_is_what_it_was_also_after_an_error():
    hub = gevent.get_hub()
    kind = type(hub)

    cancel_everywhere(pause)
    with pytest.raises(ZeroDivisionError):
        cancel_everywhere(lambda: 1 / 0)

    assert type(hub) is kind


# What it finds.


def test_a_semaphore_that_is_released_twice_is_found():
    semaphores = []

    def scenario():
        semaphores.append(semaphore := Semaphore(1))
        semaphore.acquire()
        try:
            pause()
        except gevent.GreenletExit:
            semaphore.release()
            raise
        finally:
            semaphore.release()

    def check():
        assert semaphores[-1].counter == 1

    with pytest.raises(AssertionError) as found:
        cancel_everywhere(scenario, check)
    assert "cancelled at checkpoint 1 (kill, gevent), at test_cancel_everywhere_gevent.py" in notes(found)


def test_a_subscription_that_leaks_when_a_start_is_killed_is_found():
    class Leaky(Service):
        def on_start(self):
            unsubscribe = bus.on("event", print)
            pause()
            self.add_cleanup(unsubscribe)

    def scenario():
        service = Leaky("leaky")
        service.start()
        service.stop()

    with isolated(), pytest.raises(LeakError, match="subscriptions: .*'event'") as found:
        cancel_everywhere(scenario)
    assert "in pause" in notes(found)


def test_a_lock_that_a_killed_greenlet_keeps_is_found():
    locks = []

    def scenario():
        locks.append(lock := BoundedSemaphore(1))
        lock.acquire()
        gevent.sleep(0)
        lock.release()

    with pytest.raises(AssertionError) as found:
        cancel_everywhere(scenario, lambda: check_empty(locks[-1].locked()))
    line = scenario.__code__.co_firstlineno + 3
    assert f"at test_cancel_everywhere_gevent.py:{line} in scenario, inside hub.py" in notes(found)


def test_an_item_that_is_lost_is_found():
    made = []

    def scenario():
        made.append((shelf := Queue(), taken := []))
        shelf.put("item")
        item = shelf.get()
        pause()
        taken.append(item)

    def check():
        shelf, taken = made[-1]
        assert shelf.qsize() + len(taken) == 1

    with pytest.raises(AssertionError):
        cancel_everywhere(scenario, check)


def test_what_a_greenlet_below_leaves_is_found():
    left = []

    def careless():
        pause()
        left.append(1)
        gevent.sleep(0.001)
        left.clear()

    def scenario():
        left.clear()
        greenlet = gevent.spawn(careless)
        try:
            greenlet.join()
        finally:
            greenlet.kill()

    with pytest.raises(AssertionError) as found:
        cancel_everywhere(scenario, lambda: check_empty(left), ways=["below"])
    assert "(below, gevent), at test_cancel_everywhere_gevent.py" in notes(found)
    assert "; the cancellation came at test_cancel_everywhere_gevent.py" in notes(found)


def test_a_greenlet_that_is_left_is_found_and_named_with_its_line():
    def stays():
        gevent.sleep(60)

    started = []

    def scenario():
        started.append(gevent.spawn(stays))
        pause()
        started.pop().kill()

    try:
        with pytest.raises(LeakError) as found:
            cancel_everywhere(scenario)
        assert cancel_everywhere(scenario, allow=["tasks"]) > 0
    finally:
        gevent.killall(started)
    assert [leak.kind for leak in found.value.leaks] == ["tasks"]
    assert "in stays" in str(found.value)
    assert "cancelled at checkpoint 1 (kill, gevent)" in notes(found)


def test_what_fails_each_time_is_told_once_and_not_as_a_matter_of_killing():
    checks = []

    def check():
        checks.append(1)
        raise AssertionError("on purpose")

    with pytest.raises(AssertionError, match="on purpose") as found:
        cancel_everywhere(pause, check)

    assert checks == [1]
    assert found.value.__notes__ == ["not cancelled (gevent): the scenario or the check fails by itself"]


@pytest.mark.parametrize("part", ["scenario", "check"])
def test_a_run_that_stands_still_is_found(part):
    lock = BoundedSemaphore(1)

    def scenario():
        lock.acquire()
        pause()
        lock.release()

    def check():
        with lock:
            pass

    with virtual_time(), pytest.raises(AssertionError, match="a run did not end within 5 seconds") as found:
        cancel_everywhere(scenario, check if part == "check" else None, timeout=5)
    assert "cancelled at checkpoint 1" in notes(found)


# What it passes.


def test_a_lock_that_is_right_passes():
    lock = BoundedSemaphore(1)

    def scenario():
        with lock:
            pause()

    assert cancel_everywhere(scenario, lambda: check_empty(lock.locked())) == 1


def test_greenlets_that_end_with_who_started_them_pass():
    running = []

    def work():
        running.append(1)
        try:
            pause()
        finally:
            running.pop()

    def scenario():
        greenlets = [gevent.spawn(work) for _ in range(3)]
        try:
            gevent.joinall(greenlets)
        finally:
            gevent.killall(greenlets)

    assert cancel_everywhere(scenario, lambda: check_empty(running)) > 3


# What it refuses.


def test_what_is_no_function_is_refused():
    with pytest.raises(TypeError, match="a scenario must be a function"):
        cancel_everywhere(pause())


def test_an_unknown_way_is_refused():
    with pytest.raises(ValueError, match="unknown way 'native': on gevent there are kill, below"):
        cancel_everywhere(pause, ways=["native"])


def test_a_scenario_without_an_end_is_told(monkeypatch):
    monkeypatch.setattr("specter._testing.checkpoints.MOST", 5)

    with pytest.raises(AssertionError, match="the scenario has more than 5 checkpoints"):
        cancel_everywhere(lambda: [pause() for _ in range(20)])
