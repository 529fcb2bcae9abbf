"""What PyInstaller has to know: names are imported when they are first used, so it cannot see most modules."""

from __future__ import annotations

from pathlib import Path


def hook_dirs() -> list[str]:
    """The folders in which PyInstaller finds hooks; it asks by the entry point ``pyinstaller40``."""
    return [str(Path(__file__).parent)]
