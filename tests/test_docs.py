"""Every snippet of the README and of the guide runs, and shows what it says it shows."""

import ast
import asyncio
import inspect
import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from urllib.request import urlopen

import pytest
from fresh import ROOT, checkout

import specter
from specter import testing

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```([\w. ]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
# `expression  # → what it shows`, also as the argument of a print.
SHOWN = re.compile(r"^( *)(?:print\((?P<printed>.+)\)|(?P<plain>\S.*?)) +# → (?P<text>.+)$", re.MULTILINE)

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def snippets(page: Path, language: str) -> Iterator[tuple[int, str]]:
    """Line and text of each fenced block in *language*."""
    text = page.read_text()
    for match in FENCE.finditer(text):
        if match[1] == language:
            yield text.count("\n", 0, match.start()) + 1, match[2]


def checked(snippet: str) -> str:
    """The snippet, which looks at what it shows."""
    return SHOWN.sub(lambda m: f"{m[1]}shows({m['printed'] or m['plain']}, text={m['text']!r})", snippet)


def compiled(page: Path, line: int, snippet: str) -> CodeType:
    """The snippet as code whose lines are those of the page, with `await` outside of functions, as in a notebook."""
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    return compile("\n" * line + checked(snippet), str(page), "exec", flags, dont_inherit=True)


def shows(*values: object, text: str) -> None:
    printed = " ".join(map(str, values))
    assert text == printed or [text] == [repr(value) for value in values], f"shows {printed}, the page says {text}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with what the snippets find there: a log, a program named `convert`, nothing else."""
    (tmp_path / "app.log").write_text("12:00 INFO started\n12:01 ERROR disk is full\n")
    program = tmp_path / "bin" / "convert"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho thumbnail > "$2"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def level() -> Iterator[None]:
    """Pages that want it quiet are loud again for the tests after them."""
    log = logging.getLogger("specter")
    before = log.level
    yield
    log.setLevel(before)


@pages
@pytest.mark.usefixtures("folder", "level")
def test_the_snippets_of_a_page_run_one_after_another(page: Path) -> None:
    namespace: dict[str, object] = {"__name__": "page", "shows": shows}
    with asyncio.Runner() as runner:
        for line, snippet in snippets(page, "python"):
            code = compiled(page, line, snippet)
            if code.co_flags & inspect.CO_COROUTINE:
                runner.run(eval(code, namespace))
            else:
                exec(code, namespace)


# What a page's snippets find in a process of their own.
GEVENT = f"from gevent import monkey\nmonkey.patch_all()\n{inspect.getsource(shows)}"


@pytest.mark.parametrize("page", [page for page in PAGES if "```python gevent\n" in page.read_text()], ids=str)
def test_the_snippets_of_a_page_run_on_gevent(page: Path, folder: Path) -> None:
    code = [checked(snippet) for _, snippet in snippets(page, "python gevent")]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join([GEVENT, *code])], capture_output=True, text=True, timeout=60
    )

    assert (done.returncode, done.stderr) == (0, "")


def files(page: Path, language: str) -> dict[str, list[str]]:
    """``{name: its parts}`` of the files that a page shows piece by piece: its fences are named ``python NAME.py``."""
    found: dict[str, list[str]] = {}
    for match in FENCE.finditer(page.read_text()):
        spoken, _, name = match[1].rpartition(" ")
        if spoken == language and name.endswith(".py"):
            found.setdefault(name, []).append(match[2])
    return found


PROJECTS = [(page, language) for page in PAGES for language in ("python", "python gevent") if files(page, language)]


@pytest.mark.parametrize(("page", "language"), PROJECTS, ids=lambda it: it.name if isinstance(it, Path) else it)
def test_the_tests_on_a_page_pass(page: Path, language: str, tmp_path: Path) -> None:
    for name, parts in files(page, language).items():
        (tmp_path / name).write_text("\n".join(parts))
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:asyncio", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stdout


@pages
def test_links_to_files_lead_somewhere(page: Path) -> None:
    targets = [link for link in LINK.findall(page.read_text()) if not link.startswith(("http", "mailto"))]

    assert not [target for target in targets if not (page.parent / target).exists()]


def test_the_reference_has_every_public_name() -> None:
    text = (ROOT / "docs" / "reference.md").read_text()

    assert sorted(re.findall(r"auto\w+:: specter\.(\w+)$", text, re.MULTILINE)) == sorted(
        set(specter.__all__) - {"__version__"}
    )


def test_the_reference_has_every_name_of_the_harness() -> None:
    text = (ROOT / "docs" / "reference.md").read_text()

    assert sorted(re.findall(r"auto\w+:: specter\.testing\.(\w+)$", text, re.MULTILINE)) == sorted(testing.__all__)


def test_the_readme_has_two_commands_of_one_line_each() -> None:
    commands = [text for _, text in snippets(ROOT / "README.md", "sh")]

    assert [command.count("\n") for command in commands] == [1, 1]
    assert "specter demo" in commands[0]
    assert "-c requirements/test.txt" in commands[1]
    assert "&& .venv/bin/pytest" in commands[1]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_first_command_installs_and_starts_the_demo(tmp_path: Path) -> None:
    _, command = next(snippets(ROOT / "README.md", "sh"))
    path = f"{Path(sys.base_prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}"
    demo = subprocess.Popen(
        ["bash", "-c", command],
        cwd=checkout(tmp_path),
        env=os.environ | {"PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert demo.stdout is not None
    try:
        address = next(found[0] for line in demo.stdout if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        with urlopen(address, timeout=10) as page:
            assert b"<!doctype html>" in page.read().lower()
        os.killpg(demo.pid, signal.SIGINT)
        demo.stdout.read()
        assert demo.wait(timeout=20) in (0, 130)
    finally:
        demo.stdout.close()
        if demo.poll() is None:
            os.killpg(demo.pid, signal.SIGKILL)
            demo.wait()
