"""
The process that observes: each scenario runs in a fork of it, and its observation is printed as JSON.

    PYTHONPATH=FOLDER_OF_THE_PACKAGE python -m gevent.monkey process.py FOLDER_OF_THE_PACKAGE

It has imported everything and has no hub yet: a child gets a hub of its own, and forks in a few milliseconds.
"""

import gc
import importlib
import io
import json
import logging
import os
import signal
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask
from gevent import monkey
from gevent._hub_local import get_hub_if_exists

import specter

# gevent's own pair starts a hub in the parent, and a child of such a process may stand still.
fork, waitpid = monkey.get_original("os", ["fork", "waitpid"])

# A scenario takes milliseconds; one that stands still is ended by SIGALRM.
MOST_SECONDS = 20
# Some wait a little; more at once would only take the processor from each other.
AT_ONCE = 4
SCENARIOS = Path(__file__).with_name("scenarios")


def plain(value: Any) -> Any:
    """As JSON can tell it, so that two processes can be compared."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dict):
        return {str(key): plain(of) for key, of in value.items()}
    if isinstance(value, list | tuple):
        return [plain(of) for of in value]
    if isinstance(value, set | frozenset):
        return sorted(plain(of) for of in value)
    return f"<{type(value).__name__}>"


class Child:
    """A process of its own in which a scenario runs."""

    def __init__(self, name: str, scenario: Callable[[], Any]) -> None:
        self.name, self.scenario = name, scenario
        self._read, write = os.pipe()
        self._pid = fork()
        if self._pid == 0:
            self._run(write)
        os.close(write)

    def _run(self, write: int) -> None:
        signal.alarm(MOST_SECONDS)
        sys.stdout = io.StringIO()  # some scenarios subscribe `print`
        try:
            observed = {"returned": plain(self.scenario())}
        except BaseException as error:
            observed = {"raised": [type(error).__name__, str(error)]}
        with open(write, "w") as pipe:
            json.dump(observed, pipe)
        os._exit(0)

    def tell(self) -> None:
        """Print what was observed."""
        with open(self._read) as pipe:
            told = pipe.read()
        status = waitpid(self._pid, 0)[1]
        observed = json.loads(told) if told else {"died": os.waitstatus_to_exitcode(status)}
        line = {"name": self.name, "observed": observed}
        if difference := getattr(self.scenario, "difference", None):
            line |= {"row": difference.row, "ours": plain(difference.ours)}
        print(json.dumps(line), flush=True)  # noqa: T201


def scenarios() -> dict[str, Callable[[], Any]]:
    """``{"file.function": scenario}``"""
    found = {}
    for file in sorted(SCENARIOS.glob("*.py")):
        module = importlib.import_module(f"scenarios.{file.stem}")
        for name, value in vars(module).items():
            if getattr(value, "__module__", None) == module.__name__ and not name.startswith("_") and name.islower():
                found[f"{file.stem}.{name}"] = value
    return found


def warm_up() -> None:
    """Load what is loaded at first use, so that each child has it."""
    for module in ("encodings.idna", "engineio.async_drivers.threading", "flask_socketio.test_client"):
        importlib.import_module(module)
    Flask("warm").test_client().get("/")
    logging.getLogger().addHandler(logging.NullHandler())  # else tracebacks are written that nobody reads
    gc.freeze()  # else the collector of each child copies all pages that it looks at
    assert get_hub_if_exists() is None


def main() -> None:
    assert specter.__file__ is not None
    assert Path(specter.__file__).is_relative_to(sys.argv[1]), f"another specter: {specter.__file__}"
    children: deque[Child] = deque()
    found = scenarios()
    warm_up()
    for name, scenario in found.items():
        if not sys.argv[2:] or name in sys.argv[2:]:
            children.append(Child(name, scenario))
        if len(children) == AT_ONCE:
            children.popleft().tell()
    for child in children:
        child.tell()


if __name__ == "__main__":
    main()
