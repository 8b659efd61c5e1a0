"""What an audit found, on the screen and for scripts."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from rich.console import RenderableType
from rich.text import Text

from cleanroom.audit import budgets
from cleanroom.audit.result import Audit, Finding, MemberSeen
from cleanroom.cli.output import facts, printable, table
from cleanroom.cli.words import ago, counted, label_words
from cleanroom.messages.identity import same_words

_ROOT_SHOWN = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Fingerprints that were given: the ids whose words they are (or "escrow"), and how many are nobody's."""

    known: frozenset[str]
    strangers: int


def compared(audit: Audit, given: Sequence[str]) -> Compared:
    """The words of each party compared with what was typed."""
    parties = {"escrow": audit.escrow_words, **{member.partner: member.words for member in audit.members}}
    fitting = [{party for party, words in parties.items() if same_words(text, words)} for text in given]
    return Compared(known=frozenset().union(*fitting), strangers=sum(not found for found in fitting))


def verdict(audit: Audit) -> Text:
    """The first line: whether it holds."""
    failed = sum(finding.broken for finding in audit.findings)
    if failed:
        return Text(f"Does not hold: {counted(failed, 'check')} failed.", style="bold red")
    return Text("Holds: every check that could be made was passed.", style="bold green")


def audit_screen(audit: Audit, words: Compared, now: datetime) -> list[RenderableType]:
    """The verdict, what was checked, who cosigned, whose keys these are, and the findings."""
    parts: list[RenderableType] = [verdict(audit)]
    if words.strangers:
        # First: a log that holds under strangers' keys says nothing.
        text = f"{counted(words.strangers, 'fingerprint')} that you gave: of nobody in this bundle."
        parts.insert(0, Text(f"{text} Somebody may have made it with keys of their own.", style="bold red"))
    checked = [f"{number:,} {label_words(name)}" for name, number in audit.checked.items()]
    rows: list[tuple[str, RenderableType]] = [
        ("Room", f"{printable(audit.title)} ({printable(audit.room)})"),
        ("Log", f"{counted(audit.size, 'entry', 'entries')}, root {printable(audit.root)}"),
        ("Newest", f"{audit.at} by the escrow's clock" if audit.at else "at a moment that the escrow has not signed"),
        ("Checked", printable(", ".join(checked)) or "nothing"),
    ]
    if audit.erased:
        rows.append(("Erased", f"{counted(audit.erased, 'record')}: only the hash is left, and was checked"))
    parts += [facts(rows), Text("\nCosigned", style="bold"), _members(audit, now)]
    parts += budgets_screen([audit])
    parts += [Text("\nFingerprints", style="bold"), _fingerprints(audit, words)]
    if not words.known:
        hint = "Compare them by voice with each party, or say --fingerprint 'eight words': keys are whose words fit."
        parts.append(Text(hint, style="dim"))
    return parts + findings_screen(audit.findings)


def findings_screen(findings: Sequence[Finding]) -> list[RenderableType]:
    """What a reviewer must know; failed checks first."""
    if not findings:
        return []
    shown = table("", "Where", "What")
    for finding in in_order(findings):
        mark = Text("failed", style="bold red") if finding.broken else Text("note", style="yellow")
        shown.add_row(mark, printable(finding.where), printable(finding.what))
    return [Text("\nFindings", style="bold"), shown]


def in_order(findings: Sequence[Finding]) -> list[Finding]:
    """Failed checks first, otherwise as they were found."""
    return sorted(findings, key=lambda finding: not finding.broken)


def audit_document(audit: Audit, words: Compared) -> dict[str, object]:
    """The same for scripts."""
    return {
        **verdict_document(audit),
        "holds": audit.holds and not words.strangers,
        "checked": dict(audit.checked),
        "erased": audit.erased,
        "budgets": budgets_document([audit]),
        "escrow": {"words": audit.escrow_words, "compared": "escrow" in words.known},
        "members": [{**asdict(member), "compared": member.partner in words.known} for member in audit.members],
        "unknown_fingerprints": words.strangers,
    }


def together_screen(audits: Sequence[Audit], found: Sequence[Finding]) -> list[RenderableType]:
    """Several bundles: each one's verdict, the budgets over all of them, and what is broken in them."""
    shown = table("Room", "Entries", "Verdict", right=(1,))
    for audit in audits:
        shown.add_row(printable(audit.title), f"{audit.size:,}", verdict(audit))
    findings = [finding for audit in audits for finding in audit.findings]
    return [shown, *budgets_screen(audits), *findings_screen([*found, *findings])]


def together_document(audits: Sequence[Audit], found: Sequence[Finding]) -> dict[str, object]:
    """The same for scripts."""
    return {
        "holds": not found and all(audit.holds for audit in audits),
        "bundles": [verdict_document(audit) for audit in audits],
        "budgets": budgets_document(audits),
        "findings": [asdict(finding) for finding in found],
    }


def budgets_screen(audits: Sequence[Audit]) -> list[RenderableType]:
    """What each list has given of its budgets, recounted; nothing where no answer was given."""
    lines = budgets.table(audits)
    if not lines:
        return []
    names = {member.partner: member.name for audit in audits for member in audit.members}
    shown = table("List of", "To", "Spent in a year", "Answers", "Corrections", "Refilled", right=(2, 4, 5))
    for line in lines:
        words = spent_words(line, names.get(line.recipient, ""))
        shown.add_row(printable(names[line.owner]), *map(printable, words))
    return [Text("\nAnswers, recounted", style="bold"), shown]


def spent_words(line: budgets.Spent, to: str) -> tuple[str, ...]:
    """A line of the table behind the owner's name."""
    answers = ", ".join(f"{number:,} {mode}" for mode, number in line.answers.items())
    spent = f"{line.units:,} of {line.of:,}" if line.budgeted else "no budget"
    return to or "all partners", spent, answers, f"{line.corrections:,}", f"{line.refilled:,}"


def budgets_document(audits: Sequence[Audit]) -> list[dict[str, object]]:
    """The same for scripts."""
    return [asdict(line) for line in budgets.table(audits)]


def verdict_document(audit: Audit) -> dict[str, object]:
    """Which log, whether it holds, and what was found."""
    return {
        "holds": audit.holds,
        "room": audit.room,
        "title": audit.title,
        "size": audit.size,
        "root": audit.root,
        "at": audit.at,
        "findings": [asdict(finding) for finding in in_order(audit.findings)],
    }


def _members(audit: Audit, now: datetime) -> RenderableType:
    shown = table("Member", "Id", "Entries", "At", right=(2,))
    for member in audit.members:
        shown.add_row(printable(member.name), printable(member.partner), *_cosigned(member, now))
    return shown


def _cosigned(member: MemberSeen, now: datetime) -> tuple[str, str]:
    if not member.cosigned_at:
        return "-", "never"
    return f"{member.cosigned_size:,}", f"{ago(member.cosigned_at, now)} ({member.cosigned_at})"


def _fingerprints(audit: Audit, words: Compared) -> RenderableType:
    shown = table("Of", "Words", "Compared")
    parties = [("escrow", "the escrow", audit.escrow_words)]
    parties += [(member.partner, member.name, member.words) for member in audit.members]
    for party, name, fingerprint in parties:
        mark = Text("fits", style="green") if party in words.known else Text("not yet", style="yellow")
        shown.add_row(printable(name), printable(" ".join(fingerprint)), mark)
    return shown
