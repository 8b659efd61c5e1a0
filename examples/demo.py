"""`make demo`: an escrow and two partners' agents on this machine map two real account lists, and a sceptic looks.

make demo                     # a few minutes, cleans up after itself
make demo DEMO=--keep         # leaves escrow and agents running, and says how to talk to them
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table

from cleanroom.agent.reading.accounts import read_accounts
from cleanroom.agent.reading.files import read_table
from cleanroom.agent.reading.guessing import guess_mapping
from cleanroom.agent.tables import load_tables
from cleanroom.cli.terms_view import kind_words
from cleanroom.cli.words import label_words
from examples.demo_audit import audit
from examples.demo_consent import consent
from examples.local import CommandFailed, Escrow, Partner, agreed_room, enrolled, start_escrow
from examples.scan import found_in
from matching.keys import KINDS, keys_of
from matching.normalise.tables import current

HERE = Path(__file__).parent
LISTS = {"Acme": (HERE / "acme.csv", "Type"), "Globex": (HERE / "globex.csv", "Lifecycle Stage")}
ROOM = "Joint pipeline"
LONG_NAME = 8
LONG_KEY = 12
INDENTED = (0, 0, 0, 7)
WAIT_SECONDS = 300
NEAR = 15
"""How far apart both sides may read a cell, where one company is several entries of one list."""


class Steps:
    """Prints each step with what it took."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.taken: list[tuple[str, float]] = []

    @contextmanager
    def __call__(self, title: str) -> Iterator[None]:
        """One step."""
        start = time.perf_counter()
        with self.console.status(f"{title} ..."):
            yield
        self.taken.append((title, time.perf_counter() - start))
        self.console.print(f"  [green]done[/] {title} [dim]{self.taken[-1][1]:.1f} s[/]")


def main() -> int:
    """Run the demo. 0 if both reports agree and the search finds nothing but the control."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="leave everything running, and the files in place")
    keep = parser.parse_args().keep
    console = Console(width=110) if not sys.stdout.isatty() else Console()
    folder = Path(tempfile.mkdtemp(prefix="cleanroom-demo-"))
    running: list[subprocess.Popen[str]] = []
    escrow: Escrow | None = None
    try:
        console.print(Panel("[b]Cleanroom[/]: two partners find out what they share, and hand nobody their list."))
        steps = Steps(console)
        with steps("start the escrow (SQLite, loopback)"):
            escrow = start_escrow(folder / "escrow")
        good = _run(console, steps, folder, escrow, running)
    finally:
        if not keep:
            for process in running:
                process.terminate()
            for process in running:
                process.wait()
            if escrow is not None:
                escrow.stop()
            shutil.rmtree(folder, ignore_errors=True)
    _next(console, folder, escrow, keep=keep)
    return 0 if good else 1


def _run(console: Console, steps: Steps, folder: Path, escrow: Escrow, running: "list[subprocess.Popen[str]]") -> bool:
    with steps("enrol Acme and Globex, compare fingerprints"):
        acme, globex = enrolled(folder, escrow, [("Acme", "isv"), ("Globex", "si")])
    with steps("agree on a room"):
        terms = ("--purpose", "find joint opportunities", "--unsafe-answer-every-push", "--open-after", "0,1")
        agreed_room(acme, globex, ROOM, *terms)
    with steps("start both agents (cleanroom sync --watch)"):
        running += [partner.start("sync", "--watch", log=folder / f"{partner.name}.log") for partner in (acme, globex)]
    _looked(console, steps, globex)
    for partner in (acme, globex):
        path, column = LISTS[partner.name]
        with steps(f"{partner.name} pushes {path.name}"):
            report = partner.run("push", path, "--segment-from", column, "--yes")
        _pushed(console, report)
    with steps("the agents evaluate, the escrow matches"):
        _wait(lambda: _answer(acme) is not None)
    for partner in (acme, globex):
        console.print(f"\n[b]{partner.name} sees[/]")
        console.print(partner.show("overlap", "--room", ROOM), markup=False, highlight=False, end="")
    rows = zip(_transposed(_answer(acme)), _cells(_answer(globex)), strict=True)
    apart = [abs((mine or 0) - (theirs or 0)) for pair in rows for mine, theirs in zip(*pair, strict=True)]
    same = max(apart) <= NEAR
    console.print(
        f"The two reports {'agree' if same else '[red]DIFFER[/]'}: one noise for both. {sum(map(bool, apart))} of "
        f"{len(apart)} numbers are a step or two apart: there one company is several entries of one list.\n"
    )
    console.print("[b]What the numbers may still tell: the budget of answers[/]")
    console.print(acme.show("counting", "show", ROOM), markup=False, highlight=False, end="")
    shared = consent(console, steps, ROOM, acme, globex)
    audited = audit(console, steps, ROOM, escrow, acme, globex)
    with steps("search the escrow's files for what must not be there"):
        clean = _search(console, folder, escrow)
    console.print(_timing(steps))
    return same and shared and audited and clean


def _looked(console: Console, steps: Steps, partner: Partner) -> None:
    """What will hurt in a list, before it is pushed."""
    path, column = LISTS[partner.name]
    with steps(f"{partner.name} looks at {path.name} first (cleanroom lint)"):
        found = partner.run("lint", path, "--segment-from", column)
    worst = ", ".join(f"{label_words(rule)} {item['accounts']:,}" for rule, item in list(found["rules"].items())[:4])
    strong = f"{found['strong_key']:,} of {found['accounts']:,} have a strong key; worth fixing: {worst}"
    console.print(Padding(strong, INDENTED))


def _pushed(console: Console, report: dict[str, object]) -> None:
    rooms = report.get("rooms")
    for room in rooms if isinstance(rooms, list) else []:
        sent = room.get("report") or {}
        keys = ", ".join(f"{count:,} {kind_words(kind)}" for kind, count in sent.get("keys", {}).items() if count)
        counts = f"{sent.get('accounts', 0):,} accounts, {sent.get('entries', 0):,} entries; keys: {keys}"
        console.print(Padding(counts, INDENTED))


def _answer(partner: Partner) -> "dict[str, object] | None":
    try:
        found: list[dict[str, object]] = partner.run("overlap", "--room", ROOM)["overlaps"]
    except CommandFailed:
        return None
    return found[0]


def _cells(answer: "dict[str, object] | None") -> list[list[int | None]]:
    cells = (answer or {}).get("cells")
    return cells if isinstance(cells, list) else []


def _transposed(answer: "dict[str, object] | None") -> list[list[int | None]]:
    return [list(row) for row in zip(*_cells(answer), strict=True)]


def _wait(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(f"no overlap after {WAIT_SECONDS} s")
        time.sleep(1)


def _search(console: Console, folder: Path, escrow: Escrow) -> bool:
    """Look for domains, long names and keys, and canaries in the escrow's files, and for a control elsewhere."""
    domains, names, other_keys = _secrets()
    canaries = set((HERE / "canaries.txt").read_text(encoding="utf-8").split())
    control = folder / "control"
    control.mkdir(exist_ok=True)
    (control / "planted.txt").write_text("a control: " + " ".join(canaries), encoding="utf-8")
    table = Table(title="What a sceptic finds", title_justify="left")
    for column in ("searched for", "how many", "in the escrow's files", "in the control"):
        table.add_column(column, justify="left" if column == "searched for" else "right")
    good = True
    for what, needles in (
        ("domains", domains),
        (f"names of {LONG_NAME} bytes and more", names),
        (f"other match keys of {LONG_KEY} bytes and more", other_keys),
        ("canaries", canaries),
    ):
        inside, planted = found_in(escrow.home, needles), found_in(control, needles)
        good = good and not inside and (what != "canaries" or planted == needles)
        table.add_row(
            what, f"{len(needles):,}", f"[{'green' if not inside else 'red'}]{len(inside)}[/]", str(len(planted))
        )
    size = sum(path.stat().st_size for path in escrow.home.rglob("*") if path.is_file())
    console.print(table)
    console.print(f"       {size / 1e6:.1f} MB of database, journal and log were searched, byte by byte.\n")
    return good


def _secrets() -> tuple[set[str], set[str], set[str]]:
    """Of both lists: domains, long names as they stand there, and long keys of the other kinds."""
    domains: set[str] = set()
    names: set[str] = set()
    other_keys: set[str] = set()
    for path, _ in LISTS.values():
        table = read_table(path)
        accounts = read_accounts(
            table, guess_mapping(table), segment="customers", segment_from=None, list_name="demo"
        ).accounts
        keys = keys_of(accounts, current(load_tables()), load_tables()).frame
        domains |= set(keys["key"][keys["kind"] == KINDS.index("domain")])
        other_keys |= {key for key in keys["key"] if len(key.encode()) >= LONG_KEY}
        long = accounts["name"].map(lambda name: len(name.encode()) >= LONG_NAME)
        names |= set(pd.Series(accounts["name"][long]))
    return domains, names, other_keys - domains


def _timing(steps: Steps) -> Table:
    table = Table(title="What each step took", title_justify="left")
    table.add_column("step")
    table.add_column("seconds", justify="right")
    for title, seconds in steps.taken:
        table.add_row(title, f"{seconds:.1f}")
    table.add_section()
    table.add_row("all", f"{sum(seconds for _, seconds in steps.taken):.1f}")
    return table


def _next(console: Console, folder: Path, escrow: Escrow | None, *, keep: bool) -> None:
    if keep and escrow is not None:
        console.print(f"Everything is still running; the escrow is at {escrow.url}. Try:\n")
        console.print("  export CLEANROOM_PASSPHRASE='correct horse battery staple'")
        for command in ("status", f"overlap --room '{ROOM}' --html overlap.html", f"room show '{ROOM}'"):
            console.print(f"  .venv/bin/cleanroom {command} --home {folder / 'acme'}")
        console.print(f"\nTo end it: pkill -f {folder.name}; rm -rf {folder}")
        return
    console.print("Next, with your own partner:\n")
    for command, why in (
        (".venv/bin/cleanroom-escrow serve --help", "run an escrow"),
        (".venv/bin/cleanroom init --help", "make your agent's home from an invite"),
        (".venv/bin/cleanroom push --help", "see what would leave before anything does (--dry-run)"),
        ("make demo DEMO=--keep", "look around in this demo"),
    ):
        console.print(f"  {command:<42} [dim]{why}[/]")


if __name__ == "__main__":
    sys.exit(main())
