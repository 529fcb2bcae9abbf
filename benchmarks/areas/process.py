"""Child processes: what one costs, and how fast its lines come in."""

from __future__ import annotations

import asyncio
import codecs
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.cases import OLD, SPECTER, TWIN, Case, Goal
from benchmarks.run import Run, expect

TITLE = "a child process is started and its lines are read"
LINES = Case(
    "lines of 60 characters as text, in a second of processor time",
    unit="lines",
    goals=(Goal(SPECTER, at_least=1.6, of=OLD), Goal(TWIN, at_least=1.0, of=OLD)),
    more_is_better=True,
)
SPAWN = Case(
    "start /bin/true and wait for its end, by the clock",
    unit="ms",
    goals=(Goal(SPECTER, 1.3, "asyncio"), Goal(TWIN, 1.0, OLD)),
    profiled=False,
)


@contextmanager
def text(run: Run) -> Iterator[tuple[str, int]]:
    """A file of so many lines."""
    count = run.count(300_000, 100)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(("x" * 59 + "\n") * count)
        file.flush()
        yield file.name, count


class Lines:
    """How many were read."""

    count = 0

    def hear(self, line: str) -> None:
        self.count += 1


@LINES.ours
async def _(run: Run) -> float:
    from specter import Runtime, start_process

    lines = Lines()
    with text(run) as (name, count):
        async with Runtime():
            with run.cpu() as spent:
                process = await start_process("measured", ["cat", name], stdout=subprocess.PIPE, text=True)
                process.watch_stream("stdout", lines.hear)
                await process.wait()
                await process.stop()
    expect(lines.count, count, "lines")
    return count / spent.seconds


@LINES.on_gevent
def _(run: Run) -> float:
    import gevent

    from specter import start_process

    lines = Lines()
    with text(run) as (name, count):
        with run.cpu() as spent:
            process = start_process("measured", ["cat", name], stdout=subprocess.PIPE, text=True)
            process.watch_stream("stdout", lines.hear)
            process.wait()
            for _ in range(1_000):  # 0.1.1 loses what its reader has not come to when it is stopped
                if lines.count == count:
                    break
                gevent.sleep(0.001)
        process.stop()
    expect(lines.count, count, "lines")
    return count / spent.seconds


@LINES.contender("asyncio, async for line")
async def _(run: Run) -> float:
    lines = Lines()
    with text(run) as (name, count):
        with run.cpu() as spent:
            process = await asyncio.create_subprocess_exec("cat", name, stdout=subprocess.PIPE)
            assert process.stdout is not None
            async for line in process.stdout:
                lines.hear(line.decode().rstrip("\n"))
            await process.wait()
    expect(lines.count, count, "lines")
    return count / spent.seconds


@LINES.contender("asyncio, in chunks by hand")
async def _(run: Run) -> float:
    lines = Lines()
    with text(run) as (name, count):
        with run.cpu() as spent:
            process = await asyncio.create_subprocess_exec("cat", name, stdout=subprocess.PIPE)
            assert process.stdout is not None
            decode, rest = codecs.getincrementaldecoder("utf-8")().decode, ""
            while chunk := await process.stdout.read(65536):
                *whole, rest = (rest + decode(chunk)).split("\n")
                for line in whole:
                    lines.hear(line)
            await process.wait()
    expect(lines.count, count, "lines")
    return count / spent.seconds


@LINES.contender("subprocess, blocking")
def _(run: Run) -> float:
    lines = Lines()
    with text(run) as (name, count):
        with run.cpu() as spent:
            with subprocess.Popen(["cat", name], stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout is not None
                for line in process.stdout:
                    lines.hear(line.rstrip("\n"))
    expect(lines.count, count, "lines")
    return count / spent.seconds


COMMAND = ["/bin/true"]


@SPAWN.ours
async def _(run: Run) -> float:
    from specter import Runtime, start_process

    count, codes = run.count(50, 2), list[int | None]()
    async with Runtime():
        with run.wall() as spent:
            for _ in range(count):
                codes.append(await (await start_process("measured", COMMAND)).wait())
    expect(codes, [0] * count, "what the children returned")
    return spent.each(count) / 1000


@SPAWN.on_gevent
def _(run: Run) -> float:
    from specter import start_process

    count, codes = run.count(50, 2), list[Any]()
    with run.wall() as spent:
        for _ in range(count):
            codes.append(start_process("measured", COMMAND).wait())
    expect(codes, [0] * count, "what the children returned")
    return spent.each(count) / 1000


@SPAWN.contender("asyncio")
async def _(run: Run) -> float:
    count, codes = run.count(50, 2), list[int]()
    with run.wall() as spent:
        for _ in range(count):
            codes.append(await (await asyncio.create_subprocess_exec(*COMMAND)).wait())
    expect(codes, [0] * count, "what the children returned")
    return spent.each(count) / 1000


@SPAWN.contender("subprocess, blocking")
def _(run: Run) -> float:
    count, codes = run.count(50, 2), list[int]()
    with run.wall() as spent:
        for _ in range(count):
            codes.append(subprocess.Popen(COMMAND).wait())
    expect(codes, [0] * count, "what the children returned")
    return spent.each(count) / 1000
