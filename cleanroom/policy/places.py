"""A set of contexts, put so that people can read it: cells, nominations, roles and windows of time.

A mask becomes few boxes that together are exactly the mask and do not overlap.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cleanroom.domain.vocabulary import Nomination, Role
from cleanroom.policy.space import BLOCK, NOMINATIONS, ROLES, Space

Window = tuple[datetime, datetime | None]
"""From an instant (included) until another (excluded); None: for good."""

_NOWHERE: Final = "0" * BLOCK


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A box of contexts: every combination of these. Cells are (the owner's segment, the recipient's)."""

    cells: tuple[tuple[str, str], ...]
    nominations: tuple[Nomination, ...]
    roles: tuple[Role, ...]
    windows: tuple[Window, ...]


def places(mask: int, space: Space) -> tuple[Place, ...]:
    """The boxes that a mask consists of, in the order of the space."""
    # Bits as text: the first character is bit 0. Blocks of one cell in one slice are then plain substrings.
    text = f"{mask:0{space.size}b}"[::-1]
    found: dict[int, dict[str, list[int]]] = {}
    for number, start in enumerate(range(0, space.size, BLOCK)):
        block = text[start : start + BLOCK]
        if block != _NOWHERE:
            part, cell = divmod(number, space.cells)
            found.setdefault(cell, {}).setdefault(block, []).append(part)
    alike: dict[tuple[str, tuple[int, ...]], list[int]] = {}
    for cell in sorted(found):
        for block, parts in found[cell].items():
            alike.setdefault((block, tuple(parts)), []).append(cell)
    return tuple(
        Place(
            cells=tuple(space.cell(cell) for cell in cells),
            nominations=nominations,
            roles=roles,
            windows=_windows(parts, space),
        )
        for (block, parts), cells in alike.items()
        for nominations, roles in _rectangles(block)
    )


def _rectangles(block: str) -> Iterable[tuple[tuple[Nomination, ...], tuple[Role, ...]]]:
    """Nominations that have the same roles, together."""
    alike: dict[tuple[Role, ...], list[Nomination]] = {}
    for index, nomination in enumerate(NOMINATIONS):
        row = block[index * len(ROLES) : (index + 1) * len(ROLES)]
        roles = tuple(role for role, bit in zip(ROLES, row, strict=True) if bit == "1")
        if roles:
            alike.setdefault(roles, []).append(nomination)
    return [(tuple(nominations), roles) for roles, nominations in alike.items()]


def _windows(parts: tuple[int, ...], space: Space) -> tuple[Window, ...]:
    """Slices in a row, as one window."""
    joined: list[list[int]] = []
    for part in parts:
        if joined and joined[-1][1] == part:
            joined[-1][1] = part + 1
        else:
            joined.append([part, part + 1])
    ends: tuple[datetime | None, ...] = (*space.slices, None)
    return tuple((space.slices[first], ends[after]) for first, after in joined)
