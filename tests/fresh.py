"""A Python process of its own, for what a process can do only once, and a checkout of its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent


def python(code: str, *flags: str, folders: Sequence[Path | str] = (), **environ: str) -> str:
    """
    Run *code* in a new interpreter.

    Args:
        code: A program; it fails the test with its standard error when it ends with one.
        flags: Options of the interpreter, `-S` to be alone with the standard library.
        folders: Searched for modules before this checkout and what is installed.
        environ: Added to the environment, which has no SPECTER_BACKEND otherwise.

    Returns:
        What it printed, without the last newline.
    """
    path = os.pathsep.join(map(str, [*folders, ROOT]))
    env = {key: value for key, value in os.environ.items() if not key.startswith(("SPECTER_", "PYTHON"))}
    command = [sys.executable, "-P", *flags, "-c", code]  # -P: the current folder does not come first
    done = subprocess.run(
        command, env=env | {"PYTHONPATH": path} | environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def checkout(folder: Path) -> Path:
    """A copy of what git knows of this checkout, in a new folder."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.check_output(listed, cwd=ROOT, text=True).rstrip("\0").split("\0"):
        source, target = ROOT / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    return folder
