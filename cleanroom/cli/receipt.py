"""`cleanroom receipt`: the proof that one thing is on record, and checking one."""

import re
from pathlib import Path
from typing import Annotated

import typer

from cleanroom.agent.receipts import Wanted, receipt
from cleanroom.agent.rooms import find_id
from cleanroom.cli.audit_bundle import receipt_text
from cleanroom.cli.invocation import HomeOption, JsonOption, begin, write_file
from cleanroom.cli.receipt_view import checked, receipt_document, receipt_screen
from cleanroom.domain.errors import InputRefused

app = typer.Typer(
    invoke_without_command=True,
    rich_markup_mode="markdown",
    epilog="Example: cleanroom receipt --room 'Acme x Globex' --release 3 --to release-3.tlog-proof",
)


@app.callback()
def make(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    *,
    room: Annotated[str | None, typer.Option(help="Title, id, or the beginning of the id.")] = None,
    release: Annotated[int | None, typer.Option(min=1, help="Of your release of this number.")] = None,
    epoch: Annotated[int | None, typer.Option(min=0, help="The epoch of the release. (default: the newest)")] = None,
    policy: Annotated[int | None, typer.Option(min=1, help="Of this version of your policy.")] = None,
    answer: Annotated[int | None, typer.Option(min=1, help="Of this answer.")] = None,
    document: Annotated[str | None, typer.Option(metavar="DIGEST", help="Of the document with this digest.")] = None,
    to: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it here instead of on the screen.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Get the receipt of something on record: its entry, and the proof that a signed checkpoint covers it.

    One small file (C2SP tlog-proof) that stands for itself: whoever holds it can prove it, whatever the log says later.
    """
    if context.invoked_subcommand is not None:
        return
    run = begin(context, home, as_json=as_json)
    if room is None or [release, policy, answer, document].count(None) != 3:  # noqa: PLR2004 - all but one
        raise InputRefused("receipt: say --room, and one of --release, --policy, --answer and --document")
    if epoch is not None and release is None:
        raise InputRefused("receipt: an epoch goes with a release")
    if document is not None and not re.fullmatch(r"[0-9a-f]{64}", document.lower()):
        raise InputRefused("receipt: a digest is 64 hex characters")
    digest = document and document.lower()
    wanted = Wanted(release=release, epoch=epoch, policy=policy, answer=answer, document=digest)
    with run.agent() as agent:
        room_id = find_id(agent, room)
        text = receipt(agent, room_id, wanted)
    found = {"room": room_id, "receipt": text}
    if to is None:
        run.out.text(found, text)
        return
    write_file(to, text.encode())
    run.out.say(f"Written: {to}")
    run.out.result(found)


@app.command("verify", epilog="Example: cleanroom receipt verify release-3.tlog-proof --escrow-key 3d40...")
def verify(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A receipt.")],
    *,
    escrow_key: Annotated[
        list[str], typer.Option(metavar="HEX", help="The escrow's key, 64 hex characters; several times: one must fit.")
    ],
    member_key: Annotated[
        list[str] | None,
        typer.Option(metavar="HEX", help="A member's identity key, to check its cosignature; several times."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a receipt, offline: what its entry says, in which log it stands and where, and who cosigned."""
    run = begin(context, None, as_json=as_json)
    found = checked(receipt_text(file), escrow_keys=escrow_key, member_keys=member_key or [])
    run.out.result(receipt_document(found), *receipt_screen(found, run.environment.clock()))
