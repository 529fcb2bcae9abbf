"""What Specter does by time goes by the virtual clock, on each runtime."""

import random

import pytest

pytestmark = pytest.mark.virtual_clock

DAY = 86_400


@pytest.fixture
def clock(virtual_clock):
    return virtual_clock


async def test_a_day_of_intervals_gives_the_calls_that_arithmetic_predicts(specter_backend, clock):
    backend = specter_backend
    periods = [60 + 37.25 * number for number in range(98)] + [DAY / 7, DAY]
    calls = dict.fromkeys(periods, 0)

    def count(period):
        calls[period] += 1

    service = await backend(backend.Service("busy").start())
    for period in periods:
        service.interval(lambda period=period: count(period), period)
    await backend(clock.advance(DAY))
    await backend(service.stop())

    assert len(periods) == 100
    # A moment is rounded up to a millisecond, so that the seventh of seven parts of a day falls due after it.
    assert calls == {period: DAY // period for period in periods} | {DAY / 7: 6}
    assert clock.now == DAY


async def test_timers_fall_due_at_their_moment(specter_backend, clock):
    backend = specter_backend
    moments = []
    service = await backend(backend.Service("s").start())
    service.timeout(lambda: moments.append(("timeout", clock.now)), 10)
    service.interval(lambda: moments.append(("interval", clock.now)), 4)
    await backend(clock.advance(12))
    await backend(service.stop())

    assert moments == [("interval", 4), ("interval", 8), ("timeout", 10), ("interval", 12)]


async def test_values_of_a_cache_age(specter_backend, clock):
    backend = specter_backend
    cache = backend.Cache("c", ttl=60)
    cache.set("value")
    await backend(clock.advance(59.9))
    before = cache.get()
    await backend(clock.advance(0.2))

    assert (before, cache.get()) == ("value", None)


async def test_a_watcher_polls(specter_backend, clock):
    backend = specter_backend
    values, moments = iter(range(100)), []
    watcher = backend.Watcher("w", poll=lambda: next(values), interval=30)
    watcher.subscribe(lambda value, watcher: moments.append((value, clock.now)))
    service = await backend(backend.Service("s").start())
    await start_watcher(backend, service, watcher)
    await backend(clock.advance(90))
    uptime = watcher.health()["uptime_seconds"]
    await backend(service.stop())

    assert moments == [(0, 0), (1, 30), (2, 60), (3, 90)]
    assert uptime == 90


async def test_a_watcher_that_fails_waits_longer_each_time(specter_backend, clock, monkeypatch):
    backend = specter_backend
    monkeypatch.setattr(random, "random", lambda: 0.0)
    tries = []

    def fail():
        tries.append(clock.now)
        if len(tries) == 5:
            return "works"
        raise OSError("away")

    watcher = backend.Watcher("w", poll=fail, interval=1000)
    service = await backend(backend.Service("s").start())
    await start_watcher(backend, service, watcher)
    await backend(clock.advance(60))
    await backend(service.stop())

    assert tries == [0, 1, 3, 7, 15]


async def start_watcher(backend, service, watcher):
    service.own(watcher)
    await backend(watcher.start())


async def test_waiting_for_an_entry_of_the_registry_ends(specter_backend, clock):
    backend = specter_backend
    with pytest.raises(TimeoutError):
        await backend(backend.registry.wait_for("nobody", timeout=3600))

    assert clock.now == 3600


async def test_a_full_queue_is_waited_for(specter_backend, clock):
    backend = specter_backend

    class Slow(backend.QueueService):
        stop_timeout = 1

        @backend.waits
        async def handle_item(self, item):
            await backend.sleep(3600)

    queue = Slow("slow", worker_count=1, maxsize=1)
    await backend(queue.start())
    assert await backend(queue.enqueue("worked on"))
    await backend(clock.settle())
    assert await backend(queue.enqueue("waits"))
    taken = await backend(queue.enqueue("too much", block=True, timeout=60))
    after = clock.now
    await backend(clock.advance(3600))
    taken_later = await backend(queue.enqueue("later", block=True, timeout=60))
    await backend(queue.stop())

    assert (taken, after, taken_later) == (False, 60, True)


async def test_a_stop_ends_in_its_time(specter_backend, clock, caplog):
    backend = specter_backend

    class Stubborn(backend.Service):
        stop_timeout = 100

    service = await backend(Stubborn("stubborn").start())

    @backend.waits
    async def hang():
        await backend.sleep(10_000)

    service.add_cleanup(hang)
    await backend(service.stop())

    assert 0 < clock.now <= 100
