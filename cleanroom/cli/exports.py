"""`--csv` and `--xlsx` of tables that hold text of others: no cell is a formula (`cleanroom.agent.spreadsheets`)."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from cleanroom.agent.spreadsheets import to_csv, to_xlsx
from cleanroom.cli.invocation import FileNotWritten, Invocation

CsvOption = Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write the table as CSV.")]
XlsxOption = Annotated[Path | None, typer.Option("--xlsx", metavar="FILE", help="Write the table as an XLSX workbook.")]


def export(run: Invocation, frame: pd.DataFrame, *, csv: Path | None, xlsx: Path | None, title: str) -> None:
    """Write what was asked for, replacing what was there; only this machine's user may read it.

    Raises:
        FileNotWritten: if that is not possible.
    """
    try:
        if csv is not None:
            to_csv(frame, csv)
        if xlsx is not None:
            to_xlsx(frame, xlsx, title=title)
    except OSError as error:
        raise FileNotWritten(f"table: cannot be written ({error.strerror or type(error).__name__})") from None
    for written in (csv, xlsx):
        if written is not None:
            run.out.say(f"Written: {written}. It holds what is confidential between you and your partner.")
