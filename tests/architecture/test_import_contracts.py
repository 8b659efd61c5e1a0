"""Each import contract goes red on a planted fault: a contract that cannot fail protects nothing."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest
from source_trees import PRODUCT, ROOT

CONTRACTS: Final = {
    contract["name"]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
}
DIRECTION = "One direction: api -> escrow -> cleanroom -> matching"
PARTNER = "Inside the partner's side: cli -> agent -> audit -> messages -> policy -> domain -> kernel"
PURE = "matching is pure: no I/O, no clock, no log, no framework"
BLIND = "The escrow could not read accounts even by mistake"
NO_SERVER = "What a partner installs contains no server"
EVALUATOR = "The policy evaluator is pure: the standard library and the domain, nothing else"
OFFLINE = "The offline verifier needs no network, no database and no data frames"
CYCLES = "No cycles between siblings, at any depth"

FAULTS: Final[list[tuple[str, dict[str, str]]]] = [
    (DIRECTION, {"matching/planted.py": "import cleanroom.domain.errors"}),
    (DIRECTION, {"cleanroom/domain/planted.py": "import escrow.errors"}),
    (DIRECTION, {"escrow/planted.py": "def late() -> None:\n    import api.service.settings"}),
    (PARTNER, {"cleanroom/domain/planted.py": "import cleanroom.messages.documents"}),
    (PARTNER, {"cleanroom/policy/planted.py": "import cleanroom.messages.documents"}),
    (PARTNER, {"cleanroom/messages/planted.py": "import cleanroom.agent.vault"}),
    (PARTNER, {"cleanroom/audit/planted.py": "import cleanroom.agent.vault"}),
    (PARTNER, {"cleanroom/agent/planted.py": "import cleanroom.cli.main"}),
    (PARTNER, {"cleanroom/unplaced/__init__.py": "", "cleanroom/unplaced/planted.py": "import pandas"}),
    *(
        (CYCLES, {f"{package}/planted_a.py": f"import {package.replace('/', '.')}.planted_b",
                  f"{package}/planted_b.py": f"import {package.replace('/', '.')}.planted_a"})
        for package in ("matching", "matching/disclosure", "cleanroom/messages", "escrow", "api/service")
    ),
]  # fmt: skip
FORBIDDEN: Final = [
    (name, module)
    for name in (PURE, BLIND, NO_SERVER, EVALUATOR, OFFLINE)
    for module in CONTRACTS[name]["forbidden_modules"]
]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    there = tmp_path_factory.mktemp("tree")
    for package in PRODUCT:
        shutil.copytree(ROOT / package, there / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", there)
    return there


def plant(tree: Path, faults: dict[str, str]) -> list[Path]:
    for name, source in faults.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(source + "\n", encoding="utf-8")
    return [tree / name for name in faults]


def verdicts(tree: Path) -> tuple[dict[str, str], str]:
    """Contract -> KEPT or BROKEN, and all that the linter printed, in the tree and for the tree."""
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(  # noqa: S603 - the linter of our own environment
        [linter, "--no-logo", "--cache-dir", tree.parent / "cache"],
        cwd=tree,
        env={"PYTHONPATH": str(tree), "COLUMNS": "500", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    found = dict(re.findall(r"^(.+?) (KEPT|BROKEN)$", done.stdout, flags=re.MULTILINE))
    assert set(found) == set(CONTRACTS), done.stdout + done.stderr
    assert (done.returncode == 0) == (set(found.values()) == {"KEPT"})
    return found, done.stdout


@pytest.fixture(scope="module")
def unplanted(tree: Path) -> dict[str, str]:
    return verdicts(tree)[0]


def test_every_contract_has_a_fault_planted() -> None:
    assert {name for name, _ in (*FAULTS, *FORBIDDEN)} == set(CONTRACTS)


@pytest.mark.parametrize(("contract", "faults"), FAULTS, ids=[f"{name[:12]} {min(faults)}" for name, faults in FAULTS])
def test_a_planted_fault_breaks_its_contract(
    tree: Path, unplanted: dict[str, str], contract: str, faults: dict[str, str]
) -> None:
    planted = plant(tree, faults)
    try:
        found, _ = verdicts(tree)
    finally:
        for path in planted:
            path.unlink()
        shutil.rmtree(tree / "cleanroom" / "unplaced", ignore_errors=True)
    assert unplanted[contract] == "KEPT"
    assert found[contract] == "BROKEN"


@pytest.mark.parametrize("contract", [PURE, BLIND, NO_SERVER, EVALUATOR, OFFLINE])
def test_every_forbidden_module_is_found(tree: Path, unplanted: dict[str, str], contract: str) -> None:
    (source,) = CONTRACTS[contract]["source_modules"]
    package = "cleanroom/domain" if source == "cleanroom" else source.replace(".", "/")
    modules = CONTRACTS[contract]["forbidden_modules"]
    name = f"{package}/planted.py"
    (planted,) = plant(tree, {name: "\n".join(f"import {module}" for module in modules)})
    try:
        found, printed = verdicts(tree)
    finally:
        planted.unlink()
    assert unplanted[contract] == "KEPT"
    assert found[contract] == "BROKEN"
    where = name.removesuffix(".py").replace("/", ".")
    missed = [module for module in modules if f"{where} -> {module} " not in printed]
    assert missed == []
