"""What keeps `specter run` from beginning, and can be mended on the command line."""

from __future__ import annotations


class Problem(Exception):
    """One line that says what is wrong and what to do; exit code 2."""
