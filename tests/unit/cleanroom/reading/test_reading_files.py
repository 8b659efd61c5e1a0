"""Files as they come: encodings, delimiters, damage. Every refusal names a place and a rule, never a value."""

import datetime as dt
import re
import tempfile
import zipfile
from decimal import Decimal
from pathlib import Path

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from cleanroom.agent.reading import delimited
from cleanroom.agent.reading.database import read_query
from cleanroom.agent.reading.files import read_table
from cleanroom.agent.reading.table import Table
from cleanroom.domain.errors import InputRefused

PLANTED = "Zzyzx Holdings"
ROWS = [["Müller Öl", "mueller.de", "DE"], ["Çelik", "celik.com.tr", "TR"]]
HEADER = ["Account Name", "Website", "Country"]


def written(folder: Path, data: bytes, name: str = "list.csv") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def csv_text(rows: list[list[str]], delimiter: str = ",", end: str = "\n") -> str:
    return "".join(delimiter.join(row) + end for row in rows)


def cells(table: Table) -> list[list[str]]:
    return table.frame.to_numpy().tolist()


def refusal(path: Path, **options: str) -> str:
    with pytest.raises(InputRefused) as caught:
        read_table(path, **options)
    assert PLANTED not in str(caught.value)
    assert caught.value.__cause__ is None
    return str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encoding_and_delimiter_are_found(tmp_path: Path, encoding: str, delimiter: str, end: str) -> None:
    rows = [ROWS[0], ["Café Ünal", "unal.fr", "FR"]]
    table = read_table(written(tmp_path, csv_text([HEADER, *rows], delimiter, end).encode(encoding)))
    assert table.headers == tuple(HEADER)
    assert cells(table) == rows
    assert table.rows.tolist() == [2, 3]
    assert {str(kind) for kind in table.frame.dtypes} == {"str"}


def test_utf16_with_mark_and_an_encoding_that_is_given(tmp_path: Path) -> None:
    text = csv_text([HEADER, ROWS[1]])
    assert cells(read_table(written(tmp_path, b"\xff\xfe" + text.encode("utf-16-le")))) == [ROWS[1]]
    path = written(tmp_path, text.encode("iso8859-9"))
    assert cells(read_table(path, encoding="iso8859-9")) == [ROWS[1]]
    assert "encoding" in refusal(path, encoding="no-such")


def test_text_in_another_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    bad = f"Account Name\n{PLANTED}\n".encode() + b"\x81\x8d\n"  # neither UTF-8 nor Windows-1252
    assert "line 1" in refusal(written(tmp_path, bad))
    assert "utf-8" in refusal(written(tmp_path, b"\xef\xbb\xbf" + bad))
    assert "utf-16" in refusal(written(tmp_path, b"\xff\xfe" + b"A\0\x00\xd8"))


def test_quotes_line_breaks_and_delimiters_inside_cells(tmp_path: Path) -> None:
    text = 'Account Name,Website\n"A, ""B""\nC",a.com\nD,d.com\n'
    table = read_table(written(tmp_path, text.encode()))
    assert cells(table) == [['A, "B"\nC', "a.com"], ["D", "d.com"]]
    assert table.rows.tolist() == [2, 3]


def test_formula_looking_cells_stay_text(tmp_path: Path) -> None:
    rows = [["=CMD()", "@SUM", "+1"], ["-2+3", "=1+1", "%0"]]
    assert cells(read_table(written(tmp_path, csv_text([HEADER, *rows]).encode()))) == rows
    book = openpyxl.Workbook()
    book.active.append(HEADER)
    book.active.append(rows[0])
    for column, value in enumerate(rows[0], 1):  # typed as text, as a spreadsheet keeps '=CMD()
        cell = book.active.cell(2, column)
        cell.value, cell.data_type = value, "s"
    book.save(tmp_path / "list.xlsx")
    assert cells(read_table(tmp_path / "list.xlsx")) == [rows[0]]


def test_a_formula_of_a_workbook_is_not_evaluated(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(HEADER)
    book.active.append(["Acme", "=1+1", "DE"])
    book.save(tmp_path / "list.xlsx")
    assert cells(read_table(tmp_path / "list.xlsx")) == [["Acme", "", "DE"]]


def test_zero_bytes_are_refused_with_their_line(tmp_path: Path) -> None:
    assert "line 3: a zero byte" in refusal(written(tmp_path, f"Name,Website\n{PLANTED},x\na\0b,y\n".encode()))


@pytest.mark.parametrize("row", [f"{PLANTED},x,y,z,w", f"{PLANTED},x"])
def test_a_ragged_row_is_refused_with_its_number(tmp_path: Path, row: str) -> None:
    text = csv_text([HEADER, *ROWS]) + "\n" + row + "\n" + csv_text(ROWS)
    count = row.count(",") + 1
    assert refusal(written(tmp_path, text.encode())) == f"row 5: {count} cells, where the header has 3"


def test_many_ragged_rows_stop_early(tmp_path: Path) -> None:
    text = csv_text([HEADER, *ROWS]) + f"{PLANTED},x\n" * 100_000
    assert "row 4: 2 cells" in refusal(written(tmp_path, text.encode()))


@pytest.mark.parametrize("row", [f'{PLANTED},"x,y\n', f'{PLANTED},x,"y\n'])
def test_an_open_quote_is_refused(tmp_path: Path, row: str) -> None:
    text = csv_text([HEADER, *ROWS]) + row + csv_text(ROWS * 3)
    assert "row 4" in refusal(written(tmp_path, text.encode()))


@pytest.mark.parametrize("data", [b"", b"  \n\n ", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_an_empty_file_is_refused(tmp_path: Path, data: bytes) -> None:
    assert "empty" in refusal(written(tmp_path, data))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "FileNotFoundError" in refusal(tmp_path / "none.csv")
    assert "cannot be read" in refusal(tmp_path)


def test_header_only_preamble_and_excel_hint(tmp_path: Path) -> None:
    assert cells(read_table(written(tmp_path, b"Name,Website\n"))) == []
    table = read_table(written(tmp_path, b"My report\n\nName,Website\nA,a.com\n"))
    assert (table.headers, table.rows.tolist()) == (("Name", "Website"), [4])
    table = read_table(written(tmp_path, b"sep=;\nName;Website\nA,B;a.com\n"))
    assert (cells(table), table.rows.tolist()) == ([["A,B", "a.com"]], [3])


def test_one_column(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, b"Website\na.com\n\nb.com\n"))
    assert (cells(table), table.rows.tolist()) == ([["a.com"], ["b.com"]], [2, 4])


FEET = [
    "Grand Total,,\n",
    'Grand Total,"3,486 records",\n',
    "Grand Totals (2 records)\n",
    "Confidential Information - Do Not Distribute\n",
    '"Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved."\n',
    "Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved.\n",
    "Generated by Salesforce 01/15/2026\n",
    "Exportiert am 15.01.2026,,\n",
    "2 rows selected\n",
    "Page 1 of 3\n",
    "-----\n",
    ",,\n\n,,\n\n",
]


@pytest.mark.parametrize("foot", [*FEET, "".join(FEET)])
def test_the_foot_of_an_export_is_left_out_and_counted(tmp_path: Path, foot: str) -> None:
    table = read_table(written(tmp_path, (csv_text([HEADER, *ROWS]) + "\n" + foot).encode()))
    assert cells(table) == ROWS
    assert any(note.startswith("left out") for note in table.notes)


@pytest.mark.parametrize(
    "name", ["Total Tools", "Total", "Totalplay", "Confidential Cars", "Copyright Agency", "Summe"]
)
def test_an_account_that_sounds_like_a_foot_stays(tmp_path: Path, name: str) -> None:
    rows = [*ROWS, [name, "total.example", "France"]]
    assert cells(read_table(written(tmp_path, csv_text([HEADER, *rows]).encode()))) == rows


def test_a_foot_in_the_middle_is_not_one(tmp_path: Path) -> None:
    text = csv_text([HEADER, ROWS[0]]) + "Page 1 of 3\n" + csv_text(ROWS)
    assert "row 3" in refusal(written(tmp_path, text.encode()))


def workbook(folder: Path) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Accounts"
    sheet.append(["Account Name", "Amount", "Close Date", "D-U-N-S", None])
    sheet.append([PLANTED, 1234.567, dt.datetime(2026, 3, 4), 123456789])  # noqa: DTZ001 - spreadsheets have no zones
    sheet.append([])
    sheet.append(["Öl & Co", 5, dt.date(2026, 12, 31), True])
    sheet.append(["Grand Total", 1239.567])
    book.create_sheet("Empty")
    book.save(folder / "list.xlsx")
    return folder / "list.xlsx"


def test_a_workbook(tmp_path: Path) -> None:
    table = read_table(workbook(tmp_path))
    assert table.headers == ("Account Name", "Amount", "Close Date", "D-U-N-S")
    assert cells(table) == [
        [PLANTED, "1234.5670", "2026-03-04", "123456789"],
        ["Öl & Co", "5", "2026-12-31", "true"],
    ]
    assert table.rows.tolist() == [2, 4]


def test_a_workbook_without_styles_is_read_without_a_warning(tmp_path: Path) -> None:
    source, target = workbook(tmp_path), tmp_path / "bare.xlsx"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, re.sub(rb"<cellStyles.*</cellStyles>", b"", old.read(name)))
    assert len(read_table(target).frame) == 2


def test_a_sheet_that_is_not_there_is_empty_or_not_a_sheet(tmp_path: Path) -> None:
    path = workbook(tmp_path)
    assert "sheet: not in the workbook" in refusal(path, sheet=PLANTED)
    assert "empty" in refusal(path, sheet="Empty")
    assert "only an XLSX" in refusal(written(tmp_path, b"Name\nA\n"), sheet="Accounts")


@pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.9, 0.99])
def test_a_truncated_workbook_is_refused(tmp_path: Path, share: float) -> None:
    data = workbook(tmp_path).read_bytes()
    assert "workbook is damaged" in refusal(written(tmp_path, data[: int(len(data) * share)], "cut.xlsx"))


def test_a_workbook_with_a_damaged_sheet_is_refused(tmp_path: Path) -> None:
    data = bytearray(workbook(tmp_path).read_bytes())
    at = data.index(b"xl/worksheets/sheet1.xml") + 60
    data[at : at + 40] = bytes(40)
    assert "damaged" in refusal(written(tmp_path, bytes(data), "bad.xlsx"))


def test_a_ragged_row_of_a_workbook_is_refused(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["Name", "Website"], ["A", "a.com"], [PLANTED, "b.com", "c", "d"]):
        book.active.append(row)
    book.save(tmp_path / "list.xlsx")
    assert refusal(tmp_path / "list.xlsx") == "row 3: 4 cells, where the header has 2"


def test_files_that_are_not_what_their_name_says(tmp_path: Path) -> None:
    assert "not of the kind" in refusal(written(tmp_path, b"Name\nA\n", "list.xlsx"))
    assert "not of the kind" in refusal(written(tmp_path, b"Name\nA\n", "list.parquet"))
    assert ".xls" in refusal(written(tmp_path, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "list.xls"))
    assert cells(read_table(workbook(tmp_path).rename(tmp_path / "list.csv")))[1][0] == "Öl & Co"


def parquet(folder: Path, columns: dict[str, pa.Array]) -> Path:
    pq.write_table(pa.table(columns), folder / "list.parquet")
    return folder / "list.parquet"


def test_parquet(tmp_path: Path) -> None:
    columns = {
        "name": pa.array([PLANTED, None]).dictionary_encode(),
        "duns": pa.array([12345678, None]),
        "amount": pa.array([Decimal("1.500"), Decimal("2.25")]),
        "rate": pa.array([1.5, float("nan")]),
        "close": pa.array([dt.date(2026, 1, 2), None]),
        "flag": pa.array([True, None]),
    }
    table = read_table(parquet(tmp_path, columns))
    assert cells(table) == [
        [PLANTED, "12345678", "1.5000", "1.5", "2026-01-02", "true"],
        ["", "", "2.2500", "", "", ""],
    ]
    assert table.rows.tolist() == [1, 2]


def test_parquet_refusals(tmp_path: Path) -> None:
    path = parquet(tmp_path, {"name": pa.array([PLANTED] * 1000)})
    data = path.read_bytes()
    for share in (0.1, 0.5, 0.99):
        assert "truncated" in refusal(written(tmp_path, data[: int(len(data) * share)], "cut.parquet"))
    assert "column 2" in refusal(parquet(tmp_path, {"a": pa.array([1]), "b": pa.array([[PLANTED]])}))
    assert "column 1" in refusal(parquet(tmp_path, {"a": pa.array([PLANTED.encode()])}))


def test_a_query(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE account (name TEXT, amount NUMERIC, note BLOB)"))
        connection.execute(sa.text("INSERT INTO account VALUES (:n, 12.5, x'00ff'), ('B', NULL, NULL)"), {"n": PLANTED})
    engine.dispose()
    table = read_query(url, 'SELECT name AS "Account Name", amount FROM account')
    assert (table.headers, cells(table)) == (("Account Name", "amount"), [[PLANTED, "12.5"], ["B", ""]])
    for query in ("SELECT 'Zzyzx Holdings' FROM nowhere", "DELETE FROM account", "SELECT note FROM account", ""):
        with pytest.raises(InputRefused) as caught:
            read_query(url, query)
        assert PLANTED not in str(caught.value)
    assert len(read_query(url, "SELECT name FROM account").frame) == 2


@pytest.mark.parametrize("url", ["nonsense", "nosuch://user:hunter2@host/db", "sqlite:////no/such/hunter2/x.db"])
def test_a_database_that_cannot_be_reached(url: str) -> None:
    with pytest.raises(InputRefused) as caught:
        read_query(url, "SELECT 1")
    assert "hunter2" not in str(caught.value)


def test_nothing_is_written_to_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("a temporary file")

    path = workbook(tmp_path)
    text = written(tmp_path, csv_text([HEADER, *ROWS]).encode("utf-16"))
    for name in ("mkstemp", "NamedTemporaryFile", "TemporaryFile", "SpooledTemporaryFile", "mkdtemp"):
        monkeypatch.setattr(tempfile, name, forbidden)
    before = sorted(entry.name for entry in tmp_path.iterdir())
    assert len(read_table(path).frame) == len(read_table(text).frame) == 2
    assert sorted(entry.name for entry in tmp_path.iterdir()) == before


def test_a_cell_of_ten_megabytes_is_read_and_a_row_beyond_the_limit_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, f"Account Name,Website\n{PLANTED},{'x' * 10_000_000}\nB,b.com\n".encode())
    assert len(read_table(path).frame) == 2
    monkeypatch.setattr(delimited, "_BLOCK", 1 << 20)  # instead of a file of 130 MB
    assert "a row is longer" in refusal(path)


@given(st.one_of(st.binary(max_size=200), st.text(alphabet='ab,;"\n\r\t\0 =é', max_size=60).map(str.encode)))
def test_any_bytes_are_a_table_or_refused(data: bytes) -> None:
    try:
        table = delimited.read_delimited(data)
    except InputRefused:
        return
    assert len(table.rows) == len(table.frame)
    assert len(table.headers) == table.frame.shape[1]
    assert (np.diff(table.rows) > 0).all()
