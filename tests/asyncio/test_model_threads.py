"""A model that several threads change."""

import threading

import anyio
from anyio import to_thread

from specter import Model, Runtime, bus


async def test_states_of_four_worker_threads_are_heard_in_the_order_of_the_changes():
    model = Model("m", {"a": {"n": 0}}, emit_events=True)
    here = threading.get_ident()
    by_path, by_function, in_a_task, events, threads = [], [], [], [], set()
    async with Runtime():
        done = anyio.Event()

        async def hear_in_a_task(value, source):
            in_a_task.append(value["n"])
            if value["n"] == 200:
                done.set()

        def note(value, source):
            threads.add(threading.get_ident())
            by_path.append(value)

        model.subscribe(note, selector="a.n")
        model.subscribe(lambda value, source: by_function.append(value), selector=lambda snapshot: snapshot["a"]["n"])
        model.subscribe(hear_in_a_task, selector="a")
        bus.on("m:changed", lambda data: events.append(data["a"]["n"]))

        def count():
            for _ in range(50):
                model.update(lambda draft: draft["a"].update(n=draft["a"]["n"] + 1))

        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(to_thread.run_sync, count)
        await done.wait()

    assert by_path == by_function == in_a_task == events == [*range(1, 201)]
    assert threads == {here}


async def test_what_is_read_while_threads_change_the_model_is_of_one_state():
    model = Model("m", {"pair": {"one": 0, "other": 0}})
    stop = threading.Event()

    def change():
        for n in range(2000):
            model.set("pair", {"one": n, "other": n})
            model.set("beside", n)
        stop.set()

    def read():
        odd = []
        while not stop.is_set():
            pair = model.snapshot()["pair"]
            if pair["one"] != pair["other"]:
                odd.append(pair)
        return odd

    async with anyio.create_task_group() as group:
        group.start_soon(to_thread.run_sync, change)
        odd = await to_thread.run_sync(read)

    assert odd == []
