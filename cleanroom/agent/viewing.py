"""What a user of mine, in a role, may see of what the other side has shown: decided anew, by the policies in force now.

What was sealed is the highest form that any role is shown. A form above the viewer's is reduced here, with the same
reductions that the owner would make, or hidden.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cleanroom.agent.reduce import bands, reduced
from cleanroom.domain.fields import Field, FieldType, Reduction
from cleanroom.domain.vocabulary import Form, Role
from cleanroom.policy.conditions import applies, covers
from cleanroom.policy.evaluate import Sides
from cleanroom.policy.model import Context, Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who looks: a role, and for a seller the name or e-mail address that the lists call him by."""

    role: Role
    name: str = ""
    email: str = ""

    def owns(self, account: Mapping[str, str]) -> bool:
        """Whether an account of mine is this user's, by its owner or the owner's address."""
        own = ((self.name, account.get("owner", "")), (self.email, account.get("owner_email", "")))
        return any(given.strip() and given.strip().casefold() == held.strip().casefold() for given, held in own)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell for one viewer: the forms of its role, and whether anything is granted to that role by name."""

    agreed: bool
    forms: Mapping[str, Form]
    by_name: bool
    catalogue: Mapping[str, Field] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Eyes:
    """A viewer in a room. `sides` is the other side's direction; decisions are remembered by cell."""

    sides: Sides
    viewer: Viewer
    at: datetime
    _cells: dict[tuple[str, str], Cell] = field(default_factory=dict, repr=False)

    def cell(self, theirs: str, mine: str) -> Cell:
        """What may be seen in a cell; nothing, if the room does not have these segments any more."""
        known = self._cells.get((theirs, mine))
        if known is None:
            known = self._cells[theirs, mine] = self._decided(theirs, mine)
        return known

    def sees(self, account: Mapping[str, str], cell: Cell) -> bool:
        """Whether the viewer may see the matches of an account of mine at all."""
        return self.viewer.role is not Role.SELLER or self.viewer.owns(account) or cell.by_name

    def lowered(
        self, cell: Cell, account: Mapping[str, tuple[Form, str]], hash_key: bytes
    ) -> dict[str, tuple[Form, str]]:
        """The fields of one account of the other side, name to (form, value), as the viewer's role has them."""
        catalogue, currency = cell.catalogue, self._currency(cell, account)
        seen: dict[str, tuple[Form, str]] = {}
        for name, (form, value) in account.items():
            entry, allowed = catalogue.get(name), cell.forms.get(name, Form.HIDDEN)
            if entry is None or allowed is Form.HIDDEN:
                continue
            shown = (form, value)
            if form is Form.FULL and allowed is Form.REDUCED:
                shown = (Form.REDUCED, reduced(entry, value, currency=currency, key=hash_key))
            elif form is Form.REDUCED and entry.reduced is Reduction.BANDED and not currency:
                shown = (form, _without_code(entry, value))
            if shown[1]:
                seen[name] = shown
        return seen

    def _decided(self, theirs: str, mine: str) -> Cell:
        labels = self.sides.ground.segments
        if theirs not in labels or mine not in labels or not self.sides.agreed(theirs, mine, self.at):
            return Cell(agreed=False, forms={}, by_name=False, catalogue={})
        context = Context(mine=theirs, theirs=mine, purpose=self.sides.use, role=self.viewer.role, at=self.at)
        forms = {entry.name: self.sides.form(entry.name, context) for entry in self.sides.ground.catalogue}
        by_name = any(
            forms[entry.name] is not Form.HIDDEN and self._is_named(entry, context)
            for entry in self.sides.ground.catalogue
        )
        catalogue = {entry.name: entry for entry in self.sides.ground.catalogue}
        return Cell(agreed=True, forms=forms, by_name=by_name, catalogue=catalogue)

    def _is_named(self, entry: Field, context: Context) -> bool:
        """Whether a grant of the other side names the viewer's role."""
        rules = self.sides.owner.rules if self.sides.owner is not None else ()
        return any(
            rule.effect is Effect.GRANT
            and self.viewer.role in rule.when.roles
            and covers(rule, entry)
            and applies(rule, self.sides.recipient_id, context)
            for rule in rules
        )

    def _currency(self, cell: Cell, account: Mapping[str, tuple[Form, str]]) -> str:
        for entry in self.sides.ground.catalogue:
            if entry.type is FieldType.CURRENCY and cell.forms.get(entry.name) is Form.FULL:
                return account.get(entry.name, (Form.HIDDEN, ""))[1]
        return ""


def _without_code(entry: Field, band: str) -> str:
    """A band without its currency; "" if its edges would tell the currency all the same."""
    plain = " ".join(word for word in band.split(" ") if not (len(word) == 3 and word.isupper()))  # noqa: PLR2004 - ISO 4217
    return plain if plain in bands(entry, "") else ""
