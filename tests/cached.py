"""What tests install once and keep between runs: npm packages, the original, an old environment."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

CACHE = Path(os.environ.get("SPECTER_TEST_CACHE") or Path.home() / ".cache" / "specter-tests")
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"


def missing(what: str) -> NoReturn:
    """Skip the test, or fail it where everything must be there."""
    reason = f"{what} is missing"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def cached(name: str, fill: Callable[[Path], None]) -> Path:
    """
    The folder *name* of the cache, which *fill* fills when it is not there.

    Args:
        name: Tells all versions, so that another one is another folder.
        fill: Is given an empty folder, which is renamed when it returns; if it raises, nothing is kept.
    """
    folder = CACHE / name
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=CACHE))
        try:
            fill(fresh)
            fresh.rename(folder)
        except OSError:
            if not folder.exists():
                raise
            # Another run was faster.
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return folder


def pip(*arguments: str | Path) -> None:
    """Install by the pip of this environment; the test is skipped where no index answers."""
    command = [sys.executable, "-m", "pip", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        missing(f"a package index ({done.stderr.strip()[-300:]})")


def original() -> Path:
    """The folder to put on the path for specter-runtime 0.1.1, whose package is called `specter` too."""

    def fill(folder: Path) -> None:
        pip("install", "--quiet", "--no-deps", "--target", folder, "specter-runtime==0.1.1")

    return cached(f"specter-runtime@0.1.1-{PYTHON}", fill)
