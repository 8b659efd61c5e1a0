"""The shared table without a room: selection, order, marks, and what fits."""

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console, RenderableType

from cleanroom.agent.shared import Shared, SharedField, SharedRow
from cleanroom.agent.viewing import Viewer
from cleanroom.cli.shared_view import numbered, selected, shared_document, shared_screen, value_text
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.vocabulary import Form, Role

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
CAME = "2026-07-01T10:00:00Z"
ADMIN = Viewer(role=Role.ADMIN)


def of(value: str, form: Form = Form.FULL, withdrawn: str = "") -> SharedField:
    return SharedField(form=form, value=value, received=CAME, their_policy="v2", my_policy="v1", withdrawn=withdrawn)


def row(number: int, *, account: str | None = None, state: str = "shown", **fields: SharedField) -> SharedRow:
    return SharedRow(
        account_id=f"crm\x1f{account or number}",
        account=f"Company {account or number}",
        epoch=0,
        match="00" * 16,
        their_match=f"{number:032x}",
        their_account=0,
        tier="certain",
        evidence=(),
        why="",
        state=state,
        received=CAME,
        fields=fields,
    )


def table(*rows: SharedRow) -> Shared:
    names = dict.fromkeys(name for item in rows for name in item.fields)
    return Shared(owner="Globex", fields=tuple(names), rows=rows)


def shown(found: Shared, *, width: int = 80, wide: bool = False, limit: int = 100) -> str:
    parts: list[RenderableType] = shared_screen(
        found, ADMIN, title="Acme x Globex", now=NOW, limit=limit, width=width, wide=wide
    )
    console = Console(file=io.StringIO(), width=width, markup=False, emoji=False, highlight=False)
    for part in parts:
        console.print(part)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


AMOUNTS = table(
    row(1, amount=of("900.00")),
    row(2, amount=of("EUR 10,000-50,000", Form.REDUCED)),
    row(3),
    row(4, amount=of("-1000000.00")),
    row(5, amount=of("10000.00")),
    row(6, amount=of("", withdrawn=CAME)),
)


def test_amounts_sort_as_numbers_then_bands_and_nothing_comes_last() -> None:
    order = [item.account for item in selected(AMOUNTS, (), "amount").rows]
    assert order == ["Company 4", "Company 1", "Company 5", "Company 2", "Company 3", "Company 6"]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ((), 6),
        (("COMPANY 1",), 1),
        (("amount=10",), 3),
        (("amount=10", "account=5"), 1),
        (("state=shown",), 6),
        (("no such text",), 0),
    ],
)
def test_filters_all_hold(filters: tuple[str, ...], found: int) -> None:
    assert len(selected(AMOUNTS, filters, None).rows) == found


@pytest.mark.parametrize(("filters", "sort"), [(("owner=x",), None), ((), "owner"), (("=x",), None)])
def test_what_the_table_does_not_have_is_refused(filters: tuple[str, ...], sort: str | None) -> None:
    with pytest.raises(InputRefused, match="amount"):
        selected(AMOUNTS, filters, sort)


def test_reduced_values_are_marked_and_hashes_are_short() -> None:
    assert value_text(of("Ann Example")).plain == "Ann Example"
    assert value_text(of("A. E.", Form.REDUCED)).plain == "~A. E."
    assert value_text(of("0123456789abcdef" * 2, Form.REDUCED)).plain == "~#01234567"
    assert value_text(of("", withdrawn=CAME)).plain == "withdrawn"
    assert value_text(None).plain == "-"


def test_a_full_value_cannot_pass_for_a_reduced_one_unseen() -> None:
    reduced, full = value_text(of("x", Form.REDUCED)), value_text(of("~x"))
    assert reduced.plain == full.plain
    assert reduced.style != full.style


def test_several_of_theirs_beside_one_of_mine_are_numbered() -> None:
    rows = (row(1, account="A"), row(2, account="B"), row(3, account="A"))
    assert numbered(rows) == {0: 1, 2: 2}
    text = shown(table(*(row(i, account="A", account_name=of(f"Theirs {i}")) for i in (1, 2))))
    assert "1: Theirs 1" in text
    assert "2: Theirs 2" in text


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits_whatever_the_values_are(width: int) -> None:
    long = "x" * 300
    found = table(
        *(row(i, state="disputed", account_name=of(long), stage=of(long), notes=of(long)) for i in range(3)),
    )
    for text in (shown(found, width=width), shown(found, width=width, wide=True)):
        assert max(map(len, text.splitlines())) <= width
    assert "disputed" in shown(found, width=width)


def test_the_legend_says_what_was_withdrawn_and_when() -> None:
    text = shown(table(row(1, stage=of("open"), close_date=of("", withdrawn="2026-06-30T08:00:00Z"))))
    assert "withdrawn by Globex on 2026-06-30: close date" in text
    assert "policies (theirs / yours): v2 / v1" in text
    assert "reduced by" not in text


def test_the_screen_says_how_many_more_there_are() -> None:
    assert "5 more: --limit N" in shown(AMOUNTS, limit=1)


def test_withdrawn_fields_have_no_value_for_scripts() -> None:
    found = shared_document(table(row(1, stage=of("", withdrawn=CAME))), ADMIN)
    rows = found["rows"]
    assert isinstance(rows, list)
    assert rows[0]["account"] == "crm/1"
    assert (rows[0]["fields"]["stage"]["value"], rows[0]["fields"]["stage"]["withdrawn"]) == (None, CAME)
