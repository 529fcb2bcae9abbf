"""An event for ten plain listeners."""

from measuring import Goal, main, microseconds

TITLE = "EventBus: emit_nowait to ten plain listeners"
UNIT = "µs"
GOAL = Goal(ratio=1.0)
CALLS = 50_000


def ours() -> float:
    import anyio

    from specter import EventBus

    async def measured() -> float:
        bus = EventBus()
        for _ in range(10):
            bus.on("event", lambda data: None)
        return microseconds(lambda: bus.emit_nowait("event", 1), CALLS)

    return anyio.run(measured)


def theirs() -> float:
    from specter import EventBus

    bus = EventBus()
    for _ in range(10):
        bus.on("event", lambda data: None)
    return microseconds(lambda: bus.emit("event", 1), CALLS)


if __name__ == "__main__":
    main(ours, theirs)
