"""The last part of the demo: what is on record, checked offline by both sides, and an operator who cheats."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

from rich.console import Console

from examples.demo_consent import screen
from examples.local import CommandFailed, Escrow, Partner, Reviewer

Step = Callable[[str], AbstractContextManager[None]]

HONEST, CHEATING = '"widens":true', '"widens":false'
"""What the operator makes of the record of Acme's policy: the widening that two people had to sign was none."""


def audit(console: Console, steps: Step, room: str, escrow: Escrow, *partners: Partner) -> bool:
    """Export, verify offline, cheat, and be caught. True if both bundles hold and both agents notice."""
    console.print("\n[b]On record[/]: everything that was agreed or disclosed, checked from one file, offline")
    held, reviewer = True, Reviewer()
    for partner in partners:
        bundle, report = _files(partner)
        with steps(f"{partner.name} exports what is on record; its reviewer verifies it offline"):
            partner.run("audit", "export", "--room", room, "--to", bundle)
            held = bool(reviewer.run("audit", "verify", bundle)["holds"]) and held
        screen(console, f"{partner.name}'s reviewer sees", reviewer, "audit", "verify", bundle)
        reviewer.run("audit", "report", bundle, "--html", report, "--csv", report.with_suffix(".csv"))
    bundle, _ = _files(partners[0])
    screen(console, "Who has seen an amount", reviewer, "audit", "show", bundle, "--field", "amount")
    with steps("an operator edits one row of the database; both agents look at the room"):
        caught = _caught(escrow, partners, room)
    for partner, error in zip(partners, caught, strict=True):
        console.print(f"\n[b]{partner.name}'s agent[/] [dim]cleanroom sync[/]")
        console.print(error, style="red", markup=False, highlight=False, soft_wrap=True)
    console.print("       The row is put back: the agents go on, and keep what they saw as evidence.\n")
    return held and all("log" in error for error in caught)


def _files(partner: Partner) -> tuple[Path, Path]:
    """Where a partner's bundle and its report are."""
    return partner.home / "room.cleanroom-audit", partner.home / "report.html"


def _caught(escrow: Escrow, partners: tuple[Partner, ...], room: str) -> list[str]:
    """What each agent says of a log in which one row was edited."""
    database = Path(escrow.database.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(database, timeout=60)) as operator:
        number, leaf = operator.execute(
            "SELECT number, leaf FROM log_entries WHERE log LIKE 'rooms/%' AND CAST(leaf AS TEXT) LIKE ? LIMIT 1",
            (f"%{HONEST}%",),
        ).fetchone()
        edit = "UPDATE log_entries SET leaf = ? WHERE log LIKE 'rooms/%' AND number = ?"
        with operator:
            operator.execute(edit, (leaf.replace(HONEST.encode(), CHEATING.encode()), number))
        found = [_problem(partner, room) for partner in partners]
        with operator:
            operator.execute(edit, (leaf, number))
    return found


def _problem(partner: Partner, room: str) -> str:
    try:
        partner.run("sync", "--room", room)
    except CommandFailed as failed:
        (done,) = json.loads(failed.out)["rooms"]
        return str(done["problem"]["message"])
    return "nothing was noticed"
