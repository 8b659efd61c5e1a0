"""What a push says: the mapping before, and the report after, in plain words."""

from collections.abc import Mapping
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from cleanroom.agent.commit import CommitReport
from cleanroom.agent.push import PushReport, RoomPushed
from cleanroom.agent.push_plan import Origin, Plan
from cleanroom.cli.lint_view import counts_document, short_lines
from cleanroom.cli.output import bullets, error_document, facts, printable, table
from cleanroom.cli.terms_view import kind_words
from cleanroom.cli.words import counted, label_words
from matching.entries import MOST_KEYS
from matching.owners import MOST_ACCOUNTS

REFUSED_SHOWN: Final = 20

DROPPED: Final = {
    "too_many_accounts": f"on more than {MOST_ACCOUNTS} of your accounts, so not telling of any",
    "own_identifiers_differ": "identifiers that are shared by accounts whose other identifiers differ",
    "namesakes": "held by several of your companies, and not the one's whose website spells its name",
    "segment_not_counted": "of entries in no segment that the terms count",
    "in_many_countries": f"names with a country, of entries in more than {MOST_KEYS} countries",
    "over_the_cap": f"more than one identifier of a kind, or more than {MOST_KEYS} of another kind, on one entry",
}


def plan_screen(planned: Plan) -> RenderableType:
    """How the columns of a list will be understood."""
    how = "as at the last push" if planned.origin is Origin.SAVED else "as given or guessed; change it with --map"
    title = f"{printable(planned.name)}: {counted(len(planned.table.frame), 'row')}, columns {how}"
    shown = table("Used as", "Column", "Read")
    for target, header in planned.mapping.columns.items():
        order, mark = planned.mapping.date_orders.get(target), planned.mapping.decimal_marks.get(target)
        read = [f"dates {order.value.replace('_', ' ')}" if order else "", f"decimal {mark.value}" if mark else ""]
        shown.add_row(label_words(target), printable(header), ", ".join(filter(None, read)))
    return Group(Text(title, style="bold"), shown, Text(_segment_words(planned)))


def report_screen(report: PushReport, *, dry_run: bool, saved: Mapping[str, str]) -> list[RenderableType]:
    """The report of a push or a dry run."""
    parts: list[RenderableType] = []
    if dry_run:
        parts.append(Text("Dry run: nothing was stored or sent.", style="bold"))
    rows: list[tuple[str, RenderableType]] = [
        ("List", printable(report.name)),
        ("Read", _read_words(report)),
        ("Keys", _keys_words(report.keys)),
    ]
    parts.append(facts(rows))
    parts.append(bullets(report.notes))
    parts += _refused_screen(report)
    parts += _lint_screen(report)
    for item in report.rooms:
        parts.append(Text(f"\nRoom {printable(item.title)}", style="bold"))
        parts += _room_screen(item, dry_run=dry_run)
        if item.room in saved:
            parts.append(Text(f"The bytes that would leave: {printable(saved[item.room])}"))
    if report.not_active:
        titles = ", ".join(printable(title) for title in report.not_active)
        parts.append(Text(f"\nAfter both sides have accepted: {titles} (cleanroom sync)"))
    if report.problem:
        parts.append(Text(f"\nNo room was asked: {printable(str(report.problem))}", style="red"))
    elif not report.rooms and not report.not_active:
        parts.append(Text("\nNo room yet. The list goes to rooms once they are accepted (cleanroom sync)."))
    return parts


def report_document(report: PushReport, *, dry_run: bool, saved: Mapping[str, str]) -> dict[str, object]:
    """The report for scripts. `refused` has all rows, not only the first ones."""
    return {
        "list": report.name,
        "dry_run": dry_run,
        "rows": report.rows,
        "accounts": report.accounts,
        "upserted": report.upserted,
        "deleted": report.deleted,
        "suppressed": report.suppressed,
        "keyless": report.keyless,
        "keys": dict(report.keys),
        "refused": report.refused.to_dict(orient="records"),
        "notes": list(report.notes),
        "lint": counts_document(report.lint),
        "rooms": [_room_document(item, saved) for item in report.rooms],
        "not_active": list(report.not_active),
        "problem": error_document(report.problem) if report.problem else None,
    }


def _segment_words(planned: Plan) -> str:
    if planned.segment_from is None:
        return f"Segment: all accounts are {label_words(planned.segment or '')}."
    column = printable(planned.segment_from.column)
    if not planned.segment_from.values:
        return f"Segment: from column {column}, everyday words."
    pairs = ", ".join(f"{printable(a)} = {label_words(b)}" for a, b in planned.segment_from.values.items())
    return f"Segment: from column {column} ({pairs}); other values: none."


def _read_words(report: PushReport) -> str:
    words = f"{counted(report.rows, 'row')}; the list has {counted(report.accounts, 'account')}"
    if report.deleted:
        words += f"; {report.upserted:,} put, {counted(report.deleted, 'id')} to delete"
    if report.suppressed:
        words += f", {report.suppressed:,} of them suppressed and never sent"
    if report.keyless:
        words += f", {report.keyless:,} of them without any key to match by"
    return words


def _keys_words(keys: Mapping[str, int]) -> str:
    return ", ".join(f"{kind_words(kind)} {number:,}" for kind, number in keys.items() if number) or "none"


def _refused_screen(report: PushReport) -> list[RenderableType]:
    if not len(report.refused):
        return []
    out = int(report.refused.loc[report.refused["left_out"], "row"].nunique())
    cells = len(report.refused) - int(report.refused["left_out"].sum())
    title = f"Refused: {counted(out, 'row')} left out, {counted(cells, 'cell')} not used"
    shown = table("Row", "Column", "Why", "So", right=(0,))
    for row in report.refused.head(REFUSED_SHOWN).itertuples(index=False):
        consequence = "row left out" if row.left_out else "cell not used"
        shown.add_row(f"{row.row:,}", label_words(str(row.column)), printable(str(row.rule)), consequence)
    more = len(report.refused) - REFUSED_SHOWN
    rest = Text(f"... and {counted(more, 'other')}; --json has them all")
    return [Text(f"\n{title}", style="bold"), shown, *([rest] if more > 0 else [])]


def _lint_screen(report: PushReport) -> list[RenderableType]:
    lines = short_lines(report.lint.rules)
    if not lines:
        return []
    title = Text("\nWhat hurts the matching most (cleanroom lint FILE says more, and where)", style="bold")
    return [title, bullets(lines)]


def _room_screen(item: RoomPushed, *, dry_run: bool) -> list[RenderableType]:
    report = item.outcome
    if not isinstance(report, CommitReport):
        return [Text(f"Not committed: {printable(str(report))}", style="red")]
    rows: list[tuple[str, RenderableType]] = [
        ("Entries", f"{counted(report.entries, 'entry', 'entries')} out of {counted(report.accounts, 'account')}"),
        ("Keys", _keys_words(report.keys)),
    ]
    if report.merged_accounts:
        rows.append(("Merged", f"{counted(report.merged_accounts, 'account')} into others that share a key"))
    parts: list[RenderableType] = [facts(rows)]
    lines = [
        f"{counted(number, 'key')} left out: {DROPPED[why]}" for why, number in report.dropped_keys.items() if number
    ]
    lines += _coarse_lines(report)
    parts.append(bullets(lines))
    parts.append(Text(_sent_words(report, dry_run=dry_run)))
    if report.held_back:
        parts.append(Text(f"It will wait: {printable(report.held_back)}", style="yellow"))
    return parts


def _coarse_lines(report: CommitReport) -> list[str]:
    lines = []
    if report.coarsened_keys:
        lines.append(f"{counted(report.coarsened_keys, 'key')} left out: too few entries look like theirs")
    for small, into in report.merged_segments:
        lines.append(f"{label_words(small)} counted as {label_words(into)}: too few entries")
    if report.left_out_entries:
        lines.append(f"{counted(report.left_out_entries, 'entry', 'entries')} left out: too few look alike")
    if report.not_counted_entries:
        missing = counted(report.not_counted_entries, "entry", "entries")
        lines.append(f"{missing} left out: in no segment that the terms count")
    return lines


def _sent_words(report: CommitReport, *, dry_run: bool) -> str:
    sent, waits = "Nothing new to send.", ""
    if report.number is not None:
        verb = "Would send" if dry_run else "Sent"
        sent = f"{verb} batch {report.number}: {counted(report.sent_rows, 'row')}"
        sent += f", {report.removed_entries:,} of them removals." if report.removed_entries else "."
    if report.waiting_entries:
        waits = (
            f" {counted(report.waiting_entries, 'changed entry', 'changed entries')} wait: for the next answer "
            "interval, or for enough others that change alike."
        )
    return sent + waits


def _room_document(item: RoomPushed, saved: Mapping[str, str]) -> dict[str, object]:
    document: dict[str, object] = {"room": item.room, "title": item.title, "saved": saved.get(item.room)}
    report = item.outcome
    if not isinstance(report, CommitReport):
        return {**document, "report": None, "problem": error_document(report)}
    values: dict[str, object] = {
        "accounts": report.accounts,
        "entries": report.entries,
        "keys": dict(report.keys),
        "merged_accounts": report.merged_accounts,
        "dropped_keys": dict(report.dropped_keys),
        "coarsened_keys": report.coarsened_keys,
        "merged_segments": [list(pair) for pair in report.merged_segments],
        "left_out_entries": report.left_out_entries,
        "not_counted_entries": report.not_counted_entries,
        "waiting_entries": report.waiting_entries,
        "batch": report.number,
        "sent_rows": report.sent_rows,
        "removed_entries": report.removed_entries,
        "held_back": report.held_back or None,
    }
    return {**document, "report": values, "problem": None}
