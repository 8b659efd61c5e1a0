"""`cleanroom policy init`: a first policy as a commented file, by a preset or by a few questions."""

from pathlib import Path
from textwrap import wrap
from typing import Annotated

import typer
from rich.text import Text

from cleanroom.agent.rooms import Room
from cleanroom.agent.supposed import most_open, supposed
from cleanroom.cli.invocation import FileNotWritten, HomeOption, JsonOption, begin
from cleanroom.cli.output import printable
from cleanroom.cli.policy_file import moment_of, opened, partner_names, shell_word
from cleanroom.cli.policy_picture import columns, picture, picture_document
from cleanroom.cli.policy_questions import Wanted, asked, made, usual_end
from cleanroom.cli.room import RoomArgument
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.vocabulary import Nomination
from cleanroom.messages.policy_text import write_policy
from cleanroom.policy.presets import Preset

_WIDTH = 100


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    example = "Example: cleanroom policy init 'Acme x Globex' --preset co-sell --until 2026-12-31"
    app.command("init", epilog=example)(init)


def init(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    room: RoomArgument,
    *,
    preset: Annotated[Preset | None, typer.Option(help="What to start from. (default: ask)")] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="When every grant ends. (default: in a year, or with the room)")
    ] = None,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("policy.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a first policy for a room, with comments, to be edited, checked and proposed. Nothing is signed or sent."""
    run = begin(context, home, as_json=as_json)
    now, end = run.environment.clock(), moment_of(until) if until else None
    if preset is None and run.ask is None:
        raise InputRefused(f"nobody is there to ask: say --preset, one of {', '.join(Preset)}")
    if out.exists() and not force:
        raise InputRefused(f"{out.name}: is there already; say --force to replace it, or --out for another file")
    with run.agent() as agent:
        found = opened(agent, room)
        names = partner_names(agent, found)
    if preset is None and run.ask is not None:
        wanted = asked(run.ask, found, until=end, now=now)
    else:
        wanted = Wanted(preset=preset or Preset.COUNTS_ONLY, until=end or usual_end(found, now))
    policy = made(found, wanted)
    _write(out, _head(found, wanted) + write_policy(policy, partners=names), force=force)
    sides = supposed(found, mine=policy, theirs=most_open(found.other.partner))
    shown = columns(sides, now, Nomination.NONE)
    file, other, name = printable(str(out)), printable(found.other.name), shell_word(found.terms.title)
    run.out.result(
        {"room": found.id, "file": str(out), "preset": wanted.preset.value, "shown": picture_document(shown)},
        Text(f"What it would show to {other}, if {other} accepted and showed everything", style="bold"),
        *picture(shown, sides),
        Text(
            f"\nWritten: {file}. Edit it, then:\n"
            f"  cleanroom policy check {name} {file}\n"
            f"  cleanroom policy view-as {name} --role seller --file {file}\n"
            f"  cleanroom policy propose {name} {file} --user NAME"
        ),
    )


def _head(room: Room, wanted: Wanted) -> str:
    """What the room has to speak of, as comments."""
    fields = ", ".join(("account", *(entry.name for entry in room.terms.fields)))
    lines = (
        f"A policy for {printable(room.terms.title)}, towards {printable(room.other.name)}.",
        f"Begun from the preset {wanted.preset}.",
        f"Segments: {', '.join(room.terms.segments)}.",
        f"Fields: {fields}.",
    )
    wrapped = (wrap(line, _WIDTH, initial_indent="# ", subsequent_indent="#   ") for line in lines)
    return "\n".join(part for parts in wrapped for part in parts) + "\n\n"


def _write(path: Path, text: str, *, force: bool) -> None:
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise FileNotWritten(f"{path.name}: cannot be written ({error.strerror or type(error).__name__})") from None
