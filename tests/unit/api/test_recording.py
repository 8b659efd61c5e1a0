"""Every write leaves exactly its entry, in the log that it belongs to; a repeat and a refusal leave none."""

from collections.abc import Callable
from typing import Any

import pytest
from conftest import Escrow, Setting
from noticing import notice, put_notice, sealed_words
from opening_rooms import agree
from partner import Partner, code_of, digest_in, make_terms, opened
from people import staffed
from policymakers import Person, envelope, roster_of, showing, uncounted
from reading_logs import Watch, entries
from sharing_rooms import put_release, release

from cleanroom.domain.vocabulary import Role
from cleanroom.messages.entries import AnyEntry
from cleanroom.messages.lists import Answer
from cleanroom.policy.decision import RULES

AT = "2026-03-01T09:00:00Z"


def said(entry: AnyEntry, *names: str) -> dict[str, Any]:
    return {"type": entry.type, **{name: getattr(entry, name) for name in names}}


def test_enrolment_and_invites_are_in_the_operators_log(escrow: Escrow) -> None:
    watch = Watch(escrow, None)
    invite, cy = escrow.invite(), escrow.stranger("Cy")
    made = watch.one()
    assert (made["type"], made["expires"]) == ("invite-made/1", "2026-03-15T09:00:00Z")
    document = cy.enrolment()
    assert watch.after(lambda: cy.enrol(invite, document)) == {
        "type": "partner-enrolled/1",
        "document": document.digest(),
        "invite": made["invite"],
        "partner": cy.id,
    }
    assert code_of(escrow.stranger("Di").enrol(invite)) == (403, "invite_used")
    assert watch.new() == []


def test_a_room_from_its_proposal_to_its_end(escrow: Escrow, ana: Partner, bo: Partner) -> None:
    terms = make_terms(ana, bo)
    for _ in range(2):
        digest_in(ana.propose(terms))
    watch = Watch(escrow, terms.room)
    assert [item.model_dump() for item in entries(escrow, terms.room)] == [
        {"type": "member-named/1", "at": AT, "document": ana.enrolment().digest(), "partner": ana.id},
        {"type": "member-named/1", "at": AT, "document": bo.enrolment().digest(), "partner": bo.id},
        {"type": "terms-proposed/1", "at": AT, "document": terms.digest(), "partner": ana.id, "version": 1},
    ]
    signed = {"type": "terms-signed/1", "document": terms.digest(), "partner": bo.id, "version": 1}
    assert watch.after(lambda: bo.accept(terms)) == {**signed, "in_force": True}
    key = ana.epoch_key(terms)
    assert watch.after(lambda: ana.publish(key)) == {
        "type": "key-published/1",
        "document": key.digest(),
        "epoch": 0,
        "partner": ana.id,
    }
    renewed = terms.model_copy(update={"version": 2, "previous": terms.digest(), "title": "Renewed"})
    assert watch.after(lambda: bo.propose(renewed))["partner"] == bo.id
    for reason in ("declined", "left"):
        withdrew = watch.after(lambda reason=reason: ana.withdraw(terms.room, reason))
        assert (withdrew["type"], withdrew["partner"], withdrew["reason"]) == ("partner-withdrew/1", ana.id, reason)
    assert len(entries(escrow, terms.room)) == 8


def test_lists_evaluations_and_answers(escrow: Escrow, setting: Setting) -> None:
    watch = Watch(escrow, setting.room)
    a, b = setting.push_both()
    committed = [item.model_dump(exclude={"at"}) for item in watch.new()]
    assert committed == [
        {"type": "snapshot-committed/1", "document": item.digest(), "entries": "20 to 50", "epoch": 0, "number": 1,
         "owner": item.owner}
        for item in (a, b)
    ]  # fmt: skip
    by_bo, by_ana = setting.sign_both([a], [b])
    signed = watch.new()
    pairs = [(b.owner, a.digest(), b.digest()), (a.owner, b.digest(), a.digest())]
    assert [(item.type, item.evaluator, item.of, item.against) for item in signed] == [
        ("evaluation-signed/1", *pair) for pair in pairs
    ]
    assert watch.after(lambda: setting.bo.upload(setting.room, 1, by_bo[0]))["type"] == "evaluation-delivered/1"
    digest_in(setting.ana.upload(setting.room, 1, by_ana[0]))
    delivered, answered = watch.new()
    assert said(delivered, "evaluator", "number") == {
        "type": "evaluation-delivered/1",
        "evaluator": setting.ana.id,
        "number": 1,
    }
    mine, theirs = (partner.view(setting.room).answer for partner in (setting.ana, setting.bo))
    assert mine is not None
    assert theirs is not None
    assert answered.model_dump(exclude={"at"}) == {
        "type": "counts-released/1",
        "caps": "unsafe_none",
        "correction": False,
        "cost": 0,
        "edge": opened(mine, Answer).edge,
        "epoch": 0,
        "first_document": mine.digest(),
        "first_policy": "",
        "forbidden": (),
        "mode": "exact",
        "number": 1,
        "rules": RULES,
        "second_document": theirs.digest(),
        "second_policy": "",
    }
    assert watch.new() == []


def test_an_answer_names_the_policies_at_its_edge_and_what_they_forbid(escrow: Escrow, setting: Setting) -> None:
    side = staffed(setting.bo, setting)
    policy = side.document(uncounted(setting.bo.id, ("customers", "prospects")), fresh_epoch=True)
    digest_in(side.put(policy))
    for partner in (setting.ana, setting.bo):
        digest_in(partner.publish(partner.epoch_key(setting.terms, 1)))
    a, b = setting.push_both(epoch=1)
    setting.evaluate_both([a], [b])
    answered = next(item for item in entries(escrow, setting.room) if item.type == "counts-released/1")
    assert (answered.first_policy, answered.second_policy) == ("", policy.digest())
    # Bo's customers and Ana's prospects: in the order of the terms' members, (prospects, customers).
    assert answered.forbidden == ((1, 0),)


def test_policies(escrow: Escrow, setting: Setting) -> None:
    side = staffed(setting.ana, setting)
    watch = Watch(escrow, setting.room)
    first = side.document(side.showing(("customers", "prospects")))
    proposed = watch.after(lambda: side.propose(first))
    proposal = setting.ana.view(setting.room).proposals[0]
    named = {"author": side.admin.id, "document": first.digest(), "owner": setting.ana.id, "version": 1}
    assert proposed == {"type": "policy-proposed/1", "receipt": proposal.receipt.digest(), **named}
    assert code_of(side.put(first)) == (422, "policy_chain_refused")
    activated = watch.after(lambda: side.put(first, side.reviewer))
    assert activated == {
        "type": "policy-activated/1",
        "receipt": setting.ana.view(setting.room).policies[0].receipt.digest(),
        "approver": side.reviewer.id,
        "widens": True,
        "narrows": False,
        "fresh_epoch": False,
        "revokes": False,
        **named,
    }
    second = side.document(showing(setting.ana.id), first, fresh_epoch=True)
    revoked = watch.after(lambda: side.put(second))
    names = ("approver", "widens", "narrows", "fresh_epoch", "revokes")
    assert [revoked[name] for name in names] == ["", False, True, True, True]


def signed_room(first: Partner, second: Partner) -> str:
    terms = make_terms(first, second)
    digest_in(first.propose(terms))
    digest_in(second.accept(terms))
    return terms.room


def test_a_roster_is_in_the_log_of_each_open_room_of_its_partner(escrow: Escrow, ana: Partner, bo: Partner) -> None:
    one, two, closed = (signed_room(ana, bo) for _ in range(3))
    elsewhere = signed_room(bo, escrow.partner("Cy"))
    digest_in(bo.withdraw(closed, "left"))
    watches = [Watch(escrow, room) for room in (one, two, None, closed, elsewhere)]
    roster = roster_of(ana.id, Person(Role.ADMIN))
    for _ in range(2):
        digest_in(ana.put(f"/v1/partners/{ana.id}/rosters/1", envelope(roster, ana)))
    published = {"type": "roster-published/1", "document": roster.digest(), "partner": ana.id, "version": 1}
    assert [[item.model_dump(exclude={"at"}) for item in watch.new()] for watch in watches] == [[published]] * 3 + [
        []
    ] * 2


def test_notices(escrow: Escrow, setting: Setting) -> None:
    watch, words = Watch(escrow, setting.room), sealed_words(setting)
    document = notice(setting, setting.ana, words)
    assert code_of(put_notice(setting.ana, document, words + b"x")) == (422, "notice_refused")
    assert watch.new() == []
    assert watch.after(lambda: put_notice(setting.ana, document, words)) == {
        "type": "notice-sent/1",
        "document": document.digest(),
        "kind": "dispute",
        "number": 1,
        "sender": setting.ana.id,
    }


@pytest.mark.parametrize(
    "broken",
    [
        lambda setting: setting.ana.publish(setting.ana.epoch_key(setting.terms, key="00" * 32)),
        lambda setting: setting.bo.propose(setting.terms.model_copy(update={"version": 2, "title": "Other"})),
        lambda setting: setting.ana.withdraw(setting.room, "declined"),
        lambda setting: put_release(setting.ana, release(setting, setting.ana)),
        lambda setting: setting.ana.commit(setting.ana.snapshot(setting.terms, setting.rows_of_ana(), [b"missing"])),
        lambda setting: setting.ana.complete(setting.room, 1),
        lambda setting: setting.ana.put(
            f"/v1/partners/{setting.ana.id}/rosters/2",
            envelope(roster_of(setting.ana.id, Person(Role.ADMIN)), setting.ana),
        ),
    ],
    ids=["key", "terms", "withdrawal", "release", "snapshot", "evaluation", "roster"],
)
def test_a_write_that_is_refused_leaves_no_entry(
    escrow: Escrow, setting: Setting, broken: Callable[[Setting], Any]
) -> None:
    before = [entries(escrow, room) for room in (setting.room, None)]
    assert code_of(broken(setting))[0] in {404, 409, 422}
    assert [entries(escrow, room) for room in (setting.room, None)] == before


def test_leaving_keeps_the_log(escrow: Escrow, setting: Setting) -> None:
    agree(setting)
    before = entries(escrow, setting.room)
    digest_in(setting.ana.withdraw(setting.room, "left"))
    assert entries(escrow, setting.room)[:-1] == before
    for partner in (setting.ana, setting.bo):
        assert partner.get(f"/v1/rooms/{setting.room}/log/checkpoint").status_code == 200
