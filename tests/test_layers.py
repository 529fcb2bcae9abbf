"""The laws of the layers, read off the source. Each test lists where a law is broken."""

import ast
import itertools
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from fresh import ROOT, python

Nodes = dict[Path, list[ast.AST]]

ASYNCIO, GEVENT = (
    {path: list(ast.walk(ast.parse(path.read_text()))) for path in sorted((ROOT / package).rglob("*.py"))}
    for package in ("specter", "specter_gevent")
)
FILES = ASYNCIO | GEVENT
SANSIO = {path: nodes for path, nodes in ASYNCIO.items() if "sansio" in path.parts}
# Standard library all the same, but it waits, locks, logs or reads a clock.
WAITS = {
    "_thread", "asyncio", "concurrent", "logging", "multiprocessing", "queue", "sched", "select", "selectors", "signal",
    "socket", "ssl", "subprocess", "threading", "time",
}  # fmt: skip
# What one runtime waits and serves with is no business of the other.
OF_ASYNCIO = {"anyio", "asyncio", "hypercorn", "quart", "sniffio", "trio", "uvicorn", "uvloop"}
OF_GEVENT = {"flask", "flask_socketio", "gevent", "geventwebsocket", "greenlet"}
LIMIT = 400


def broken(files: Nodes, found: Callable[[ast.AST], object], *kinds: type[ast.AST]) -> list[tuple[str, int]]:
    """File and line of each node of these kinds for which *found* is true."""
    return [
        (str(path.relative_to(ROOT)), node.lineno)  # type: ignore[attr-defined]
        for path, nodes in files.items()
        for node in nodes
        if isinstance(node, kinds) and found(node)
    ]


def imported(node: ast.AST) -> Iterator[str]:
    """The top package of each name that is imported; a relative one as it stands, with its dots."""
    if isinstance(node, ast.Import):
        yield from (alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield "." * node.level + (node.module or "") if node.level else str(node.module).partition(".")[0]


def importing(files: Nodes, wrong: Callable[[str], object]) -> list[tuple[str, int]]:
    """Where something is imported that is *wrong* there."""
    return broken(files, lambda node: any(map(wrong, imported(node))), ast.Import, ast.ImportFrom)


def lines_of_code(paths: Iterable[Path]) -> int:
    """Without docstrings and blank lines."""
    count = 0
    for path in paths:
        docs: set[int] = set()
        for node in FILES[path]:
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                if ast.get_docstring(node, clean=False) is not None:
                    docs.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
        lines = path.read_text().splitlines()
        count += sum(1 for number, line in enumerate(lines, 1) if number not in docs and line.strip())
    return count


# Rules.


def test_rules_import_the_standard_library_and_other_rules_alone() -> None:
    def foreign(name: str) -> bool:
        return name.startswith("..") or not name.startswith(".") and name not in sys.stdlib_module_names

    assert importing(SANSIO, lambda name: foreign(name) and name != "__future__") == []


def test_rules_do_not_wait_lock_log_or_read_a_clock() -> None:
    def reads_clock(node: ast.AST) -> bool:
        return (
            isinstance(node, ast.Attribute)
            and node.attr in {"now", "utcnow", "today", "monotonic", "perf_counter"}
            and isinstance(node.value, ast.Name)
            and node.value.id in {"time", "datetime", "date"}
        )

    assert importing(SANSIO, WAITS.__contains__) == []
    assert broken(SANSIO, lambda node: True, ast.AsyncFunctionDef, ast.Await, ast.AsyncWith) == []
    assert broken(SANSIO, reads_clock, ast.Attribute) == []


def test_rules_are_finished_not_abstract() -> None:
    assert broken(SANSIO, lambda node: "NotImplementedError" in ast.unparse(node), ast.Raise) == []
    assert importing(SANSIO, "abc".__eq__) == []


@pytest.mark.parametrize("package", ["specter", "specter_gevent"])
def test_rules_are_two_fifths_of_the_rules_and_the_twins_of_one_runtime(package: str) -> None:
    # Twins are the files that both packages have. What the other runtime has no need of is not in the balance: on
    # asyncio that is what a hub brings along, tasks and their runtime, loops and the threads beside them.
    asyncio, gevent = ({path.name for path in (ROOT / one).glob("*.py")} for one in ("specter", "specter_gevent"))
    twins = [ROOT / package / name for name in asyncio & gevent if name != "__init__.py"]
    rules = lines_of_code(SANSIO)

    assert rules / (rules + lines_of_code(twins)) >= 0.40


# Twins.


def test_gevent_imports_nothing_that_asyncio_waits_with() -> None:
    assert importing(GEVENT, OF_ASYNCIO.__contains__) == []


def test_asyncio_imports_nothing_that_gevent_waits_with() -> None:
    assert importing(ASYNCIO, OF_GEVENT.__contains__) == []


def test_all_of_gevent_runs_without_anyio() -> None:
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in GEVENT]
    code = f"""
import importlib, sys
sys.modules["anyio"] = sys.modules["quart"] = None      # an import of it raises ModuleNotFoundError
for name in {modules!r}:
    importlib.import_module(name.removesuffix(".__init__"))
"""
    python(code)


def test_importing_the_package_imports_no_companion() -> None:
    heavy = {"aiohttp", "anyio", "asyncio", "flask", "gevent", "hypercorn", "logging", "quart", "socketio", "werkzeug"}
    code = f"import sys; before = set(sys.modules); import specter; print({heavy} & (set(sys.modules) - before))"

    assert python(code) == "set()"


# All files.


def test_no_file_is_too_long() -> None:
    assert {str(path): lines for path in FILES if (lines := lines_of_code([path])) > LIMIT} == {}


def test_locks_are_taken_by_with_or_right_before_a_try_that_releases_them() -> None:
    def safe(lines: Iterable[list[ast.stmt]]) -> Iterator[ast.expr]:
        for before, after in itertools.chain.from_iterable(map(itertools.pairwise, lines)):
            match before, after:
                case (
                    ast.Expr(ast.Call(ast.Attribute(lock, "acquire") as taken, []))
                    # Only if that needs no wait: else the block is left.
                    | ast.If(
                        ast.UnaryOp(
                            ast.Not(), ast.Call(ast.Attribute(lock, "acquire") as taken, [ast.Constant(False)])
                        ),
                        [ast.Return()],
                    ),
                    ast.Try(finalbody=[last]),
                ):
                    if ast.unparse(last) == f"{ast.unparse(lock)}.release()":
                        yield taken

    def taken(node: ast.AST) -> bool:
        return isinstance(node, ast.Attribute) and node.attr == "acquire" and node not in allowed

    blocks = [value for nodes in FILES.values() for node in nodes for _, value in ast.iter_fields(node)]
    allowed = list(safe(value for value in blocks if isinstance(value, list) and len(value) > 1))
    assert broken(FILES, taken, ast.Attribute) == []


def test_no_error_is_swallowed_in_silence() -> None:
    def silent(node: ast.AST) -> bool:
        return isinstance(node, ast.ExceptHandler) and all(isinstance(line, ast.Pass) for line in node.body)

    assert broken(FILES, silent, ast.ExceptHandler) == []


def test_no_cancellation_is_swallowed() -> None:
    def greedy(node: ast.AST) -> bool:
        if not isinstance(node, ast.ExceptHandler):
            return False
        if node.type is not None and ast.unparse(node.type) != "BaseException":
            return False
        # Raised again, or handed on as a value to somebody who raises it.
        return not any(
            isinstance(inner, ast.Raise) or isinstance(inner, ast.Name) and inner.id == node.name
            for line in node.body
            for inner in ast.walk(line)
        )

    assert broken(FILES, greedy, ast.ExceptHandler) == []
