"""The second part of the demo: from counts to fields.

Two policies, four eyes, openings, a likely match that a person looks at, a narrowing, what was seen.
"""

import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from examples.local import PASSPHRASE, CommandFailed, Partner, Reviewer

HERE = Path(__file__).parent
POLICIES = {"Acme": HERE / "acme-policy.yaml", "Globex": HERE / "globex-policy.yaml"}
NARROWER = HERE / "acme-policy-narrower.yaml"
WITHDRAWN = "close_date"
WAITS = "waiting_for_review"
ROWS = 8
WAITING = 6
WAIT_SECONDS = 300
COLUMNS = 120

Step = Callable[[str], AbstractContextManager[None]]


def consent(console: Console, steps: Step, room: str, acme: Partner, globex: Partner) -> bool:
    """Agree, open, share, narrow. True if what both sides see is what the policies say."""
    console.print(
        "\n[b]From counts to fields[/]: only what both sides agree to, in the form that the owner's policy gives"
    )
    for partner in (acme, globex):
        with steps(f"{partner.name} writes a policy, a second person approves"):
            _staff(partner)
            propose = partner.run("policy", "propose", room, POLICIES[partner.name], "--user", "Ann", "--yes")
            partner.run("policy", "approve", room, "--user", "Bob", "--yes")
        console.print(f"       proposed by Ann: {_state(propose)}; approved by Bob, and in force")
    screen(
        console,
        "Acme asks why Globex's sellers don't see an owner",
        acme,
        "policy",
        "explain",
        room,
        "owner",
        "--role",
        "seller",
    )
    with steps("the agents open what matches in agreed cells, prove it, verify it, and seal the fields"):
        _wait(lambda: bool(_rows(acme, room)) and bool(_rows(globex, room)))
    for partner in (acme, globex):
        screen(console, f"{partner.name} sees", partner, "shared", "--room", room, "--sort", "amount", "--limit", ROWS)
    honoured = [_honoured(console, room, *pair) for pair in ((acme, globex), (globex, acme))]
    reviewed = _reviewed(console, steps, room, acme, globex)
    before = _shown(globex, room, WITHDRAWN)
    screen(console, "Acme narrows its policy: what will change", acme, "policy", "diff", room, NARROWER)
    with steps("the narrowing is in force at once; Globex's agent drops the values"):
        acme.run("policy", "propose", room, NARROWER, "--user", "Ann", "--yes")
        _wait(lambda: bool(_rows(globex, room)) and not _shown(globex, room, WITHDRAWN))
    console.print(f"       close dates on Globex's side: {before:,} before, {_shown(globex, room, WITHDRAWN):,} now")
    screen(
        console,
        "What Globex was ever sent, for Acme's reviewer",
        acme,
        "disclosed",
        "--room",
        room,
        "--field",
        WITHDRAWN,
        "--limit",
        ROWS,
    )
    return all(honoured) and reviewed and before > 0


def _honoured(console: Console, room: str, owner: Partner, recipient: Partner) -> bool:
    """Whether the recipient has exactly as many accounts as the owner releases by itself, all certain; says so."""
    found = _matches(owner, room)
    certain = sum(account["tier"] == "certain" for match in found for account in match["accounts"])
    waiting = sum(match["state"] == WAITS for match in found)
    received = len(_received(recipient, room))
    console.print(
        f"       {owner.name} releases {certain:,} accounts that are certain, {recipient.name} has {received:,};"
        f" {waiting:,} matches wait for a person"
    )
    return received == certain > 0


def _reviewed(console: Console, steps: Step, room: str, owner: Partner, recipient: Partner) -> bool:
    """Show what is only likely, and confirm the first. True if the recipient then gets that, and no more."""
    title = f"{owner.name} looks at what is likely, not certain"
    screen(console, title, owner, "matches", "list", room, "--state", WAITS, "--limit", WAITING)
    chosen = next(match for match in _matches(owner, room) if match["state"] == WAITS)
    likely = sum(account["tier"] != "certain" for account in chosen["accounts"])
    before = len(_received(recipient, room))
    with steps(f"Ann of {owner.name} confirms the first; {recipient.name}'s agent gets it"):
        owner.run("matches", "confirm", room, chosen["match"], "--user", "Ann")
        _wait(lambda: len(_received(recipient, room)) > before)
    after = len(_received(recipient, room))
    console.print(f"       accounts on {recipient.name}'s side: {before:,} before, {after:,} now")
    return after == before + likely


def _staff(partner: Partner) -> None:
    words = partner.home.parent / f"{partner.name}-people.txt"
    words.write_text(PASSPHRASE + "\n", encoding="utf-8")
    partner.run("user", "add", "Ann", "--role", "admin", "--passphrase-file", words)
    partner.run("user", "add", "Bob", "--role", "partner_manager", "--passphrase-file", words, "--user", "Ann")


def _state(proposed: dict[str, object]) -> str:
    return "it widens, so it waits for another person" if proposed.get("waiting") else json.dumps(proposed)[:80]


def _rows(partner: Partner, room: str) -> list[dict[str, object]]:
    try:
        found: list[dict[str, object]] = partner.run("shared", "--room", room)["rows"]
    except CommandFailed:
        return []
    return found


def _matches(partner: Partner, room: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = partner.run("matches", "list", room)["matches"]
    return found


def _received(partner: Partner, room: str) -> set[tuple[object, ...]]:
    """The other side's accounts that came, each with its match; a row stands for one of them and one of one's own."""
    return {(row["match"], row["their_match"], row["their_account"]) for row in _rows(partner, room)}


def _shown(partner: Partner, room: str, field: str) -> int:
    """How many rows show a value of the field; a withdrawn one is named without its value."""
    return sum(bool(_field(row, field).get("value")) for row in _rows(partner, room))


def _field(row: dict[str, object], field: str) -> dict[str, object]:
    fields = row.get("fields")
    found = fields.get(field) if isinstance(fields, dict) else None
    return found if isinstance(found, dict) else {}


def screen(console: Console, title: str, partner: Partner | Reviewer, *command: object) -> None:
    """What a command prints for people."""
    console.print(f"\n[b]{title}[/] [dim]cleanroom {' '.join(map(str, command[:2]))}[/]")
    wide = replace(partner, environment={**partner.environment, "COLUMNS": str(COLUMNS)})
    console.print(wide.show(*command), markup=False, highlight=False, end="", soft_wrap=True)


def _wait(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(f"nothing shared after {WAIT_SECONDS} s")
        time.sleep(1)
