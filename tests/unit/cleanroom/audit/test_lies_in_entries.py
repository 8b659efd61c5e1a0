"""An entry says something else than what is so, comes in another place, or never: the audit says what and where.

Most of it is done by a lying escrow or member while the room lives, so that every root and signature that comes later
fits: only the one check that the test is of can tell."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from lies import broken, requires
from log_made import Twist, altered, indices
from partners_made import ANA, BO, digest, granting
from room_made import lived

from cleanroom.domain.vocabulary import Form
from cleanroom.messages import entries as log
from cleanroom.messages.entries import Entry


@dataclass(frozen=True)
class Lie:
    """A lying escrow enters something else than what is so."""

    kind: type[Entry]
    changes: dict[str, Any]
    what: str


LIES = [
    Lie(log.MemberNamed, {"partner": BO.id}, "signed by exactly whom"),
    Lie(log.TermsProposed, {"version": 2}, "`version` is not what its document says"),
    Lie(log.TermsSigned, {"partner": "00" * 16}, "partner or version is not what its document says"),
    Lie(log.RosterPublished, {"version": 2}, "`version` is not what its document says"),
    Lie(log.KeyPublished, {"epoch": 1}, "`epoch` is not what its document says"),
    Lie(log.SnapshotCommitted, {"epoch": 1}, "its epoch is not the one that terms, policies and its moment give"),
    Lie(log.PolicyProposed, {"author": "00" * 16}, "`author` is not what its document says"),
    Lie(log.PolicyActivated, {"approver": ""}, "`approver` is not what its document says"),
    Lie(log.PolicyActivated, {"author": "00" * 16}, "`author` is not what its document says"),
    Lie(log.PolicyActivated, {"widens": False}, "`widens` is not what its document says"),
    Lie(log.PolicyActivated, {"narrows": True}, "`narrows` is not what its document says"),
    Lie(log.PolicyActivated, {"revokes": True}, "`revokes` is not what its document says"),
    Lie(log.PolicyActivated, {"fresh_epoch": True}, "`fresh_epoch` is not what its document says"),
    Lie(log.PolicyActivated, {"version": 2}, "`version` is not what its document says"),
    Lie(log.PolicyActivated, {"receipt": digest("none")}, "its document is not carried"),
    Lie(log.PolicyActivated, {"document": digest("none")}, "its document is not carried"),
    Lie(log.CountsReleased, {"number": 2}, "`number` is not what its document says"),
    Lie(log.CountsReleased, {"forbidden": ((0, 0),)}, "`forbidden` is not what the policies withhold"),
    Lie(log.CountsReleased, {"first_policy": ""}, "not the newest that was in force at its edge"),
    Lie(log.CountsReleased, {"rules": "cleanroom/9"}, "decided by rules that are not known"),
    Lie(log.CountsReleased, {"first_document": digest("none")}, "neither document is carried"),
    Lie(log.OpeningRecorded, {"cells": ((0, 0),)}, "a cell that it opens is not agreed"),
    Lie(log.OpeningRecorded, {"cells": ()}, "a cell that it opens is not agreed"),
    Lie(log.OpeningRecorded, {"rows": "5 to 10"}, "`rows` is not what its document says"),
    Lie(log.OpeningRecorded, {"created": "2026-03-01T10:00:00Z"}, "more than 5 minutes later"),
    Lie(log.OpeningRecorded, {"prover_policy": digest("none")}, "is not the newest on record before it"),
    Lie(log.OpeningRecorded, {"verifier": ANA.id}, "it is not between the two members"),
    Lie(log.OpeningsExchanged, {"openings": (digest("a"), digest("b"))}, "does not name the two openings"),
    Lie(log.ReleaseRecorded, {"number": 2}, "its number does not follow"),
    Lie(log.ReleaseRecorded, {"round": 2}, "its round is not the newest that was exchanged"),
    Lie(log.ReleaseRecorded, {"matches": "5 to 10"}, "`matches` is not what its document says"),
    Lie(log.ReleaseRecorded, {"forms": {"account": Form.EXISTS, "notes": Form.FULL}}, "is not what the two policies"),
    Lie(log.ReleaseRecorded, {"table": digest("none")}, "is not what the two policies give"),
    Lie(log.ReleaseRecorded, {"sender_policy": digest("none")}, "is not the newest on record before it"),
    Lie(log.ReleaseHandedOver, {"document": digest("none")}, "a release that is not on record before it"),
    Lie(log.ReleaseHandedOver, {"recipient": ANA.id}, "`recipient` is not what its release says"),
    Lie(log.NoticeSent, {"kind": "dispute"}, "`kind` is not what its document says"),
]


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: f"{lie.kind.__name__}-{lie.what}-{lie.changes}")
def test_an_entry_that_says_something_else_is_named(lie: Lie) -> None:
    bundle = lived(Twist(entry=altered(lie.kind, **lie.changes))).bundle()
    index = indices(bundle, lie.kind)[0]
    requires(broken(bundle), f"entry {index} ({lie.kind.model_fields['type'].default})", lie.what)


DROPPED = [
    (log.MemberNamed, "the first entries", "do not name each member once"),
    (log.RosterPublished, "rosters of", ""),
    (log.SnapshotCommitted, "(opening-recorded/1)", "lists or evaluations that are not on record"),
    (log.SnapshotCommitted, "(counts-released/1)", "of a list not on record"),
    (log.EvaluationSigned, "(opening-recorded/1)", "lists or evaluations that are not on record"),
    (log.PolicyActivated, "(release-recorded/1)", "not the newest on record before it"),
    (log.OpeningRecorded, "(openings-exchanged/1)", "does not name the two openings"),
    (log.OpeningRecorded, f"journal of {ANA.id}, item 1", "not what entry 18 puts on record"),
    (log.OpeningsExchanged, "(release-recorded/1)", "not the newest that was exchanged"),
    (log.ReleaseRecorded, "(release-handed-over/1)", "a release that is not on record before it"),
    (log.ReleaseRecorded, "records of", "of a release that is not on record"),
    (log.NoticeSent, "document", "no entry names it"),
]


@pytest.mark.parametrize(("kind", "where", "what"), [case for case in DROPPED if case[2]])
def test_what_was_never_entered_is_missed(kind: type[Entry], where: str, what: str) -> None:
    done: list[Entry] = []

    def dropped(entry: Entry) -> Entry | None:
        if isinstance(entry, kind) and not done:
            done.append(entry)
            return None
        return entry

    requires(broken(lived(Twist(entry=dropped)).bundle()), where, what)


def test_time_that_goes_back_is_named() -> None:
    found = broken(lived(Twist(entry=altered(log.SnapshotCommitted, at="2026-03-01T08:00:00Z"))).bundle())
    requires(found, "(snapshot-committed/1)", "its moment is before that of the entry before")


def test_an_entry_of_the_operators_log_is_named() -> None:
    later = lived()
    later.add(log.OperatorActed, action="started", version="1")
    requires(broken(later.bundle()), "entry 27 (operator-acted/1)", "of the operator's log")


def test_a_release_that_is_handed_over_twice_is_named() -> None:
    later = lived()
    again = json.loads(later.leaves[24])
    later.add(log.ReleaseHandedOver, **{name: value for name, value in again.items() if name not in {"at", "type"}})
    requires(broken(later.bundle()), "entry 27 (release-handed-over/1)", "it was handed over before")


def test_a_release_that_is_handed_over_alone_is_named() -> None:
    later = lived()
    document = later.release(ANA, BO, 2, 1, next(iter(later.records)))
    later.policy(BO, granting(BO), widens=False)
    place = {"epoch": 0, "number": 2, "sender": ANA.id, "recipient": BO.id}
    later.add(log.ReleaseHandedOver, document=document, **place)
    found = broken(later.bundle())
    requires(found, "entry 30 (release-handed-over/1)", "a policy that it names is not the newest")


def test_a_release_before_the_other_side_has_given_one_is_named() -> None:
    """Bo's release of round 1 does not answer one of round 2."""
    later = lived()
    later.opened(2)
    document = later.release(ANA, BO, 2, 2, next(iter(later.records)))
    later.add(log.ReleaseHandedOver, document=document, epoch=0, number=2, sender=ANA.id, recipient=BO.id)
    found = broken(later.bundle())
    assert found == {
        "entry 31 (release-handed-over/1)": {
            "the other side has no release on record under the same policies and round"
        }
    }


def test_a_release_that_takes_the_place_of_one_that_was_handed_over_is_named() -> None:
    later = lived()
    later.release(ANA, BO, 1, 1)
    requires(broken(later.bundle()), "entry 27 (release-recorded/1)", "replaces a release that was handed over")
