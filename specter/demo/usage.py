"""Disk usage: a ManagedProcess whose output goes to the page line by line, and which never outlives the service."""

from __future__ import annotations

import subprocess
import sys
from collections import deque
from pathlib import Path

import anyio

from specter import ManagedProcess, Model, Service
from specter.demo.board import shown

SCRIPT = Path(__file__).with_name("measure.py")
KEPT_LINES = 200


class Usage(Service):
    """Runs ``measure.py`` on the folder: once at the start, and again when the page asks for it."""

    def __init__(self, root: Path, board: Model) -> None:
        super().__init__("usage")
        self.root = str(root)
        self.board = board
        self.process: ManagedProcess | None = None

    async def on_start(self) -> None:
        """Measure for the first time."""
        self.turn = anyio.Lock()
        await self.measure()

    async def measure(self) -> bool:
        """Start the process; False if it runs already. Two calls at once: the second waits for the first."""
        async with self.turn:
            if self.process and self.process.running:
                return False
            await self.start_measuring()
        return True

    async def start_measuring(self) -> None:
        """Start the process, and listen to it."""
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)
        self.process = await self.start_process(
            [sys.executable, "-I", "-u", str(SCRIPT), self.root],
            name="measure",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            encoding="utf-8",
            errors="replace",
        )
        self.process.follow_output(stdout_handler=self.on_line)
        self.spawn(self.watch_process, self.process, label="watch_process")
        self.show()

    async def halt(self) -> None:
        """End the process, if one runs: asked politely first, then killed."""
        if self.process:
            await self.process.stop()
            self.show()

    def on_line(self, line: str) -> None:
        """Take one line that the process has printed."""
        self.lines.append(line)
        self.show()

    async def watch_process(self, process: ManagedProcess) -> None:
        """Wait until the process has ended."""
        await process.wait()
        self.show()

    def show(self) -> None:
        """Put what is known of the process on the board."""
        running = self.process is not None and self.process.running
        self.board.set(
            "usage",
            {
                "command": f"python {SCRIPT.name} {shown(self.root)}",
                "running": running,
                "returncode": self.process.returncode if self.process else None,
                "lines": list(self.lines),
            },
        )
