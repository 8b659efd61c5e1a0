"""`cleanroom audit export`: the room's log in one file, for whoever is to check it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from cleanroom.agent.audit_export import Exported, export
from cleanroom.agent.rooms import find_id
from cleanroom.cli.invocation import FileNotWritten, HomeOption, JsonOption, begin
from cleanroom.cli.output import error_document, printable
from cleanroom.cli.policy_file import shell_word
from cleanroom.cli.words import counted


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("export", epilog="Example: cleanroom audit export --room 'Acme x Globex' --to a.cleanroom-audit")(write)


def write(
    context: typer.Context,
    *,
    room: Annotated[str, typer.Option(help="Title, id, or the beginning of the id; rooms that you left as well.")],
    to: Annotated[Path, typer.Option(metavar="FILE", help="Where to write; replaces what is there.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the room's log with its documents, records and your journal into one file that anybody can check alone.

    No name or value of an account is in it; policies, and how many accounts were shown, are.
    """
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        room_id = find_id(agent, room)
        try:
            found = export(agent, room_id, to)
        except OSError as error:
            raise FileNotWritten(f"{to.name}: cannot be written ({error.strerror or type(error).__name__})") from None
    document = {
        "room": room_id,
        "file": str(to),
        "entries": found.entries,
        "documents": found.documents,
        "releases": found.releases,
        "conflicts": found.conflicts,
        "problem": error_document(found.problem) if found.problem else None,
    }
    run.out.result(document, *_screen(found, to))


def _screen(found: Exported, to: Path) -> list[RenderableType]:
    inside = (
        counted(found.entries, "entry", "entries"),
        counted(found.documents, "document"),
        f"what {counted(found.releases, 'release')} showed",
    )
    parts: list[RenderableType] = [Text(f"Written: {printable(str(to))}. In it: {', '.join(inside)}.", style="bold")]
    if found.conflicts:
        proof = (
            f"{counted(found.conflicts, 'checkpoint')} of the escrow that contradict this log: they are in the file."
        )
        parts.append(Text(proof, style="bold red"))
    if found.problem:
        why = f"The log could not be compared with the escrow's now: {printable(str(found.problem))}"
        parts.append(Text(why, style="yellow"))
    return [*parts, Text(f"Check it anywhere: cleanroom audit verify {shell_word(str(to))}", style="dim")]
