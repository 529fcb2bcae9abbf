"""`specter new`: a small application, with a test that passes, to begin from."""

from __future__ import annotations

import re
from pathlib import Path
from string import Template

TEMPLATE = Path(__file__).with_name("_template")

# A folder on every system, and a name that packages may have.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


def create(name: str, directory: Path) -> Path:
    """
    Write a new application.

    Args:
        name: Of the application and its folder: letters, digits, ``-`` and ``_``, a letter first, 64 at most.
        directory: Where the folder goes; it exists.

    Returns:
        The folder, ``directory / name``.

    Raises:
        ValueError: The name is not right.
        FileExistsError: There is such a folder with something in it, or a file of that name.
        OSError: It cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"name must be letters, digits, '-' and '_', a letter first, 64 at most, got {name!r}")
    folder = directory / name
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise FileExistsError(f"{str(folder)!r} is there already and not empty; choose another name")
    folder.mkdir(exist_ok=True)
    for source in sorted(TEMPLATE.iterdir()):
        # The sources end in .txt, so that no tool takes them for part of this package.
        text = Template(source.read_text(encoding="utf-8")).substitute(name=name)
        (folder / source.name.removesuffix(".txt")).write_text(text, encoding="utf-8")
    return folder
