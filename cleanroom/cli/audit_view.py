"""What an audit found, on the screen and for scripts."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from rich.console import RenderableType
from rich.text import Text

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
        "escrow": {"words": audit.escrow_words, "compared": "escrow" in words.known},
        "members": [{**asdict(member), "compared": member.partner in words.known} for member in audit.members],
        "unknown_fingerprints": words.strangers,
    }


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
