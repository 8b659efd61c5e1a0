"""The report on a room's log as one page: nothing in it is loaded from anywhere, and all text passes `safe`."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from cleanroom.audit import budgets
from cleanroom.audit.report import Cell, Matrix, Report, Round, Step
from cleanroom.audit.result import Audit, Finding
from cleanroom.audit.words import SHORT, Names, approval_words, names_of
from cleanroom.cli.audit_report_view import numbers_words, versions_words
from cleanroom.cli.audit_view import in_order, spent_words, verdict
from cleanroom.cli.html.frame import framed, safe
from cleanroom.cli.policy_file import shell_word
from cleanroom.cli.policy_words import moment_words
from cleanroom.cli.words import counted, label_words
from cleanroom.domain.fields import ACCOUNT
from cleanroom.messages.documents import moment

_NOTHING = '<p class="soft">None.</p>'


def report_page(audit: Audit, found: Report, *, bundle: str, now: datetime) -> str:
    """The page's text. `bundle` is the name of the file that was checked."""
    names = names_of(audit)
    anomalies = _section("Anomalies", _findings(audit.findings))
    parts = [
        _summary(audit),
        *([] if audit.holds else [anomalies]),
        _section("What was seen", _matrices(found.matrices, names)),
        _section("Answers, recounted", _answers(audit)),
        _section("Widenings", _steps(found.widenings, names)),
        _section("Narrowings", _steps(found.narrowings, names)),
        _section("Openings", _rounds(found.rounds, names)),
        *([anomalies] if audit.holds else []),
        _section("Check it again", _again(audit, bundle)),
    ]
    return framed(
        "report.html",
        title=safe(f"What was disclosed: {audit.title}"),
        made=safe(moment_words(now)),
        parts="\n".join(parts),
    )


def _section(heading: str, content: str) -> str:
    return f"<section>\n<h2>{safe(heading)}</h2>\n{content or _NOTHING}\n</section>"


def _summary(audit: Audit) -> str:
    checked = ", ".join(f"{number:,} {label_words(name)}" for name, number in audit.checked.items())
    erased = f"{counted(audit.erased, 'record')}; they are in no number below" if audit.erased else "none"
    kind = "holds" if audit.holds else "broken"
    rows = [
        ("Room", f"{audit.title} ({audit.room})"),
        ("Members", ", ".join(member.name for member in audit.members)),
        ("Log", f"{counted(audit.size, 'entry', 'entries')}, up to {_when(audit.at)}"),
        ("Checked", checked or "nothing"),
        ("Erased", erased),
    ]
    return f'<p class="verdict {kind}">{safe(verdict(audit).plain)}</p>\n{_facts(rows)}'


def _answers(audit: Audit) -> str:
    names = names_of(audit)
    headers = ["List of", "To", "Spent in a year", "Answers", "Corrections", "Refilled"]
    rows = [
        [
            _row_head(names.partner(line.owner)),
            *(f"<td>{safe(words)}</td>" for words in spent_words(line, names.partner(line.recipient))),
        ]
        for line in budgets.table([audit])
    ]
    return _table("What each list has given of its budget of answers", headers, rows) if rows else ""


def _matrices(matrices: Sequence[Matrix], names: Names) -> str:
    return "\n".join(_matrix(matrix, names) for matrix in matrices)


def _matrix(matrix: Matrix, names: Names) -> str:
    sender, recipient = (names.partner(partner) for partner in matrix.direction)
    headers = ["Field", *(f"{label_words(mine)} x {label_words(theirs)}" for mine, theirs in matrix.cells)]
    rows = [[_row_head(name), *(_seen(matrix, name, cell) for cell in matrix.cells)] for name in matrix.fields]
    caption = (
        f"Accounts by cell: {sender}'s segment x {recipient}'s; under versions of policies: {sender}'s / {recipient}'s"
    )
    return f"<h3>{safe(recipient)} saw of {safe(sender)}</h3>\n{_table(caption, headers, rows)}"


def _seen(matrix: Matrix, name: str, cell: Cell) -> str:
    found = matrix.seen.get((name, cell), ())
    if not found:
        return '<td class="none">-</td>'
    lines = "<br>".join(safe(numbers_words(each, plain=name == ACCOUNT)) for each in found)
    under = versions_words(matrix.versions.get((name, cell), ()))
    return f'<td class="number">{lines}<small>{safe(under)}</small></td>'


def _steps(steps: Sequence[Step], names: Names) -> str:
    rows = [
        [
            _row_head(str(step.index)),
            _time(step.entry.at),
            _cell(f"{names.partner(step.entry.owner)}, version {step.entry.version}"),
            _cell("revokes every grant" if step.entry.revokes else _way(step)),
            _cell(f"written by {step.entry.author[:SHORT]}", approval_words(step.entry)),
        ]
        for step in steps
    ]
    caption = "Policies that came into force, each at the moment it took effect"
    return _table(caption, ["Entry", "In force since", "Policy", "Change", "Signed"], rows) if rows else ""


def _way(step: Step) -> str:
    words = [word for word, holds in (("widens", step.entry.widens), ("narrows", step.entry.narrows)) if holds]
    return " and ".join(words) + ("; a new epoch" if step.entry.fresh_epoch else "")


def _rounds(rounds: Sequence[Round], names: Names) -> str:
    rows = [
        [
            _row_head(f"{item.number} of epoch {item.epoch}"),
            _cell(*(f"{names.partner(each.prover)}: {each.rows} rows, {_when(each.at)}" for each in item.openings)),
            _cell(*(f"{names.partner(each.prover)}: {names.cells(each.cells)}" for each in item.openings)),
            _time(item.exchanged) if item.exchanged else _cell("no"),
        ]
        for item in rounds
    ]
    caption = "Rounds in which matches were opened to both sides; in cells its own segment comes first"
    return _table(caption, ["Round", "On record", "Cells", "Handed over"], rows) if rows else ""


def _findings(findings: Sequence[Finding]) -> str:
    rows = [
        [_row_head("failed" if item.broken else "note"), _cell(item.where), _cell(item.what)]
        for item in in_order(findings)
    ]
    return _table("What an assessor must know; failed checks first", ["", "Where", "What"], rows) if rows else ""


def _again(audit: Audit, bundle: str) -> str:
    file = safe(shell_word(bundle))
    words = [("the escrow", audit.escrow_words), *((member.name, member.words) for member in audit.members)]
    rows = [
        ("Root", audit.root),
        ("Entries", f"{audit.size:,}"),
        *((f"Fingerprint of {name}", " ".join(fingerprint)) for name, fingerprint in words),
    ]
    cosigned = [
        (f"Cosigned by {member.name}", f"the first {member.cosigned_size:,} entries, {_when(member.cosigned_at)}")
        for member in audit.members
        if member.cosigned_at
    ]
    return (
        f"<p><code>cleanroom audit verify {file} --fingerprint &#x27;EIGHT WORDS&#x27;</code></p>"
        "<p>It needs the file and nothing else. Ask each party for its eight words, over a channel that the escrow "
        "does not run, and give them one by one. A newer bundle must continue this one: keep the file, and say "
        f"<code>--previous {file}</code>.</p>{_facts([*rows, *cosigned])}"
    )


def _facts(rows: Iterable[tuple[str, str]]) -> str:
    return "<dl>" + "".join(f"<dt>{safe(name)}</dt><dd>{safe(value)}</dd>" for name, value in rows) + "</dl>"


def _table(caption: str, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{safe(header)}</th>' for header in headers)
    body = "\n".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return (
        f'<div class="wide"><table class="lists"><caption>{safe(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row_head(text: str) -> str:
    return f'<th scope="row">{safe(label_words(text))}</th>'


def _time(at: str) -> str:
    return f'<td class="number">{safe(_when(at))}</td>'


def _when(at: str) -> str:
    return moment_words(moment(at)) if at else "a moment that nobody signed"


def _cell(*lines: str) -> str:
    return f"<td>{'<br>'.join(map(safe, lines))}</td>"
