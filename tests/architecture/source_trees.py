"""The project's own modules as syntax trees, for tests that look at what code says rather than what it does."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PRODUCT: Final = ("matching", "cleanroom", "escrow", "api")


def sources(*parts: str) -> Iterator[tuple[str, ast.Module]]:
    """Path relative to the project and tree, for every module of the parts; peers' scripts are not ours."""
    for part in parts:
        for path in sorted((ROOT / part).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith("bench/peers/"):
                yield name, ast.parse(path.read_text(encoding="utf-8"), filename=name)


def scoped(tree: ast.AST, scope: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Every node with the dotted name of the class and function around it."""
    for node in ast.iter_child_nodes(tree):
        named = isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        inner = f"{scope}.{node.name}".lstrip(".") if named else scope
        yield inner, node
        yield from scoped(node, inner)


def imported(tree: ast.AST) -> Iterator[str]:
    """Dotted names of everything that the module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def mentioned(tree: ast.AST) -> set[str]:
    """Every identifier, attribute, imported name, and string that is one name (for `getattr`)."""
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
                names.add(name)
            case ast.alias(name=name):
                names.update(name.split("."))
            case ast.Constant(value=str(name)) if name.isidentifier():
                names.add(name)
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                names.add(name)
    return names
