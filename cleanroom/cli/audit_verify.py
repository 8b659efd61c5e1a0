"""`cleanroom audit verify`: whether a room's log holds."""

from pathlib import Path
from typing import Annotated

import typer

from cleanroom.cli.audit_bundle import BundleArgument, audited, end_as
from cleanroom.cli.audit_view import audit_document, audit_screen, compared
from cleanroom.cli.exits import Exit
from cleanroom.cli.invocation import JsonOption, begin


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("verify", epilog="Example: cleanroom audit verify acme-globex.cleanroom-audit")(check)


def check(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    bundle: BundleArgument,
    *,
    previous: Annotated[Path | None, typer.Option(help="An older bundle: this one must continue it.")] = None,
    receipt: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A receipt: the log must hold its entry; several times.")
    ] = None,
    fingerprint: Annotated[
        list[str] | None,
        typer.Option(metavar="WORDS", help="Eight words, as you know them from the party itself; several times."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check everything that a bundle says: tree, signatures, order, policies, decisions, counts. Offline, file alone.

    Ends with 0 if it holds and with 4 if a check failed. Whose keys these are, the fingerprints say: compare them.
    """
    run = begin(context, None, as_json=as_json)
    audit = audited(run, bundle, previous=previous, receipts=receipt or [])
    words = compared(audit, fingerprint or [])
    run.out.result(audit_document(audit, words), *audit_screen(audit, words, run.environment.clock()))
    end_as(audit)
    if words.strangers:
        raise typer.Exit(Exit.VERIFICATION)
