"""`specter run` with the applications of this folder."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from e2e.served import APPS, Served

# Seconds: at once, on a machine that has other things to do. What is not at once takes longer.
AT_ONCE = 8

linux_alone = pytest.mark.skipif(sys.platform != "linux", reason="there is a supervisor on Linux alone")


def serving(target: str = "plain:site", *options: str, folder: Path = APPS) -> Served:
    """The command, which serves *target*."""
    return Served("run", target, "--port", "0", *options, folder=folder)


def lives_below(pid: int) -> list[int]:
    """The processes below a supervisor: one, the application."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
