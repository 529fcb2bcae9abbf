"""Whether a module has gevent patch its process, told from its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def patches_process(source: bytes) -> bool:
    """
    Tell whether importing a module patches the process, whatever else holds.

    Args:
        source: Of the module.

    Returns:
        Whether it imports something from gevent, and calls a function by a name like ``patch_all`` of it: at the top
        or in a ``try`` or ``with`` there, not in a function, a class or under a condition. False if it cannot be read.
    """
    try:
        statements = list(_run(ast.parse(source).body))
    except (SyntaxError, ValueError):
        return False
    return any(map(_imports_gevent, statements)) and any(map(_patches, statements))


def _run(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that are run whatever holds, in their order."""
    for statement in body:
        if isinstance(statement, ast.Try | ast.With):
            yield from _run(statement.body)
        else:
            yield statement


def _imports_gevent(statement: ast.stmt) -> bool:
    match statement:
        case ast.Import(names):
            return any(alias.name.partition(".")[0] == "gevent" for alias in names)
        case ast.ImportFrom(module=str(module), level=0):
            return module.partition(".")[0] == "gevent"
    return False


def _patches(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(ast.Call(ast.Name(name) | ast.Attribute(attr=name))):
            return name.startswith("patch_")
    return False
