"""A decision as the ledger keeps it: what two policies let one side show, in every agreed cell, at one moment.

Escrow and auditor make it from the same two policies; the digest of the table says that they made the same.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cleanroom.domain.fields import ACCOUNT
from cleanroom.domain.vocabulary import Form, Nomination
from cleanroom.policy.evaluate import Sides
from cleanroom.policy.model import LEVEL

RULES: Final = "cleanroom/1"
"""The version of the evaluator. It moves when two policies would give another form anywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """`cells` are (owner's segment, recipient's), by index and ascending; `forms` has what is not hidden, for each."""

    cells: tuple[tuple[int, int], ...]
    forms: tuple[dict[str, Form], ...]

    def highest(self) -> dict[str, Form]:
        """Of each field that is shown anywhere, its highest form."""
        found: dict[str, Form] = {}
        for forms in self.forms:
            for name, form in forms.items():
                if name not in found or LEVEL[form] > LEVEL[found[name]]:
                    found[name] = form
        return dict(sorted(found.items()))

    def table(self) -> str:
        """SHA-256 of the canonical JSON of [[owner's segment, recipient's, {field: form}], ...], in hex."""
        rows = [[*cell, forms] for cell, forms in zip(self.cells, self.forms, strict=True)]
        return hashlib.sha256(json.dumps(rows, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def decision(sides: Sides, at: datetime) -> Decision:
    """What `sides.owner` shows to the recipient at a moment. Nominations are not part of the ledger yet."""
    labels, cells = sides.ground.segments, tuple(sorted(sides.agreed_cells(at)))
    return Decision(cells=cells, forms=tuple(_shown(sides, labels[i], labels[j], at) for i, j in cells))


def uncounted(there: Sides, at: datetime) -> tuple[tuple[int, int], ...]:
    """The cells (owner's segment, recipient's), ascending, whose number one of the two sides does not give."""
    back, count, labels = there.turned(), LEVEL[Form.COUNT], there.ground.segments
    return tuple(
        (i, j)
        for i, mine in enumerate(labels)
        for j, theirs in enumerate(labels)
        if LEVEL[there.account(mine, theirs, at)] < count or LEVEL[back.account(theirs, mine, at)] < count
    )


def _shown(sides: Sides, mine: str, theirs: str, at: datetime) -> dict[str, Form]:
    forms = sides.cell_forms(mine, theirs, at, Nomination.NONE)
    shown = {name: form for name, form in forms.items() if form is not Form.HIDDEN and name != ACCOUNT}
    return {ACCOUNT: Form.EXISTS, **shown}
