"""`cleanroom audit show`: a room's log as people read it."""

import re
from datetime import timedelta
from typing import Annotated, Final

import typer
from rich.console import RenderableType
from rich.text import Text

from cleanroom.audit.result import Audit
from cleanroom.audit.timeline import TYPES, Asked, Line, timeline
from cleanroom.audit.words import ESCROW
from cleanroom.cli.audit_bundle import BundleArgument, audited, end_as
from cleanroom.cli.audit_view import budgets_screen, findings_screen, verdict, verdict_document
from cleanroom.cli.invocation import JsonOption, begin
from cleanroom.cli.output import printable, table
from cleanroom.cli.policy_file import moment_of
from cleanroom.cli.words import counted
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.fields import ACCOUNT
from cleanroom.messages.documents import instant

MOST_LINES: Final = 500
_SHORTEST: Final = 6
_DAY_LENGTH: Final = len("2026-12-31")


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("show", epilog="Example: cleanroom audit show acme-globex.cleanroom-audit --field amount")(show)


def show(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    bundle: BundleArgument,
    *,
    partner: Annotated[str | None, typer.Option(help="Whose acts: name, id or its beginning; or escrow.")] = None,
    account: Annotated[
        str | None,
        typer.Option(metavar="HANDLE", help="Releases that speak of this entry, and what they showed."),
    ] = None,
    field: Annotated[str | None, typer.Option(help="Releases that may show it, policies that speak of it.")] = None,
    person: Annotated[str | None, typer.Option(metavar="USER-ID", help="Policies that this user signed.")] = None,
    policy: Annotated[
        str | None, typer.Option(help="A version, or a digest's beginning, and what was done under it.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="From this date or moment on (UTC).")] = None,
    until: Annotated[str | None, typer.Option(help="Up to this moment, or the end of this date (UTC).")] = None,
    kind: Annotated[str | None, typer.Option("--type", help="Entries of a type, such as release-recorded.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help=f"The last so many. (screen: {MOST_LINES})")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show who did what and when, oldest first. What is asked for by several options must all hold.

    The bundle is checked first; if it does not hold, that is said on top, and the command ends with 4.
    """
    run = begin(context, None, as_json=as_json)
    audit = audited(run, bundle)
    asked = Asked(
        partner=_partner(audit, partner),
        account=_beginning("account", account),
        field=_field(audit, field),
        person=_beginning("person", person),
        policy=_policy(policy),
        since=instant(moment_of(since)) if since else None,
        until=_until(until) if until else None,
        type=_type(kind),
    )
    lines = timeline(audit, asked)
    kept = lines[-limit:] if limit else lines
    document = {**verdict_document(audit), "lines": [_document(line) for line in kept]}
    run.out.result(document, *_screen(audit, asked, lines, limit or MOST_LINES))
    end_as(audit)


def _partner(audit: Audit, given: str | None) -> str | None:
    """The id of a member, or the escrow."""
    if given is None or given.casefold() == ESCROW:
        return given and ESCROW
    wanted = given.casefold()
    found = [
        member.partner
        for member in audit.members
        if member.name.casefold() == wanted or (len(wanted) >= _SHORTEST and member.partner.startswith(wanted))
    ]
    if len(found) != 1:
        raise InputRefused("partner: a member's name, its id or the beginning of it, or escrow")
    return found[0]


def _beginning(option: str, given: str | None) -> str | None:
    if given is not None and not re.fullmatch(r"[0-9a-f]{6,32}", given.lower()):
        raise InputRefused(f"{option}: at least the first {_SHORTEST} of 32 hex characters")
    return given and given.lower()


def _field(audit: Audit, given: str | None) -> str | None:
    """A field that the room has or had: a slip of the pen must not read as "nothing was shown"."""
    known = {ACCOUNT, *(entry.name for entry in audit.catalogue), *(row.field for row in audit.shown)}
    if given is not None and audit.catalogue and given not in known:
        raise InputRefused(f"field: one of {', '.join(sorted(known))}")
    return given


def _policy(given: str | None) -> str | None:
    if given is not None and not re.fullmatch(r"[0-9]{1,5}|[0-9a-f]{6,64}", given.lower()):
        raise InputRefused("policy: a version, or at least the first 6 of 64 hex characters")
    return given and given.lower()


def _type(given: str | None) -> str | None:
    if given is not None and not any(known.startswith(given) for known in TYPES):
        raise InputRefused("type: begins none of the types of entries, such as release-recorded")
    return given


def _until(given: str) -> str:
    whole_day = len(given.strip()) <= _DAY_LENGTH
    return instant(moment_of(given) + (timedelta(days=1, seconds=-1) if whole_day else timedelta(0)))


def _screen(audit: Audit, asked: Asked, lines: list[Line], limit: int) -> list[RenderableType]:
    parts: list[RenderableType] = [] if audit.holds else [verdict(audit), *findings_screen(audit.findings)]
    parts.append(Text(f"\n{printable(audit.title)}: {counted(audit.size, 'entry', 'entries')}", style="bold"))
    if audit.erased and (asked.account or asked.field not in (None, ACCOUNT)):
        words = f"{counted(audit.erased, 'record')} erased: what was shown of those is not in the bundle."
        parts.append(Text(words, style="yellow"))
    if not lines:
        return [*parts, Text("Nothing.")]
    if len(lines) > limit:
        parts.append(Text(f"{len(lines) - limit:,} earlier: --limit N, --since DATE", style="dim"))
    shown = table("Entry", "When (UTC)", "Who", "What", right=(0,))
    for line in lines[-limit:]:
        what = Text(printable(line.what)) + Text(
            "".join(f"\n- {printable(each)}" for each in line.details), style="cyan"
        )
        shown.add_row(str(line.index), line.at.replace("T", "\n").removesuffix("Z"), printable(line.who), what)
    unasked = asked == Asked(since=asked.since, until=asked.until)
    return [*parts, shown, *(budgets_screen([audit]) if unasked else [])]


def _document(line: Line) -> dict[str, object]:
    return {
        "index": line.index,
        "at": line.at,
        "type": line.type,
        "who": line.who,
        "what": line.what,
        "details": line.details,
    }
