"""Socket.IO clients that are answered, and that hear what all are told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from benchmarks import serving
from benchmarks.cases import ASYNCIO, GEVENT, OLD, SPECTER, TWIN, Case, Goal
from benchmarks.clients import Client, allow_files, connected
from benchmarks.run import Run, expect

TITLE = "Socket.IO: clients are answered, and all of them are told something"
PLAIN = "python-socketio"
FLASK = "Flask-SocketIO"
CLIENTS = 200
DATA = {"text": "hello", "number": 1}
RATES = (Goal(SPECTER, at_least=0.97, of=PLAIN), Goal(TWIN, at_least=1.0, of=OLD))


def rate(title: str, *goals: Goal) -> Case:
    """A case that counts what arrives in a second."""
    return Case(title, unit="per s", goals=goals, baseline=PLAIN, more_is_better=True, timeout=120, profiled=False)


def cost(title: str) -> Case:
    """A case that takes the processor time of the server, which the clients beside it disturb less."""
    return Case(title, goals=(Goal(SPECTER, 1.03, PLAIN), Goal(TWIN, 1.0, OLD)), baseline=PLAIN, timeout=120)


ECHO = rate("events that are acknowledged, 200 clients", *RATES, Goal(SPECTER, at_least=1.5, of=FLASK))
ECHO_COST = cost("the server's processor time for one of them")
BROADCAST = rate("broadcasts heard, 200 clients: one for each of them", *RATES)
BROADCAST_COST = cost("the server's processor time for each who hears one")
GROWTH = Case(
    "a broadcast until n clients have heard it",
    unit="ms",
    sizes=(1, 10, 100, 1_000),
    quick_sizes=(1, 5),
    curve=True,
    repeats=2,
    timeout=120,
    baseline=PLAIN,
)


def commands() -> dict[str, tuple[str, Callable[[int], list[str]]]]:
    """The backend of each contender, and the command that serves it."""
    return {
        SPECTER: (ASYNCIO, lambda port: serving.asgi_command("uvicorn", "sockets_specter", port)),
        PLAIN: (ASYNCIO, lambda port: serving.asgi_command("uvicorn", "sockets_plain", port)),
        TWIN: (GEVENT, lambda port: serving.specter_run("sockets_flask_specter", port)),
        OLD: (OLD, lambda port: serving.gevent_command(OLD, "sockets_flask_specter", port)),
        FLASK: (GEVENT, lambda port: serving.gevent_command(GEVENT, "sockets_flask", port)),
    }


async def echoes(run: Run, clients: list[Client]) -> int:
    """Each client calls again and again; how often all of them did."""
    rounds = run.count(50, 2)

    async def call(client: Client) -> None:
        for _ in range(rounds):
            expect(await client.call("echo", DATA), [DATA], "the acknowledgement")

    await asyncio.gather(*(call(client) for client in clients))
    return rounds * len(clients)


async def broadcasts(run: Run, clients: list[Client]) -> int:
    """One client after another tells all; how often something was heard."""
    rounds = run.count(20, 2)
    for number in range(rounds):
        await clients[number % len(clients)].emit("shout", number)
        heard = await asyncio.gather(*(client.heard() for client in clients))
        expect(heard, [["heard", number]] * len(clients), "what was heard")
    return rounds * len(clients)


Saying = Callable[[Run, list[Client]], Awaitable[int]]


async def talk(run: Run, name: str, count: int, saying: Saying) -> dict[str, float]:
    """How much the clients did in a second, and the microseconds of the server's processor for each."""
    allow_files(3 * count + 200)
    backend, command = commands()[name]
    port = serving.free_port()
    with serving.served(run, command(port), port, backend) as server:
        async with connected(port, count) as clients:
            await saying(Run(quick=True), clients)
            with server.working(run) as used, run.wall() as spent:
                done = await saying(run, clients)
            return {"rate": done / spent.seconds, "cost": used.each(done)}


def add(name: str) -> None:
    """Let a server take part in all cases."""
    needs = ("websockets", "uvicorn", "socketio", "flask_socketio")

    def both(case: Case, case_of_cost: Case, saying: Saying) -> None:
        """Have one run give the figures of two cases."""
        figures = serving.Shared(lambda run: talk(run, name, run.count(CLIENTS, 3), saying))

        @case.contender(name, needs=needs)
        async def rate(run: Run) -> float:
            return await figures.take(run, "rate")

        @case_of_cost.contender(name, needs=needs)
        async def cost(run: Run) -> float:
            return await figures.take(run, "cost")

    both(ECHO, ECHO_COST, echoes)
    both(BROADCAST, BROADCAST_COST, broadcasts)

    @GROWTH.contender(name, needs=needs)
    async def growth(run: Run, n: int) -> float:
        found = await talk(run, name, n, broadcasts)
        return n / found["rate"] * 1e3


for server in (SPECTER, PLAIN, TWIN, OLD, FLASK):
    add(server)
