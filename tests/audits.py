"""What an audit of a little room found, made by hand: for screens and reports, not for the verifier."""

from datetime import UTC, datetime

from cleanroom.audit.result import Audit, Event, Finding, MemberSeen, Shown, Touched
from cleanroom.domain.fields import DEFAULT_CATALOGUE, FieldClass
from cleanroom.domain.vocabulary import DEFAULT_SEGMENTS, Digest, Form, PartnerId, RoomId
from cleanroom.messages import entries
from cleanroom.messages.entries import AnyEntry
from cleanroom.messages.policies import PolicyDocument, body_of
from cleanroom.messages.policy_chain import InForce
from cleanroom.policy.model import Effect, Policy, Rule
from cleanroom.policy.own_change import OwnChange

ACME, GLOBEX = PartnerId("0a" * 16), PartnerId("0b" * 16)
ANN, BEN, GUS = "a1" * 16, "b2" * 16, "c3" * 16
CUSTOMERS, PROSPECTS = ("customers", "prospects"), ("prospects", "customers")
ESCROW_WORDS = ("abandon", "ability", "able", "about", "above", "absent", "absorb", "abstract")
ACME_WORDS = ("zoo", "zone", "zero", "zebra", "youth", "young", "you", "yellow")
GLOBEX_WORDS = ("wood", "wolf", "wish", "wire", "winter", "wing", "wine", "window")
ROOT = "5e" * 32


def digest(name: str) -> Digest:
    """A digest that is told from others by its name in hex."""
    return Digest(name.encode().hex().ljust(64, "0")[:64])


def _at(hour: int) -> str:
    return f"2026-03-{1 + hour // 24:02}T{hour % 24:02}:00:00Z"


def _policy(name: str, owner: PartnerId, version: int, author: str, **changes: object) -> dict[str, object]:
    flags = {"approver": "", "fresh_epoch": False, "narrows": False, "revokes": False, "widens": True, **changes}
    named = {"document": digest(name), "receipt": digest(f"receipt {name}")}
    return {"author": author, "owner": owner, "version": version, **named, **flags}


def _release(sender: PartnerId, number: int, epoch: int, policies: tuple[str, str]) -> dict[str, object]:
    recipient = GLOBEX if sender == ACME else ACME
    return {
        "created": _at(0),
        "document": digest(f"rel {sender[:2]} {epoch} {number}"),
        "epoch": epoch,
        "forms": {"account": Form.EXISTS, "amount": Form.REDUCED, "stage": Form.FULL},
        "matches": "2 to 5",
        "number": number,
        "recipient": recipient,
        "recipient_policy": digest(policies[1]),
        "round": 1,
        "rules": "cleanroom/1",
        "sender": sender,
        "sender_policy": digest(policies[0]),
        "table": digest("table"),
    }


def _handed(sender: PartnerId, number: int, epoch: int) -> dict[str, object]:
    recipient = GLOBEX if sender == ACME else ACME
    document = digest(f"rel {sender[:2]} {epoch} {number}")
    return {"document": document, "epoch": epoch, "number": number, "recipient": recipient, "sender": sender}


def _opening(prover: PartnerId, mine: str, theirs: str) -> dict[str, object]:
    return {
        "cells": ((0, 2), (2, 0)),
        "created": _at(0),
        "document": digest(f"opening {prover[:2]}"),
        "epoch": 0,
        "prover": prover,
        "prover_policy": digest(mine),
        "round": 1,
        "rows": "2 to 5",
        "rules": "cleanroom/1",
        "verifier": GLOBEX if prover == ACME else ACME,
        "verifier_policy": digest(theirs),
    }


def _log() -> tuple[AnyEntry, ...]:
    first, second, back = ("acme 1", "globex 1"), ("acme 2", "globex 1"), ("globex 1", "acme 1")
    kinds: list[tuple[type[entries.Entry], dict[str, object]]] = [
        (entries.MemberNamed, {"document": digest("enrolment a"), "partner": ACME}),  # 0
        (entries.MemberNamed, {"document": digest("enrolment b"), "partner": GLOBEX}),
        (entries.TermsProposed, {"document": digest("terms"), "partner": ACME, "version": 1}),
        (entries.TermsSigned, {"document": digest("terms"), "partner": GLOBEX, "version": 1, "in_force": True}),
        (entries.PolicyProposed, {**_only(_policy("acme 1", ACME, 1, ANN))}),
        (entries.PolicyActivated, _policy("acme 1", ACME, 1, ANN, approver=BEN)),  # 5
        (entries.PolicyActivated, _policy("globex 1", GLOBEX, 1, GUS)),
        (entries.OpeningRecorded, _opening(ACME, "acme 1", "globex 1")),
        (entries.OpeningRecorded, _opening(GLOBEX, "globex 1", "acme 1")),
        (entries.OpeningsExchanged, {"epoch": 0, "openings": (digest("opening 0a"), digest("opening 0b")), "round": 1}),
        (entries.ReleaseRecorded, _release(ACME, 1, 0, first)),  # 10
        (entries.ReleaseRecorded, _release(GLOBEX, 1, 0, back)),
        (entries.ReleaseHandedOver, _handed(ACME, 1, 0)),
        (entries.ReleaseHandedOver, _handed(GLOBEX, 1, 0)),
        (entries.ReleaseRecorded, _release(ACME, 2, 0, first)),  # 14: a change and a withdrawal
        (entries.ReleaseHandedOver, _handed(ACME, 2, 0)),
        (entries.PolicyActivated, _policy("acme 2", ACME, 2, ANN, widens=False, narrows=True, fresh_epoch=True)),
        (entries.ReleaseRecorded, _release(ACME, 1, 1, second)),  # 17
        (entries.ReleaseHandedOver, _handed(ACME, 1, 1)),
        (entries.ReleaseRecorded, _release(ACME, 2, 1, second)),  # 19: never handed over
    ]
    return tuple(kind(at=_at(2 * index), **members) for index, (kind, members) in enumerate(kinds))  # type: ignore[misc, arg-type]  # members of each kind


def _only(policy: dict[str, object]) -> dict[str, object]:
    return {name: policy[name] for name in ("author", "document", "owner", "receipt", "version")}


def _shown(index: int, cell: tuple[str, str], **forms: tuple[Form, int]) -> list[Shown]:
    entry = LOG[index]
    assert isinstance(entry, entries.ReleaseRecorded)
    return [
        Shown(
            index=index,
            release=entry.document,
            number=entry.number,
            sender=entry.sender,
            recipient=entry.recipient,
            cell=cell,
            field=field,
            form=form,
            accounts=accounts,
            sender_version=2 if entry.epoch else 1,
            recipient_version=1,
            handed_over=index != 19,
        )
        for field, (form, accounts) in forms.items()
    ]


def _touched(index: int, name: str, cell: tuple[str, str], *accounts: dict[str, Form]) -> Touched:
    entry = LOG[index]
    assert isinstance(entry, entries.ReleaseRecorded)
    mine, theirs = f"{name}11" * 8, f"{name}22" * 8
    return Touched(index=index, sender=mine, recipient=theirs, cell=cell, accounts=accounts)


LOG = _log()
BOTH = {"amount": Form.REDUCED, "stage": Form.FULL}
STAGE = {"stage": Form.FULL}

SHOWN = (
    *_shown(10, CUSTOMERS, account=(Form.EXISTS, 3), amount=(Form.REDUCED, 2), stage=(Form.FULL, 3)),
    *_shown(11, PROSPECTS, account=(Form.EXISTS, 2)),
    *_shown(14, CUSTOMERS, account=(Form.EXISTS, 1), stage=(Form.FULL, 1)),
    *_shown(17, CUSTOMERS, account=(Form.EXISTS, 2), stage=(Form.FULL, 2)),
    *_shown(19, CUSTOMERS, account=(Form.EXISTS, 9), amount=(Form.REDUCED, 9)),
)
TOUCHED = (
    _touched(10, "aa", CUSTOMERS, BOTH, STAGE),
    _touched(10, "ab", CUSTOMERS, BOTH),
    _touched(11, "ac", PROSPECTS, {}),
    _touched(11, "ad", PROSPECTS, {}),
    _touched(14, "aa", CUSTOMERS, STAGE),
    _touched(14, "ab", CUSTOMERS),
    _touched(17, "ba", CUSTOMERS, STAGE),
    _touched(17, "bb", CUSTOMERS, STAGE),
    *(_touched(19, f"c{number}", CUSTOMERS, STAGE) for number in range(9)),
)
"""In epoch 0, what Acme showed: amount of two accounts, later of none; stage of three, later of one."""


def _in_force(name: str, version: int, policy: Policy, *signers: str) -> InForce:
    document = PolicyDocument(
        room=RoomId("ee" * 16),
        terms=digest("terms"),
        owner=policy.owner,
        version=version,
        previous=digest("before") if version > 1 else "",
        fresh_epoch=version > 1,
        roster=digest("roster"),
        author=signers[0],
        body=body_of(policy),
        created=_at(0),
    )
    return InForce(
        document=document,
        digest=digest(name),
        policy=policy,
        since=datetime(2026, 3, 1, tzinfo=UTC),
        author=signers[0],
        approver=signers[1] if len(signers) > 1 else None,
        alone=False,
        change=OwnChange(widens=version == 1, narrows=version > 1),
    )


def _granting(**names: frozenset[FieldClass] | frozenset[str]) -> Policy:
    return Policy(owner=ACME, rules=(Rule(id="all", effect=Effect.GRANT, form=Form.FULL, **names),))  # type: ignore[arg-type]  # fields or classes


AUDIT = Audit(
    room="ee" * 16,
    title="Acme x Globex",
    escrow_words=ESCROW_WORDS,
    members=(
        MemberSeen(
            partner=ACME, name="Acme", words=ACME_WORDS, cosigned_at="2026-03-02T14:00:00Z", cosigned_size=len(LOG)
        ),
        MemberSeen(partner=GLOBEX, name="Globex", words=GLOBEX_WORDS, cosigned_at="", cosigned_size=0),
    ),
    size=len(LOG),
    root=ROOT,
    at="2026-03-02T15:00:00Z",
    findings=(Finding(broken=False, where="checkpoint", what="Globex never cosigned"),),
    events=tuple(Event(index=index, entry=entry) for index, entry in enumerate(LOG)),
    policies={
        ACME: (
            _in_force("acme 1", 1, _granting(classes=frozenset({FieldClass.COMMERCIAL})), ANN, BEN),
            _in_force("acme 2", 2, _granting(fields=frozenset({"stage"})), ANN),
        ),
        GLOBEX: (_in_force("globex 1", 1, Policy(owner=GLOBEX), GUS),),
    },
    shown=SHOWN,
    touched=TOUCHED,
    segments=DEFAULT_SEGMENTS,
    catalogue=DEFAULT_CATALOGUE,
    checked={"entries": len(LOG), "documents": 17, "policies": 3, "decisions": 7, "releases": 5, "receipts": 0},
)
BROKEN = Finding(broken=True, where="entry 5 (policy-activated/1)", what="its approver is its author")
