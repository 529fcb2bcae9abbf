"""Whole programs under the virtual clock: as they are in real time, and with real children and real protocols."""

import itertools
import logging
import random
import subprocess
import time
from functools import partial

import anyio
import pytest
import socketio

from specter import ManagedProcess, Runtime, Service
from specter.testing import backend_options, socket, virtual_time

# Seconds of one step of a program in real time; longer ones are tried when the machine is not punctual.
STEPS = (0.02, 0.05, 0.1, 0.2, 0.4)
# The last step that counts. What is due later may come after the end, when the machine is late.
LAST = 20


class Program:
    """
    Tasks, timers and deadlines whose moments come by chance, but are the same for the same seed.

    Args:
        seed: For the choices.
        step: Seconds of the smallest difference.
    """

    def __init__(self, seed, step):
        self.chance = random.Random(seed)
        self.step = step
        # The step in which something was due, and what it was.
        self.trace = []
        # How much later than that each came, in steps.
        self.late = []

    async def run(self):
        self.began = anyio.current_time()
        async with Runtime(), Service("random") as service:
            for number in range(self.chance.randint(2, 4)):
                period = self.chance.randint(3, 9)
                moments = itertools.count(period, period)
                service.interval(partial(self.tick, number, moments), period * self.step)
            for number in range(4):
                due = self.chance.randint(1, 25)
                service.timeout(partial(self.note, f"timeout {number}", due), due * self.step)
            async with anyio.create_task_group() as tasks:
                for number in range(6):
                    plan = [(self.chance.choice(["sleep", "limit"]), self.chance.randint(1, 6)) for _ in range(4)]
                    tasks.start_soon(self.wander, number, plan)
                tasks.start_soon(anyio.sleep, 26.5 * self.step)

    def tick(self, number, moments):
        self.note(f"interval {number}", next(moments))

    async def wander(self, number, plan):
        due = 0
        for kind, steps in plan:
            due += steps
            if kind == "sleep":
                await anyio.sleep(steps * self.step)
            else:
                with anyio.move_on_after(steps * self.step):
                    await anyio.sleep_forever()
            self.note(f"task {number}: {kind}", due)

    def note(self, what, due):
        if due <= LAST:
            self.late.append((anyio.current_time() - self.began) / self.step - due)
            self.trace.append((due, what))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_program_does_the_same_in_virtual_and_in_real_time(backend, seed):
    async def in_virtual_time():
        with virtual_time():
            await program.run()

    traces = []
    for _ in range(2):
        program = Program(seed, 1)
        anyio.run(in_virtual_time, backend=backend, backend_options=backend_options(backend))
        assert (min(program.late), max(program.late)) == (0, 0)
        traces.append(sorted(program.trace))
    for step in STEPS:
        program = Program(seed, step)
        anyio.run(program.run, backend=backend, backend_options=backend_options(backend))
        if sorted(program.trace) == traces[0]:
            break

    assert len(traces[0]) > 30
    assert traces[0] == traces[1] == sorted(program.trace)
    assert min(program.late) > -0.25


class TestProcesses:
    @pytest.fixture(params=["asyncio", "trio"])
    def anyio_backend(self, request):
        return request.param, backend_options(request.param)

    async def test_one_that_obeys_has_the_real_time_that_it_needs(self):
        script = "trap 'sleep 0.1; echo saved; exit 0' TERM; echo ready; while :; do sleep 0.01; done"
        with virtual_time(patience=20) as clock:
            async with Runtime(), Service("s") as service:
                service.interval(lambda: None, 1)
                process = await service.start_process(["sh", "-c", script], stdout=subprocess.PIPE, text=True)
                lines = process.lines()
                assert await anext(lines) == "ready"
                stopped = clock.now
                await process.stop()
                rest = [line async for line in lines]

        assert stopped == clock.now == 0
        assert rest == ["saved"]
        assert process.returncode == 0

    async def test_one_that_ignores_sigterm_is_killed_after_the_time_it_has(self, caplog):
        script = "trap '' TERM; echo ready; while :; do sleep 0.05; done"
        with virtual_time(patience=0.2) as clock:
            async with Runtime():
                process = ManagedProcess("stubborn", terminate_timeout=0.4, kill_timeout=5)
                await process.start(["sh", "-c", script], stdout=subprocess.PIPE, text=True)
                assert await anext(process.lines()) == "ready"
                real = time.monotonic()
                await process.stop()
                took = time.monotonic() - real

        assert process.returncode == -9
        assert 0.4 <= clock.now < 5
        assert 0.6 <= took < 10, "it had its time in real time, after the patience of the clock"
        assert f"at work for more than 0.2 s is child process {process.process.pid} (sh), started at" in caplog.text
        assert "did not end after SIGTERM: killing it" in caplog.text


class TestSocketIO:
    @pytest.fixture
    def anyio_backend(self):
        return "asyncio", backend_options("asyncio")

    async def test_an_hour_of_pings(self, caplog):
        server = socketio.AsyncServer(async_mode="asgi", engineio_logger=logging.getLogger("pings"))
        with virtual_time() as clock, caplog.at_level(logging.INFO, "pings"):
            async with socket(socketio.ASGIApp(server)) as client:
                connected = clock.now
                await clock.advance(3600)
                assert client.sid

        assert connected == 0
        assert sum("Sending packet PING" in message for message in caplog.messages) in (143, 144)
