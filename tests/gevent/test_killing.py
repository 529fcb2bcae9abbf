"""A greenlet that is killed in the middle of anything leaves no lock held and no rule half done."""

import gevent
import pytest
from gevent.lock import BoundedSemaphore
from killing import held, is_held, kill_everywhere


def test_each_switch_is_a_point():
    ends = []

    def scenario():
        reached = []

        def waits_three_times():
            for number in range(3):
                gevent.sleep(0)
                reached.append(number)

        yield waits_three_times
        ends.append(reached)

    assert kill_everywhere(scenario) == 3
    assert ends == [[], [0], [0, 1], [0, 1, 2]]


def test_a_lock_that_is_kept_is_found():
    def scenario():
        lock = BoundedSemaphore(1)

        def keeps():
            lock.acquire()
            gevent.sleep(0)
            lock.release()

        yield keeps
        assert not is_held(lock)

    with pytest.raises(AssertionError) as caught:
        kill_everywhere(scenario)
    assert caught.value.__notes__ == ["killed at switch 0"]


def test_an_error_of_its_own_is_not_taken_for_a_kill(hub_errors):
    def scenario():
        yield lambda: 1 / 0

    with pytest.raises(ZeroDivisionError):
        kill_everywhere(scenario)
    assert "ZeroDivisionError" in hub_errors.pop()


def test_locks_are_found_by_name():
    class Owner:
        def __init__(self):
            self._lock, self._other = BoundedSemaphore(1), BoundedSemaphore(1)

    owner = Owner()
    owner._lock.acquire()

    assert held(owner) == ["Owner._lock"]
