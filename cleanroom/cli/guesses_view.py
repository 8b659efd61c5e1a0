"""What `cleanroom guesses show` says."""

from collections.abc import Mapping
from datetime import datetime

from rich.console import RenderableType
from rich.text import Text

from cleanroom.agent.guess_view import GuessesOfRoom
from cleanroom.cli.output import bullets, error_document, facts, printable, table
from cleanroom.cli.terms_view import kind_words
from cleanroom.cli.words import ago, counted


def screen(found: GuessesOfRoom, names: Mapping[str, str], now: datetime) -> list[RenderableType]:
    """One room; `names` are of this partner's users by id."""
    title = f"\n{printable(found.title)}: the list of {printable(found.name)}"
    size = "not evaluated yet" if found.entries is None else counted(found.entries, "entry", "entries")
    rows: list[tuple[str, RenderableType]] = [
        ("List", f"{size}; the terms declare {found.declared:,}"),
        ("Allowed", f"{found.allowed:,} new keys of each kind in 30 days, over all rooms with this partner"),
    ]
    rows += [("Comes from", printable(f"{item.system}: {item.query}; {item.who}")) for item in found.sources]
    parts: list[RenderableType] = [Text(title, style="bold"), facts(rows)]
    used = table("Kind", "New in 30 days", "Left", right=(1, 2))
    for kind, number in found.used.items():
        if number:
            used.add_row(kind_words(kind), f"{number:,}", f"{max(0, found.allowed - number):,}")
    if used.row_count:
        parts.append(used)
    if found.restored is not None:
        parts.append(
            Text(
                f"This home was put back from a copy, and is in use since {found.restored.since}: what was evaluated "
                "before is not known, so the terms' part counts as used for 30 days.",
                style="yellow",
            )
        )
    if found.held is not None:
        parts.append(Text(f"Held back since {found.held.arrival.at}: {printable(str(found.held.why))}", style="bold"))
    return [*parts, *_lifted(found, names, now)]


def document(found: GuessesOfRoom, names: Mapping[str, str]) -> dict[str, object]:
    """One room for scripts."""
    return {
        "room": found.room,
        "title": found.title,
        "partner": {"id": found.partner, "name": found.name},
        "entries": found.entries,
        "declared": found.declared,
        "used": dict(found.used),
        "limit": found.limit,
        "allowed": found.allowed,
        "held_back": {"batch": found.held.arrival.batch, "why": error_document(found.held.why)} if found.held else None,
        "accepted": [
            {
                "epoch": item.epoch,
                "batch": item.batch,
                "by": _name(item.by, names),
                "at": item.at,
                "reason": item.reason,
            }
            for item in found.accepted
        ],
        "lifted": [
            {"keys": item.keys, "by": _name(item.by, names), "at": item.at, "reason": item.reason}
            for item in found.lifted
        ],
        "restored": found.restored.model_dump(mode="json") if found.restored else None,
        "sources": [item.model_dump(mode="json") for item in found.sources],
    }


def _lifted(found: GuessesOfRoom, names: Mapping[str, str], now: datetime) -> list[RenderableType]:
    lines = [
        f"batch {item.batch} accepted by {_name(item.by, names)} {ago(item.at, now)}: {item.reason}"
        for item in found.accepted
    ]
    lines += [
        f"{item.keys:,} keys more allowed by {_name(item.by, names)} {ago(item.at, now)}: {item.reason}"
        for item in found.lifted
    ]
    return [bullets(lines)] if lines else []


def _name(user: str, names: Mapping[str, str]) -> str:
    return names.get(user, user[:8])
