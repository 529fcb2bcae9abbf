"""Greenlets that a service owns."""

import gevent
import pytest
from greenlets import ended, turns

from specter_gevent import Service


def test_spawn_gives_the_greenlet_which_has_the_result(service):
    greenlet = service.spawn(lambda a, b: (a, b), 1, b=2)

    assert isinstance(greenlet, gevent.Greenlet)
    assert greenlet in service._greenlets
    assert ended(greenlet) == (1, 2)
    turns()
    assert service._greenlets == set()


def test_names_of_our_parameters_are_free_for_those_of_the_task(service):
    got = ended(service.spawn(lambda **kwargs: kwargs, fn=1, name=2, seconds=3))

    assert got == {"fn": 1, "name": 2, "seconds": 3}


def test_the_names_of_the_first_release_are_keywords(service):
    assert ended(service.spawn(callback=lambda: 1)) == 1
    assert ended(service.spawn_later(seconds=0, callback=lambda: 1)) == 1
    service.cancel_interval(interval_id=service.interval(callback=turns, seconds=60))
    service.cancel_timeout(timeout_id=service.timeout(callback=turns, seconds=60))
    service.listen(event="a", handler=turns)
    assert service.cancel_greenlet(glet=None) is service


@pytest.mark.parametrize(
    ("spawn", "what"), [("spawn", "Greenlet"), ("spawn_later", "Delayed greenlet")], ids=["spawn", "spawn_later"]
)
def test_an_error_is_logged_with_the_label(service, caplog, spawn, what):
    def fail():
        raise ValueError("no disk")

    before = (0,) if spawn == "spawn_later" else ()
    for options in ({}, {"label": "sweep"}):
        assert ended(getattr(service, spawn)(*before, fail, **options)) is None

    assert caplog.messages == [
        f"[SPECTER] {what} error in 'a' (fail): no disk",
        f"[SPECTER] {what} error in 'a' (sweep): no disk",
    ]
    assert all(record.exc_info and record.levelname == "ERROR" for record in caplog.records)


def test_what_cannot_be_called_fails_in_its_greenlet(service, caplog):
    assert ended(service.spawn("text")) is None

    assert "(greenlet): 'str' object is not callable" in caplog.text


def test_a_timeout_around_the_work_of_a_task_goes_through(service, hub_errors):
    timeout = gevent.Timeout()

    def work():
        raise timeout

    greenlet = service.spawn(work)
    with pytest.raises(gevent.Timeout) as found:
        ended(greenlet)

    assert found.value is timeout
    assert len(hub_errors) == 1
    hub_errors.clear()


@pytest.mark.parametrize("call", [Service.cancel_task, Service.cancel_greenlet])
def test_a_cancelled_task_is_killed_in_the_next_turn(service, call):
    log = []

    def work():
        try:
            gevent.sleep(60)
        finally:
            log.append("ends")

    greenlet = service.spawn(work)
    turns()
    assert call(service, greenlet) is service
    assert call(service, None) is service
    assert log == []
    assert service._greenlets == set()
    turns()

    assert log == ["ends"]


def test_an_error_of_a_kill_is_logged(service, caplog):
    class Stubborn:
        def kill(self, block):
            raise ValueError("no")

    service.cancel_task(Stubborn())

    assert "cannot be killed: no" in caplog.text


@pytest.mark.parametrize("spawn", ["spawn", "spawn_later"])
def test_a_coroutine_function_is_refused(service, spawn):
    async def waits():
        """Do nothing."""

    before = (1,) if spawn == "spawn_later" else ()
    with pytest.raises(TypeError, match="a task must be a plain function on gevent, got .*waits.*use_backend"):
        getattr(service, spawn)(*before, waits)

    assert service._greenlets == set()


def test_before_the_start_there_are_no_tasks():
    with pytest.raises(RuntimeError, match=r"^\[SPECTER\] Cannot spawn task for 'a' before start\(\)$"):
        Service("a").spawn(turns)
    with pytest.raises(RuntimeError, match=r"^\[SPECTER\] Cannot schedule task for 'a' before start\(\)$"):
        Service("a").spawn_later(1, turns)


@pytest.mark.parametrize("spawn", ["spawn", "spawn_later"])
def test_the_function_is_the_first_callable_in_the_closure_of_what_is_spawned(service, monkeypatch, spawn):
    class Callable(Service):
        def __call__(self):
            """Be callable, as the function is."""

    seen = []

    class Fake:
        def rawlink(self, callback):
            # A fake may have ended already, and calls back at once.
            seen.append(self in service._greenlets)
            callback(self)

    def fake(*args):
        runner = args[-1]
        cells = [cell.cell_contents for cell in runner.__closure__]
        seen.append((runner.__name__, next(value for value in cells if callable(value))))
        return Fake()

    monkeypatch.setattr(gevent, spawn, fake)
    service = Callable("a").start()
    getattr(service, spawn)(*((5,) if spawn == "spawn_later" else ()), turns, 1)

    assert seen == [("_runner", turns), True]
    assert service._greenlets == set()


def test_a_greenlet_that_is_tracked_by_hand_is_owned(service):
    greenlet = gevent.spawn(gevent.sleep, 60)
    assert service._track_greenlet(greenlet) is greenlet
    other = gevent.spawn(gevent.sleep, 60)
    service._greenlets.add(other)
    service.stop()
    turns()

    assert greenlet.dead
    assert other.dead


def test_the_set_of_greenlets_can_be_replaced(service):
    mine, others = gevent.spawn(gevent.sleep, 60), service.spawn(gevent.sleep, 60)
    service._greenlets = {mine}

    assert service._greenlets == {mine}
    service.stop()
    turns()
    assert mine.dead
    assert not others.dead
    others.kill()
