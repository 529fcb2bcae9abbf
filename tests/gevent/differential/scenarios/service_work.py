"""What a service runs: greenlets, intervals, timeouts."""

import re

import gevent
from observing import Part, dies, owned, raised, soon, turns

from specter import Service


def before_start_nothing_can_be_run():
    service = Service("a")

    return [
        raised(service.spawn, print),
        raised(service.spawn_later, 1, print),
        raised(service.interval, print, 1),
        raised(service.timeout, print, 1),
    ]


def after_stop_nothing_can_be_run():
    service = Service("a").start().stop()

    return [
        raised(service.spawn, print)[0],
        raised(service.spawn_later, 1, print)[0],
        raised(service.interval, print, 1)[0],
        raised(service.timeout, print, 1)[0],
        owned(service),
    ]


def spawn_gives_a_greenlet():
    service = Service("a").start()
    greenlet = service.spawn(lambda a, b=0: (a, b), 1, b=2, label="sum")

    return isinstance(greenlet, gevent.Greenlet), greenlet.get(), greenlet.successful()


def a_spawned_greenlet_runs_from_the_next_switch_on():
    log = []
    service = Service("a").start()
    service.spawn(log.append, "ran")
    before = list(log)
    gevent.sleep(0)

    return before, log


def a_greenlet_is_owned_until_it_ends():
    service = Service("a").start()
    greenlet = service.spawn(gevent.sleep, 0.01)
    during = greenlet in service._greenlets
    greenlet.join()
    turns(1)

    return during, owned(service)["greenlets"]


def an_error_in_a_greenlet_is_its_end_and_no_more():
    service = Service("a").start()
    greenlet = service.spawn(dies("no"))
    greenlet.join()

    return greenlet.value, greenlet.successful(), greenlet.exception, service.running


def a_greenlet_may_exit():
    def exits():
        raise gevent.GreenletExit

    greenlet = Service("a").start().spawn(exits)
    greenlet.join()

    return type(greenlet.value).__name__, greenlet.successful()


def stop_kills_without_waiting():
    log = []

    def works():
        try:
            gevent.sleep(60)
        finally:
            log.append("finally")

    service = Service("a").start()
    greenlet = service.spawn(works)
    turns(1)
    service.stop()
    at_once = list(log), greenlet.dead
    turns(2)

    return at_once, log, greenlet.dead, type(greenlet.value).__name__


def what_was_not_begun_never_begins():
    log = []
    service = Service("a").start()
    greenlet = service.spawn(log.append, "ran")
    service.stop()
    turns()

    return log, greenlet.dead


def cancel_greenlet_ends_it():
    log = []
    service = Service("a").start()
    greenlet = service.spawn(gevent.sleep, 60)
    greenlet.link(lambda of: log.append("ended"))
    turns(1)
    chained = service.cancel_greenlet(greenlet) is service, service.cancel_greenlet(None) is service
    held = owned(service)["greenlets"]
    turns(2)

    return chained, held, log, greenlet.dead


def cancel_greenlet_of_what_has_ended():
    service = Service("a").start()
    greenlet = service.spawn(lambda: "value")
    greenlet.join()

    return service.cancel_greenlet(greenlet) is service, greenlet.value


def cancel_greenlet_of_a_stranger():
    service = Service("a").start()
    stranger = gevent.spawn(gevent.sleep, 60)
    service.cancel_greenlet(stranger)
    turns(2)

    return stranger.dead


def spawn_later_waits_and_then_runs():
    service = Service("a").start()
    greenlet = service.spawn_later(0.01, lambda a, b: a + b, 1, b=2, label="sum")
    before = greenlet in service._greenlets, greenlet.ready()

    return before, greenlet.get(), owned(service)["greenlets"]


def spawn_later_is_cancelled_by_stop():
    log = []
    service = Service("a").start()
    service.spawn_later(0.01, log.append, "ran")
    service.stop()
    gevent.sleep(0.03)

    return log, owned(service)


def an_error_in_spawn_later_is_its_end_and_no_more():
    greenlet = Service("a").start().spawn_later(0, dies("no"))
    greenlet.join()

    return greenlet.value, greenlet.successful()


def the_function_is_the_first_callable_in_the_closure_of_what_is_spawned():
    def works():
        gevent.sleep(60)

    service = Service("a").start()
    seen = []
    for greenlet in (service.spawn(works), service.spawn_later(60, works, 1, key=2)):
        cells = [cell.cell_contents for cell in greenlet._run.__closure__]
        first = next(value for value in cells if callable(value))
        seen.append((greenlet._run.__name__, first is works))

    return seen


def ids_of_timers():
    service = Service("a").start()
    ids = [service.interval(print, 60), service.interval(print, 60), service.timeout(print, 60)]
    forms = [re.sub("[0-9a-f]{8}$", "HEX", timer) for timer in ids]

    return forms, len(set(ids)), ids[0] in service._intervals, ids[2] in service._timeouts, owned(service)


def an_interval_waits_first_and_then_goes_on():
    ticks = []
    service = Service("a").start()
    service.interval(lambda: ticks.append(1), 0.01)
    turns()
    before = list(ticks)
    soon(lambda: len(ticks) >= 3)
    service.stop()
    count = len(ticks)
    gevent.sleep(0.03)

    return before, len(ticks) == count, owned(service)["intervals"]


def an_interval_never_overlaps():
    running, most = [], []

    def works():
        running.append(1)
        most.append(len(running))
        gevent.sleep(0.02)
        running.pop()

    service = Service("a").start()
    service.interval(works, 0.005)
    soon(lambda: len(most) >= 3)

    return max(most)


def a_failing_interval_goes_on():
    ticks = []

    def fails():
        ticks.append(1)
        raise ValueError("no")

    service = Service("a").start()
    service.interval(fails, 0.005)

    return soon(lambda: len(ticks) >= 3)


def a_slow_interval_does_not_delay_another():
    ticks = []
    service = Service("a").start()
    service.interval(lambda: gevent.sleep(60), 0.005)
    service.interval(lambda: ticks.append(1), 0.005)

    return soon(lambda: len(ticks) >= 3)


def cancel_interval_ends_it():
    ticks = []
    service = Service("a").start()
    interval = service.interval(lambda: ticks.append(1), 0.005)
    soon(lambda: ticks)
    gives = service.cancel_interval(interval), service.cancel_interval(interval), service.cancel_interval("unknown")
    count = len(ticks)
    gevent.sleep(0.02)

    return gives, len(ticks) == count, owned(service)["intervals"]


def an_interval_may_cancel_itself():
    log = []
    service = Service("a").start()

    def once():
        log.append("ticks")
        service.cancel_interval(interval)
        log.append("goes on")

    interval = service.interval(once, 0.005)
    soon(lambda: log)
    gevent.sleep(0.02)

    return log, owned(service)["intervals"]


def cancelling_an_interval_cuts_its_callback():
    log = []

    def works():
        log.append("begins")
        gevent.sleep(60)
        log.append("ends")

    service = Service("a").start()
    interval = service.interval(works, 0.005)
    soon(lambda: log)
    service.cancel_interval(interval)
    turns(2)

    return log


def stopping_cuts_the_callback_of_an_interval():
    log = []

    def works():
        log.append("begins")
        try:
            gevent.sleep(60)
        except gevent.GreenletExit:
            log.append("killed")
            raise

    service = Service("a").start()
    service.interval(works, 0.005)
    soon(lambda: log)
    service.stop()
    turns(2)

    return log


def an_interval_of_no_seconds_ticks_at_each_turn():
    ticks = []
    service = Service("a").start()
    service.interval(lambda: ticks.append(1), 0)

    return soon(lambda: len(ticks) >= 10)


def a_timeout_calls_once():
    calls = []
    service = Service("a").start()
    timeout = service.timeout(lambda: calls.append(timeout in service._timeouts), 0.005)
    soon(lambda: calls)
    gevent.sleep(0.02)

    return calls, owned(service)["timeouts"]


def cancel_timeout_ends_it():
    calls = []
    service = Service("a").start()
    timeout = service.timeout(lambda: calls.append(1), 0.005)
    gives = service.cancel_timeout(timeout), service.cancel_timeout(timeout), service.cancel_timeout("unknown")
    gevent.sleep(0.02)

    return gives, calls, owned(service)["timeouts"]


def a_failing_timeout_is_over():
    calls = []

    def fails():
        calls.append(1)
        raise ValueError("no")

    service = Service("a").start()
    service.timeout(fails, 0)
    soon(lambda: calls)
    turns()

    return calls, owned(service)["timeouts"], service.running


def a_stopped_service_calls_no_timeout():
    calls = []
    service = Service("a").start()
    service.timeout(lambda: calls.append(1), 0.005)
    service.stop()
    gevent.sleep(0.02)

    return calls, owned(service)


def timers_of_one_moment_keep_their_order():
    calls = []
    service = Service("a").start()
    for number in range(5):
        service.timeout(lambda number=number: calls.append(number), 0.01)
    soon(lambda: len(calls) == 5)

    return calls


def a_timeout_that_waits_keeps_no_other_waiting():
    calls = []
    service = Service("a").start()
    service.timeout(lambda: gevent.sleep(60), 0.005)
    service.timeout(lambda: calls.append(1), 0.01)

    return soon(lambda: calls)


def a_timer_from_before_a_restart_does_not_fire():
    calls = []
    part = Part().start()
    part.timeout(lambda: calls.append("old"), 0.01)
    part.stop()
    part.start()
    part.timeout(lambda: calls.append("new"), 0.02)
    soon(lambda: "new" in calls)

    return calls
