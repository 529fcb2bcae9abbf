"""Store: changes by threads, and subscribers on several event loops."""

import asyncio
import sys
import threading
from functools import partial

import anyio
import pytest
from anyio import to_thread
from anyio.from_thread import start_blocking_portal

from specter import Runtime, Store, bus


async def test_from_a_worker_thread_a_change_is_heard_on_the_loop_before_it_returns():
    store = Store("s", emit_events=True)
    here = threading.get_ident()
    heard = []
    store.subscribe(lambda snapshot, source: heard.append(("subscriber", snapshot, threading.get_ident())))
    bus.on("s:changed", lambda data: heard.append(("bus", data, threading.get_ident())))

    def change():
        store.set({"a": 1})
        return len(heard)

    assert await to_thread.run_sync(change) == 2
    assert heard == [("subscriber", {"a": 1}, here), ("bus", {"a": 1}, here)]


async def test_states_of_four_worker_threads_are_heard_in_the_order_of_the_changes():
    store = Store("s", {"n": 0}, emit_events=True)
    plain, coroutine, events = [], [], []
    async with Runtime():
        done = anyio.Event()

        async def hear(snapshot, source):
            coroutine.append(snapshot["n"])
            if snapshot["n"] == 200:
                done.set()

        store.subscribe(lambda snapshot, source: plain.append(snapshot["n"]))
        store.subscribe(hear)
        bus.on("s:changed", lambda data: events.append(data["n"]))

        def count():
            for _ in range(50):
                store.update(lambda draft: draft.update(n=draft["n"] + 1))

        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(to_thread.run_sync, count)
        await done.wait()

    assert plain == coroutine == events == [*range(1, 201)]


@pytest.fixture
def threads_that_switch_often():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("threads_that_switch_often")
def test_without_a_loop_states_of_four_threads_are_heard_in_the_order_of_the_changes():
    store = Store("s", {"n": 0}, emit_events=True)
    heard, events = [], []
    store.subscribe(lambda snapshot, source: heard.append(snapshot["n"]))
    bus.on("s:changed", lambda data: events.append(data["n"]))

    def count():
        for _ in range(500):
            store.update(lambda draft: draft.update(n=draft["n"] + 1))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert heard == events == [*range(1, 2001)]


def test_without_a_loop_a_thread_leaves_to_the_one_that_delivers_what_comes_meanwhile():
    store = Store("s")
    heard = []
    entered, go_on = threading.Event(), threading.Event()

    def hear(snapshot, source):
        if snapshot["n"] == 1:
            entered.set()
            assert go_on.wait(5)
        heard.append(snapshot["n"])

    store.subscribe(hear)
    thread = threading.Thread(target=store.set, args=({"n": 1},))
    thread.start()
    assert entered.wait(5)
    store.set({"n": 2})["n"] = "the caller's own"
    go_on.set()
    thread.join()

    assert heard == [1, 2]


def test_without_a_loop_an_interrupted_delivery_does_not_keep_the_others_from_theirs():
    store = Store("s")
    heard = []

    def hear(snapshot, source):
        heard.append(snapshot["n"])
        if snapshot["n"] == 1:
            raise KeyboardInterrupt

    store.subscribe(hear)
    with pytest.raises(KeyboardInterrupt):
        store.set({"n": 1})
    thread = threading.Thread(target=store.set, args=({"n": 2},))
    thread.start()
    thread.join()

    assert heard == [1, 2]


def test_subscribers_on_several_loops_each_hear_all_changes_on_their_own_before_a_change_returns():
    store = Store("s")
    heard = []

    def hear(snapshot, source):
        heard.append((threading.get_ident(), snapshot["n"]))

    with start_blocking_portal() as one, start_blocking_portal() as other:
        threads = [portal.call(threading.get_ident) for portal in (one, other, one)]
        for portal in (one, other, one):
            portal.call(store.subscribe, partial(hear))
        before = [(store.set({"n": n}), len(heard))[1] for n in (1, 2)]

    assert before == [3, 6]
    for thread in set(threads):
        assert [n for where, n in heard if where == thread] == [n for n in (1, 2) for each in threads if each == thread]


def test_a_subscriber_whose_loop_is_closed_is_called_in_the_thread_of_the_change():
    store = Store("s")
    heard = []

    async def subscribe():
        store.subscribe(lambda snapshot, source: heard.append((snapshot, threading.get_ident())))

    thread = threading.Thread(target=asyncio.run, args=(subscribe(),))
    thread.start()
    thread.join()
    store.set({"a": 1})

    assert heard == [({"a": 1}, threading.get_ident())]
