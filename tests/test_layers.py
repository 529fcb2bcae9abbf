"""The laws of the layers, read off the source."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fresh import ROOT, python

FILES = sorted(path for package in ("specter", "specter_gevent") for path in (ROOT / package).rglob("*.py"))
SANSIO = [path for path in FILES if "sansio" in path.parts]
# Standard library all the same, but it waits, locks, logs or reads a clock.
WAITS = {
    "_thread", "asyncio", "concurrent", "logging", "multiprocessing", "queue", "sched", "select", "selectors", "signal",
    "socket", "ssl", "subprocess", "threading", "time",
}  # fmt: skip
LIMIT = 400

every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
every_rule = pytest.mark.parametrize("path", SANSIO, ids=lambda path: path.name)


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text()))


def imports(path: Path) -> Iterator[str]:
    """Top package of each import; relative ones as they stand, with their dots."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "") if node.level else str(node.module).partition(".")[0]


@every_rule
def test_a_rule_imports_the_standard_library_and_other_rules_alone(path: Path) -> None:
    others = {
        name
        for name in imports(path)
        if not (name.startswith(".") and not name.startswith("..")) and name not in sys.stdlib_module_names
    }

    assert not others - {"__future__"}


@every_rule
def test_a_rule_does_not_wait_lock_log_or_read_a_clock(path: Path) -> None:
    awaits = [node for node in nodes(path) if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncWith)]
    clocks = [
        node.attr
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today", "monotonic", "perf_counter"}
        if isinstance(node.value, ast.Name) and node.value.id in {"time", "datetime", "date"}
    ]

    assert not WAITS & set(imports(path))
    assert not awaits
    assert not clocks


@every_rule
def test_a_rule_is_finished_not_abstract(path: Path) -> None:
    raised = [node for node in nodes(path) if isinstance(node, ast.Raise)]

    assert not [node.lineno for node in raised if node.exc and "NotImplementedError" in ast.unparse(node.exc)]
    assert "abc" not in set(imports(path))


@every_file
def test_no_file_is_too_long(path: Path) -> None:
    tree = ast.parse(path.read_text())
    documented = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    )
    docs = set()
    for node in documented:
        if ast.get_docstring(node, clean=False) is not None:
            docs.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    lines = [
        text for number, text in enumerate(path.read_text().splitlines(), 1) if number not in docs and text.strip()
    ]

    assert len(lines) <= LIMIT


@every_file
def test_locks_are_taken_by_with_alone(path: Path) -> None:
    calls = [node for node in nodes(path) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]

    assert not [call.lineno for call in calls if call.func.attr == "acquire"]  # type: ignore[attr-defined]


@every_file
def test_no_error_is_swallowed_in_silence(path: Path) -> None:
    handlers = [node for node in nodes(path) if isinstance(node, ast.ExceptHandler)]

    assert not [node.lineno for node in handlers if all(isinstance(line, ast.Pass) for line in node.body)]


@every_file
def test_no_cancellation_is_swallowed(path: Path) -> None:
    handlers = [node for node in nodes(path) if isinstance(node, ast.ExceptHandler)]
    greedy = [node for node in handlers if node.type is None or ast.unparse(node.type) == "BaseException"]

    # Raised again, or handed on as a value to somebody who raises it.
    assert not [
        node.lineno
        for node in greedy
        if not any(
            isinstance(inner, ast.Raise) or isinstance(inner, ast.Name) and inner.id == node.name
            for line in node.body
            for inner in ast.walk(line)
        )
    ]


def test_importing_the_package_imports_no_companion() -> None:
    heavy = {"aiohttp", "anyio", "asyncio", "flask", "gevent", "hypercorn", "logging", "quart", "socketio", "werkzeug"}
    code = f"import sys; before = set(sys.modules); import specter; print({heavy} & (set(sys.modules) - before))"

    assert python(code) == "set()"
