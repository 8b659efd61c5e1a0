"""`cleanroom audit verify`: whether a room's log holds."""

from pathlib import Path
from typing import Annotated

import typer

from cleanroom.cli.audit_bundle import BundlesArgument, audited, audited_together, end_as
from cleanroom.cli.audit_view import (
    audit_document,
    audit_screen,
    compared,
    together_document,
    together_screen,
)
from cleanroom.cli.exits import Exit
from cleanroom.cli.invocation import Invocation, JsonOption, begin
from cleanroom.domain.errors import InputRefused


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("verify", epilog="Example: cleanroom audit verify acme-globex.cleanroom-audit")(check)


def check(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    bundle: BundlesArgument,
    *,
    previous: Annotated[Path | None, typer.Option(help="An older bundle: this one must continue it.")] = None,
    receipt: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A receipt: the log must hold its entry; several times.")
    ] = None,
    fingerprint: Annotated[
        list[str] | None,
        typer.Option(metavar="WORDS", help="Eight words, as you know them from the party itself; several times."),
    ] = None,
    draws: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The noise of its answers, as `cleanroom-escrow draws` wrote it."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check everything that a bundle says: tree, signatures, order, policies, decisions, counts. Offline, file alone.

    Of several bundles, each of another room, the budgets of answers are also recounted over all of them.

    Ends with 0 if it holds and with 4 if a check failed. Whose keys these are, the fingerprints say: compare them.
    """
    run = begin(context, None, as_json=as_json)
    if len(bundle) > 1:
        if previous or receipt or fingerprint or draws:
            raise InputRefused("the options are for one bundle; check each alone, then all of them together")
        _check_together(run, bundle)
        return
    audit = audited(run, bundle[0], previous=previous, receipts=receipt or [], draws=draws)
    words = compared(audit, fingerprint or [])
    run.out.result(audit_document(audit, words), *audit_screen(audit, words, run.environment.clock()))
    end_as(audit)
    if words.strangers:
        raise typer.Exit(Exit.VERIFICATION)


def _check_together(run: Invocation, bundles: list[Path]) -> None:
    audits, found = audited_together(run, bundles)
    run.out.result(together_document(audits, found), *together_screen(audits, found))
    if found or not all(audit.holds for audit in audits):
        raise typer.Exit(Exit.VERIFICATION)
