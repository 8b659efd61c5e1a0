"""`cleanroom audit`: the room's log, for whoever checks it. All but `export` need the file and nothing else."""

import typer

from cleanroom.cli import audit_erase, audit_export, audit_report, audit_show, audit_verify

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="The record of everything that was agreed and disclosed in a room, checked offline. How: docs/audit.md.",
)

audit_export.add_to(app)
audit_verify.add_to(app)
audit_show.add_to(app)
audit_report.add_to(app)
audit_erase.add_to(app)
