"""The state of a service, and who hears of it."""

import logging

import anyio
import pytest
from anyio.lowlevel import checkpoint

from specter import Runtime, Service


@pytest.fixture
async def service(runtime):
    return await Service("svc", {"a": 1}).start()


class Owner:
    """Anything with add_cleanup."""

    def __init__(self):
        self.cleanups = []

    def add_cleanup(self, fn):
        self.cleanups.append(fn)

    def end(self):
        while self.cleanups:
            self.cleanups.pop()()


def test_the_first_state_is_a_copy():
    first = {"a": 1}
    service = Service("svc", first)
    service.state["b"] = 2

    assert first == {"a": 1}
    assert Service("svc").state == {}


def test_get_state_gives_a_copy():
    service = Service("svc", {"a": 1})
    service.get_state()["a"] = 2

    assert service.get_state() == {"a": 1}


def test_set_state_merges_one_level_deep():
    service = Service("svc", {"a": {"x": 1}, "b": 2})
    service.set_state({"a": {"y": 1}, "c": 3})

    assert service.state == {"a": {"y": 1}, "b": 2, "c": 3}


@pytest.mark.parametrize("wrong", [None, 5, "ab", [("a", 2)]], ids=repr)
def test_what_is_no_dict_changes_nothing(wrong):
    service, heard = Service("svc", {"a": 1}), []
    service.subscribe(lambda state, of: heard.append(state))
    with pytest.raises(TypeError, match="the state of service 'svc' must be a dict"):
        service.set_state(wrong)

    assert (service.state, heard) == ({"a": 1}, [])


def test_a_service_needs_a_name_and_a_state_that_are_none_by_mistake():
    with pytest.raises(TypeError, match="the name of a service must be a non-empty string, got 5"):
        Service(5)
    with pytest.raises(TypeError, match="the state of service 'svc' must be a dict, got list"):
        Service("svc", [("a", 1)])


def test_subscribers_get_a_copy_and_the_service():
    service, heard = Service("svc"), []

    def hear(state, of):
        heard.append((dict(state), of))
        state["mine"] = True

    service.subscribe(hear)
    service.set_state({"a": 1})

    assert heard == [({"a": 1}, service)]
    assert service.state == {"a": 1}


def test_immediate_tells_the_present_state_at_once():
    service, heard = Service("svc", {"a": 1}), []
    service.subscribe(lambda state, of: heard.append(state), immediate=True)

    assert heard == [{"a": 1}]


def test_unsubscribing_ends_it_and_twice_is_harmless():
    service, heard = Service("svc"), []
    unsubscribe = service.subscribe(lambda state, of: heard.append(state))
    unsubscribe()
    unsubscribe()
    service.set_state({"a": 1})

    assert heard == []


def test_a_function_subscribed_twice_is_called_once_until_both_have_ended():
    service, heard = Service("svc"), []

    def hear(state, of):
        heard.append(state["n"])

    first, second = service.subscribe(hear), service.subscribe(hear)
    service.set_state({"n": 1})
    first()
    first()
    service.set_state({"n": 2})
    second()
    service.set_state({"n": 3})

    assert heard == [1, 2]


def test_an_error_in_a_subscriber_is_logged_and_the_others_hear(caplog):
    service, heard = Service("svc"), []

    def fail(state, of):
        raise ValueError("no good")

    service.subscribe(fail)
    service.subscribe(lambda state, of: heard.append(state))
    service.set_state({"a": 1})

    assert heard == [{"a": 1}]
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("specter._delivery", logging.ERROR)
    assert "fail failed" in record.message
    assert record.exc_info


def test_a_subscriber_that_changes_the_state_is_heard_by_all_in_the_order_of_the_changes():
    service, heard = Service("svc"), {"one": [], "two": []}

    def one(state, of):
        heard["one"].append(state["n"])
        if state["n"] < 3:
            of.set_state({"n": state["n"] + 1})

    service.subscribe(one)
    service.subscribe(lambda state, of: heard["two"].append(state["n"]))
    service.set_state({"n": 1})

    assert heard == {"one": [1, 2, 3], "two": [1, 2, 3]}


@pytest.mark.parametrize("fn", [None, 1, "name"])
def test_what_cannot_be_called_cannot_subscribe(fn):
    with pytest.raises(TypeError, match="a subscriber must be callable, got"):
        Service("svc").subscribe(fn)


def test_an_owner_without_add_cleanup_is_named():
    with pytest.raises(TypeError, match=r"owner must have add_cleanup\(fn\), got dict"):
        Service("svc").subscribe(print, owner={})


def test_the_owner_ends_the_subscription():
    service, owner, heard = Service("svc"), Owner(), []
    service.subscribe(lambda state, of: heard.append(state), owner=owner)
    owner.end()
    service.set_state({"a": 1})

    assert heard == []


async def test_a_subscription_that_ended_is_forgotten_by_the_service_that_owns_it(service):
    owner = await Service("owner").start()
    before = len(owner._ledger.cleanups)
    for _ in range(10):
        service.subscribe(print, owner=owner)()

    assert len(owner._ledger.cleanups) == before


async def test_watch_tells_at_once_and_until_the_service_stops(service):
    heard = []
    service.watch(lambda state, of: heard.append(state["a"]))
    service.set_state({"a": 2})
    await service.stop()
    service.set_state({"a": 3})

    assert heard == [1, 2]


async def test_watch_without_immediate_tells_of_changes_only(service):
    heard = []
    unwatch = service.watch(lambda state, of: heard.append(state["a"]), immediate=False)
    service.set_state({"a": 2})
    unwatch()
    service.set_state({"a": 3})

    assert heard == [2]


async def test_a_subclass_may_use_the_name_subscribe_for_itself(runtime):
    class Topics(Service):
        def subscribe(self, topic):
            raise AssertionError

    heard = []
    service = await Topics("svc").start()
    service.watch(lambda state, of: heard.append(state))

    assert heard == [{}]


async def test_stop_clears_the_subscribers(service):
    heard = []
    service.subscribe(lambda state, of: heard.append(state))
    await service.stop()
    service.set_state({"a": 2})

    assert heard == []


async def test_a_coroutine_subscriber_hears_one_change_at_a_time_and_in_order(service):
    heard = []

    async def hear(state, of):
        heard.append(("begin", state["a"]))
        await checkpoint()
        heard.append(("end", state["a"]))

    service.subscribe(hear)
    for number in range(3):
        service.set_state({"a": number})
    assert heard == []
    await anyio.wait_all_tasks_blocked()

    assert heard == [("begin", 0), ("end", 0), ("begin", 1), ("end", 1), ("begin", 2), ("end", 2)]


async def test_a_coroutine_subscriber_runs_as_a_task_of_its_owner(service):
    owner = await Service("owner").start()
    log = []

    async def hear(state, of):
        log.append([task.owner for task in owner._ledger.tasks])
        try:
            await anyio.sleep_forever()
        finally:
            log.append("ended")

    service.subscribe(hear, owner=owner)
    service.set_state({"a": 2})
    await anyio.wait_all_tasks_blocked()
    await owner.stop()

    assert log == [[owner], "ended"]
    assert service.running


async def test_a_coroutine_subscriber_without_owner_runs_in_the_runtime(runtime, service):
    heard = []

    async def hear(state, of):
        heard.append(Runtime.current())

    service.subscribe(hear)
    service.set_state({"a": 2})
    await anyio.wait_all_tasks_blocked()

    assert heard == [runtime]


async def test_a_delivery_ends_with_an_owner_that_is_no_service(service):
    owner, log = Owner(), []

    async def hear(state, of):
        try:
            await anyio.sleep_forever()
        finally:
            log.append("ended")

    service.subscribe(hear, owner=owner)
    service.set_state({"a": 2})
    await anyio.wait_all_tasks_blocked()
    owner.end()
    await anyio.wait_all_tasks_blocked()

    assert log == ["ended"]


async def test_a_delivery_goes_on_when_the_subscription_is_ended_by_hand(service):
    log, gate = [], anyio.Event()

    async def hear(state, of):
        await gate.wait()
        log.append(state["a"])

    unsubscribe = service.subscribe(hear)
    service.set_state({"a": 2})
    service.set_state({"a": 3})
    await anyio.wait_all_tasks_blocked()
    unsubscribe()
    gate.set()
    await anyio.wait_all_tasks_blocked()

    assert log == [2]


async def test_the_last_change_before_a_stop_is_heard(service):
    heard = []

    async def hear(state, of):
        heard.append(state["a"])

    service.on_stop = lambda: service.set_state({"a": "last"})
    service.subscribe(hear)
    await service.stop()
    await anyio.wait_all_tasks_blocked()

    assert heard == ["last"]


async def test_without_owner_and_runtime_a_coroutine_subscriber_is_an_error_of_its_own(caplog):
    service = Service("svc")

    async def hear(state, of):
        raise AssertionError

    service.subscribe(hear)
    service.set_state({"a": 1})

    assert "hear is a coroutine function, and there is no runtime to run it in" in caplog.text


async def test_a_subscriber_slower_than_the_changes_is_told_of_once(service, caplog):
    gate = anyio.Event()

    async def slow(state, of):
        await gate.wait()

    service.subscribe(slow)
    for number in range(3000):
        service.set_state({"a": number})
    gate.set()
    await anyio.wait_all_tasks_blocked()

    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert warnings[0].endswith("slow is slower than what it hears: 1000 calls wait")


async def test_one_function_of_two_owners_goes_on_with_the_second(service):
    one, two = await Service("one").start(), await Service("two").start()
    heard = []

    async def hear(state, of):
        heard.append(state["a"])
        await checkpoint()

    service.subscribe(hear, owner=one)
    service.subscribe(hear, owner=two)
    service.set_state({"a": 2})
    await anyio.wait_all_tasks_blocked()
    await one.stop()
    service.set_state({"a": 3})
    await anyio.wait_all_tasks_blocked()
    await two.stop()
    service.set_state({"a": 4})
    await anyio.wait_all_tasks_blocked()

    assert heard == [2, 3]


def test_health_tells_name_and_status():
    assert Service("svc").health() == {"status": "stopped", "name": "svc"}


async def test_health_of_a_running_service_is_ok(service):
    assert service.health() == {"status": "ok", "name": "svc"}
    assert service.priority == 100
    assert Service.depends_on == ()
    assert Service.stop_timeout == 30.0


async def test_a_service_shows_its_class_name_and_state(service):
    assert repr(service) == "<Service 'svc' running>"
