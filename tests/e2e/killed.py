"""
An application that is killed at a random moment, again and again; prints what outlived it.

    python killed.py ROUNDS SEED

Each round is a fork: it starts, stops and forgets children with grandchildren as fast as it can, until SIGKILL.
"""

import logging
import os
import random
import signal
import sys
import time
from pathlib import Path
from subprocess import PIPE

import anyio
import gevent
from gevent import monkey

import specter_gevent
from specter import Service, start_process

BACKENDS = ("asyncio", "trio", "gevent", "gevent, patched")

# How long the watchdog may take. Seconds.
PATIENCE = 15.0


async def application(mark: str) -> None:
    """Live until killed. Every process below it has *mark* in its arguments."""
    family = ["sh", "-c", f"sleep {mark} & sleep {mark} & wait"]
    parents = ["sh", "-c", f"sleep {mark} & exit 0"]
    single = ["sleep", mark]
    async with Service("application") as service:
        for turn in range(1000):
            kept = await service.start_process([family, parents, single][turn % 3], stdout=PIPE)
            if turn % 4 == 0:
                kept.follow_output(stdout_handler=len)
            if turn % 5 == 0:
                await kept.stop(timeout=0)
            if turn % 7 == 0:
                await start_process("unowned", single)
            await anyio.sleep(random.uniform(0, 0.01))


def application_on_gevent(mark: str) -> None:
    """The same; on gevent a child that has no group is guarded alone, so only those that have one have children."""
    family = ["sh", "-c", f"sleep {mark} & sleep {mark} & wait"]
    single = ["sleep", mark]
    with specter_gevent.Service("application") as service:
        for turn in range(1000):
            kept = service.start_process(single if turn % 2 else family, kill_group=turn % 2 == 0, stdout=PIPE)
            if turn % 4 == 0:
                kept.follow_output(stdout_handler=len)
            if turn % 5 == 0:
                kept.stop(timeout=0.001)
            if turn % 7 == 0:
                specter_gevent.start_process("unowned", single)
            gevent.sleep(random.uniform(0, 0.01))


def run(mark: str, backend: str) -> None:
    """Be the application."""
    if not backend.startswith("gevent"):
        anyio.run(application, mark, backend=backend)
        return
    if "patched" in backend:
        monkey.patch_all(ssl=False)  # which was imported long ago, and nobody uses
    application_on_gevent(mark)


def marked(mark: str) -> list[str]:
    """The processes with *mark* in their arguments."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if mark in arguments and int(folder.name) != os.getpid():
            found.append(f"{folder.name} {arguments}")
    return found


def outlived(mark: str, backend: str) -> list[str]:
    """One round. What lives on although the application was killed."""
    pid = os.fork()
    if pid == 0:
        random.seed()
        try:
            run(mark, backend)
        finally:
            os._exit(1)
    time.sleep(random.uniform(0.0, 0.15))
    os.kill(pid, signal.SIGKILL)
    if not os.WIFSIGNALED(os.waitpid(pid, 0)[1]):
        return ["the application has failed"]
    until = time.monotonic() + PATIENCE
    found, looks = marked(mark), 0
    # Looked at again when there is nothing: a child that was just being started shows up late.
    while looks < 3 and time.monotonic() < until:
        time.sleep(0.01)
        found = marked(mark)
        looks = 0 if found else looks + 1
    return found


def main(rounds: int, seed: int) -> None:
    random.seed(seed)
    logging.disable()  # of the rounds, which end in the middle of everything
    for backend in BACKENDS[:2]:
        anyio.run(anyio.sleep, 0, backend=backend)  # imports it, so that the rounds need no time for that
    for number in range(rounds):
        mark = f"6{os.getpid():06}.{number:05}"
        backend = BACKENDS[number % len(BACKENDS)]
        for line in outlived(mark, backend):
            sys.stdout.write(f"round {number} on {backend}: {line}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
