"""The shared table on the screen, for scripts and for files: my account beside theirs, each field with its form.

Everything of the other side's passes `printable` on its way to the screen; files are written by `agent.spreadsheets`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final

import pandas as pd
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cleanroom.agent.account_names import in_list, spoken
from cleanroom.agent.reduce import HASH_CHARACTERS, MONEY
from cleanroom.agent.shared import Shared, SharedField, SharedRow
from cleanroom.agent.viewing import Viewer
from cleanroom.cli.output import bullets, printable, table
from cleanroom.cli.terms_view import kind_words
from cleanroom.cli.words import ago, counted, label_words
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.vocabulary import Form, Tier

FORM_STYLE: Final = {Form.REDUCED.value: "yellow", Form.EXISTS.value: "cyan"}
REDUCED_MARK: Final = "~"
NAME_FIELD: Final = "account_name"
MOST_ROWS: Final = 100

_BY_IMPORTANCE: Final = ("stage", "amount", "currency", "close_date", "owner", "owner_email", "region")
NARROW_CELL: Final = 24
_WIDE_SCREEN: Final = 110
_FRAME: Final = 3  # what a column costs besides its text
_STATES: Final = {"disputed": "red", "withdrawn": "dim"}
_OWN: Final = ("account", "tier", "state", "received")


def selected(found: Shared, filters: Sequence[str], sort: str | None) -> Shared:
    """The rows that every filter lets pass, sorted by a field; without a value last.

    Raises:
        InputRefused: if a filter or `sort` names what the table does not have.
    """
    rows = [row for row in found.rows if all(_passes(found, row, text) for text in filters)]
    if sort is not None:
        _require_known(found, sort, "--sort")
        rows.sort(key=lambda row: _sort_key(_text_of(row, sort)))
    return replace(found, rows=tuple(rows))


def shared_screen(  # noqa: PLR0913 - what to show, and how much of it
    found: Shared, viewer: Viewer, *, title: str, now: datetime, limit: int, width: int, wide: bool
) -> list[RenderableType]:
    """The table with what is needed to read it."""
    owner = printable(found.owner)
    role = viewer.role.value.replace("_", " ")
    who = f"{printable(viewer.name)}, {role}" if viewer.name else role
    parts: list[RenderableType] = [
        Text(f"\n{printable(title)}: what {owner} shares with you", style="bold"),
        Text(f"{_sum_words(found)}; as shown to: {who}"),
    ]
    if not found.rows:
        return [*parts, Text("Nothing is shared yet, or nothing passes. What waits: cleanroom status", style="dim")]
    shown = replace(found, rows=found.rows[:limit])
    names = _fitting(shown, width)
    parts += _cards(shown.rows, now) if wide else [_table(shown, names)]
    if len(found.rows) > limit:
        more = len(found.rows) - limit
        parts.append(Text(f"{more:,} more: --limit N, --filter TEXT, --csv FILE, --xlsx FILE", style="dim"))
    left_out = [] if wide else [name for name in found.fields if name not in (NAME_FIELD, *names)]
    if left_out:
        parts.append(Text(f"Not in this table: {', '.join(map(field_words, left_out))}. All: --wide", style="dim"))
    return [*parts, *_legend(found, now)]


def shared_document(found: Shared, viewer: Viewer) -> dict[str, object]:
    """The table for scripts. A withdrawn field has no value; `withdrawn` says since when."""
    return {
        "partner": found.owner,
        "viewer": {"role": viewer.role.value, "name": viewer.name},
        "fields": list(found.fields),
        "rows": [_row_document(row) for row in found.rows],
    }


def shared_table(found: Shared) -> pd.DataFrame:
    """The table for files: my accounts as LIST/ID."""
    frame = found.frame()
    return frame.assign(account_id=frame["account_id"].map(spoken).astype("str"))


def numbered(rows: Sequence[SharedRow]) -> dict[int, int]:
    """Of accounts of mine with several of theirs beside them: place in `rows` -> number from 1, as the screen shows."""
    counts = Counter(row.account_id for row in rows)
    seen: Counter[str] = Counter()
    numbers = {}
    for place, row in enumerate(rows):
        seen[row.account_id] += 1
        if counts[row.account_id] > 1:
            numbers[place] = seen[row.account_id]
    return numbers


def value_text(shown: SharedField | None, *, most: int | None = None) -> Text:
    """A value in its form: reduced ones have a mark and a colour, so that they cannot be taken for the whole."""
    if shown is None:
        return Text("-", style="dim")
    if shown.withdrawn:
        return Text("withdrawn", style="dim italic")
    value = printable(shown.value)
    if shown.form is not Form.REDUCED:
        return Text(cut(value, most))
    is_hash = len(value) == HASH_CHARACTERS and " " not in value and value.isalnum()
    return Text(REDUCED_MARK + (f"#{value[:8]}" if is_hash else cut(value, most)), style=FORM_STYLE[Form.REDUCED])


def field_words(name: str) -> str:
    """A field as people read it: "close date"; what identifies an account without saying so each time."""
    return printable(label_words(name.removeprefix("account_")))


def _table(found: Shared, names: Sequence[str]) -> Table:
    states = any(row.state != "shown" for row in found.rows)
    made = table("Mine", "Theirs", *map(field_words, names), "Match", *(("State",) if states else ()))
    numbers = numbered(found.rows)
    for place, row in enumerate(found.rows):
        cells = [value_text(row.fields.get(name), most=NARROW_CELL) for name in names]
        state = [_state(row)] if states else []
        made.add_row(_mine(row), _theirs(row, numbers.get(place)), *cells, row.tier, *state)
    return made


def _cards(rows: Sequence[SharedRow], now: datetime) -> list[RenderableType]:
    """Every field of every row: what no table has the width for."""
    parts: list[RenderableType] = []
    numbers = numbered(rows)
    for place, row in enumerate(rows):
        evidence = f" by {', '.join(map(kind_words, row.evidence))}: {row.why}" if row.evidence else ""
        heading = (
            Text("\n") + Text(f"{_mine(row)} ({printable(in_list(row.account_id))})", style="bold") + Text("  x  ")
        )
        parts.append(heading + _theirs(row, numbers.get(place)) + Text(f"  {row.tier}{evidence}  ") + _state(row))
        made = table("Field", "Theirs", "Form", "Came", "Policies")
        for name, item in row.fields.items():
            policies = f"{item.their_policy} / {item.my_policy}"
            form = Text("withdrawn" if item.withdrawn else item.form.value, style=_form_style(item))
            came = f"until {item.withdrawn[:10]}" if item.withdrawn else ago(item.received, now)
            made.add_row(field_words(name), value_text(item), form, came, policies)
        if row.fields:
            parts.append(made)
    return parts


def _form_style(item: SharedField) -> str:
    return "dim" if item.withdrawn else FORM_STYLE.get(item.form.value, "")


def _state(row: SharedRow) -> Text:
    return Text("" if row.state == "shown" else row.state, style=_STATES.get(row.state, ""))


def _mine(row: SharedRow) -> str:
    return cut(printable(row.account or in_list(row.account_id)), NARROW_CELL)


def _theirs(row: SharedRow, number: int | None) -> Text:
    text = value_text(row.fields.get(NAME_FIELD), most=NARROW_CELL)
    return Text(f"{number}: ") + text if number is not None else text


def _fitting(found: Shared, width: int) -> list[str]:
    """The fields that fit beside both names, the ones that people ask for first."""
    others = [name for name in found.fields if name != NAME_FIELD]
    ranked = [name for name in _BY_IMPORTANCE if name in others] + [n for n in others if n not in _BY_IMPORTANCE]
    names = NARROW_CELL if width >= _WIDE_SCREEN else NARROW_CELL // 2
    left = width - 2 * (names + _FRAME) - len("certain") - _FRAME - 1
    if any(row.state != "shown" for row in found.rows):
        left -= len("withdrawn") + _FRAME
    chosen = []
    for name in ranked:
        cells = [len(value_text(row.fields.get(name), most=NARROW_CELL)) for row in found.rows[:MOST_ROWS]]
        left -= max([*cells, len(field_words(name))]) + _FRAME
        if left < 0:
            break
        chosen.append(name)
    return chosen


def _sum_words(found: Shared) -> str:
    states = Counter(row.state for row in found.rows)
    words = counted(len(found.rows), "row")
    marked = [f"{states[state]:,} {state}" for state in _STATES if states[state]]
    return f"{words} ({', '.join(marked)})" if marked else words


def _legend(found: Shared, now: datetime) -> list[RenderableType]:
    fields = [(name, item) for row in found.rows for name, item in row.fields.items()]
    lines = []
    if any(item.form is Form.REDUCED and not item.withdrawn for _, item in fields):
        lines.append(f"{REDUCED_MARK} reduced by its owner's policy; what has no mark is in full")
    gone: dict[str, dict[str, None]] = {}
    for name, item in fields:
        if item.withdrawn:
            gone.setdefault(item.withdrawn[:10], {})[field_words(name)] = None
    lines += [f"withdrawn by {found.owner} on {day}: {', '.join(names)}" for day, names in sorted(gone.items())]
    if any(row.tier != Tier.CERTAIN for row in found.rows):
        lines.append("likely: a person on their side has said that it is the same company")
    came = max((item.received for _, item in fields if not item.withdrawn), default="")
    if came:
        policies = sorted({_policies(row) for row in found.rows} - {""})
        lines.append(f"newest came {ago(came, now)}; policies (theirs / yours): {', '.join(policies)}")
    return [bullets(lines, "dim")]


def _policies(row: SharedRow) -> str:
    pairs = {(item.their_policy, item.my_policy) for item in row.fields.values() if not item.withdrawn}
    return ", ".join(f"{theirs} / {mine}" for theirs, mine in sorted(pairs))


def _passes(found: Shared, row: SharedRow, text: str) -> bool:
    name, sign, wanted = text.partition("=")
    if not sign:
        cells = [row.account, in_list(row.account_id), row.state, *(_text_of(row, field) for field in found.fields)]
        return any(text.casefold() in cell.casefold() for cell in cells)
    _require_known(found, name.strip(), "--filter")
    return wanted.strip().casefold() in _text_of(row, name.strip()).casefold()


def _require_known(found: Shared, name: str, option: str) -> None:
    if name not in (*found.fields, *_OWN):
        raise InputRefused(f"{option}: one of {', '.join((*_OWN, *found.fields))}")


def _text_of(row: SharedRow, name: str) -> str:
    if name in _OWN:
        return str(getattr(row, name))
    shown = row.fields.get(name)
    return shown.value if shown and not shown.withdrawn else ""


def _sort_key(text: str) -> tuple[bool, bool, Decimal, str]:
    """Without a value last; amounts as numbers, before bands and words."""
    is_amount = MONEY.fullmatch(text) is not None
    return not text, not is_amount, Decimal(text) if is_amount else Decimal(0), text.casefold()


def _row_document(row: SharedRow) -> dict[str, object]:
    return {
        "account": spoken(row.account_id),
        "name": row.account,
        "their_account": row.their_account,
        "tier": row.tier,
        "evidence": list(row.evidence),
        "why": row.why,
        "state": row.state,
        "received": row.received,
        "epoch": row.epoch,
        "match": row.match,
        "their_match": row.their_match,
        "fields": {
            name: {
                "form": item.form.value,
                "value": None if item.withdrawn else item.value,
                "received": item.received,
                "their_policy": item.their_policy,
                "my_policy": item.my_policy,
                "withdrawn": item.withdrawn or None,
            }
            for name, item in row.fields.items()
        },
    }


def cut(text: str, most: int | None) -> str:
    """The text, at most so long."""
    return text if most is None or len(text) <= most else text[: most - 1] + "\u2026"
