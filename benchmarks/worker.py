"""
A process in which contenders of one area run: ``python worker.py BACKEND AREA OLD``.

OLD is the Python with specter-runtime 0.1.1, for contenders that start a server in it; empty if there is none.

Reads a request a line and answers each by a line, both JSON. What the contenders print goes to standard error.
"""

import importlib
import importlib.util
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    backend, area, _ = sys.argv[1:]
    if backend != "asyncio":
        from gevent import monkey

        monkey.patch_all()  # as an application does
    find_packages(ours=backend != "0.1.1")
    importlib.import_module("benchmarks.answering").answer(area)


def find_packages(*, ours: bool) -> None:
    """
    Make `benchmarks` importable, and `specter` too if it is ours.

    The folder above holds both, so it cannot be on the path where `specter` is to be another's.
    """
    sys.path.pop(0)
    if ours:
        sys.path.insert(0, str(HERE.parent))
    spec = importlib.util.spec_from_file_location(
        "benchmarks", HERE / "__init__.py", submodule_search_locations=[str(HERE)]
    )
    assert spec is not None and spec.loader is not None
    package = sys.modules["benchmarks"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)


if __name__ == "__main__":
    main()
