"""The lifespan of an ASGI application, as `specter run` drives it."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from specter._deadline import stop_by
from specter.serving.lifespan import Lifespan, StartupFailed
from specter.testing import eventually


class App:
    """Goes through its lifespan, and notes how."""

    def __init__(self, **faults: Any) -> None:
        self.faults = faults
        self.log: list[str] = []
        self.until = math.inf

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "lifespan"
        await receive()
        self.log.append("starting")
        scope["state"]["pool"] = 5
        try:
            await self.phase("startup", send)
            await receive()
            self.until = stop_by.get()
            await self.phase("shutdown", send)
        finally:
            self.log.append("left")

    async def phase(self, name: str, send: Any) -> None:
        fault = self.faults.get(name)
        if isinstance(fault, Exception):
            raise fault
        if isinstance(fault, asyncio.Event):
            await fault.wait()
        if isinstance(fault, str):
            await send({"type": f"lifespan.{name}.failed", "message": fault})
        else:
            await send({"type": f"lifespan.{name}.complete"})


async def test_a_lifespan_from_its_beginning_to_its_end() -> None:
    app = App()
    lifespan = Lifespan(app)
    await lifespan.startup()
    assert app.log == ["starting"]

    assert await lifespan.shutdown(math.inf) is None
    assert app.log == ["starting", "left"]
    assert lifespan.state == {"pool": 5}


async def test_the_deadline_is_handed_down() -> None:
    app = App()
    lifespan = Lifespan(app)
    await lifespan.startup()
    await lifespan.shutdown(123.5)

    assert app.until == 123.5


async def test_a_failed_startup_says_why() -> None:
    lifespan = Lifespan(App(startup="no database"))

    with pytest.raises(StartupFailed, match="no database"):
        await lifespan.startup()
    await lifespan.cancel()


async def test_a_startup_that_hangs_can_be_cancelled() -> None:
    app = App(startup=asyncio.Event())
    lifespan = Lifespan(app)
    starting = asyncio.create_task(lifespan.startup())
    await eventually(lambda: app.log)
    await lifespan.cancel()

    assert app.log == ["starting", "left"]
    await starting


async def test_a_failed_shutdown_says_why() -> None:
    lifespan = Lifespan(App(shutdown="stuck"))
    await lifespan.startup()

    assert await lifespan.shutdown(math.inf) == "stuck"


async def test_an_error_of_the_shutdown_is_its_failure(caplog: pytest.LogCaptureFixture) -> None:
    lifespan = Lifespan(App(shutdown=ValueError("wrong")))
    await lifespan.startup()

    assert await lifespan.shutdown(math.inf) == "ValueError: wrong"
    assert "wrong" in caplog.text


async def test_an_application_that_raises_has_no_lifespan() -> None:
    lifespan = Lifespan(App(startup=ValueError("what is a lifespan?")))
    await lifespan.startup()

    assert await lifespan.shutdown(math.inf) is None


async def test_an_application_that_returns_has_no_lifespan() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        pass

    lifespan = Lifespan(app)
    await lifespan.startup()

    assert await lifespan.shutdown(math.inf) is None


async def test_an_application_that_answers_as_to_a_request_has_no_lifespan() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    lifespan = Lifespan(app)
    await lifespan.startup()

    assert await lifespan.shutdown(math.inf) is None
