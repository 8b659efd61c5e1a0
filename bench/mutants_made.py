"""Every mutant of a module, as lines of JSON: operator, line number, the whole changed source.

    .venvs/mutants/bin/python bench/mutants_made.py MODULE.py

Cosmic Ray's operators, and one that it does not have: a statement is left out. Annotations are left alone, and sources
that compile to the same code as the module are dropped. Runs in an environment of its own, which has Cosmic Ray.
"""

import ast
import json
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from cosmic_ray.mutating import mutate_code  # type: ignore[import-not-found]  # in .venvs/mutants
from cosmic_ray.plugins import get_operator, operator_names  # type: ignore[import-not-found]  # in .venvs/mutants

Made = tuple[str, str]


def main() -> None:
    """Print the mutants of the module."""
    source = Path(sys.argv[1]).read_text(encoding="utf-8")
    seen = {_code(source)}
    for operator, mutant in (*_cosmic(source), *_left_out(source)):
        code = _code(mutant)
        if code is None or code in seen:
            continue
        seen.add(code)
        pairs = zip(source.splitlines(), mutant.splitlines(), strict=False)
        line = next(number for number, (old, new) in enumerate(pairs, 1) if old != new)
        print(json.dumps({"operator": operator, "line": line, "source": mutant}))


def _cosmic(source: str) -> Iterator[Made]:
    for name in operator_names():
        operator = get_operator(name)
        if operator.arguments():
            continue
        for occurrence in count():
            mutant = mutate_code(source, operator(), occurrence)
            if mutant is None:
                break
            yield name.removeprefix("core/"), mutant


def _left_out(source: str) -> Iterator[Made]:
    """One statement of a function less; in place of a block's header, all of the block."""
    lines = source.splitlines(keepends=True)
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    for statement in (inner for function in functions for inner in ast.walk(function)):
        if not isinstance(statement, ast.stmt) or statement in functions or statement.end_lineno is None:
            continue
        first, last = statement.lineno - 1, statement.end_lineno
        yield "LeaveOut", "".join([*lines[:first], " " * statement.col_offset + "pass\n", *lines[last:]])


def _code(source: str) -> str | None:
    """What tells mutants apart; None for what does not parse. Annotations and docstrings do not count."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    return ast.dump(_Bare().visit(tree))


class _Bare(ast.NodeTransformer):
    """Takes out what never runs: annotations and docstrings."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        """Without its type."""
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AnnAssign:
        """Without its type."""
        node.annotation = ast.Constant(None)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Without its result's type."""
        node.returns = None
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Without bare constants."""
        return ast.Pass() if isinstance(node.value, ast.Constant) else self.generic_visit(node)


if __name__ == "__main__":
    main()
