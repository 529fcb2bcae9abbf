"""Any interleaving of callers, cancellations, outcomes and changes of a cache keeps its promises."""

from contextlib import nullcontext

import anyio
import pytest
from anyio.lowlevel import checkpoint
from hypothesis import given, note, settings
from hypothesis import strategies as st

from specter import Cache, Runtime

steps = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.sampled_from(["plain", "cleanup"])),
        st.tuples(st.just("cancel"), st.integers(0, 9)),
        st.tuples(st.just("end"), st.sampled_from(["value", "none", "error"])),
        st.tuples(st.sampled_from(["set", "invalidate", "turn"])),
    ),
    max_size=25,
)


class Failure(Exception):
    """What a factory raises, with the number of its computation."""


class World:
    """A cache, its callers and its computations; each promise is checked where it could be broken."""

    def __init__(self, group):
        self.group = group
        self.cache = Cache("c")
        self.scopes = []
        self.running = 0
        self.epoch = 0
        self.outcomes = {}  # {number of the computation or of what was set: its epoch}
        self.number = 0
        self.told = []  # one for each computation that runs or ran: [event, verdict]
        self.open = 0

    def next_number(self):
        self.number += 1
        self.outcomes[self.number] = self.epoch
        return self.number

    async def ask(self, kind):
        scope = anyio.CancelScope()
        self.scopes.append(scope)
        self.open += 1
        self.group.start_soon(self.caller, scope, kind)

    async def caller(self, scope, kind):
        epoch = self.epoch
        with scope:
            try:
                answer = await self.cache.get_or_compute(lambda: self.compute(kind))
            except Failure as error:
                answer = error.args[0]
            # What began before the cache was set or emptied for the last time before one asked is never the answer.
            assert answer is None or self.outcomes[answer] >= epoch
        self.open -= 1

    async def compute(self, kind):
        assert self.running == 0, "two computations at once"
        self.running += 1
        number = self.next_number()
        told = [anyio.Event(), "value"]
        self.told.append(told)
        try:
            await told[0].wait()
        finally:
            if kind == "cleanup":
                with anyio.CancelScope(shield=True):
                    await checkpoint()
            self.running -= 1
        if told[1] == "error":
            raise Failure(number)
        return number if told[1] == "value" else None

    async def cancel(self, index):
        if index < len(self.scopes):
            self.scopes[index].cancel()

    async def end(self, verdict):
        for told in self.told:
            if not told[0].is_set():
                told[1] = verdict
                told[0].set()

    async def set(self):
        self.epoch += 1
        number = self.next_number()
        self.cache.set(number)
        assert self.cache.get() == number

    async def invalidate(self):
        self.epoch += 1
        self.cache.invalidate()
        assert self.cache.get() is None

    async def turn(self):
        await checkpoint()

    def check(self):
        value = self.cache.get()
        assert value is None or self.outcomes[value] == self.epoch, "an old value is kept"


async def play(plan, around, turns):
    with anyio.fail_after(10):
        async with around(), anyio.create_task_group() as group:
            world = World(group)
            for name, *args in plan:
                await getattr(world, name)(*args)
                for _ in range(turns):
                    await checkpoint()
                world.check()
            await checkpoint()
            while world.open:
                await world.end("value")
                await checkpoint()
    assert world.running == 0
    assert world.cache._slot.computation is None
    world.check()


@pytest.mark.parametrize("around", [Runtime, nullcontext], ids=["runtime", "none"])
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@given(plan=steps, turns=st.integers(0, 4))
@settings(max_examples=150)
def test_any_interleaving(backend, around, plan, turns):
    note(f"{plan}, {turns} turns after each")
    anyio.run(play, plan, around, turns, backend=backend)
