"""Everything is signed and entered, but not in its order or place: the audit says what and where."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from lies import broken, requires
from log_made import Log, Twist
from partners_made import ANA, BO, digest, granting
from room_made import lived

from cleanroom.domain.vocabulary import Form
from cleanroom.messages import entries as log
from cleanroom.messages.documents import Document
from cleanroom.messages.entries import Entry
from cleanroom.messages.rooms import KindRecipe


def saying(of_type: str, **changes: Any) -> Twist:  # noqa: ANN401 - any member
    """All documents of a type say something else, and are signed so."""

    def change(document: Document) -> Document:
        return document.model_copy(update=changes) if document.type == of_type else document

    return Twist(document=change)


def again(life: Log, index: int) -> int:
    """An entry once more."""
    members = json.loads(life.leaves[index])
    kind = next(each for each in Entry.__subclasses__() if each.model_fields["type"].default == members["type"])
    return life.add(kind, **{name: value for name, value in members.items() if name not in {"at", "type"}})


def test_terms_that_do_not_follow_are_named() -> None:
    life = lived()
    life.twist = saying("terms/4", previous="00" * 32)
    life.agree_terms()
    requires(broken(life.bundle()), "entry 28 (terms-signed/1)", "version 2 does not follow from the one before")


def test_terms_of_another_escrow_are_named() -> None:
    life = lived()
    life.twist = saying("terms/4", escrow_key=BO.key.public_key().public_bytes_raw().hex())
    life.agree_terms()
    requires(broken(life.bundle()), "entry 28 (terms-signed/1)", "another room, escrow key or members")


def test_a_document_of_another_room_is_named() -> None:
    found = broken(lived(saying("notice/1", room="6b" * 16)).bundle())
    assert found == {"entry 26 (notice-sent/1)": {"its document is of another room"}}


def test_a_document_under_unknown_terms_is_named() -> None:
    found = broken(lived(saying("release/2", terms="00" * 32)).bundle())
    requires(found, "entry 22 (release-recorded/1)", "under terms that were not in force")


def test_a_member_that_is_named_later_is_told() -> None:
    life = lived()
    again(life, 1)
    requires(broken(life.bundle()), "entry 27 (member-named/1)", "named by the first entries")


def test_a_policy_under_older_terms_is_named() -> None:
    life = lived()
    life.agree_terms()
    life.versions.append(life.versions[0])
    life.policy(ANA, granting(ANA), widens=False)
    found = broken(life.bundle())
    requires(found, "entry 30 (policy-activated/1)", "under other terms than those in force")


def test_a_round_that_is_exchanged_twice_is_named() -> None:
    life = lived()
    life.opened(1)
    found = broken(life.bundle())
    requires(found, "entry 27 (opening-recorded/1)", "its round was exchanged before")
    requires(found, "entry 29 (openings-exchanged/1)", "its round, or a later one, was exchanged before")


def test_a_round_that_lapses_after_its_exchange_is_named() -> None:
    life = lived()
    life.add(log.RoundLapsed, epoch=0, round=1)
    assert broken(life.bundle()) == {"entry 27 (round-lapsed/1)": {"its round was exchanged before"}}


def test_openings_that_are_exchanged_under_overtaken_policies_are_named() -> None:
    life = lived()
    made = [life.opening(ANA, BO, 2), life.opening(BO, ANA, 2)]
    life.policy(ANA, granting(ANA), widens=False)
    life.add(log.OpeningsExchanged, epoch=0, openings=made, round=2)
    requires(broken(life.bundle()), "entry 31 (openings-exchanged/1)", "not the newest on record before it")


def test_a_release_that_does_not_follow_is_named() -> None:
    life = lived()
    life.release(ANA, BO, 2, 1, digest("none"))
    assert broken(life.bundle()) == {
        "entry 27 (release-recorded/1)": {"its document does not follow the release before"}
    }


def test_an_answer_names_the_policies_of_its_edge() -> None:
    """At the edge, minutes before, neither side had one yet."""
    early = "2026-03-01T09:05:00Z"

    def entry(item: Entry) -> Entry:
        return item.model_copy(update={"edge": early}) if isinstance(item, log.CountsReleased) else item

    life = lived(Twist(entry=entry, document=saying("answer/2", edge=early).document))
    assert broken(life.bundle()) == {
        "entry 18 (counts-released/1)": {"a policy that it names is not the newest that was in force at its edge"}
    }


def test_a_decision_that_was_made_before_a_policy_is_not_judged_by_it() -> None:
    """What was released stays right when a policy narrows afterwards."""
    life = lived()
    granted = granting(ANA)
    life.policy(ANA, replace(granted, rules=granted.rules[:2]), widens=False, narrows=True)
    assert broken(life.bundle()) == {}
    life.twist = Twist(
        entry=lambda item: (
            item.model_copy(
                update={"forms": {"account": Form.EXISTS, "account_name": Form.FULL, "amount": Form.REDUCED}}
            )
            if isinstance(item, log.ReleaseRecorded)
            else item
        )
    )
    life.release(ANA, BO, 2, 1, next(iter(life.records)))
    found = broken(life.bundle())
    requires(found, "entry 29 (release-recorded/1)", "is not what the two policies give")
    requires(found, f"release 2 of {ANA.id} in epoch 0, record 1", "above the one that both policies give")


# ---- journals


def test_a_journal_that_was_written_before_the_entry_is_named() -> None:
    life = lived()
    life.leaves, whole = life.leaves[:22], life.leaves
    life.noted(ANA, life.documents[json.loads(whole[22])["document"]], 22)
    life.leaves = whole
    found = broken(life.bundle())
    assert found == {f"journal of {ANA.id}, item 3": {"its document is not what entry 22 puts on record"}}


def test_a_journal_of_another_room_is_named() -> None:
    life = lived()
    signed = life.documents[json.loads(life.leaves[22])["document"]]
    life.room, own = "6b" * 16, life.room
    life.noted(ANA, signed, 22)
    life.room = own
    assert broken(life.bundle()) == {f"journal of {ANA.id}, item 3": {"of another room or partner"}}


NOT_ITS_EPOCH = "its epoch is not the one that terms, policies and its moment give"


def test_what_is_of_the_epoch_before_other_recipes_came_into_force_is_named() -> None:
    life = lived()
    newer = KindRecipe.model_validate({"kind": "domain", "normaliser": "2", "tables": "1"})
    life.twist = saying("terms/4", kinds=(newer,))
    life.agree_terms()
    life.pushed()
    found = broken(life.bundle())
    requires(found, "entry 29 (key-published/1)", NOT_ITS_EPOCH)
    requires(found, "entry 30 (snapshot-committed/1)", NOT_ITS_EPOCH)


def test_a_renewal_begins_no_epoch() -> None:
    life = lived()
    life.agree_terms()
    life.pushed()
    assert not any(NOT_ITS_EPOCH in what for what in broken(life.bundle()).values())


def test_what_is_of_the_period_before_is_named() -> None:
    life = lived()
    life.now += timedelta(days=life.terms.epoch_days)
    life.pushed()
    requires(broken(life.bundle()), "entry 28 (snapshot-committed/1)", NOT_ITS_EPOCH)
