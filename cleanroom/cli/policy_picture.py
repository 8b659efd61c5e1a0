"""The picture of a policy: fields x places, where cells and roles that are shown the same stand in one column."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from string import ascii_uppercase
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from cleanroom.cli.output import facts, table
from cleanroom.cli.policy_words import Cell, cells_words, form_text, roles_words
from cleanroom.domain.fields import ACCOUNT
from cleanroom.domain.vocabulary import Form, Nomination, Role
from cleanroom.policy.evaluate import Sides
from cleanroom.policy.levels import final_levels
from cleanroom.policy.model import forms_of
from cleanroom.policy.space import Space

_COLUMNS: Final = 6
"""Columns side by side: more do not fit on a screen of 80 characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Cells, (the owner's segment, the recipient's), and roles that see the same: `forms` by field."""

    cells: tuple[Cell, ...]
    roles: tuple[Role, ...]
    forms: Mapping[str, Form]


def columns(sides: Sides, at: datetime, nomination: Nomination) -> tuple[Column, ...]:
    """What is shown everywhere at one moment, for accounts in this state of nomination."""
    space = Space.of(sides.ground.segments, sides.use, at=at, cuts=())
    levels = final_levels(sides, space)
    seen: dict[Cell, dict[Role, tuple[Form, ...]]] = {}
    for bit, context in enumerate(space.contexts()):
        if context.nomination is nomination:
            forms = tuple(
                forms_of(name)[(level.shown >> bit & 1) + (level.most >> bit & 1)] for name, level in levels.items()
            )
            seen.setdefault((context.mine, context.theirs), {})[context.role] = forms
    alike: dict[tuple[tuple[Form, ...], ...], list[Cell]] = {}
    for cell, by_role in seen.items():
        alike.setdefault(tuple(by_role[role] for role in Role), []).append(cell)
    return tuple(
        Column(
            cells=tuple(cells),
            roles=tuple(role for role, each in zip(Role, by_role, strict=True) if each == forms),
            forms=dict(zip(levels, forms, strict=True)),
        )
        for by_role, cells in alike.items()
        for forms in dict.fromkeys(by_role)
    )


def swapped(found: tuple[Column, ...]) -> tuple[Column, ...]:
    """The same with cells as the recipient says them."""
    return tuple(replace(column, cells=tuple((mine, theirs) for theirs, mine in column.cells)) for column in found)


def picture(found: tuple[Column, ...], sides: Sides) -> list[RenderableType]:
    """A table with a letter for each column, and what the letters stand for."""
    entries = {entry.name: entry for entry in sides.ground.catalogue}
    letters = [_letter(number) for number in range(len(found))]
    parts: list[RenderableType] = []
    numbered = zip(letters, found, strict=True)
    while some := list(islice(numbered, _COLUMNS)):
        shown = table("Field", *(letter for letter, _ in some))
        for name in (ACCOUNT, *entries):
            shown.add_row(name, *(form_text(column.forms[name], entries.get(name)) for _, column in some))
        parts.append(shown)
    parts.append(facts([(letter, _where(column, sides)) for letter, column in zip(letters, found, strict=True)]))
    return parts


def picture_document(found: tuple[Column, ...]) -> list[dict[str, object]]:
    """The picture for scripts."""
    return [
        {
            "cells": [list(cell) for cell in column.cells],
            "roles": [role.value for role in column.roles],
            "forms": {name: form.value for name, form in column.forms.items()},
        }
        for column in found
    ]


def _where(column: Column, sides: Sides) -> Text:
    roles = roles_words(column.roles)
    return Text(cells_words(column.cells, sides.ground.segments) + (f"; for {roles}" if roles else ""))


def _letter(number: int) -> str:
    """A, B, ... Z, A2, B2, ..."""
    turn, place = divmod(number, len(ascii_uppercase))
    return ascii_uppercase[place] + (str(turn + 1) if turn else "")
