"""Watchers, on both runtimes."""

import pytest


async def test_exactly_one_of_poll_and_stream(twin):
    for options in ({}, {"poll": list, "stream": list}):
        with pytest.raises(ValueError, match="poll"):
            twin.Watcher("w", **options)


async def test_poll_tells_what_it_sees_at_once_and_again(twin):
    told = []
    values = iter(range(100))
    watcher = twin.Watcher("w", poll=lambda: next(values), interval=0.1)
    watcher.subscribe(lambda value, of: told.append((value, of is watcher)))
    assert (watcher.running, watcher.last_value) == (False, None)
    for _ in range(2):
        assert await twin(watcher.start()) is watcher
    await twin.until(lambda: len(told) == 2)
    assert (watcher.running, watcher.last_value) == (True, 1)
    for _ in range(2):
        assert await twin(watcher.stop()) is watcher

    assert not watcher.running
    assert told[:2] == [(0, True), (1, True)]


async def test_stream_tells_each_item_once_if_asked_for(twin):
    told = []
    watcher = twin.Watcher("w", stream=lambda: iter([1, 1, 2, 1]), dedupe=True, transform=lambda value: value * 10)
    watcher.subscribe(lambda value, of: told.append(value))
    await twin(watcher.start())
    await twin.until(lambda: len(told) == 3)
    await twin(watcher.stop())

    assert told == [10, 20, 10]


@pytest.mark.virtual_clock
async def test_a_stream_that_ends_is_not_opened_again_at_once(twin):
    opened = []

    def stream():
        opened.append(1)
        return []

    watcher = twin.Watcher("w", stream=stream)
    await twin(watcher.start())
    await twin.until(lambda: opened)
    await twin.turns(20)
    await twin(watcher.stop())

    assert len(opened) == 1


@pytest.mark.parametrize("source", ["poll", "stream"])
async def test_an_error_without_retry_is_the_end(twin, source):
    watcher = twin.Watcher("w", retry=False, **{source: lambda: 1 / 0})
    await twin(watcher.start())
    await twin.until(lambda: not watcher.running)

    assert watcher.health()["error_count"] == 1
    await twin(watcher.stop())


async def test_a_watcher_error_is_the_end(twin):
    def gone():
        raise twin.WatcherError("gone for good")

    watcher = twin.Watcher("w", poll=gone)
    await twin(watcher.start())
    await twin.until(lambda: not watcher.running)
    await twin(watcher.stop())


async def test_an_error_of_a_subscriber_stays_its_own(twin, caplog):
    told = []
    watcher = twin.Watcher("w", poll=lambda: 1, interval=60)
    watcher.subscribe(lambda value, of: 1 / 0)
    end = watcher.subscribe(lambda value, of: told.append("never"))
    watcher.subscribe(lambda value, of: told.append(value))
    end()
    end()
    await twin(watcher.start())
    await twin.until(lambda: told)

    assert told == [1]
    assert (watcher.running, watcher.health()["error_count"], watcher.health()["subscribers"]) == (True, 0, 2)
    await twin(watcher.stop())
    assert ZeroDivisionError in [record.exc_info[0] for record in caplog.records if record.exc_info]


async def test_stop_in_a_subscriber_is_no_deadlock(twin):
    log = []
    watcher = twin.Watcher("w", poll=lambda: 1, interval=60)

    @twin.waits
    async def stop(value, of):
        await twin(of.stop())
        log.append("stopped")

    watcher.subscribe(stop)
    await twin(watcher.start())
    await twin.until(lambda: not watcher.running)

    assert not watcher.running


async def test_a_service_owns_a_watcher(twin):
    service = twin.Service("a")
    await twin(service.start())
    watcher = service.own(twin.Watcher("w", poll=lambda: 1, interval=60))
    await twin(watcher.start())
    await twin(service.stop())

    assert not watcher.running


async def test_health_tells_of_it(twin):
    health = twin.Watcher("w", poll=list).health()

    assert health == {
        "name": "w", "running": False, "mode": "poll", "error_count": 0, "uptime_seconds": 0, "subscribers": 0,
    }  # fmt: skip
    assert twin.Watcher("w", stream=list).health()["mode"] == "stream"
