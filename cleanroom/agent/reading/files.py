"""A file to a Table, by what the file is, not by what it is called."""

from pathlib import Path
from typing import Final

from cleanroom.agent.reading.columnar import read_parquet
from cleanroom.agent.reading.delimited import read_delimited
from cleanroom.agent.reading.table import Table
from cleanroom.domain.errors import InputRefused

_ZIP: Final = b"PK"
_PARQUET: Final = b"PAR1"
_OLE: Final = b"\xd0\xcf\x11\xe0"
_BY_NAME: Final = {".xlsx": _ZIP, ".xlsm": _ZIP, ".parquet": _PARQUET}


def read_table(path: Path, *, sheet: str | None = None, encoding: str | None = None) -> Table:
    """The list in a CSV, XLSX or Parquet file. `sheet` is for XLSX, `encoding` overrides the guess for CSV.

    Raises InputRefused for a file that cannot be read, is empty, damaged, or of another kind than its name says.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputRefused(f"the file cannot be read: {type(error).__name__}") from None
    if not data.strip():
        raise InputRefused("the file is empty")
    if data.startswith(_OLE):
        raise InputRefused("an encrypted or old Excel file (.xls): save it as plain .xlsx")
    promised = _BY_NAME.get(path.suffix.lower())
    if promised is not None and not data.startswith(promised):
        raise InputRefused("the file is damaged: not of the kind that its name says")
    if data.startswith(_PARQUET):
        return read_parquet(data)
    if data.startswith(_ZIP + b"\x03\x04") or promised == _ZIP:
        # Only who reads a workbook waits for the library behind it.
        from cleanroom.agent.reading.workbook import read_workbook  # noqa: PLC0415 - see above

        return read_workbook(data, sheet=sheet)
    if sheet is not None:
        raise InputRefused("sheet: only an XLSX file has sheets")
    return read_delimited(data, encoding=encoding)
