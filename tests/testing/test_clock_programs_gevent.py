"""Whole programs under the virtual clock on gevent: as they are in real time, and with real children."""

import itertools
import random
import subprocess
import time
from functools import partial

import gevent
import pytest
from gevent.event import Event

from specter_gevent import ManagedProcess, Service
from specter_gevent.testing import virtual_time

# Seconds of one step of a program in real time; longer ones are tried when the machine is not punctual.
STEPS = (0.02, 0.05, 0.1, 0.2, 0.4)
# The last step that counts. What is due later may come after the end, when the machine is late.
LAST = 20


class Program:
    """
    Greenlets, timers and timeouts whose moments come by chance, but are the same for the same seed.

    Args:
        seed: For the choices.
        step: Seconds of the smallest difference.
        clock: What tells the time.
    """

    def __init__(self, seed, step, clock):
        self.chance = random.Random(seed)
        self.step = step
        self.clock = clock
        # The step in which something was due, and what it was.
        self.trace = []
        # How much later than that each came, in steps.
        self.late = []

    def run(self):
        self.began = self.clock()
        with Service("random") as service:
            for number in range(self.chance.randint(2, 4)):
                period = self.chance.randint(3, 9)
                moments = itertools.count(period, period)
                service.interval(partial(self.tick, number, moments), period * self.step)
            for number in range(4):
                due = self.chance.randint(1, 25)
                service.timeout(partial(self.note, f"timeout {number}", due), due * self.step)
            plans = [[(self.chance.random() < 0.5, self.chance.randint(1, 6)) for _ in range(4)] for _ in range(6)]
            for number, plan in enumerate(plans):
                service.spawn(self.wander, number, plan)
            gevent.sleep(26.5 * self.step)

    def tick(self, number, moments):
        self.note(f"interval {number}", next(moments))

    def wander(self, number, plan):
        due = 0
        for is_sleep, steps in plan:
            due += steps
            if is_sleep:
                gevent.sleep(steps * self.step)
            else:
                with gevent.Timeout(steps * self.step, False):
                    Event().wait()
            self.note(f"greenlet {number}", due)

    def note(self, what, due):
        if due <= LAST:
            self.late.append((self.clock() - self.began) / self.step - due)
            self.trace.append((due, what))


@pytest.mark.parametrize("seed", range(2))
def test_a_program_does_the_same_in_virtual_and_in_real_time(seed):
    traces = []
    for _ in range(2):
        with virtual_time() as clock:
            program = Program(seed, 1, lambda clock=clock: clock.now)
            program.run()
        assert (min(program.late), max(program.late)) == (0, 0)
        traces.append(sorted(program.trace))
    for step in STEPS:
        program = Program(seed, step, time.monotonic)
        program.run()
        if sorted(program.trace) == traces[0]:
            break

    assert len(traces[0]) > 30
    assert traces[0] == traces[1] == sorted(program.trace)
    assert min(program.late) > -0.25


class TestProcesses:
    def test_one_that_obeys_has_the_real_time_that_it_needs(self):
        script = "trap 'sleep 0.1; echo saved; exit 0' TERM; echo ready; while :; do sleep 0.01; done"
        with virtual_time() as clock:
            process = ManagedProcess("obedient")
            process.start(["sh", "-c", script], stdout=subprocess.PIPE, text=True)
            lines = process.lines()
            assert next(lines) == "ready"
            stopping = gevent.spawn(process.stop)
            rest = list(lines)
            stopping.join()

            assert clock.now == 0
        assert rest == ["saved"]
        assert process.poll() == 0

    def test_one_that_ignores_sigterm_is_killed_after_the_time_it_has(self, caplog):
        script = "trap '' TERM; echo ready; while :; do sleep 0.05; done"
        with virtual_time(patience=0.2) as clock:
            process = ManagedProcess("stubborn", terminate_timeout=0.4, kill_timeout=5)
            process.start(["sh", "-c", script], stdout=subprocess.PIPE)
            child = process.process
            assert next(process.lines()).strip() == b"ready"
            real = time.monotonic()
            process.stop()
            took = time.monotonic() - real

        assert child.returncode == -9
        assert 0.4 <= clock.now < 5
        assert 0.6 <= took < 10, "it had its time in real time, after the patience of the clock"
        assert f"at work for more than 0.2 s is child process {child.pid} (sh), started at" in caplog.text
        assert "did not terminate within 0.4s; killing" in caplog.text
