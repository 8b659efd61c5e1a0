"""`cleanroom audit report`: for an assessment, as a page and as a table."""

from pathlib import Path
from typing import Annotated

import typer

from cleanroom.audit.report import report
from cleanroom.cli.audit_bundle import BundleArgument, audited, end_as
from cleanroom.cli.audit_report_view import report_document, report_screen, shown_table
from cleanroom.cli.audit_view import findings_screen, verdict, verdict_document
from cleanroom.cli.exports import CsvOption, export
from cleanroom.cli.html.report import report_page
from cleanroom.cli.invocation import JsonOption, begin, write_file


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("report", epilog="Example: cleanroom audit report a.cleanroom-audit --html report.html")(write)


def write(
    context: typer.Context,
    bundle: BundleArgument,
    *,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page that needs nothing else.")] = None,
    csv: CsvOption = None,
    as_json: JsonOption = False,
) -> None:
    """Report who saw which field of how many accounts under which policies, who let them, and what was unusual.

    The bundle is checked first; if it does not hold, the report says so, and the command ends with 4.
    """
    run = begin(context, None, as_json=as_json)
    audit = audited(run, bundle)
    found = report(audit)
    if html is not None:
        write_file(html, report_page(audit, found, bundle=bundle.name, now=run.environment.clock()).encode())
        run.out.say(f"Written: {html}")
    export(run, shown_table(audit), csv=csv, xlsx=None, title=audit.title)
    document = {**verdict_document(audit), **report_document(found)}
    failed = [] if audit.holds else findings_screen(audit.findings)
    run.out.result(document, verdict(audit), *failed, *report_screen(audit, found))
    end_as(audit)
