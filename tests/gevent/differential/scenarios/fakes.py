"""Tests of applications replace gevent's functions by fakes that run everything at once."""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from unittest import mock

import gevent
from fake_gevent import FakeGreenlet, fake_gevent
from observing import owned, raised, soon

from specter import Cache, ManagedProcess, QueueService, Service, Watcher, boot, registry


def spawn_runs_at_once():
    log = []

    def works(value, more=None):
        log.append((value, more))

    with fake_gevent() as fakes:
        service = Service("a").start()
        greenlet = service.spawn(works, 1, more=2, label="mine")
        later = service.spawn_later(60, works, 3)
        held = owned(service)
        service.cancel_greenlet(greenlet)
        service.stop()

    return log, fakes.spawned, held["greenlets"], isinstance(greenlet, FakeGreenlet), isinstance(later, FakeGreenlet)


def an_error_at_once_is_no_error_of_the_caller():
    def fails():
        raise ValueError("no")

    with fake_gevent():
        service = Service("a").start()
        greenlet = service.spawn(fails)

    return greenlet.value, service.running


def an_interval_does_not_tick():
    ticks = []
    with fake_gevent() as fakes:
        service = Service("a").start()
        interval = service.interval(lambda: ticks.append(1), 60)
        held = interval in service._intervals, isinstance(service._intervals[interval], FakeGreenlet)
        service.cancel_interval(interval)
        service.interval(lambda: ticks.append(1), 60)
        service.stop()

    return ticks, fakes.spawned, fakes.slept, held, owned(service)["intervals"]


def a_timeout_does_not_fire():
    calls = []
    with fake_gevent() as fakes:
        service = Service("a").start()
        timeout = service.timeout(lambda: calls.append(1), 60)
        held = timeout in service._timeouts
        service.cancel_timeout(timeout)
        service.timeout(lambda: calls.append(1), 30)
        service.stop()

    return calls, fakes.spawned, fakes.slept, held, owned(service)["timeouts"]


def a_fake_spawn_alone():
    log = []
    service = Service("a").start()
    with mock.patch("gevent.spawn", lambda fn, *args: FakeGreenlet(log.append(fn.__name__))):
        service.spawn(print)
        service.interval(print, 1)
        service.timeout(print, 1)
        held = owned(service)
    service.stop()

    return log, held


def a_fake_sleep_alone_lets_an_interval_run_through():
    ticks = []
    service = Service("a").start()

    def ticks_three_times():
        ticks.append(1)
        if len(ticks) == 3:
            service.stop()

    slept = []
    with mock.patch("gevent.sleep", slept.append):
        service.interval(ticks_three_times, 60)
        gevent.spawn(lambda: None).join()
        soon_enough = len(ticks)

    return soon_enough, slept, service.running


def a_fake_sleep_alone_fires_a_timeout():
    calls, slept = [], []
    service = Service("a").start()
    with mock.patch("gevent.sleep", slept.append):
        service.timeout(lambda: calls.append(1), 60)
        gevent.spawn(lambda: None).join()

    return calls, slept, owned(service)["timeouts"]


def timers_work_again_when_the_fakes_are_gone():
    ticks = []
    with fake_gevent():
        faked = Service("faked").start()
        faked.interval(lambda: ticks.append("faked"), 0.005)
        faked.timeout(lambda: ticks.append("faked"), 0.005)
    service = Service("real").start()
    service.interval(lambda: ticks.append("interval"), 0.005)
    service.timeout(lambda: ticks.append("timeout"), 0.005)

    return soon(lambda: ticks.count("interval") >= 2 and "timeout" in ticks), "faked" in ticks


def timers_from_before_go_on_below_the_fakes():
    ticks = []
    service = Service("a").start()
    service.interval(lambda: ticks.append(1), 0.005)
    soon(lambda: ticks)
    with fake_gevent():
        Service("faked").start().spawn(print)
    count = len(ticks)

    return soon(lambda: len(ticks) > count)


def workers_are_told_apart_by_name():
    class Work(QueueService):
        def handle_item(self, item):
            pass

    with fake_gevent("_worker_loop") as fakes:
        work = Work("work", worker_count=2).start()
        accepted = work.enqueue("a")
        work.stop()

    return fakes.spawned, accepted, work.pending_count()


def a_watcher_runs_at_once():
    seen = []
    values = iter([1, 2])
    with fake_gevent() as fakes:
        watcher = Watcher("w", poll=lambda: next(values), retry=False, interval=0.1)
        watcher.subscribe(lambda value, of: seen.append(value))
        watcher.start()

    return seen, watcher.running, fakes.spawned


def a_fake_popen_is_read_at_once():
    lines = []
    stdout = mock.MagicMock(encoding="utf-8")
    stdout.readline.side_effect = ["one\n", "two\r\n", ""]
    child = mock.MagicMock(stdout=stdout, stderr=None, stdin=None, pid=7, returncode=None)
    child.poll.return_value = None
    with mock.patch("specter.core.process.subprocess.Popen", return_value=child) as popen, fake_gevent():
        process = ManagedProcess("p").start(["program", "argument"], stdout=-1, text=True)
        process.watch_stream("stdout", lines.append)
        seen = process.running, process.pid, process.returncode
        process.stop()

    called = popen.call_args
    return (
        lines,
        seen,
        called.args,
        called.kwargs,
        child.terminate.call_count,
        child.wait.call_args.kwargs,
        stdout.close.called,
    )


def a_fake_popen_that_does_not_end_is_killed():
    import subprocess

    child = mock.MagicMock(stdout=None, stderr=None, stdin=None, pid=7)
    child.poll.return_value = None
    child.wait.side_effect = subprocess.TimeoutExpired("program", 1)
    with mock.patch("specter.core.process.subprocess.Popen", return_value=child):
        process = ManagedProcess("p", terminate_timeout=0.5, kill_timeout=0.25).start(["program"])
        process.stop()

    return child.terminate.call_count, child.kill.call_count, [call.kwargs for call in child.wait.call_args_list]


def a_fake_popen_fails():
    with mock.patch("specter.core.process.subprocess.Popen", side_effect=OSError("no")):
        process = ManagedProcess("p")
        error = raised(process.start, ["program"])

    return error, process.running


class _FakeBus:
    """What a service needs of a bus, and no more."""

    def __init__(self):
        self.log = []

    def on(self, event, callback):
        self.log.append(("on", event, callback.__name__))
        return lambda: self.log.append(("off", event))

    def emit(self, event, data=None):
        self.log.append(("emit", event, data))


def a_fake_bus_is_used_by_services():
    fake = _FakeBus()
    with mock.patch("specter.core.lifecycle.bus", fake):
        service = Service("a").start().listen("added", len)
        service.emit("removed", 1)
        service.stop()

    return fake.log


def methods_of_the_bus_are_patched():
    log = []
    with mock.patch("specter.bus.on", side_effect=lambda event, fn: lambda: log.append(event)) as on:
        service = Service("a").start().listen("added", len)
        service.stop()
    with mock.patch("specter.core.bus.EventBus.on", return_value=lambda: log.append("class")) as on_class:
        Service("b").start().listen("added", len).stop()
    with mock.patch("specter.bus.emit") as emit:
        Service("c").start().emit("removed", 1).stop()

    return log, on.call_args_list == [mock.call("added", len)], on_class.call_count, emit.call_args.args


def the_instance_of_the_registry_is_patched():
    with mock.patch("specter.registry.require", return_value="fake") as require:
        answer = registry.require("a"), Service("a").name
        boot(None, None).shutdown()
    with mock.patch("specter.core.registry.registry.resolve", return_value="fake too"):
        resolved = registry.resolve("a")

    return answer, require.call_args.args, resolved, registry.resolve("a")


def instances_can_be_patched():
    service, cache = Service("a"), Cache("c")
    with mock.patch.object(service, "start", return_value="fake"), mock.patch.object(cache, "get", return_value="fake"):
        faked = service.start(), cache.get()
    service.mine = SimpleNamespace(a=1)

    return faked, cache.get(), service.mine.a


def a_boot_below_fakes():
    log = []

    class Works(Service):
        def on_start(self):
            self.spawn(self.work)
            self.interval(self.work, 5)
            self.timeout(self.work, 5)

        def work(self):
            log.append("works")

    with fake_gevent() as fakes:
        manager = boot(None, None, services=[Works("a")])
        health = manager.health()["services"]
        manager.shutdown()

    return log, health, fakes.slept


def a_fake_of_all_of_gevent_is_used_by_a_service():
    with mock.patch("specter.core.lifecycle.gevent") as fake:
        service = Service("s").start()
        service.interval(len, 3)
        service.timeout(len, 4)
        service.spawn(len, "a")
        service.spawn_later(5, len, "a")
        held = owned(service)
        made = [call[0] for call in fake.mock_calls if "__" not in call[0]]
        service.stop()
    return held, made, fake.spawn.return_value.kill.called, owned(service)


def ids_of_timers_come_from_uuid():
    service = Service("s").start()
    with mock.patch("specter.core.lifecycle.uuid") as fake:
        fake.uuid4.return_value.hex = "0123456789abcdef"
        ids = [service.interval(len, 60), service.timeout(len, 60)]
    made = [SimpleNamespace(hex=letter * 32) for letter in "ab"]
    with mock.patch("uuid.uuid4", side_effect=made):
        ids += [service.interval(len, 60), service.timeout(len, 60)]
    held = owned(service)
    for key in ids:
        service.cancel_interval(key)
        service.cancel_timeout(key)
    return ids, held, owned(service)


@contextmanager
def _frozen(seconds: float) -> Iterator[SimpleNamespace]:
    """What freezegun does: fakes in the place of the functions of `time`, also where modules hold these."""
    clock = SimpleNamespace(now=seconds)
    fakes = {fn: lambda: clock.now for fn in (time.time, time.monotonic)}
    modules = [module for name, module in sys.modules.items() if name.partition(".")[0].startswith("specter")]
    with ExitStack() as stack:
        for module in {id(module): module for module in [time, *modules]}.values():
            for name, value in list(vars(module).items()):
                if any(value is fn for fn in fakes):
                    stack.enter_context(mock.patch.object(module, name, fakes[value]))
        yield clock


def timers_go_on_in_frozen_time():
    service, ticks, fired = Service("s").start(), [], []
    with _frozen(1000.0):
        service.interval(lambda: ticks.append(1), 0.002)
        service.timeout(lambda: fired.append(1), 0.002)
        seen = [soon(lambda: len(ticks) > 2), soon(lambda: fired)]
        count = len(ticks)
    seen.append(soon(lambda: len(ticks) > count + 2))
    service.stop()
    return seen


def values_age_by_frozen_time():
    before = Cache("before", ttl=10)
    before.set(1)
    with _frozen(time.time()) as clock:
        cache, watcher = Cache("c", ttl=10), Watcher("w", poll=lambda: 1).start()
        cache.set(1)
        seen = [cache.get(), before.get()]
        clock.now += 5
        seen += [cache.get(), before.get(), cache.is_valid()]
        clock.now += 6
        seen += [cache.is_valid(), cache.get(), before.get(), watcher.health()["uptime_seconds"]]
        watcher.stop()
        cache.set(2)
        seen.append(cache.updated_at == clock.now)
    return seen
