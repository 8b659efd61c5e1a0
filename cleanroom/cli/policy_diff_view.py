"""A change of policy, put before the people who sign it: every context that changes, widenings first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cleanroom.agent.supposed import most_open
from cleanroom.cli.output import bullets, printable, table
from cleanroom.cli.policy_words import place_words, step_texts
from cleanroom.cli.words import counted
from cleanroom.domain.vocabulary import PartnerId
from cleanroom.messages.documents import instant
from cleanroom.messages.policy_chain import change_of, ground_of, sides_of
from cleanroom.messages.rooms import Terms
from cleanroom.policy.diff import Change, Diff, diff
from cleanroom.policy.model import Policy
from cleanroom.policy.own_change import OwnChange
from cleanroom.policy.places import Place

MOST_PLACES: Final = 8
"""Places of one change on the screen; `--json` has all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two policies of mine in a room. `to_them` is what I show differently, `to_me` what I would be shown differently.

    `own` is what the change could do whatever the other side's policy says. `as_if`: compared as if the other side
    showed and accepted everything. `approvers`: how many of mine may approve; None where that is not known.
    """

    terms: Terms
    me: PartnerId
    names: tuple[str, str]
    to_them: Diff
    to_me: Diff
    own: OwnChange
    as_if: bool
    now: datetime
    approvers: int | None


def compared(  # noqa: PLR0913 - two policies, and where they are compared
    terms: Terms,
    old: Policy | None,
    new: Policy,
    *,
    theirs: Policy | None,
    names: tuple[str, str],
    now: datetime,
    approvers: int | None,
) -> Compared:
    """The two policies side by side, towards the other side's. Without one, as if it showed and accepted everything."""
    other = terms.other(new.owner).partner
    towards = theirs or most_open(other)
    before, after = (sides_of(terms, new.owner, mine=mine, theirs=towards) for mine in (old, new))
    return Compared(
        terms=terms,
        me=new.owner,
        names=names,
        to_them=diff(before, after, at=now),
        to_me=diff(before.turned(), after.turned(), at=now),
        own=change_of(old, new, terms=terms, at=now),
        as_if=theirs is None,
        now=now,
        approvers=approvers,
    )


def diff_screen(found: Compared) -> list[RenderableType]:
    """What changes in both directions."""
    me, other = printable(found.terms.member(found.me).name), printable(found.terms.other(found.me).name)
    before, after = map(printable, found.names)
    parts: list[RenderableType] = [Text(f"{before} -> {after}", style="bold")]
    if found.as_if:
        parts.append(Text(f"Compared as if {other} showed and accepted everything.", style="dim"))
    for heading, changes in ((f"\n{me} shows to {other}", found.to_them), (f"\n{other} shows to {me}", found.to_me)):
        parts.append(Text(heading, style="bold"))
        parts.append(_table(changes, found, swap=changes is found.to_me) if changes.changes else Text("No difference."))
    return parts


def consequences_screen(found: Compared) -> RenderableType:
    """What signing the change asks for, and starts."""
    return bullets(list(_consequences(found)))


def diff_document(found: Compared) -> dict[str, object]:
    """The same for scripts; nothing is left out."""
    return {
        "before": found.names[0],
        "after": found.names[1],
        "as_if_other_side_shows_everything": found.as_if,
        "to_them": [_change_document(change) for change in found.to_them.changes],
        "to_me": [_change_document(change) for change in found.to_me.changes],
        "widens": found.own.widens,
        "narrows": found.own.narrows,
        "needs_second_person": found.own.widens,
        "starts_epoch": found.own.narrows,
    }


def _consequences(found: Compared) -> Iterator[str]:
    if found.own.widens:
        yield "It widens: in force only when a second person has approved it."
        if found.approvers == 1:
            other = found.terms.other(found.me).name
            yield f"Only one person of yours may approve: alone, 24 hours after it is proposed, and {other} sees that."
    else:
        yield "It does not widen: in force at once, with its author's signature."
    if found.own.narrows:
        yield "It narrows: a new epoch starts, and what is no longer shown is withdrawn. What was seen was seen."


def _table(found: Diff, compared_: Compared, *, swap: bool) -> Table:
    """A section for each group of fields that change in the same places."""
    entries = {entry.name: entry for entry in ground_of(compared_.terms).catalogue}
    shown = table("", "Where (mine x theirs)", "Field", "From", "To")
    alike: dict[tuple[bool, tuple[Place, ...]], list[Change]] = {}
    for change in found.changes:
        alike.setdefault((change.widens, change.places), []).append(change)
    for (widens, places), changes in alike.items():
        way = Text("wider" if widens else "narrower", style="red" if widens else "green")
        where = _where(places, compared_, swap=swap)
        for change in changes:
            shown.add_row(way, where, change.field, *step_texts(change.before, change.after, entries.get(change.field)))
            way, where = Text(""), ""
        shown.add_section()
    return shown


def _where(places: Sequence[Place], found: Compared, *, swap: bool) -> str:
    shown = [_swapped(place) if swap else place for place in places[:MOST_PLACES]]
    lines = [place_words(place, found.terms.segments, found.now) for place in shown]
    if len(places) > MOST_PLACES:
        lines.append(f"and {counted(len(places) - MOST_PLACES, 'more place')} (--json has all)")
    return "\n".join(lines)


def _swapped(place: Place) -> Place:
    return Place(
        cells=tuple((mine, theirs) for theirs, mine in place.cells),
        nominations=place.nominations,
        roles=place.roles,
        windows=place.windows,
    )


def _change_document(change: Change) -> dict[str, object]:
    return {
        "field": change.field,
        "before": change.before.value,
        "after": change.after.value,
        "widens": change.widens,
        "contexts": change.contexts,
        "places": [
            {
                "cells_owner_recipient": [list(cell) for cell in place.cells],
                "nominations": [each.value for each in place.nominations],
                "roles": [role.value for role in place.roles],
                "windows": [[instant(begins), instant(ends) if ends else None] for begins, ends in place.windows],
            }
            for place in change.places
        ],
    }
