"""A little room's whole life, signed with real keys: two members, one round, one release in each direction."""

from dataclasses import dataclass
from typing import Any

from log_made import Log, Twist
from partners_made import (
    ANA,
    BEGINS,
    BO,
    ESCROW_KEY,
    ESCROW_PUBLIC,
    PARTNERS,
    ROOM,
    Partner,
    digest,
    granting,
    json_of,
    record_shown,
    terms_text,
)
from policymakers import Named, Person, policy_document

from cleanroom.domain.vocabulary import DEFAULT_SEGMENTS, RoomId
from cleanroom.messages import entries as log
from cleanroom.messages.documents import instant
from cleanroom.messages.lists import Answer
from cleanroom.messages.notices import Notice
from cleanroom.messages.openings import Claim, Opening
from cleanroom.messages.policies import PolicyDocument
from cleanroom.messages.records import records_root
from cleanroom.messages.releases import SEALED_OVERHEAD, STEP, Release
from cleanroom.messages.rooms import Enrolment, EpochKey, Terms
from cleanroom.messages.signing import ESCROW
from cleanroom.policy.decision import RULES, decision
from cleanroom.policy.evaluate import Sides
from cleanroom.policy.model import Ground, Policy
from matching import merkle


@dataclass
class Life(Log):
    """What happens in a room, each with its documents and entries."""

    @property
    def terms(self) -> Terms:
        return self.versions[-1]

    def founded(self) -> "Life":
        for partner in PARTNERS:
            enrolment = Enrolment(
                name=partner.name,
                kind="isv",
                identity_key=partner.key.public_key().public_bytes_raw().hex(),
                sealing_key=partner.sealing_key,
                escrow_key=ESCROW_PUBLIC.hex(),
                created=instant(BEGINS),
            )
            signed = self.signed(enrolment, partner.signer)
            self.add(log.MemberNamed, document=signed.digest(), partner=partner.id)
        self.agree_terms()
        for partner in PARTNERS:
            signed = self.signed(partner.roster, partner.signer)
            self.add(log.RosterPublished, document=signed.digest(), partner=partner.id, version=1)
        return self

    def agree_terms(self) -> None:
        """A version of the terms, proposed by Ana and signed by Bo."""
        before = self.versions[-1] if self.versions else None
        version = before.version + 1 if before else 1
        terms = Terms.model_validate_json(terms_text(self.room, version, before.digest() if before else ""))
        signed = self.signed(terms, ANA.signer, BO.signer)
        self.versions.append(Terms.model_validate_json(signed.document))
        place = {"document": signed.digest(), "version": version}
        self.add(log.TermsProposed, partner=ANA.id, **place)
        self.add(log.TermsSigned, in_force=True, partner=BO.id, **place)

    def policy(self, partner: Partner, policy: Policy, *approvers: Person, **changes: Any) -> PolicyDocument:  # noqa: ANN401 - any member
        """A version of a partner's policy: proposed, then in force."""
        made: dict[str, Any] = {"widens": True, "narrows": False, **changes}
        document = policy_document(
            policy,
            terms=self.terms,
            roster=partner.roster,
            author=partner.admin,
            before=self.policies.get(partner.id),
            fresh_epoch=made["narrows"],
        )
        proposal = self.signed(document, partner.signer, partner.admin)
        self.documents.pop(proposal.digest(), None)
        signed = self.signed(document, partner.signer, partner.admin, *approvers)
        place = {"document": signed.digest(), "owner": partner.id, "author": partner.admin.id}
        version = document.version
        self.add(log.PolicyProposed, receipt=self.came(signed, "proposed"), version=version, **place)
        self.add(
            log.PolicyActivated,
            approver=approvers[0].id if approvers else "",
            fresh_epoch=document.fresh_epoch,
            receipt=self.came(signed, "in_force"),
            revokes=not policy.rules,
            version=version,
            **place,
            **made,
        )
        self.policies[partner.id] = document
        return document

    def pushed(self) -> None:
        """Keys, lists, evaluations."""
        for partner in PARTNERS:
            epoch_key = EpochKey(
                room=self.room, terms=self.terms.digest(), epoch=0, partner=partner.id, key="11" * 32, proof="22" * 64
            )
            signed = self.signed(epoch_key, partner.signer)
            self.add(log.KeyPublished, document=signed.digest(), epoch=0, partner=partner.id)
            snapshot = {
                "document": digest("snapshot", partner.number),
                "entries": "100 to 200",
                "epoch": 0,
                "number": 1,
            }
            self.add(log.SnapshotCommitted, owner=partner.id, **snapshot)
        for partner, other in (PARTNERS, PARTNERS[::-1]):
            own, of = digest("snapshot", partner.number), digest("snapshot", other.number)
            named = {"against": own, "of": of, "document": digest("evaluation", partner.number)}
            self.add(log.EvaluationSigned, epoch=0, evaluator=partner.id, **named)
            self.add(log.EvaluationDelivered, epoch=0, evaluator=partner.id, number=1, root=digest("root"))

    def answered(self, number: int = 1) -> None:
        """Counts of every cell; the first is too small."""
        edge = instant(self.now)
        lists = [
            {
                "partner": partner.id,
                "snapshot": digest("snapshot", partner.number),
                "committed": edge,
                "size": "100 to 200",
                "segments": ["none"] * 3,
            }
            for partner in PARTNERS
        ]
        row = [{"companies": 17}, {"companies": 11}, {"companies": 12}]
        cells = [[{"withheld": "too_few_inside_or_outside"}, *row[1:]], row, row]
        place = {"epoch": 0, "number": number, "edge": edge}
        common = {
            "room": self.room,
            "terms": self.terms.digest(),
            "segments": list(DEFAULT_SEGMENTS),
            "lists": lists,
            "cells": cells,
            "opened": [[0] * 3] * 3,
            "counting": {"mode": "exact", "floor": 10, "caps": "unsafe_none"},
            "cost": 0,
            "correction": False,
            **place,
        }
        answers = [Answer.model_validate_json(json_of(recipient=partner.id, **common)) for partner in PARTNERS]
        named = {
            f"{which}_policy": self.in_force(partner)
            for which, partner in zip(("first", "second"), PARTNERS, strict=True)
        }
        mine = self.signed(answers[0], Named(ESCROW, ESCROW_KEY))
        self.add(
            log.CountsReleased,
            first_document=mine.digest(),
            second_document=answers[1].digest(),
            mode="exact",
            caps="unsafe_none",
            cost=0,
            correction=False,
            forbidden=(),
            rules=RULES,
            **named,
            **place,
        )

    def in_force(self, partner: Partner) -> str:
        document = self.policies.get(partner.id)
        return document.digest() if document else ""

    def opened(self, number: int = 1) -> None:
        """Both openings of a round, and their exchange."""
        made = [self.opening(partner, other, number) for partner, other in (PARTNERS, PARTNERS[::-1])]
        self.add(log.OpeningsExchanged, epoch=0, openings=made, round=number)

    def opening(self, partner: Partner, other: Partner, number: int) -> str:
        claim = Claim(
            room=self.room,
            terms=self.terms.digest(),
            epoch=0,
            round=number,
            prover=partner.id,
            verifier=other.id,
            prover_key=f"{partner.number:064x}",
            verifier_key=f"{other.number:064x}",
            of=digest("snapshot", other.number),
            own=digest("snapshot", partner.number),
            evaluation=digest("evaluation", partner.number),
            answering=digest("evaluation", other.number),
            prover_policy=self.in_force(partner),
            verifier_policy=self.in_force(other),
            rows=3,
            parts=(digest("part", partner.number, number),),
            **self.witnessed(),
        )
        opening = Opening(claim=claim, proofs=("33" * 64,), created=instant(self.now))
        signed = self.signed(opening, partner.signer)
        index = self.add(
            log.OpeningRecorded,
            cells=((0, 2), (2, 0)),
            created=opening.created,
            document=signed.digest(),
            epoch=0,
            prover=partner.id,
            prover_policy=claim.prover_policy,
            round=number,
            rows="2 to 5",
            rules=RULES,
            verifier=other.id,
            verifier_policy=claim.verifier_policy,
        )
        self.noted(partner, signed, index)
        return signed.digest()

    def released(self, number: int = 1, round_: int = 1, previous: tuple[str, ...] = ("", "")) -> tuple[str, ...]:
        """A release in each direction, both handed over."""
        made = [
            self.release(partner, other, number, round_, before)
            for (partner, other), before in zip((PARTNERS, PARTNERS[::-1]), previous, strict=True)
        ]
        for (partner, other), document in zip((PARTNERS, PARTNERS[::-1]), made, strict=True):
            place = {"epoch": 0, "number": number, "sender": partner.id, "recipient": other.id}
            self.add(log.ReleaseHandedOver, document=document, **place)
        return tuple(made)

    def release(self, partner: Partner, other: Partner, number: int = 1, round_: int = 1, previous: str = "") -> str:
        records = self.twist.records([record_shown(partner, place) for place in range(3)])
        place = {"epoch": 0, "number": number, "round": round_, "sender": partner.id, "recipient": other.id}
        place |= {"sender_policy": self.in_force(partner), "recipient_policy": self.in_force(other)}
        release = Release(
            room=self.room,
            terms=self.terms.digest(),
            previous=previous,
            batches=[{"sealed": digest("batch"), "size": SEALED_OVERHEAD + STEP, "handles": digest("handles")}],
            matches=len(records),
            records=records_root(merkle.leaf_hash(record.leaf()) for record in records),
            created=instant(self.now),
            **place,
            **self.witnessed(),
        )
        signed = self.signed(release, partner.signer)
        made = decision(self.sides(partner, other), self.now)
        index = self.add(
            log.ReleaseRecorded,
            created=release.created,
            document=signed.digest(),
            forms=made.highest(),
            matches="2 to 5",
            rules=RULES,
            table=made.table(),
            **place,
        )
        self.records[signed.digest()] = tuple(record.leaf() for record in records)
        self.noted(partner, signed, index)
        return signed.digest()

    def sides(self, partner: Partner, other: Partner) -> Sides:
        mine, theirs = (self.policies[item.id].body.policy(item.id) for item in (partner, other))
        return Sides(
            owner=mine,
            recipient=theirs,
            owner_id=partner.id,
            recipient_id=other.id,
            ground=Ground(catalogue=self.terms.catalogue, segments=self.terms.segments),
            use=self.terms.use,
        )

    def told(self, number: int = 1) -> None:
        """Bo asks for more."""
        notice = Notice(
            room=self.room,
            sender=BO.id,
            recipient=ANA.id,
            number=number,
            kind="request",
            match=None,
            sealed=digest("words"),
            created=instant(self.now),
        )
        signed = self.signed(notice, BO.signer)
        self.add(log.NoticeSent, document=signed.digest(), kind="request", number=number, sender=BO.id)


def lived(twist: Twist | None = None, *, room: RoomId = ROOM) -> Life:
    """A room from its founding to a notice: 30 entries or so."""
    life = Life(twist or Twist(), room)
    life.founded()
    for partner in PARTNERS:
        life.policy(partner, granting(partner), partner.manager)
    life.pushed()
    life.answered()
    life.opened()
    life.released()
    life.told()
    return life
