"""What holds virtual time still on asyncio and trio: child processes."""

import asyncio
import time

import anyio
import pytest
from outside import PATIENCE, WORK, only_asyncio, start


class TestChildren:
    async def test_anyio_run_process(self, ticking):
        await anyio.run_process(["sleep", str(WORK)])

        assert ticking.now == 0

    async def test_a_popen_of_ones_own(self, ticking):
        child = start(["sleep", str(WORK)])
        await ticking.advance(1)

        assert child.poll() == 0, "time moved while it was at work"

    @only_asyncio
    async def test_asyncio_create_subprocess(self, ticking):
        child = await asyncio.create_subprocess_exec("sleep", str(WORK))
        await child.wait()

        assert ticking.now == 0

    async def test_what_a_child_leaves_in_its_group(self, ticking, tmp_path):
        done = tmp_path / "done"
        script = f"(sleep {WORK}; touch {done}) & exit 0"
        child = start(["sh", "-c", script], start_new_session=True)
        child.wait()
        await ticking.advance(1)

        assert done.exists(), "time moved while it was at work"

    async def test_one_that_cannot_be_started_holds_nothing(self, ticking):
        with pytest.raises(FileNotFoundError) as kept:  # and with it what could not be started
            start(["/nowhere"])
        real = time.monotonic()
        await ticking.advance(1)

        assert time.monotonic() - real < PATIENCE
        assert kept.value.filename == "/nowhere"

    async def test_one_for_whose_end_nobody_asks_holds_no_longer(self, ticking):
        child = start(["true"])
        real = time.monotonic()
        await ticking.advance(1)
        took = time.monotonic() - real
        child.wait()

        assert took < PATIENCE
