"""`cleanroom policy export` and `import`: a draft on its way to an approver on another machine, and back."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from cleanroom.agent.exported_drafts import export_draft, import_draft
from cleanroom.cli.invocation import HomeOption, JsonOption, begin, write_file
from cleanroom.cli.output import printable
from cleanroom.cli.policy_consent import MOST_DRAFT
from cleanroom.cli.policy_file import opened, read_bytes
from cleanroom.cli.policy_state_view import in_force_document, in_force_line
from cleanroom.cli.room import RoomArgument


def add_to(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("export", epilog="Example: cleanroom policy export 'Acme x Globex' --out draft.json")(export)
    app.command("import", epilog="Example: cleanroom policy import draft.json")(take_back)


def export(
    context: typer.Context,
    room: RoomArgument,
    *,
    out: Annotated[Path, typer.Option(help="The file to write.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write what waits for its approval into a file, for an approver with a key file and no vault."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        found = opened(agent, room)
        write_file(out, export_draft(agent, found.id))
    name = printable(str(out))
    run.out.result(
        {"room": found.id, "draft": str(out)},
        Text(
            f"Written: {name}. It holds no secret; it has the YAML with its notes.\n"
            f"The approver runs: cleanroom policy approve --draft {name} --key KEYFILE\n"
            f"Then here: cleanroom policy import {name}"
        ),
    )


def take_back(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An exported draft that its approver has signed.")],
    *,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put the draft that waits in force, with the approval in the file. The signature is checked before."""
    run = begin(context, home, as_json=as_json)
    data = read_bytes(file, MOST_DRAFT)
    with run.agent() as agent:
        result = import_draft(agent, data)
    run.out.result(
        {"room": result.document.room, "waiting": None, "in_force": in_force_document(result)}, in_force_line(result)
    )
