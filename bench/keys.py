"""A list's cells to match keys and to entries: seconds and peak memory, in all and for each kind.

    python -m bench.keys 1000000 [--scale FOLDER] [--json]

Rows look like a CRM's: names of companies with their legal forms (from the third pass on joined with the beginning of
another, so that all of them differ), a website on nine rows of ten, a country on eight, an e-mail domain on every other
one, a number of some register on about one of four. FOLDER holds `company_names.csv.gz` and `partner_*_hosts.txt.gz`;
without it, names and websites are those of the examples. `all` is one call for every kind, as a push makes it; a kind
by itself also pays for what it shares with others (the names in a cell, the site behind a website). Peak memory is that
of the measuring process and its workers together, the rows included. Exits with 1 above 60 s or 1.5 GB.
"""

import argparse
import csv
import gzip
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final, Self

import numpy as np
import pandas as pd

from cleanroom.agent.frames import from_bytes, to_bytes
from cleanroom.agent.key_making import make_keys
from cleanroom.agent.progress import Progress
from cleanroom.agent.tables import load_tables
from examples.identifiers import duns, lei
from matching.entries import merge
from matching.normalise.tables import current

EXAMPLES: Final = Path(__file__).parents[1] / "examples"
COUNTRIES: Final = ("US",) * 5 + ("DE", "GB", "FR", "IT", "NL", "CH", "SE", "JP", "BR", "IN")
MOST_SECONDS: Final = 60
MOST_MB: Final = 1_500


def main() -> int:
    """Make rows, and measure in a process that has nothing else in memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("n", type=int)
    parser.add_argument("--scale", type=Path, help="folder with real names and hosts")
    parser.add_argument("--kinds", action="store_true", help="also each kind by itself")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measured(from_bytes(options.measure.read_bytes()), each=options.kinds)))
        return 0
    with tempfile.TemporaryDirectory(prefix="cleanroom-bench-") as folder:
        path = Path(folder, "accounts")
        path.write_bytes(to_bytes(accounts(options.n, options.scale)))
        command = [sys.executable, "-m", "bench.keys", str(options.n), "--measure", str(path)]
        command += ["--kinds"] if options.kinds else []
        result = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    print(json.dumps(result) if options.json else "\n".join(f"{key:>10}  {value}" for key, value in result.items()))
    return 0 if result["wall_s"] <= MOST_SECONDS and result["peak_mb"] <= MOST_MB else 1


def measured(rows: pd.DataFrame, *, each: bool) -> dict[str, Any]:
    """Seconds for the keys of all kinds, for the entries, and for each kind by itself; keys of each kind."""
    tables = load_tables()
    recipes = current(tables)
    with _Memory() as memory:
        start, cpu = time.perf_counter(), _cpu()
        keys = make_keys(rows, recipes, tables, Progress())
        wall, cpu = time.perf_counter() - start, _cpu() - cpu
    counts = np.bincount(keys.frame["kind"], minlength=len(recipes)).tolist()
    kinds = [recipe.kind for recipe in recipes]
    with _Memory() as merging:
        start = time.perf_counter()
        entries = merge(keys.frame, np.zeros(len(rows), np.uint8), rows["account_id"], kinds)
        merged = time.perf_counter() - start
    result = {
        "n": len(rows),
        "wall_s": round(wall, 2),
        "cpu_s": round(cpu, 2),
        "peak_mb": memory.peak_mb,
        "keys": dict(zip(kinds, counts, strict=True)),
        "refused": len(keys.refused),
        "merge_s": round(merged, 2),
        "entries": len(entries.anchor),
        "merge_peak_mb": merging.peak_mb,
    }
    del keys, entries
    return {**result, "kinds_s": {r.kind: _seconds(rows, r) for r in recipes}} if each else result


def _seconds(rows: pd.DataFrame, recipe: Any) -> float:  # noqa: ANN401 - a Recipe
    start = time.perf_counter()
    make_keys(rows, [recipe], load_tables(), Progress())
    return round(time.perf_counter() - start, 2)


def _cpu() -> float:
    """Seconds of this process, and of its workers that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(item.ru_utime + item.ru_stime for item in used)


class _Memory:
    """The most memory that this process and its workers have at one moment, looked at ten times a second (Linux)."""

    def __init__(self) -> None:
        self.peak_mb = 0
        self._ended = Event()
        self._thread = Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.1):
            children = [path.read_text().split() for path in Path("/proc/self/task").glob("*/children")]
            parts = [_resident_kb(name) for name in ("self", *(child for part in children for child in part))]
            self.peak_mb = max(self.peak_mb, round(sum(parts) / 1e3))


def _resident_kb(process: str) -> int:
    try:
        status = Path("/proc", process, "status").read_text()
    except OSError:  # it has ended
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")), 0)


def accounts(n: int, scale: Path | None) -> pd.DataFrame:
    """`n` accounts as a CRM has them, always the same ones."""
    draws = np.random.default_rng(n)
    names, sites = list(islice(_names(scale), n)), list(islice(cycle(_sites(scale)), n))
    some = {share: draws.random(n) < share / 100 for share in (90, 80, 50, 10, 9, 8)}
    columns = {
        "name": names,
        "website": np.where(some[90], sites, ""),
        "country": np.where(some[80], draws.choice(COUNTRIES, n), ""),
        "email": np.where(some[50], [site.rpartition("/")[2].removeprefix("www.") for site in sites], ""),
        "lei": [lei(str(at)) if use else "" for at, use in enumerate(some[10])],
        "duns": [duns(str(at)) if use else "" for at, use in enumerate(some[9])],
        "vat": [""] * n,
        "cik": [str(1_000_000 + at % 900_000) if use else "" for at, use in enumerate(some[8])],
    }
    frame = pd.DataFrame({"account_id": [f"crm\x1f{at}" for at in range(n)], **columns}).astype("str")
    return frame.assign(suppressed=False)


def _names(scale: Path | None) -> Iterator[str]:
    """Names without end: those that there are, then each with the first word of another."""
    known = list(dict.fromkeys(_column(scale / "company_names.csv.gz", "name") if scale else _examples("name")))
    yield from known
    for step in range(1, 1_000_000):
        for at, name in enumerate(known):
            yield f"{known[(at + 7_919 * step) % len(known)].split()[0]} {name}"


def _sites(scale: Path | None) -> list[str]:
    """Websites as people write them."""
    hosts = _examples("website")
    if scale:
        files = [scale / f"partner_{side}_hosts.txt.gz" for side in "ba"]
        hosts = [host for path in files for host in gzip.decompress(path.read_bytes()).decode().split()]
    forms = cycle(("{}", "https://www.{}", "http://{}", "{}", "https://{}/en/home", "WWW.{}"))
    return [form.format(host) for form, host in zip(forms, dict.fromkeys(hosts), strict=False)]


def _examples(column: str) -> list[str]:
    header = {"name": "Account Name", "website": "Website"}[column]
    with (EXAMPLES / "acme.csv").open(encoding="utf-8-sig") as lines:
        cells = [row[header] for row in csv.DictReader(lines) if row[header]]
    return [cell.partition("://")[2].partition("/")[0] or cell for cell in cells] if column == "website" else cells


def _column(path: Path, column: str) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        return [row[column] for row in csv.DictReader(lines) if row[column].strip()]


if __name__ == "__main__":
    sys.exit(main())
