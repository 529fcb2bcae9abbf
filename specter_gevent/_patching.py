"""
Whether gevent has patched all of this process, and before the rest of it was imported.

What was left out, and what a module had taken before, stops every greenlet when it waits, and nothing tells of it but
the slowness of all. So the manager asks once, and the answer names the module and the line to move:

    holders of what was replaced ──imported by── a statement above the call of patch_all() ──> the line to move
"""

from __future__ import annotations

import ast
import logging
import os
import sys
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

from gevent import monkey

log = logging.getLogger(__name__)

# What the parts of a server wait with.
_WANTED = ["socket", "ssl", "threading", "time", "select", "subprocess", "queue"]
if hasattr(os, "fork"):
    _WANTED += ["os", "signal"]  # nothing in them waits elsewhere
# Their own state has to be put right if they are there before, so the order is wrong even if nobody holds a name yet.
_NEVER_BEFORE = frozenset({"ssl", "threading"})
# They hold what they mean to hold, or are there before every application: anyio, which comes with us and which nothing
# on gevent waits with, is imported by its plugin for pytest. What click holds belongs to the command line that has
# imported the application, and waits for nothing.
_EXEMPT = {"gevent", "greenlet", "specter", "specter_gevent"} | {
    *("anyio", "click", "coverage", "debugpy", "gunicorn", "pydevd", "pytest"),
}

# {module: {name: what gevent has replaced}}
_saved: dict[str, dict[str, Any]] = monkey.saved  # type: ignore[attr-defined]  # missing in the types

_checked = False


class _Import(NamedTuple):
    """A statement that imports."""

    module: ModuleType  # whose file it stands in
    line: int
    text: str
    imported: tuple[str, ...]  # names of modules
    bound: tuple[str, ...]  # names in the file

    def __str__(self) -> str:
        return f"line {self.line} of {self.module.__file__} ({self.text})"


class _Held(NamedTuple):
    """A name that a module holds, of what gevent has replaced since."""

    module: ModuleType
    name: str
    origin: str  # ``ssl.SSLContext``


def check() -> None:
    """Warn if gevent has patched this process in part or too late. Once in the life of the process."""
    global _checked
    if _checked or not _saved:
        return
    _checked = True
    problems = [*_left_out(), *_late()]
    if problems:
        log.warning(
            "gevent has patched this process in part or too late, so one greenlet may stop all others: %s",
            "; ".join(problems),
        )


def _left_out() -> Iterator[str]:
    missing = [name for name in _WANTED if not monkey.is_module_patched(name)]
    if missing:
        call = next(_calls(), None)
        place = f", in line {call[1]} of {call[0].__file__}" if call else ""
        yield f"{', '.join(missing)} is not patched: call monkey.patch_all() without arguments{place}"


def _late() -> Iterator[str]:
    above = list(_above())
    problems = {
        found: f"{name} was imported before" for found in above for name in found.imported if name in _NEVER_BEFORE
    }
    for held in _holders():
        found = _brought(held, above)
        reason = f"{held.module.__name__} has taken {held.origin} before"
        if found is not None:
            problems.setdefault(found, reason)
        elif not problems:
            yield f"{reason}: import it after monkey.patch_all(){_place(held)}"
            return
    for found, reason in sorted(problems.items(), key=lambda problem: above.index(problem[0])):
        yield f"{reason}: move {found} below monkey.patch_all()"


def _holders() -> Iterator[_Held]:
    """What modules outside of the standard library still hold; each module once."""
    replaced = {
        id(old): f"{module}.{name}"
        for module, items in _saved.items()
        for name, old in items.items()
        if callable(old) and getattr(sys.modules.get(module), name, old) is not old
    }
    seen: set[int] = set()
    for module in list(sys.modules.values()):
        # Some stand there under a second name, and some things there are no modules.
        if id(module) in seen or not isinstance(module, ModuleType) or _foreign(module.__name__):
            continue
        seen.add(id(module))
        held = next(((name, value) for name, value in list(vars(module).items()) if id(value) in replaced), None)
        if held is not None:
            yield _Held(module, held[0], replaced[id(held[1])])


def _foreign(name: str) -> bool:
    top = name.partition(".")[0]
    return top.removeprefix("_") in _EXEMPT or top in sys.stdlib_module_names


def _above() -> Iterator[_Import]:
    """The imports that ran before the patch: above its call, or above the import of the file that calls it."""
    call = next(_calls(), None)
    if call is None:
        return
    module, line = call
    main = sys.modules["__main__"]
    if module is not main:
        own = list(_imports(main))
        brought = next((i for i, found in enumerate(own) if module.__name__ in _reached(found.imported)), 0)
        yield from own[:brought]
    yield from (found for found in _imports(module) if found.line < line)


def _calls() -> Iterator[tuple[ModuleType, int]]:
    """Where the program patches itself: the module, and the line of its first call."""
    patches = {id(value) for name, value in vars(monkey).items() if name.startswith("patch_")} | {id(monkey)}
    main = sys.modules["__main__"]
    for module in [main, *(module for module in list(sys.modules.values()) if isinstance(module, ModuleType))]:
        if _foreign(module.__name__) or not any(id(value) in patches for value in list(vars(module).values())):
            continue
        lines = [
            node.lineno
            for node in ast.walk(_tree(module))
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2].startswith("patch_")
        ]
        if lines:
            yield module, min(lines)


def _brought(held: _Held, above: list[_Import]) -> _Import | None:
    """The import above the patch that brought in who holds the name."""
    for found in above:
        if found.module is held.module and held.name in found.bound:
            return found
    return next((found for found in above if held.module.__name__ in _reached(found.imported)), None)


def _reached(names: tuple[str, ...]) -> set[str]:
    """The modules outside of the standard library that these have imported, and they themselves."""
    reached: set[str] = set()
    ahead = [name.rpartition(".")[0] for name in names] + list(names)
    while ahead:
        name = ahead.pop()
        module = sys.modules.get(name)
        if name in reached or not isinstance(module, ModuleType) or _foreign(name):
            continue
        reached.add(name)
        ahead += filter(None, map(_home, list(vars(module).values())))
    return reached


def _home(value: Any) -> str | None:
    # By type(), since the proxies that applications keep in their modules answer isinstance() for somebody else.
    kind = type(value)
    if issubclass(kind, ModuleType):
        return str(value.__name__)
    return str(value.__module__) if issubclass(kind, type | FunctionType) else None


def _place(held: _Held) -> str:
    found = next((found for found in _imports(held.module) if held.name in found.bound), None)
    return f" ({found})" if found is not None else ""


def _imports(module: ModuleType) -> Iterator[_Import]:
    """The imports of a file, in its order, but for those that wait in functions."""
    ahead: list[ast.AST] = [_tree(module)]
    while ahead:
        node = ahead.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            bound = tuple((alias.asname or alias.name).partition(".")[0] for alias in node.names)
            yield _Import(module, node.lineno, ast.unparse(node), _imported(node, module), bound)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            ahead += reversed(list(ast.iter_child_nodes(node)))


def _imported(node: ast.Import | ast.ImportFrom, module: ModuleType) -> tuple[str, ...]:
    if isinstance(node, ast.Import):
        return tuple(alias.name for alias in node.names)
    origin = node.module or ""
    if node.level:
        origin = resolve_name("." * node.level + origin, module.__package__ or "")
    return (origin, *(f"{origin}.{alias.name}" for alias in node.names))


def _tree(module: ModuleType) -> ast.Module:
    """The source of a module; an empty one if it has none that can be read."""
    file = getattr(module, "__file__", None)
    if not isinstance(file, str) or not file.endswith(".py"):
        return ast.Module([], [])
    try:
        return ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return ast.Module([], [])
