"""Whether the tests of this folder notice a change in the kernels' sources: each is made in a copy, and tested there.

    pytest -m soak tests/unit/matching/lanes/test_lanes_mutants.py -rA

prints which test noticed what. This measures the tests; a mutant that no test fails is a test that is missing.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from mutants_of_lanes import MUTANTS, QUICK

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[3]
TESTS: Final = [
    str(HERE / f"test_lanes_{name}.py") for name in ("field", "points", "vectors", "edges", "batches", "combine")
]
"""The quickest first."""


def noticed_by(tree: Path, module: str) -> str:
    """The first test that fails on a copy of the sources, or a signal that ended them; empty if there is none."""
    which = "model" if module == "ifma" else "fma-4"
    command = [
        sys.executable, "-m", "pytest", "-x", "-q", "--tb=line", "-c", str(ROOT / "pyproject.toml"),
        "-p", "no:cacheprovider", f"--basetemp={tree / 'made'}", "-k", f"{which} or overflow", *TESTS,
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tree), str(ROOT)])}  # noqa: TID251 - handed on
    done = subprocess.run(  # noqa: S603 - our own tests
        command, cwd=tree, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode < 0:
        return f"signal {-done.returncode}"
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    found = re.search(r"^(?:FAILED|ERROR) \S*?::(\S+)", done.stdout, flags=re.MULTILINE)
    assert (found is None) == (done.returncode == 0), done.stdout
    return found[1] if found else ""


def copied(tree: Path) -> Path:
    shutil.copytree(ROOT / "matching", tree / "matching", ignore=shutil.ignore_patterns("__pycache__"))
    return tree


def test_every_change_can_be_made() -> None:
    sources = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "matching" / "lanes").glob("*.py")}
    assert [(module, old) for module, old, _ in MUTANTS if sources[module].count(old) != 1] == []
    assert len(set(MUTANTS)) == len(MUTANTS)


@pytest.mark.soak
@pytest.mark.parametrize("module", ["fma", "ifma"])
def test_without_a_change_nothing_fails(module: str, tmp_path: Path) -> None:
    assert noticed_by(copied(tmp_path), module) == ""


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        pytest.param(*mutant, id=f"{number}-{mutant[0]}", marks=[] if number < QUICK else [pytest.mark.soak])
        for number, mutant in enumerate(MUTANTS)
    ],
)
def test_a_change_is_noticed(module: str, old: str, new: str, tmp_path: Path) -> None:
    path = copied(tmp_path) / "matching" / "lanes" / f"{module}.py"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    test = noticed_by(tmp_path, module)
    print(f"{module}: {old.strip()!r} -> {new.strip()!r}: {test or 'SURVIVED'}")  # noqa: T201 - the table
    assert test
