"""`ServiceManager.run`: an application without a web server, in a process of its own."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from children import alive, soon
from e2e.served import APPS, WARNINGS, Served

both = pytest.mark.parametrize("backend", ["asyncio", "trio"])


@contextmanager
def running(backend: str, *how: str, until: str) -> Iterator[Served]:
    """The application, as soon as it has said something."""
    with ExitStack() as stack:
        program = [sys.executable, *WARNINGS, "alone.py"]
        process = stack.push(Served(backend, *how, folder=APPS, program=program))
        assert soon(lambda: until in process.said(), 30), process.said()
        yield process


def child_of(said: str) -> int:
    (pid,) = re.findall(r"alone: child (\d+)", said)
    return int(pid)


@both
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_is_an_end_in_order(backend: str, number: int) -> None:
    with running(backend, until="boot complete") as process:
        code = process.stop(number)
        said = process.said()

    ends = re.findall(r"service '(\w+)' stopped|(shutdown complete)|(run has returned)", said)
    assert code == 0, said
    assert [*map("".join, ends)] == ["last", "child", "service_manager", "shutdown complete", "run has returned"]
    assert not alive(child_of(said))


@both
def test_a_second_signal_ends_it_at_once(backend: str) -> None:
    with running(backend, "stuck", until="boot complete") as process:
        process.process.send_signal(signal.SIGINT)
        assert soon(lambda: "the stop hangs" in process.said())
        code = process.stop(signal.SIGTERM)

        assert code == 128 + signal.SIGTERM
        assert soon(lambda: not alive(child_of(process.said())))


@both
def test_a_boot_that_fails_comes_out_as_itself(backend: str) -> None:
    with running(backend, "failing", until="ServiceError: service 'last' did not start") as process:
        code = process.process.wait(10)
        said = process.said()

    assert code == 1
    assert "OSError: no database on port 5432" in said
    assert "ExceptionGroup" not in said
    assert not alive(child_of(said))


@both
def test_a_boot_that_hangs_can_be_interrupted_and_is_rolled_back(backend: str) -> None:
    with running(backend, "hanging", until="the boot hangs") as process:
        code = process.stop(signal.SIGTERM)
        said = process.said()

    assert code == 0, said
    assert "service 'last' was still starting, at alone.py:" in said
    assert "service 'child' stopped" in said
    assert said.endswith("run has returned\n")
    assert not alive(child_of(said))
