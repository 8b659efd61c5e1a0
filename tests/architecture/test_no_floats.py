"""Numbers that account for privacy are integers or fractions: a rounded number is a promise kept roughly."""

import ast
from collections.abc import Iterator

import pytest
from source_trees import imported, sources

DISCLOSURE = "matching/disclosure/"
BUDGETS = "escrow/budget"

FLOATING_NAMES = {
    "float",
    "complex",
    "Decimal",
    "fsum",
    "truediv",
    "itruediv",
    "total_seconds",
    "timestamp",
    "fromtimestamp",
}
"""Names that make a float or work with one. `datetime.timestamp` and `timedelta.total_seconds` are floats."""

INTEGER_MATH = {"ceil", "comb", "factorial", "floor", "gcd", "isqrt", "lcm", "perm"}
INTEGER_NUMPY = {"array", "int64", "typing.NDArray", "zeros"}
TYPING = "numpy.typing"
INTEGER_IMPORTS = {
    "collections",
    "dataclasses",
    "fractions",
    "functools",
    "hashlib",
    "hmac",
    "itertools",
    "math",
    "matching",
    "numpy",
    "types",
    "typing",
}
"""What the disclosure kernel may import. Of `math` and `numpy` only the names above."""


def floats_in(tree: ast.Module) -> Iterator[str]:
    """What makes, or could make, a number that is not exact; each with its line."""
    modules = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Constant(value=float() | complex()):
                yield f"line {line}: a literal that is no integer"
            case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
                yield f"line {line}: a division that rounds; write Fraction(a, b) or a // b"
            case ast.BinOp(op=ast.Pow()) | ast.AugAssign(op=ast.Pow()):
                yield f"line {line}: a power, which is a float where the exponent is negative"
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name) if name in FLOATING_NAMES | {
                "pow"
            }:
                yield f"line {line}: {name}"
            case ast.Constant(value=str(name)) if name.startswith(("float", "f8", "f4", "<f", ">f", "complex")):
                yield f"line {line}: the name of a type that rounds"
            case ast.Attribute(value=ast.Name(id=module), attr=name) if not allowed(modules.get(module, ""), name):
                yield f"line {line}: {module}.{name}"
            case ast.Import(names=names):
                yield from (f"line {line}: {a.name}" for a in names if a.name.startswith("numpy.") and a.name != TYPING)
            case ast.ImportFrom(module=str(module), names=names):
                yield from (f"line {line}: {module}.{a.name}" for a in names if not allowed(module, a.name))


def allowed(module: str, name: str) -> bool:
    if module == "math":
        return name in INTEGER_MATH
    if module == "numpy" or module.startswith("numpy."):
        return f"{module}.{name}".removeprefix("numpy.") in INTEGER_NUMPY
    return True


def test_disclosure_and_budgets_know_no_floats() -> None:
    trees = [(path, tree) for path, tree in sources("matching", "escrow") if path.startswith((DISCLOSURE, BUDGETS))]
    assert len(trees) > 7
    assert {path: list(floats_in(tree)) for path, tree in trees if list(floats_in(tree))} == {}


def test_the_disclosure_kernel_imports_what_works_with_integers() -> None:
    found = {
        (path, name)
        for path, tree in sources("matching")
        if path.startswith(DISCLOSURE)
        for name in imported(tree)
        if name.split(".")[0] not in INTEGER_IMPORTS
    }
    assert found == set()


@pytest.mark.parametrize(
    "planted",
    [
        "x = 0.5",
        "x = 1e3",
        "x = 2j",
        "x = total / 2",
        "total /= 2",
        "x = 2 ** -scale",
        "x **= y",
        "x = pow(2, -1)",
        "x = float(total)",
        "x = list(map(float, y))",
        "import math\nx = math.exp(-1)",
        "import math as m\nx = m.log(2)",
        "from math import log",
        "from math import exp as gcd",
        "import numpy as np\nx = np.float64(1)",
        "import numpy as np\nx = np.mean(y)",
        "import numpy as np\nx = np.exp(y)",
        "import numpy.random",
        "from numpy import float64",
        "x = y.astype('float64')",
        "x = y.astype(float)",
        "from decimal import Decimal",
        "from operator import truediv",
        "x = (a - b).total_seconds()",
        "x = now.timestamp()",
        "import math\nx = math.pi",
    ],
)
def test_a_planted_float_is_found(planted: str) -> None:
    assert list(floats_in(ast.parse(f"{planted}\n")))


@pytest.mark.parametrize(
    "exact",
    [
        "x = a // b",
        "x = Fraction(a, b) * 2",
        "import math\nx = math.isqrt(9) + math.gcd(4, 6)",
        "from math import comb",
        "import numpy as np\nx = np.array(y, np.int64)",
        "import numpy.typing as npt\nx: npt.NDArray[int]",
        "x = 'a sentence about a ratio of a/b'",
    ],
)
def test_what_is_exact_is_not(exact: str) -> None:
    assert list(floats_in(ast.parse(f"{exact}\n"))) == []
