import subprocess
import sys

import pytest
from source_trees import PRODUCT, ROOT, imported, mentioned, sources

SERVER = ("fastapi", "starlette", "uvicorn", "alembic", "escrow", "api")

LOADS = """
import importlib, pkgutil, sys
for root in {roots}:
    package = importlib.import_module(root)
    for module in pkgutil.walk_packages(package.__path__, root + "."):
        importlib.import_module(module.name)
found = [name for name in {banned} if name in sys.modules]
print(",".join(found), len([name for name in sys.modules if name.split(".")[0] in {roots}]))
"""


def loaded(script: str) -> tuple[list[str], int]:
    """Which banned modules a fresh process has loaded, and how many of its own."""
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    found, count = done.stdout.rstrip("\n").split(" ")
    return [name for name in found.split(",") if name], int(count)


def test_no_module_of_the_partners_side_loads_a_server() -> None:
    found, count = loaded(LOADS.format(roots=("matching", "cleanroom"), banned=SERVER))
    assert found == []
    assert count > 40


def test_the_command_that_partners_run_loads_no_server() -> None:
    script = f"import sys, cleanroom.cli.main\nprint(','.join(n for n in {SERVER} if n in sys.modules), 0)"
    assert loaded(script) == ([], 0)


def test_the_kernel_loads_no_wire_and_no_database() -> None:
    banned = ("pydantic", "sqlalchemy", "httpx2", "typer", "rich", "cleanroom", *SERVER)
    found, count = loaded(LOADS.format(roots=("matching",), banned=banned))
    assert found == []
    assert count > 10


def test_the_check_sees_what_a_process_loads() -> None:
    """The control: without it, a script that looks at the wrong place would pass."""
    found, _ = loaded(LOADS.format(roots=("api",), banned=SERVER))
    assert {"fastapi", "starlette", "escrow", "api"} <= set(found)


@pytest.mark.parametrize(
    "banned", ["random", "pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "unittest"]
)
def test_nothing_imports_what_is_banned(banned: str) -> None:
    """`random` for secrets, code in data; ruff says so too, but a suppression can silence ruff."""
    found = [
        path
        for path, tree in sources(*PRODUCT, "bench", "examples")
        if any(name.split(".")[0] == banned for name in imported(tree))
    ]
    assert found == []


def test_no_product_code_uses_numpys_generator() -> None:
    found = [path for path, tree in sources(*PRODUCT) if {"random", "default_rng"} & mentioned(tree)]
    assert found == []


@pytest.mark.parametrize("dangerous", ["read_pickle", "to_pickle", "allow_pickle", "eval", "exec", "__import__"])
def test_no_product_code_turns_data_into_code(dangerous: str) -> None:
    assert [path for path, tree in sources(*PRODUCT) if dangerous in mentioned(tree)] == []


@pytest.mark.parametrize(
    ("library", "home"),
    [
        ("rbcl", {"matching/group.py"}),
        ("scipy", {"matching/overlap.py"}),
        ("tldextract", {"cleanroom/agent/tables.py"}),  # data tables are loaded by the agent and passed in
        ("anyascii", {"matching/normalise/words.py"}),
    ],
)
def test_a_library_is_imported_in_its_one_place(library: str, home: set[str]) -> None:
    found = {path for path, tree in sources(*PRODUCT) if any(name.split(".")[0] == library for name in imported(tree))}
    assert found == home


def test_no_import_is_relative() -> None:
    found = [path for path, tree in sources(*PRODUCT) if any(name.startswith("None.") for name in imported(tree))]
    assert found == []
