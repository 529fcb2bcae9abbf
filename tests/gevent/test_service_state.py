"""The state of a service, and who hears of it in which order."""

from collections import deque

import gevent
import pytest
from greenlets import ended, turns

from specter_gevent import Service


def test_subscribers_hear_a_copy_in_the_order_in_which_they_came():
    service, seen = Service("a", {"n": 0}), []
    for name in ("first", "second", "third"):
        service.subscribe(lambda state, of, name=name: seen.append((name, state["n"], of)))
    service.set_state({"n": 1})

    assert seen == [(name, 1, service) for name in ("first", "second", "third")]


def test_nobody_can_change_the_state_through_what_is_heard():
    service = Service("a")
    service.subscribe(lambda state, of: state.clear())
    service.set_state({"n": 1})

    assert service.get_state() == {"n": 1}


def test_all_hear_of_all_changes_in_their_order_also_when_one_makes_another():
    service, seen = Service("a"), []

    def first(state, of):
        seen.append(("first", state["n"]))
        if state["n"] < 3:
            service.set_state({"n": state["n"] + 1})
            seen.append(("told all of", state["n"] + 1))

    service.subscribe(first)
    service.subscribe(lambda state, of: seen.append(("second", state["n"])))
    service.set_state({"n": 1})

    assert [n for name, n in seen if name == "second"] == [1, 2, 3]
    assert seen.index(("second", 2)) < seen.index(("told all of", 2))


def test_a_change_during_a_subscriber_that_waits_is_heard_after_the_one_before():
    service, seen = Service("a"), []
    service.subscribe(lambda state, of: gevent.sleep(0) if state["n"] == 1 else None)
    service.subscribe(lambda state, of: seen.append(state["n"]))
    changes = [gevent.spawn(service.set_state, {"n": n}) for n in (1, 2)]
    gevent.joinall(changes, timeout=10)

    assert seen == [1, 2]


def test_what_a_killed_greenlet_did_not_deliver_is_heard_with_the_next_change():
    service, seen = Service("a"), []
    service.subscribe(lambda state, of: gevent.sleep(60) if state["n"] == 1 else None)
    service.subscribe(lambda state, of: seen.append(state["n"]))
    change = gevent.spawn(service.set_state, {"n": 1})
    turns(1)
    change.kill()
    assert seen == []
    service.set_state({"n": 2})

    assert seen == [1, 2]


def test_another_thread_may_tell_the_last_that_is_to_be_heard():
    class Told(deque):
        """It was there a moment ago."""

        def __getitem__(self, index):
            self.clear()
            return super().__getitem__(index)

    class ToldAtOnce(deque):
        """It is there until somebody has told it."""

        def __getitem__(self, index):
            change = super().__getitem__(index)
            self.clear()
            return change

    service, seen = Service("a"), []
    service.subscribe(lambda state, of: seen.append(state))
    service._specter.heard = Told()
    service.set_state({"n": 1})
    service._specter.heard = ToldAtOnce()
    service.set_state({"n": 2})

    assert seen == [{"n": 2}]


def test_a_failing_subscriber_is_logged_and_the_others_hear(caplog):
    service, seen = Service("a"), []
    service.subscribe(lambda state, of: 1 / 0)
    service.subscribe(lambda state, of: seen.append(state))
    service.set_state({"n": 1})
    service.subscribe(lambda state, of: 1 / 0, immediate=True)

    assert seen == [{"n": 1}]
    assert caplog.messages == [
        "[SPECTER] Error in state subscriber for 'a': division by zero",
        "[SPECTER] Error in immediate subscriber for 'a': division by zero",
    ]
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2
    assert all(record.exc_info for record in caplog.records)


def test_immediate_tells_the_present_state():
    service, seen = Service("a", {"n": 1}), []
    service.subscribe(lambda state, of: seen.append((state, of)), immediate=True)

    assert seen == [({"n": 1}, service)]


def test_one_function_is_called_once_however_often_it_subscribes():
    service, seen = Service("a"), []
    end, _ = service.subscribe(seen.append, owner=None), service.subscribe(seen.append)
    assert service._subscribers == {seen.append}
    end()
    end()
    service.set_state({"n": 1})

    assert seen == []


def test_a_watch_ends_with_the_service():
    service, seen = Service("a", {"n": 0}).start(), []
    service.watch(lambda state, of: seen.append(state["n"]))
    service.set_state({"n": 1})
    service.stop()
    service.set_state({"n": 2})

    assert seen == [0, 1]


def test_a_watch_does_not_need_the_subscribe_of_a_subclass():
    class Feed(Service):
        def subscribe(self, topic):
            """Mean something else."""

    with Feed("a") as feed:
        seen = []
        feed.watch(lambda state, of: seen.append(state), immediate=True)

    assert seen == [{}]


def test_an_owner_that_cannot_own_is_refused_and_nothing_stays():
    service = Service("a")
    with pytest.raises(TypeError, match=r"owner must have add_cleanup\(fn\), got object"):
        service.subscribe(turns, owner=object())

    assert service._subscribers == set()


def test_a_coroutine_function_is_refused():
    async def waits(state, of):
        """Do nothing."""

    service = Service("a")
    with pytest.raises(TypeError, match="a subscriber must be a plain function on gevent, .*use_backend"):
        service.subscribe(waits)

    assert service._subscribers == set()


def test_the_lock_of_the_state_is_free_while_subscribers_run():
    service = Service("a")
    service.subscribe(lambda state, of: gevent.sleep(0))
    change = gevent.spawn(service.set_state, {"n": 1})
    turns(1)

    assert service.get_state() == {"n": 1}
    ended(change)
