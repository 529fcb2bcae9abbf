"""What a worker answers, and what becomes of a contender that cheats, is missing, or takes a worker with it."""

import os
import sys
from pathlib import Path

import pytest

from benchmarks.answering import reply
from benchmarks.cases import ASYNCIO, SPECTER, Case
from benchmarks.run import Run, SkippedError, expect
from benchmarks.workers import Workers

REQUEST = {"case": 0, "contender": 0, "n": None, "quick": True}


def answer(fn, **options) -> dict:
    case = Case("anything")
    case.contender("somebody", **options)(fn)
    return reply([case], REQUEST)


def test_a_sample() -> None:
    done = []

    answered = answer(lambda run: run.per_call(done.append, 1, check=lambda: done == [1]))

    assert answered["sample"] > 0


def test_a_sample_of_a_coroutine() -> None:
    async def work(run: Run) -> float:
        async def nothing() -> None: ...

        return await run.per_await(nothing, check=lambda: True)

    assert answer(work)["sample"] > 0


def test_a_contender_that_does_not_do_its_work_has_failed() -> None:
    assert "NotDoneError" in answer(lambda run: run.per_call(lambda: None, check=lambda: False))["failed"]


def test_work_that_is_counted_wrong_has_failed() -> None:
    def work(run: Run) -> float:
        expect(9, 10, "items that were handled")
        return 1.0

    assert "items that were handled: expected 10, got 9" in answer(work)["failed"]


def test_a_peer_that_is_not_installed_is_skipped() -> None:
    def work(run: Run) -> float:
        raise AssertionError

    assert answer(work, needs=("no_such_peer",)) == {"skipped": "no_such_peer is not installed"}
    assert answer(work, programs=("no-such-program",)) == {"skipped": "no-such-program is not installed"}


def test_a_contender_can_say_that_it_cannot_take_part() -> None:
    def work(run: Run) -> float:
        raise SkippedError("the system has no /proc")

    assert answer(work) == {"skipped": "the system has no /proc"}


def test_sizes_are_handed_on() -> None:
    case = Case("anything", sizes=(3,))
    case.ours(lambda run, n: float(n))

    assert reply([case], {**REQUEST, "n": 3}) == {"sample": 3.0}
    assert case.contenders[0].name == SPECTER


@pytest.mark.parametrize(
    ("script", "why"),
    [("", "it ended with 0"), ("import time; time.sleep(60)", "not within")],
    ids=["it ends", "it hangs"],
)
def test_a_worker_that_is_lost_has_failed(tmp_path: Path, script: str, why: str) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{script}'\n")
    python.chmod(0o755)
    with Workers({ASYNCIO: str(python)}, "bus") as workers:
        answered = workers.ask(ASYNCIO, REQUEST, timeout=0.5 if script else 20, fresh=False)

    assert why in answered["failed"]


def test_a_backend_without_an_environment_is_skipped() -> None:
    with Workers({}, "bus") as workers:
        answered = workers.ask("0.1.1", REQUEST, timeout=1, fresh=False)

    assert "install-old" in answered["skipped"]


def test_a_fresh_worker_is_another_process() -> None:
    with Workers({ASYNCIO: sys.executable}, "spawn") as workers:
        pids = []
        for _ in range(2):
            assert "sample" in workers.ask(ASYNCIO, REQUEST, timeout=30, fresh=True)
            pids.append(workers._running[ASYNCIO]._process.pid)

    assert len({*pids, os.getpid()}) == 3
