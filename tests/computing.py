"""Computations of a cache that a test begins and ends, and those who wait for them."""

from contextlib import asynccontextmanager, nullcontext

import anyio
import pytest

from specter import Runtime

with_and_without_runtime = pytest.mark.parametrize("around", [Runtime, nullcontext], ids=["runtime", "none"])


class Work:
    """A factory whose computations end when they are told to."""

    def __init__(self):
        self.begun = 0
        self.running = 0
        self.cancelled = 0
        self._begun = {}
        self._told = {}

    async def __call__(self):
        self.begun += 1
        number = self.begun
        self.running += 1
        assert self.running == 1, "two computations at once"
        self.begun_event(number).set()
        try:
            await self.told(number).wait()
        except anyio.get_cancelled_exc_class():
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        if self.error is not None:
            raise self.error
        return number

    error = None

    def begun_event(self, number):
        return self._begun.setdefault(number, anyio.Event())

    def told(self, number):
        return self._told.setdefault(number, anyio.Event())


@asynccontextmanager
async def callers(cache, factory, count=1):
    """That many callers wait; gives `[(scope, answers)]`, where an answer is a value or an exception."""

    async def ask(scope, answers):
        with scope:
            try:
                answers.append(await cache.get_or_compute(factory))
            except Exception as error:
                answers.append(error)

    found = [(anyio.CancelScope(), []) for _ in range(count)]
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            for scope, answers in found:
                group.start_soon(ask, scope, answers)
            yield found
