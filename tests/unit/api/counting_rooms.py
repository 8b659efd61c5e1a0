"""Rooms whose answers are paid for, and what their members and their operator can see of them."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from conftest import Escrow, Setting, open_room
from httpx2 import Response
from partner import START, Partner, companies, digest_in
from people import Side
from policymakers import envelope
from sqlalchemy import select

from cleanroom.messages.api import GaugeView
from cleanroom.messages.counting import Allowance, Correction, CountingWish
from cleanroom.messages.documents import instant
from cleanroom.messages.entries import AnyEntry, read_entry
from cleanroom.messages.lists import Answer, Snapshot
from cleanroom.messages.rooms import Terms
from escrow.counting_tables import DrawRecord, RefillRecord, SpendRecord
from escrow.ledger_tables import LogEntry
from matching.disclosure.modes import STANDARD
from matching.rows import concatenated

MINUTE = 60
MONTH = STANDARD.interval_seconds
YEARS = instant(START + timedelta(days=5 * 365))
BUDGETED: dict[str, Any] = {
    "counting": {"mode": "standard", "floor": 2, "caps": "budget"},
    "answer_interval": MINUTE,
    "epoch_days": 366,
    "expires": YEARS,
}


@dataclass
class Counting:
    """Two partners with their lists in a room, batch by batch."""

    escrow: Escrow
    setting: Setting
    a: list[Snapshot] = field(default_factory=list)
    b: list[Snapshot] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"/v1/rooms/{self.setting.room}"

    def begin(self) -> None:
        """Both push their lists, and evaluate each other's."""
        a, b = self.setting.push_both()
        self.a, self.b = [a], [b]
        self.evaluate()

    def evaluate(self) -> None:
        self.setting.evaluate_both(self.a, self.b)

    def grow(self, numbers: range, *, gone: tuple[str, ...] = ()) -> None:
        """Ana adds companies, takes some out, and both evaluate."""
        ana, terms = self.setting.ana, self.setting.terms
        rows = ana.rows(terms, companies(numbers, split=2))
        if gone:
            rows = concatenated([ana.gone(list(gone)), rows])
        self.a.append(ana.push(terms, rows, self.setting.bo, previous=self.a[-1]))
        self.evaluate()

    def grow_both(self, numbers: range) -> None:
        """Both add the same companies."""
        ana, bo, terms = self.setting.ana, self.setting.bo, self.setting.terms
        new = companies(numbers, split=2)
        self.a.append(ana.push(terms, ana.rows(terms, new), bo, previous=self.a[-1]))
        self.b.append(bo.push(terms, bo.rows(terms, new), ana, previous=self.b[-1]))
        self.evaluate()

    def answers(self, partner: Partner) -> list[Answer]:
        page = partner.get(f"{self.path}/answers").json()
        return [Answer.model_validate_json(entry["document"]) for entry in page["answers"]]

    def numbers(self) -> list[int]:
        """The numbers of all answers, which both members have."""
        both = [[answer.number for answer in self.answers(who)] for who in (self.setting.ana, self.setting.bo)]
        assert both[0] == both[1]
        return both[0]

    def gauge(self, partner: Partner, owner: Partner) -> GaugeView:
        return next(item for item in partner.view(self.setting.room).gauges if item.owner == owner.id)

    def log(self) -> list[AnyEntry]:
        query = select(LogEntry.leaf).where(LogEntry.log == f"rooms/{self.setting.room}").order_by(LogEntry.number)
        return [read_entry(leaf) for leaf in self.escrow.desk.read(lambda session: session.scalars(query).all())]

    def spends(self) -> list[tuple[str, str, int, int, str, bool]]:
        query = select(SpendRecord).where(SpendRecord.room == self.setting.room).order_by(SpendRecord.number)
        rows = self.escrow.desk.read(lambda session: session.scalars(query).all())
        return [(row.owner, row.recipient, row.at, row.units, row.mode, row.correction) for row in rows]

    def draws(self) -> list[DrawRecord]:
        query = select(DrawRecord).where(DrawRecord.room == self.setting.room).order_by(DrawRecord.number)
        return list(self.escrow.desk.read(lambda session: session.scalars(query).all()))

    # what members ask for

    def wish(self, partner: Partner, mode: str, number: int = 1, **changes: Any) -> Response:  # noqa: ANN401 - any field
        fields = {"room": self.setting.room, "partner": partner.id, "number": number, "mode": mode}
        wish = CountingWish.model_validate({**fields, "created": instant(self.escrow.clock()), **changes})
        return partner.put(f"{self.path}/wishes/{partner.id}/{number}", partner.sign(wish))

    def correct(self, caller: Partner, after: int, /, **changes: Any) -> Response:  # noqa: ANN401 - any field
        fields = {"room": self.setting.room, "partner": caller.id, "after": after}
        correction = Correction.model_validate({**fields, "created": instant(self.escrow.clock()), **changes})
        return caller.put(f"{self.path}/corrections/{caller.id}", caller.sign(correction))

    def allowance(self, side: Side, number: int = 1, **changes: Any) -> Allowance:  # noqa: ANN401 - any field
        fields = {
            "room": self.setting.room,
            "partner": side.partner.id,
            "number": number,
            "act": "refill",
            "terms": self.setting.terms.digest(),
            "units": 1,
            "roster": side.roster.digest(),
            "author": side.admin.id,
            "created": instant(self.escrow.clock()),
        }
        return Allowance.model_validate({**fields, **changes})

    def allow(self, side: Side, number: int = 1, **changes: Any) -> Response:  # noqa: ANN401 - any field
        """By the side's two people."""
        signed = envelope(self.allowance(side, number, **changes), side.partner, side.admin, side.reviewer)
        return side.partner.put(f"{self.path}/allowances/{side.partner.id}/{number}", signed)

    def amended(self, **changes: Any) -> Terms:  # noqa: ANN401 - any field
        """The next version of the terms, proposed by Ana."""
        terms = self.setting.terms
        after = Terms.model_validate(
            {**json.loads(terms.text()), "version": terms.version + 1, "previous": terms.digest(), **changes}
        )
        digest_in(self.setting.ana.propose(after))
        return after


def counting_room(escrow: Escrow, ana: Partner, bo: Partner, **changes: Any) -> Counting:  # noqa: ANN401 - any field
    """A fresh room of two partners, with fresh keys and lists."""
    for partner in (ana, bo):
        partner.scalars, partner.states, partner.handles = {}, {}, {}
    return Counting(escrow, open_room(ana, bo, **{**BUDGETED, **changes}))


def spent_before(escrow: Escrow, owner: str, recipient: str, *moments: int, mode: str = "standard") -> None:
    """Put answers of other rooms on the accounts of one list towards one partner."""
    escrow.desk.database.write(
        lambda session: session.add_all(
            SpendRecord(
                owner=owner,
                recipient=recipient,
                room="another",
                number=number,
                at=at,
                units=1,
                mode=mode,
                correction=False,
            )
            for number, at in enumerate(moments, 1)
        )
    )


def refills(escrow: Escrow) -> list[tuple[str, str, int]]:
    query = select(RefillRecord.owner, RefillRecord.recipient, RefillRecord.units)
    return [tuple(row) for row in escrow.desk.read(lambda session: session.execute(query).all())]
