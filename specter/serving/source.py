"""What is to be served, looked at before anything of it is imported."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path

from specter.sansio.patching import patches_process


def patches_itself(target: str) -> bool:
    """
    Tell whether an application has gevent patch its process when it is imported.

    Args:
        target: ``module:attribute``, found as `load` finds it. One that does not exist patches nothing.
    """
    return any(map(patches_process, _sources(target.partition(":")[0])))


def _sources(module: str) -> Iterator[bytes]:
    """The sources of a module and of the packages it is in, the outermost first."""
    path = [os.getcwd(), *sys.path]
    for name in module.split("."):
        spec = PathFinder.find_spec(name, path)
        if spec is None:
            return
        if spec.origin is not None and spec.origin.endswith(".py"):
            yield Path(spec.origin).read_bytes()
        path = list(spec.submodule_search_locations or ())
