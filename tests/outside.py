"""Work outside the event loop, for which virtual time stands still."""

import subprocess

import pytest

from specter.testing import backend_options

# Real seconds of work outside, in which time would run on for days.
WORK = 0.05

# Real seconds that the clock waits for somebody; far more than all else takes.
PATIENCE = 30.0

only_asyncio = pytest.mark.parametrize("anyio_backend", [("asyncio", backend_options("asyncio"))], ids=["asyncio"])


def start(args, **options):
    """Start a child process, as `subprocess.Popen` does."""
    return subprocess.Popen(args, **options)
