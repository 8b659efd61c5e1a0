"""A little room with budgets: answers, wishes, allowances and corrections, as an honest escrow puts them on record."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from log_made import Twist
from partners_made import ANA, BO, ESCROW_KEY, PARTNERS, ROOM, Partner, digest, json_of, terms_text
from policymakers import Named
from room_made import Life

from cleanroom.audit.draws import Opened
from cleanroom.domain.vocabulary import DEFAULT_SEGMENTS, RoomId
from cleanroom.messages import entries as log
from cleanroom.messages.counting import Allowance, Correction, CountingWish
from cleanroom.messages.documents import instant
from cleanroom.messages.lists import Answer
from cleanroom.messages.rooms import Terms
from cleanroom.messages.signing import ESCROW
from cleanroom.policy.decision import RULES
from matching.disclosure.commitment import commitment
from matching.disclosure.modes import MODES

STANDARD = {"mode": "standard", "floor": 10, "caps": "budget"}
CONFIDENTIAL = {"mode": "confidential", "floor": 10, "caps": "budget"}
EXACT = {"mode": "exact", "floor": 10, "caps": "budget"}
SALT = "5a" * 32
DRAWS = (3, -2, 0, 7, -1, 1, 4, -6, 2)
CELLS = 9


class Counted(Life):
    """What happens to counting in a room, each with its documents and entries."""

    rule: dict[str, Any]
    probes: int = 0
    numbers: dict[tuple[str, str], int]
    draws: list[Opened]

    def begun(self, counting: dict[str, Any] = STANDARD) -> "Counted":
        """Founded, and both lists pushed."""
        self.rule, self.numbers, self.draws = counting, {}, []
        self.founded()
        self.pushed()
        return self

    def agree_terms(self) -> None:
        """A version with the rule that is set, proposed by Ana and signed by Bo."""
        self.sign(self.propose(self.rule))

    def propose(self, counting: dict[str, Any]) -> Terms:
        """A version with this rule of counting that waits for Bo."""
        before = self.versions[-1] if self.versions else None
        version = before.version + 1 if before else 1
        text = json.loads(terms_text(self.room, version, before.digest() if before else ""))
        terms = Terms.model_validate_json(
            json.dumps({**text, "counting": counting, "epoch_days": 366, "probes": self.probes})
        )
        self.add(log.TermsProposed, partner=ANA.id, document=terms.digest(), version=version)
        return terms

    def sign(self, terms: Terms) -> None:
        """Both members have signed them."""
        signed = self.signed(terms, ANA.signer, BO.signer)
        self.versions.append(terms)
        self.rule = terms.counting.model_dump(mode="json")
        self.add(log.TermsSigned, in_force=True, partner=BO.id, document=signed.digest(), version=terms.version)

    def wish(self, partner: Partner, mode: str) -> None:
        number = self._number("wish", partner)
        document = CountingWish.model_validate_json(
            json_of(room=self.room, partner=partner.id, number=number, mode=mode, created=instant(self.now))
        )
        signed = self.signed(document, partner.signer)
        self.rule = {**self.rule, "mode": mode, "caps": "budget"}
        self.add(log.CountingTightened, document=signed.digest(), mode=mode, partner=partner.id)

    def allow(self, partner: Partner, act: str, terms: Terms, units: int = 0) -> None:
        document = Allowance.model_validate_json(
            json_of(
                room=self.room,
                partner=partner.id,
                number=self._number("allowance", partner),
                act=act,
                terms=terms.digest(),
                units=units,
                roster=partner.roster.digest(),
                author=partner.admin.id,
                created=instant(self.now),
            )
        )
        signed = self.signed(document, partner.signer, partner.admin, partner.manager)
        people = {"author": partner.admin.id, "approver": partner.manager.id}
        place = {"document": signed.digest(), "partner": partner.id}
        self.add(log.AllowanceGiven, act=act, units=units, **people, **place)

    def ask(self, partner: Partner, after: int) -> None:
        document = Correction.model_validate_json(
            json_of(room=self.room, partner=partner.id, after=after, created=instant(self.now))
        )
        signed = self.signed(document, partner.signer)
        self.add(log.CorrectionAsked, document=signed.digest(), partner=partner.id)

    def answer(self, number: int, *, after: timedelta = timedelta(0), **changes: Any) -> None:  # noqa: ANN401 - any member
        """An answer so long after the last entry, with noise where the mode has some. Ana's is carried."""
        self.now += after
        edge = changes.pop("edge", instant(self.now))
        mode = MODES[self.rule["mode"]]
        place = {"epoch": 0, "number": number, "edge": edge}
        if mode.scale:
            made = commitment(bytes.fromhex(SALT), DRAWS).hex()
            self.add(log.DrawsCommitted, commitment=made, **place)
            self.draws.append(Opened(number=number, edge=edge, salt=SALT, draws=DRAWS))
            self.now -= timedelta(minutes=1)
        said = {"cost": 1, "correction": False, **changes}
        answers = [self._answer_to(partner, {**place, **said}) for partner in PARTNERS]
        mine = self.signed(answers[0], Named(ESCROW, ESCROW_KEY))
        self.add(
            log.CountsReleased,
            first_document=mine.digest(),
            second_document=answers[1].digest(),
            mode=self.rule["mode"],
            caps=self.rule["caps"],
            forbidden=(),
            rules=RULES,
            first_policy=self.in_force(ANA),
            second_policy=self.in_force(BO),
            **said,
            **place,
        )

    def _answer_to(self, partner: Partner, said: dict[str, Any]) -> Answer:
        lists = [
            {
                "partner": each.id,
                "snapshot": digest("snapshot", each.number),
                "committed": said["edge"],
                "size": "100 to 200",
                "segments": ["none"] * 3,
            }
            for each in PARTNERS
        ]
        shown: Sequence[dict[str, Any]] = [{"companies": 60}, {"companies": 100}, {"withheld": "below_threshold"}]
        if not MODES[self.rule["mode"]].scale:
            shown = [{"companies": 17}, {"companies": 11}, {"withheld": "too_few_inside_or_outside"}]
        return Answer.model_validate_json(
            json_of(
                room=self.room,
                terms=self.terms.digest(),
                segments=list(DEFAULT_SEGMENTS),
                lists=lists,
                cells=[shown] * 3,
                opened=[[0] * 3] * 3,
                counting=self.rule,
                recipient=partner.id,
                **said,
            )
        )

    def _number(self, kind: str, partner: Partner) -> int:
        self.numbers[kind, partner.id] = self.numbers.get((kind, partner.id), 0) + 1
        return self.numbers[kind, partner.id]


MONTH = timedelta(seconds=MODES["standard"].interval_seconds)


def counted(twist: Twist | None = None, *, room: RoomId = ROOM, begins: datetime | None = None) -> Counted:
    """A room in mode standard with one answer. `begins`: when."""
    life = Counted(twist or Twist(), room)
    if begins is not None:
        life.now = begins
    life.begun()
    life.answer(1)
    return life
