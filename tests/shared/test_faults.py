"""Faults at named points, on both runtimes: each is met, counted, and leaves nothing behind."""

from importlib import import_module

import pytest


@pytest.fixture
def harness(twin):
    return import_module(f"{twin.package.__name__}.testing")


def service_of(twin, *, waits=True):
    """A service whose hooks keep a log; they are coroutine functions on asyncio if they wait."""
    coloured = twin.waits if waits else lambda fn: fn

    class Part(twin.Service):
        def __init__(self):
            super().__init__("part")
            self.log = []

        if waits:

            @coloured
            async def on_start(self):
                self.log.append("on_start")

            @coloured
            async def on_stop(self):
                self.log.append("on_stop")

        else:

            def on_start(self):
                self.log.append("on_start")

            def on_stop(self):
                self.log.append("on_stop")

    return Part()


both_colours = pytest.mark.parametrize("waits", [False, True], ids=["plain", "coroutine"])


# fail.


@both_colours
async def test_a_start_that_fails_is_undone(twin, harness, waits):
    service = service_of(twin, waits=waits)

    with harness.fail(service, "on_start", OSError("no disk")) as fault:
        with pytest.raises(OSError, match="no disk"):
            await twin(service.start())
        assert not service.running
        assert fault.calls == 1

    assert service.log == []
    assert "on_start" not in vars(service)
    await twin(service.start())
    await twin(service.stop())
    assert service.log == ["on_start", "on_stop"]


async def test_a_class_of_errors_makes_a_new_one_for_each_call(twin, harness):
    service = service_of(twin)
    errors = []

    with harness.fail(service, "on_start", LookupError):
        for _ in range(2):
            with pytest.raises(LookupError) as caught:
                await twin(service.start())
            errors.append(caught.value)

    assert errors[0] is not errors[1]


@both_colours
async def test_after_so_many_times_the_method_itself_is_reached(twin, harness, waits):
    service = service_of(twin, waits=waits)

    with harness.fail(service, "on_start", OSError, times=2) as fault:
        for _ in range(2):
            with pytest.raises(OSError):
                await twin(service.start())
        await twin(service.start())
        await twin(service.stop())

    assert fault.calls == 2
    assert service.log == ["on_start", "on_stop"]


async def test_an_error_of_a_stop_is_logged_and_the_stop_goes_on(twin, harness, caplog):
    service, closed = service_of(twin), []
    await twin(service.start())
    service.add_cleanup(lambda: closed.append(1))

    with harness.fail(service, "on_stop", OSError("on purpose")):
        await twin(service.stop())

    assert closed == [1]
    assert "on purpose" in caplog.text


async def test_an_item_that_fails_is_counted_and_the_next_one_is_worked_on(twin, harness):
    done = []

    class Work(twin.QueueService):
        def handle_item(self, item):
            done.append(item)

    work = Work("work")
    await twin(work.start())
    with harness.fail(work, "handle_item", ValueError, times=1):
        for item in "ab":
            await twin(work.enqueue(item))
        await twin(work.queue.join())
    await twin(work.stop())

    assert done == ["b"]
    assert work.error_count == 1


@both_colours
async def test_the_function_that_a_method_is_handed_fails(twin, harness, waits):
    cache = twin.create_cache("c")

    async def compute():
        return "value"

    factory = twin.waits(compute) if waits else lambda: "value"
    with harness.fail(cache, "get_or_compute.factory", ConnectionError, times=1) as fault:
        with pytest.raises(ConnectionError):
            await twin(cache.get_or_compute(factory))
        assert await twin(cache.get_or_compute(factory)) == "value"
        assert await twin(cache.get_or_compute(factory=factory)) == "value"

    assert fault.calls == 1
    assert "get_or_compute" not in vars(cache)


async def test_a_handed_function_that_is_none_is_the_methods_own_matter(twin, harness):
    with harness.fail(twin.bus, "wait_for.predicate", ValueError), pytest.raises(TimeoutError):
        await twin(twin.bus.wait_for("event", timeout=0))
    with pytest.raises(TypeError), harness.fail(twin.bus, "on.event", ValueError):
        twin.bus.on("event", None)


@pytest.mark.parametrize("source", ["poll", "stream"])
async def test_the_source_of_a_watcher_fails(twin, harness, source):
    def give():
        return [1] if source == "stream" else 1

    watcher = twin.Watcher("w", **{source: give}, retry=False)
    with harness.fail(watcher, source, OSError) as fault:
        await twin(watcher.start())
        await twin.until(lambda: not watcher.running)

    assert fault.calls == 1
    assert watcher.last_value is None
    await twin(watcher.stop())


# hang.


async def start(twin, service):
    try:
        await twin(service.start())
    except RuntimeError:
        return "stopped"
    return "started"


@both_colours
async def test_a_start_hangs_until_it_is_released(twin, harness, waits):
    service = service_of(twin, waits=waits)
    seen = []

    async def release():
        await twin(hanging.reached.wait())
        seen.append((list(service.log), service.running))
        hanging.release()

    with harness.hang(service, "on_start") as hanging:
        await twin.together(lambda: start(twin, service), release)
        assert seen == [([], True)]
        assert service.log == ["on_start"]
        assert hanging.calls == 1

    assert "on_start" not in vars(service)
    await twin(service.stop())


async def test_what_hangs_is_released_when_the_fault_is_undone(twin, harness):
    service = service_of(twin)
    hanging = harness.hang(service, "on_start")

    async def undo():
        await twin(hanging.reached.wait())
        hanging.undo()
        hanging.undo()

    await twin.together(lambda: start(twin, service), undo)

    assert service.log == ["on_start"]
    assert "on_start" not in vars(service)
    await twin(service.stop())


async def test_only_so_many_calls_hang(twin, harness):
    done = []

    class Work(twin.QueueService):
        def handle_item(self, item):
            done.append(item)

    work = Work("work", worker_count=2)
    await twin(work.start())
    with harness.hang(work, "handle_item", times=1) as hanging:
        for item in "abc":
            await twin(work.enqueue(item))
        await twin(hanging.reached.wait())
        await twin.until(lambda: len(done) == 2)
        assert hanging.calls == 1
    await twin(work.queue.join())
    await twin(work.stop())

    assert sorted(done) == ["a", "b", "c"]


async def test_a_factory_hangs_and_who_asks_waits(twin, harness):
    cache, seen = twin.create_cache("c"), []

    async def ask():
        return await twin(cache.get_or_compute(lambda: "value"))

    async def release():
        await twin(hanging.reached.wait())
        seen.append(cache.get())
        hanging.release()

    with harness.hang(cache, "get_or_compute.factory") as hanging:
        outcomes = await twin.together(ask, ask, release)

    assert outcomes[:2] == ["value", "value"]
    assert seen == [None]


# Several at one point.


async def test_the_newest_fault_is_met_first_and_the_order_of_undoing_does_not_matter(twin, harness):
    service = service_of(twin)
    service.on_start = own = lambda: service.log.append("own")
    first = harness.fail(service, "on_start", LookupError)
    second = harness.fail(service, "on_start", OSError)

    with pytest.raises(OSError):
        await twin(service.start())
    first.undo()
    with pytest.raises(OSError):
        await twin(service.start())
    second.undo()
    assert vars(service)["on_start"] is own
    await twin(service.start())
    await twin(service.stop())

    assert service.log == ["own", "on_stop"]


async def test_a_fault_behind_a_spent_one_is_met(twin, harness):
    service = service_of(twin)

    with harness.fail(service, "on_start", LookupError), harness.fail(service, "on_start", OSError, times=1):
        with pytest.raises(OSError):
            await twin(service.start())
        with pytest.raises(LookupError):
            await twin(service.start())


async def test_what_somebody_puts_in_the_place_of_a_fault_stays(twin, harness):
    service = service_of(twin)

    with harness.fail(service, "on_start", OSError):
        service.on_start = own = lambda: None

    assert service.on_start is own


# What is refused.


async def test_an_unknown_name_is_refused_with_those_that_are_alike(twin, harness):
    service = service_of(twin)

    for make in (lambda: harness.fail(service, "on_begin_start", OSError), lambda: harness.hang(service, "on_strat")):
        with pytest.raises(AttributeError, match=r"has no method '\w+'; did you mean .*\bon_start\b"):
            make()
    with pytest.raises(AttributeError, match=r"has no method 'zzz'; there are: .*\bstop\b"):
        harness.fail(service, "zzz", OSError)
    with pytest.raises(AttributeError, match="'spawn' has no parameter 'function'; there are: "):
        harness.fail(service, "spawn.function", OSError)
    with pytest.raises(AttributeError, match="has no method 'stream'"):
        harness.fail(twin.Watcher("w", poll=lambda: 1), "stream", OSError)
    assert not {"on_start", "spawn"} & vars(service).keys()


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("name", OSError, "'name' of .* is no method, but 'part'"),
        ("running", OSError, "'running' of .* is no method, but False"),
        ("on_start", "broken", "an error must be an exception or a class of them, got 'broken'"),
        ("on_start", int, "an error must be an exception or a class of them, got <class 'int'>"),
    ],
    ids=["attribute", "property", "text", "class"],
)
async def test_what_is_no_method_and_no_error_is_refused(twin, harness, name, error, message):
    with pytest.raises(TypeError, match=message):
        harness.fail(service_of(twin), name, error)


async def test_a_class_and_what_has_no_room_for_a_fault_are_refused(twin, harness):
    with pytest.raises(TypeError, match="a fault stands at an instance, got the class"):
        harness.fail(twin.Service, "start", OSError)
    with pytest.raises(TypeError, match="has no __dict__"):
        harness.fail([], "append", OSError)


@pytest.mark.parametrize("times", [0, -1])
async def test_no_times_at_all_are_refused(twin, harness, times):
    with pytest.raises(ValueError, match="times must be 1 or more"):
        harness.fail(service_of(twin), "on_start", OSError, times=times)


async def test_a_plain_method_that_nobody_waits_for_cannot_hang(twin, harness):
    service = service_of(twin)
    if twin.on_gevent:
        harness.hang(service, "health").undo()
    else:
        with pytest.raises(TypeError, match="'health' of .* is a plain method, which nobody waits for"):
            harness.hang(service, "health")
    assert "health" not in vars(service)


async def test_what_is_refused_can_be_shown(twin, harness):
    service = service_of(twin)
    refused = [
        lambda: harness.fail(service, "on_strat", OSError),
        lambda: harness.fail(service, "on_start", "no disk"),
        lambda: harness.fail(service, "on_start", OSError, times=0),
        lambda: harness.hang(service, "no_method"),
        lambda: harness.hang(service, "name"),
        lambda: harness.record(None),
    ]
    for make in refused:
        with pytest.raises((AttributeError, TypeError, ValueError)) as found:
            make()
        shown = [repr(value) for entry in found.traceback for value in entry.locals.values() if value is not found]
        assert shown


async def test_a_fault_says_where_it_stands(twin, harness):
    with harness.fail(service_of(twin), "on_start", OSError) as fault:
        assert repr(fault) == "<Failure at 'on_start' of Part, 0 calls>"
