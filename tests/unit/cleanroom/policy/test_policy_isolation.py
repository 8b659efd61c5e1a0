"""The evaluator runs on the standard library alone, wherever it is loaded."""

import pkgutil
import subprocess
import sys

import cleanroom.policy

MODULES = [f"cleanroom.policy.{module.name}" for module in pkgutil.iter_modules(cleanroom.policy.__path__)]
SCRIPT = """
import importlib, sys
before = set(sys.modules)
for name in sys.argv[1:]:
    importlib.import_module(name)
loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(loaded - set(sys.stdlib_module_names)))
print(sorted(name for name in sys.modules if name.startswith("cleanroom.")))
"""


def test_every_module_is_there() -> None:
    assert {"cleanroom.policy.evaluate", "cleanroom.policy.warnings", "cleanroom.policy.diff"} <= set(MODULES)


def test_the_standard_library_and_the_domain_and_nothing_else() -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter, our own modules
        [sys.executable, "-c", SCRIPT, *MODULES], capture_output=True, text=True, check=True
    )
    outside, inside = done.stdout.splitlines()
    assert outside == "['cleanroom']"
    packages = {name.split(".")[1] for name in inside.strip("[]").replace("'", "").split(", ")}
    assert packages == {"domain", "policy"}
