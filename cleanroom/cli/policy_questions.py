"""The questions of `cleanroom policy init`, and the policy that the answers make."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from cleanroom.agent.rooms import Room
from cleanroom.cli.invocation import Ask
from cleanroom.cli.output import printable
from cleanroom.cli.policy_file import moment_of
from cleanroom.cli.policy_words import Cell, moment_words
from cleanroom.cli.words import label_words
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.fields import FieldClass
from cleanroom.domain.vocabulary import Role
from cleanroom.messages.documents import moment
from cleanroom.messages.policy_chain import ground_of
from cleanroom.policy.conditions import covers
from cleanroom.policy.model import Ground, Policy, Rule
from cleanroom.policy.presets import Preset, preset

USUAL: Final = timedelta(days=365)
_ATTEMPTS: Final = 3
_NOT_SELLERS: Final = frozenset(Role) - {Role.SELLER}
_MEANINGS: Final = {
    Preset.COUNTS_ONLY: "counts only",
    Preset.NAMES: "which accounts match, and their names",
    Preset.CO_SELL: "that, and deals, mostly reduced, and contacts, reduced",
    Preset.FULL_TEAM: "deals and contacts in full, where one side has an open opportunity",
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a first policy is made of. `cells`, `sellers`: None leaves them as the preset has them."""

    preset: Preset
    until: datetime
    cells: frozenset[Cell] | None = None
    sellers: bool | None = None


def usual_end(room: Room, now: datetime) -> datetime:
    """When grants end if nobody says: after a year, or with the room."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return min(midnight + USUAL, moment(room.terms.expires))


def asked(ask: Ask, room: Room, *, until: datetime | None, now: datetime) -> Wanted:
    """What somebody at the terminal wants.

    Raises:
        InputRefused: if an answer is none of the choices three times.
    """
    other, labels, usual = printable(room.other.name), room.terms.segments, usual_end(room, now)
    choices = _listed(list(_MEANINGS.values()))
    number = _answer(ask, f"What may {other} see?\n{choices}\nOne number", _one_of(len(_MEANINGS)))
    chosen = list(_MEANINGS)[number]
    if chosen is Preset.COUNTS_ONLY:
        return Wanted(preset=chosen, until=until or usual)
    listed = _listed([label_words(label) for label in labels])
    mine = _answer(ask, f"For which of your accounts?\n{listed}\nNumbers with commas, or all", _some_of(labels))
    theirs = _answer(ask, f"And if {other} has them as which?\n{listed}\nNumbers with commas, or all", _some_of(labels))
    cells = frozenset((one, another) for one in mine for another in theirs)
    if until is None:
        until = _answer(ask, f"Until when? A date, such as {moment_words(usual)}", moment_of)
    return Wanted(
        preset=chosen,
        until=until,
        cells=None if len(cells) == len(labels) ** 2 else cells,
        sellers=None if chosen is Preset.NAMES else ask.sure(f"May {other}'s sellers see contact data?"),
    )


def made(room: Room, wanted: Wanted) -> Policy:
    """The preset, cut down to the cells that were asked for, with contact data for sellers or not."""
    ground = ground_of(room.terms)
    policy = preset(wanted.preset, owner=room.me, ground=ground, expires=wanted.until)
    rules = policy.rules
    if wanted.cells is not None:
        rules = tuple(cut for rule in rules if (cut := _cut(rule, wanted.cells)) is not None)
    if wanted.sellers is not None:
        roles = frozenset() if wanted.sellers else _NOT_SELLERS
        rules = tuple(
            replace(rule, when=replace(rule.when, roles=roles)) if _about_contacts(rule, ground) else rule
            for rule in rules
        )
    return replace(policy, rules=rules)


def _cut(rule: Rule, cells: frozenset[Cell]) -> Rule | None:
    """The rule in these cells only; None if none is left, since an empty set would mean every cell."""
    left = rule.when.segments & cells if rule.when.segments else cells
    return replace(rule, when=replace(rule.when, segments=left)) if left else None


def _about_contacts(rule: Rule, ground: Ground) -> bool:
    return any(covers(rule, entry) for entry in ground.catalogue if entry.field_class is FieldClass.CONTACT)


def _answer(ask: Ask, prompt: str, read: Callable[[str], T]) -> T:
    """What was typed, as `read` understands it; asked again if it does not."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return read(ask.text(prompt))
        except InputRefused as refused:
            prompt = f"{refused}\n{prompt.rsplit(chr(10), 1)[-1]}"
    return read(ask.text(prompt))


def _listed(words: list[str]) -> str:
    return "\n".join(f"  {number} {each}" for number, each in enumerate(words, start=1))


def _one_of(most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        found = text.strip()
        if not found.isascii() or not found.isdigit() or not 1 <= int(found) <= most:
            raise InputRefused(f"a number from 1 to {most}")
        return int(found) - 1

    return read


def _some_of(labels: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    one = _one_of(len(labels))

    def read(text: str) -> tuple[str, ...]:
        if text.strip().casefold() == "all":
            return labels
        return tuple(dict.fromkeys(labels[one(part)] for part in text.split(",")))

    return read
