"""What is opened and released is on record: that it may be uploaded, and that it was handed over."""

from typing import Any

import pytest
from conftest import Escrow, Setting
from opening_rooms import Opener, begin_round
from partner import digest_in
from reading_logs import Watch
from sharing_rooms import deliver, put_batch, put_release, release, sealed_bytes

from cleanroom.messages.releases import Release
from cleanroom.policy.decision import RULES


def test_openings_and_a_round_that_is_exchanged(escrow: Escrow, setting: Setting) -> None:
    ana, bo = begin_round(setting)
    watch = Watch(escrow, setting.room)
    opening, data = ana.opening()
    recorded = watch.after(lambda: ana.record(opening))
    assert recorded == {
        "type": "opening-recorded/1",
        "cells": ((0, 0), (0, 1), (1, 0), (1, 1)),
        "created": opening.created,
        "document": opening.digest(),
        "epoch": 0,
        "prover": ana.me.id,
        "prover_policy": opening.claim.prover_policy,
        "round": 1,
        "rows": "20 to 50",
        "rules": RULES,
        "verifier": bo.me.id,
        "verifier_policy": opening.claim.verifier_policy,
    }
    again, _ = ana.opening()
    assert watch.after(lambda: ana.record(again))["document"] == again.digest()
    digest_in(ana.put_part(data))
    digest_in(ana.deliver())
    assert watch.new() == []
    theirs = bo.deliver_all()
    _, exchanged = watch.new()
    assert exchanged.model_dump(exclude={"at"}) == {
        "type": "openings-exchanged/1",
        "epoch": 0,
        "openings": (again.digest(), theirs.digest()),
        "round": 1,
    }


def test_a_round_that_lapses(escrow: Escrow, setting: Setting) -> None:
    ana, _ = begin_round(setting)
    ana.deliver_all()
    watch = Watch(escrow, setting.room)
    escrow.clock.step(hours=73)
    for _ in range(2):
        setting.ana.view(setting.room)
    assert {"type": "round-lapsed/1", "epoch": 0, "round": 1} in [
        item.model_dump(exclude={"at"}) for item in watch.new() if item.type == "round-lapsed/1"
    ]


@pytest.fixture
def exchanged(setting: Setting) -> tuple[Opener, Opener]:
    both = begin_round(setting)
    for opener in both:
        opener.deliver_all()
    return both


def released(setting: Setting, opener: Opener, *sealed: bytes, **changes: Any) -> Release:  # noqa: ANN401 - any field
    """A release under the policies in force."""
    signers = {
        view.policy.signatures[0].signer: view.policy.digest() for view in setting.ana.view(setting.room).policies
    }
    policies = {"sender_policy": signers[opener.me.id], "recipient_policy": signers[opener.other.id]}
    return release(setting, opener.me, *sealed, **policies, **changes)


def test_releases_are_on_record_and_so_is_that_they_are_handed_over(
    escrow: Escrow, setting: Setting, exchanged: tuple[Opener, Opener]
) -> None:
    ana, bo = exchanged
    watch, data = Watch(escrow, setting.room), sealed_bytes("a")
    first = released(setting, ana, data, matches=7)
    recorded = watch.after(lambda: put_release(ana.me, first))
    table = recorded.pop("table")
    assert recorded == {
        "type": "release-recorded/1",
        "created": first.created,
        "document": first.digest(),
        "epoch": 0,
        "forms": {"account": "exists"},
        "matches": "5 to 10",
        "number": 1,
        "recipient": bo.me.id,
        "recipient_policy": first.recipient_policy,
        "round": 1,
        "rules": RULES,
        "sender": ana.me.id,
        "sender_policy": first.sender_policy,
    }
    again = released(setting, ana, data, matches=8)
    assert watch.after(lambda: put_release(ana.me, again))["table"] == table
    digest_in(put_batch(ana.me, setting.room, 1, 0, data))
    for _ in range(2):
        digest_in(deliver(ana.me, setting.room, 1))
    assert watch.new() == []

    empty = released(setting, bo)
    assert watch.after(lambda: put_release(bo.me, empty))["sender"] == bo.me.id
    for _ in range(2):
        digest_in(deliver(bo.me, setting.room, 1))
    handed = [{"type": "release-handed-over/1", "epoch": 0, "number": 1, "document": item.digest(),
               "sender": item.sender, "recipient": item.recipient} for item in (again, empty)]  # fmt: skip
    assert [item.model_dump(exclude={"at"}) for item in watch.new()] == handed
    later = released(setting, ana, previous=again)
    digest_in(put_release(ana.me, later))
    digest_in(deliver(ana.me, setting.room, 2))
    assert [item.type for item in watch.new()] == ["release-recorded/1", "release-handed-over/1"]
