"""What a partner has received of mine: the summary, the table on the screen, and for scripts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Final

import pandas as pd
from rich.console import RenderableType
from rich.text import Text

from cleanroom.agent.account_names import AccountNames, in_list, spoken
from cleanroom.cli.output import facts, printable, table
from cleanroom.cli.shared_view import FORM_STYLE, NARROW_CELL, cut, field_words
from cleanroom.cli.words import ago, counted
from cleanroom.domain.fields import ACCOUNT
from cleanroom.domain.vocabulary import Form

Versions = Mapping[str, int]
"""Versions of policies by their digests."""

COLUMNS: Final = (
    *("account", "name", "field", "form", "released", "handed_over", "withdrawn"),
    *("my_policy", "their_policy", "epoch", "release"),
)
"""Columns of the table: policies as versions where they are known."""


def disclosed_table(rows: pd.DataFrame, names: AccountNames, versions: Versions) -> pd.DataFrame:
    """The journal with accounts and policies as people call them (`COLUMNS`)."""

    def version(digest: str) -> str:
        return str(versions.get(digest, digest[:8]))

    made = rows.assign(
        account=rows["account_id"],
        name=rows["account_id"].map(names.name),
        my_policy=rows["my_policy"].map(version),
        their_policy=rows["their_policy"].map(version),
    )
    return made[list(COLUMNS)]


def with_spoken(shown: pd.DataFrame) -> pd.DataFrame:
    """The same for files and scripts: accounts as LIST/ID."""
    return shown.assign(account=shown["account"].map(spoken).astype("str"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Values that were sent, in full or reduced; how many are withdrawn since; of how many accounts."""

    full: int
    reduced: int
    accounts: int
    withdrawn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """In all, and by field. What was sent twice alike counts once."""

    every: Totals
    fields: Mapping[str, Totals]


def summary(rows: pd.DataFrame) -> Summary:
    """The summary of a journal."""
    values = rows[rows["field"] != ACCOUNT]
    # The newest of rows that are alike says whether the value is withdrawn.
    once = values.drop_duplicates(["account_id", "field", "form"], keep="last")
    fields = {str(name): _totals(part) for name, part in once.groupby("field", sort=False)}
    accounts = int(rows["account_id"].nunique())
    return Summary(every=replace(_totals(once), accounts=accounts), fields=fields)


def _totals(rows: pd.DataFrame) -> Totals:
    return Totals(
        full=int((rows["form"] == Form.FULL).sum()),
        reduced=int((rows["form"] == Form.REDUCED).sum()),
        accounts=int(rows["account_id"].nunique()),
        withdrawn=int((rows["withdrawn"] != "").sum()),
    )


def disclosed_screen(  # noqa: PLR0913 - what to show, and how much of it
    shown: pd.DataFrame, total: Summary, *, title: str, partner: str, now: datetime, limit: int, wide: bool
) -> list[RenderableType]:
    """The summary on top, then the rows."""
    heading = Text(f"\n{printable(title)}: what {printable(partner)} has received of yours", style="bold")
    if shown.empty:
        return [heading, Text("Nothing.")]
    every = total.every
    withdrawn = f"{counted(every.withdrawn, 'value')}; what was seen before stays seen"
    rows: list[tuple[str, RenderableType]] = [
        ("Accounts", f"{every.accounts:,}"),
        ("Values", f"{every.full:,} in full, {every.reduced:,} reduced"),
        ("Withdrawn since", withdrawn if every.withdrawn else "none"),
    ]
    return [heading, facts(rows), _by_field(total), *_rows(shown, now, limit, wide=wide)]


def disclosed_document(shown: pd.DataFrame, total: Summary) -> dict[str, object]:
    """The same for scripts."""
    return {"summary": asdict(total), "disclosed": with_spoken(shown).to_dict("records")}


def _by_field(total: Summary) -> RenderableType:
    made = table("Field", "In full", "Reduced", "Accounts", "Withdrawn", right=range(1, 5))
    for name, numbers in total.fields.items():
        each = (numbers.full, numbers.reduced, numbers.accounts, numbers.withdrawn)
        made.add_row(field_words(name), *(f"{number:,}" if number else "-" for number in each))
    return made


def _rows(shown: pd.DataFrame, now: datetime, limit: int, *, wide: bool) -> list[RenderableType]:
    groups = [part for _, part in shown.groupby("account")]
    total = len(shown) if wide else len(groups)
    parts: list[RenderableType] = [_journal(shown.head(limit), now) if wide else _accounts(groups[:limit], now)]
    if total > limit:
        parts.append(Text(f"{total - limit:,} more: --limit N, --account ID, --csv FILE, --xlsx FILE", style="dim"))
    hint = "Policies: the versions of yours / theirs that it was sent under." if wide else "Every sending: --wide"
    return [*parts, Text(hint, style="dim")]


def _accounts(groups: list[pd.DataFrame], now: datetime) -> RenderableType:
    """A line for each account: the fields that are shown now, and those that were."""
    made = table("Account", "Name", "In full", "Reduced", "Withdrawn", "Last sent")
    for rows in groups:
        newest = rows[rows["field"] != ACCOUNT].drop_duplicates(["field", "form"], keep="last")
        gone = newest["withdrawn"] != ""
        made.add_row(
            printable(in_list(rows["account"].iloc[0])),
            cut(printable(rows["name"].iloc[0]), NARROW_CELL),
            _fields(newest[~gone & (newest["form"] == Form.FULL)]),
            Text(_fields(newest[~gone & (newest["form"] == Form.REDUCED)]), style=FORM_STYLE[Form.REDUCED]),
            Text(_fields(newest[gone]), style="dim"),
            ago(rows["released"].max(), now),
        )
    return made


def _fields(rows: pd.DataFrame) -> str:
    return (", ".join(dict.fromkeys(map(field_words, rows["field"])))) or "-"


def _journal(shown: pd.DataFrame, now: datetime) -> RenderableType:
    """A line for each sending of each field."""
    made = table("Account", "Field", "Form", "Sent", "Handed over", "Withdrawn", "Policies", "Epoch", right=(7,))
    for row in shown.to_dict("records"):
        style = "dim" if row["withdrawn"] else FORM_STYLE.get(row["form"], "")
        made.add_row(
            printable(in_list(row["account"])),
            field_words(row["field"]),
            Text(row["form"], style=style),
            ago(row["released"], now),
            _seen(row["handed_over"], now),
            Text(ago(row["withdrawn"], now), style="dim") if row["withdrawn"] else "-",
            f"{row['my_policy']} / {row['their_policy']}",
            str(row["epoch"]),
        )
    return made


def _seen(moment: str, now: datetime) -> str:
    return ago(moment, now) if moment else "not known; count it as seen"
