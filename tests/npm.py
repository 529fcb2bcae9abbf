"""
Node for the tests: npm packages in a folder of their own, and a headless Chromium driven line by line.

A machine without Node, npm or Chromium skips these tests; under CI it fails them.
"""

import json
import queue
import shutil
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cached import cached, missing

PACKAGES = {"playwright-core": "1.64.1", "socket.io-client": "4.8.4"}
DRIVER = Path(__file__).with_name("browser.mjs")


def program(*names: str) -> str:
    """The first of the programs that is installed."""
    for name in names:
        if found := shutil.which(name):
            return found
    missing(names[0])


def packages() -> Path:
    """The folder in whose ``node_modules`` the `PACKAGES` are, installed once."""

    def fill(folder: Path) -> None:
        npm = program("npm")
        (folder / "package.json").write_text(json.dumps({"private": True, "dependencies": PACKAGES}))
        command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=180)
        if done.returncode:
            missing(f"npm's registry ({done.stderr.strip()[-300:]})")

    return cached("-".join(f"{name}@{version}" for name, version in PACKAGES.items()), fill)


def start_node(script: Path, *args: str) -> subprocess.Popen[str]:
    """Start a module that is told where `PACKAGES` are, and then *args*; it speaks over its pipes."""
    command = [program("node"), str(script), str(packages()), *args]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


class Lines:
    """The lines that a process prints, each waited for with a limit."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def next(self, timeout: float = 20.0) -> str:
        """The next line; `queue.Empty` if none comes in time, `EOFError` if none will."""
        line = self._lines.get(timeout=timeout)
        if line is None:
            self._lines.put(None)
            raise EOFError(f"{self.process.args} has ended its output")
        return line

    def tell(self, line: str) -> None:
        """Write a line to the process."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def close(self) -> None:
        """End the process by the end of its input, or by force if that does not do."""
        if self.process.stdin:
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(10)
        assert self.process.stdout is not None
        self.process.stdout.close()


class Browser:
    """A headless Chromium with one page at a time."""

    def __init__(self) -> None:
        self._lines = Lines(start_node(DRIVER, program("chromium", "chromium-browser", "google-chrome")))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.close()

    def _ask(self, do: str, **values: Any) -> Any:
        self._lines.tell(json.dumps({"do": do, **values}))
        answer = json.loads(self._lines.next(timeout=40))
        assert "error" not in answer, answer["error"]
        return answer.get("value")

    def open(self, url: str, **options: Any) -> None:
        """Show an address in a new page; the options are Playwright's for a page."""
        self._ask("open", url=url, options=options)

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        return self._ask("run", script=script)

    def wait(self, script: str) -> None:
        """Wait until an expression is true in the page."""
        self._ask("wait", script=script)

    def click(self, selector: str) -> None:
        self._ask("click", selector=selector)

    def type(self, selector: str, text: str, then: str = "Enter") -> None:
        """Fill a field in and press a key."""
        self._ask("type", selector=selector, text=text, then=then)

    def errors(self) -> list[str]:
        """What the page has complained about since it was opened: its console, and errors that nobody caught."""
        errors: list[str] = self._ask("errors")
        return errors

    def requests(self) -> list[str]:
        """The addresses that the page has asked for."""
        urls: list[str] = self._ask("requests")
        return urls

    def screenshot(self, path: Path) -> None:
        self._ask("screenshot", path=str(path))
