"""Plain views of Quart run in worker threads: they read and change everything while the event loop works on it too."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from anyio import to_thread
from anyio.lowlevel import checkpoint
from quart import Quart

from specter import Cache, ManagedProcess, Model, QueueService, Store, Watcher, boot, bus, registry
from specter.testing import eventually, http

REQUESTS = 40


class Work(QueueService):
    """Owns one of everything; all that it hears is heard on the event loop, or `elsewhere` has the thread."""

    def __init__(self) -> None:
        super().__init__("work")
        self.heard: dict[str, list[Any]] = {}
        self.elsewhere: set[int] = set()
        self.done = 0

    async def on_start(self) -> None:
        self.thread = threading.get_ident()
        self.store = self.own(Store("store", {"n": 0}, emit_events=True))
        self.model = self.own(Model("model", {"a": {"n": 0}, "b": {}}))
        self.cache = self.own(Cache("cache", depends_on=["stale"]))
        self.process: ManagedProcess = await self.start_process(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.watcher = self.own(Watcher("watcher", poll=lambda: 1, interval=0.1))
        await self.watcher.start()
        self.store.subscribe(lambda state, _: self.note("store", state["n"]), owner=self)
        self.model.subscribe(lambda value, _: self.note("model", value), selector="a.n", owner=self)
        self.model.subscribe(self.slowly, selector="a.n", owner=self)
        self.watch(lambda state, _: self.note("state", state.get("n")), immediate=False)
        self.listen("store:changed", lambda state: self.note("event", state["n"]))
        self.cache.on_invalidate(lambda: self.note("invalidated", None))
        self.spawn(self.beside)

    def note(self, what: str, value: Any) -> None:
        self.heard.setdefault(what, []).append(value)
        if threading.get_ident() != self.thread:
            self.elsewhere.add(threading.get_ident())

    async def slowly(self, value: int, model: Model) -> None:
        await checkpoint()
        self.note("slowly", value)

    async def beside(self) -> None:
        """What the loop does meanwhile."""
        while True:
            self.store.update(lambda draft: draft.update(n=draft["n"] + 1000))
            self.model.set("b.beside", object)
            await self.cache.get_or_compute(lambda: "computed")
            await anyio.sleep(0)  # noqa: ASYNC115

    async def handle_item(self, item: Any) -> None:
        self.note("item", item)
        self.done += 1


@pytest.fixture
async def client() -> AsyncIterator[Any]:
    app = Quart(__name__)

    @app.get("/<int:number>")
    def change(number: int) -> dict[str, Any]:
        assert threading.get_ident() != work.thread
        work.store.update(lambda draft: draft.update(n=draft["n"] + 1))
        work.model.update(lambda draft: draft["a"].update(n=draft["a"]["n"] + 1))
        work.set_state({"n": number})
        work.cache.set(number)
        work.cache.invalidate()
        work.cache.get()
        bus.emit_nowait("stale")
        registry.provide(f"view {number}", number)
        return {"queued": work.enqueue_nowait(number), "model": work.model.get("a.n"), "store": work.store.get("n")}

    @app.get("/tasks")
    def tasks() -> dict[str, Any]:
        ran = threading.Event()
        key = work.timeout(ran.set, 0)
        handle = work.spawn(checkpoint)
        kept = work.interval(lambda: None, 60)
        work.cancel_interval(kept)
        assert ran.wait(5)
        handle.cancel()
        unsubscribe = work.watcher.subscribe(lambda value, _: work.note("watcher", value))
        unsubscribe()
        health = work.watcher.health()
        return {"timer": key, "watching": health["running"], "process": work.process.poll(), "pid": work.process.pid}

    @app.get("/tell")
    def tell() -> str:
        bus.emit_nowait("imported", 1)
        return ""

    @app.get("/follow")
    def follow() -> str:
        work.process.watch_stream("stdout", lambda line: work.note("line", line))
        work.process.process.stdin.write(b"written\n")  # type: ignore[union-attr]
        work.process.process.stdin.flush()  # type: ignore[union-attr]
        return ""

    work = Work()
    boot(app, None, services=[work])
    async with http(app) as client:
        client.work = work
        yield client
    assert not work.running and not work._ledger


async def test_every_change_is_made_and_heard_on_the_loop_in_order(client: Any) -> None:
    work: Work = client.work
    answers: list[Any] = []

    async def ask(number: int) -> None:
        answers.append(await (await client.get(f"/{number}")).get_json())

    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            for number in range(REQUESTS):
                group.start_soon(ask, number)
        await work.join()
        await eventually(lambda: len(work.heard["slowly"]) == REQUESTS)

    assert work.elsewhere == set()
    assert work.store.get("n") % 1000 == work.model.get("a.n") == REQUESTS
    assert work.heard["model"] == work.heard["slowly"] == list(range(1, REQUESTS + 1))
    assert work.heard["store"] == work.heard["event"] == sorted(work.heard["store"])
    assert sorted(work.heard["item"]) == list(range(REQUESTS))
    assert set(work.heard["state"]) - {None} == set(range(REQUESTS))
    assert len(work.heard["invalidated"]) >= 2 * REQUESTS
    assert all(answer["queued"] for answer in answers)
    assert registry.require("view 7") == 7


async def test_tasks_timers_watchers_and_processes_are_reached(client: Any) -> None:
    work: Work = client.work
    answer = await (await client.get("/tasks")).get_json()

    assert answer["timer"].startswith("timeout_")
    assert answer["watching"] is True
    assert (answer["process"], answer["pid"]) == (None, work.process.pid)


async def test_a_coroutine_listener_of_no_loop_and_no_owner_runs_on_the_loop(client: Any) -> None:
    work: Work = client.work

    async def hear(data: Any) -> None:
        work.note("imported", data)

    unsubscribe = await to_thread.run_sync(bus.on, "imported", hear)  # as a module does that is imported before
    assert (await client.get("/tell")).status_code == 200
    await eventually(lambda: "imported" in work.heard)
    unsubscribe()

    assert work.heard["imported"] == [1]
    assert work.elsewhere == set()


async def test_a_stream_can_be_followed_from_a_view(client: Any) -> None:
    work: Work = client.work
    assert (await client.get("/follow")).status_code == 200
    await eventually(lambda: "line" in work.heard)

    assert work.heard["line"] == [b"written"]
    assert work.elsewhere == set()
