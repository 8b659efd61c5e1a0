"""`cleanroom status`: what waits for whom, and since when."""

from dataclasses import asdict
from datetime import datetime

import typer
from rich.console import RenderableType
from rich.text import Text

from cleanroom.agent.status import OnRecord, RoomStatus, Status, status
from cleanroom.cli.agreed_view import wait_words
from cleanroom.cli.invocation import HomeOption, JsonOption, begin
from cleanroom.cli.output import bullets, facts, printable, table
from cleanroom.cli.words import ago, counted, until
from cleanroom.domain.vocabulary import RoomState


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("status", epilog="Example: cleanroom status --json")(show)


def show(context: typer.Context, *, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show your lists, your rooms, and what each waits for."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        found = status(agent)
    run.out.result(document(found), *_screen(found, run.environment.clock()))


def document(found: Status) -> dict[str, object]:
    """The status for scripts."""
    return {
        "name": found.name,
        "lists": [
            {"name": item.name, "accounts": item.accounts, "pushed": item.pushed, "rooms": item.rooms}
            for item in found.lists
        ],
        "rooms": [_room_document(item) for item in found.rooms],
    }


def _room_document(item: RoomStatus) -> dict[str, object]:
    return {
        "room": item.room,
        "title": item.title,
        "state": item.state.value,
        "partner": item.partner,
        "waits_for": asdict(item.waits_for),
        "consent": [asdict(wait) for wait in item.consent],
        "agreed_cells": item.agreed,
        "opened_matches": item.opened,
        "matches_to_review": item.to_review,
        "next_epoch": item.next_epoch,
        "my_list": item.my_list,
        "their_list": item.their_list,
        "last_answer": item.last_answer,
        "expires": item.expires,
        "record": asdict(item.record) if item.record else None,
        "upgrade": asdict(item.upgrade) if item.upgrade else None,
    }


def _screen(found: Status, now: datetime) -> list[RenderableType]:
    parts: list[RenderableType] = [Text(printable(found.name), style="bold")]
    if found.lists:
        owned = table("List", "Accounts", "Pushed", "Serves", right=(1,))
        for item in found.lists:
            serves = "every room" if item.rooms is None else ", ".join(room[:8] for room in item.rooms)
            owned.add_row(printable(item.name), f"{item.accounts:,}", ago(item.pushed, now), serves)
        parts.append(owned)
    else:
        parts.append(Text("No list yet: cleanroom push FILE"))
    if not found.rooms:
        parts.append(Text("No room yet: cleanroom room propose PARTNER"))
        return parts
    for room in found.rooms:
        parts += _room_screen(room, now)
    return parts


def _room_screen(room: RoomStatus, now: datetime) -> list[RenderableType]:
    partner = f" with {printable(room.partner)}" if room.partner else ""
    heading = Text(f"\n{printable(room.title)}{partner}", style="bold") + Text(f"  {room.state}, {room.room[:8]}")
    since = f" (since {ago(room.waits_for.since, now)})" if room.waits_for.since else ""
    rows: list[tuple[str, RenderableType]] = [("Now", printable(room.waits_for.what) + since)]
    if room.state in (RoomState.ACTIVE, RoomState.EXPIRED):
        rows += [
            ("My list", _when(room.my_list, now, "not pushed in this epoch")),
            ("Their list", _when(room.their_list, now, "not pushed in this epoch")),
            ("Last answer", _when(room.last_answer, now, "none yet")),
        ]
    if room.agreed:
        opened = counted(room.opened, "match", "matches")
        rows.append(("Agreed", f"{counted(room.agreed, 'cell')}; {opened} opened in this epoch"))
    if room.record and room.record.entries:
        rows.append(("On record", _record_words(room.record, room.partner, now)))
    if room.next_epoch:
        rows.append(("Next epoch", f"{until(room.next_epoch, now)} ({room.next_epoch})"))
    if room.expires and room.state in (RoomState.ACTIVE, RoomState.PROPOSED):
        rows.append(("Expires", f"{until(room.expires, now)} ({room.expires})"))
    parts: list[RenderableType] = [heading, facts(rows)]
    waits = (*room.consent, *([room.upgrade] if room.upgrade else []))
    return parts + [bullets([wait_words(wait, now)], "bold" if wait.mine else "") for wait in waits]


def _record_words(record: OnRecord, partner: str, now: datetime) -> RenderableType:
    if record.alarms:
        said = "; ".join(printable(alarm) for alarm in record.alarms)
        return Text(f"the escrow has shown another log ({said}). See: cleanroom audit export", style="bold red")
    words = counted(record.entries, "entry", "entries")
    if not record.confirmed_at:
        return f"{words}; {printable(partner)} has not confirmed any yet"
    upto = "all of them" if record.confirmed >= record.entries else f"{record.confirmed:,} of them"
    return f"{words}; {printable(partner)} confirmed {upto} {ago(record.confirmed_at, now)}"


def _when(moment: str | None, now: datetime, never: str) -> str:
    return f"{ago(moment, now)} ({moment})" if moment else never
