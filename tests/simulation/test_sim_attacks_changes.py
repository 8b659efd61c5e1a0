"""Promise 3 when lists change: tags copied after the fact (ADR 11), and accounts that are suppressed too late."""

from collections.abc import Callable

import numpy as np
import pytest
from consent import staff
from faults import KilledError
from lists_of_accounts import companies
from malice_openings import OpeningsLiar, Rehearsal, Stage, mapped_stage
from world import World, accounts

from cleanroom.agent import evaluate, evidence, opening, policies, suppress, sync
from cleanroom.agent.committed import state
from cleanroom.agent.opening_waits import OpeningsWait
from cleanroom.agent.rooms import open_room
from cleanroom.agent.verified import verified
from cleanroom.messages.openings import OpeningRefused
from matching.rows import Rows

SUPPRESSED = "x\x1f3"
REASON = "a lawsuit"


# ---- the delta attack


def copying(stage: Stage, patch: pytest.MonkeyPatch) -> None:
    """Globex evaluates Acme's second batch by copying a tag of Acme's, which a lying escrow shows it."""
    shown, honest = stage.evaluation(stage.acme), evaluate._tags  # noqa: SLF001 - the step that is replaced
    matched = {i for i, _ in stage.equal_tags(stage.acme)}
    place = next(i for i in range(len(shown)) if i not in matched and shown.kind(i) == 3)

    def tags(agent, room, ordered: Rows, prefix: str) -> Rows:  # noqa: ANN001 - as the honest one
        rows = honest(agent, room, ordered, prefix)
        if agent.me != stage.globex.me:
            return rows
        value = np.frombuffer(shown.tag(place), np.uint8).reshape(1, -1).copy()
        copied = Rows(name=rows.name, op=rows.op, segment=rows.segment, kind=rows.kind, value=value)
        agent.vault.put(prefix + "tags/0", copied.leaves())
        return copied

    patch.setattr(evaluate, "_tags", tags)


@pytest.fixture(scope="module")
def copied(world: World) -> Stage:
    """Acme brings company 50, which Globex does not have; Globex's evaluation says that it is one of Globex's."""
    stage = mapped_stage(world, changes="immediate")
    before = [*companies(0, 6), *companies(6, 8, segment="prospects")]
    vetoed = {"account_id": "veto2", "website": "same.com", "duns": "15-048-3782", "segment": "customers"}
    world.put_list(stage.acme, stage.room, accounts([*before, vetoed, *companies(50, 51)]))
    with pytest.MonkeyPatch.context() as patch:
        copying(stage, patch)
        patch.setattr(sync, "_opened", lambda *_: ([], None))
        world.settle(stage.acme, stage.globex, room=stage.room)
    assert len(stage.equal_tags(stage.acme)) == 8
    return stage


def test_the_escrow_does_not_offer_what_cannot_be_seen_to_be_in_order(copied: Stage) -> None:
    """Stopped by the escrow, which derives the order from signed documents."""
    for agent in (copied.acme, copied.globex):
        assert len(copied.honest_evidence(agent)) == 4


@pytest.mark.parametrize("removed", [False, True])
def test_nothing_is_opened_for_tags_that_could_be_copies_of_mine(
    copied: Stage, monkeypatch: pytest.MonkeyPatch, *, removed: bool
) -> None:
    """Stopped by the agent's rule 6: a root signed after its own rows were uploaded is no evidence."""
    victim = copied.rehearsal(copied.acme)
    shown = copied.shown(copied.acme, copied.equal_tags(copied.acme))
    late = [item for item in shown if item.their_batch == 2]
    assert len(late) == 1
    victim.liar.items = [*copied.honest_evidence(copied.acme), *late]
    if removed:
        monkeypatch.setattr(evidence, "roots_held", lambda *_: 2)
        assert victim.opens()
        assert len(victim.opened_rows()) == 5
    else:
        with pytest.raises(OpeningRefused, match="signed after my row was uploaded"):
            victim.opens()
        assert victim.liar.sent == []


# ---- suppressed before, between and after


@pytest.fixture(scope="module")
def stage(world: World) -> Stage:
    return mapped_stage(world, days=2)


def test_what_is_suppressed_before_is_never_committed(world: World) -> None:
    """Stopped by the vault's own list of suppressions: no row of it leaves, so nothing can match."""
    acme, globex = world.agents.values()
    room = world.room(acme, globex)
    world.put_list(acme, room, accounts(companies(0, 6, prefix="early")))
    suppress.suppress(acme, ["early\x1f3"], REASON)
    sync.sync(acme, room)
    assert set(state(acme, open_room(acme, room))["key"]) == {f"company{i}.com" for i in (0, 1, 2, 4, 5)}


def killed_before_sending(victim: Rehearsal, patch: pytest.MonkeyPatch) -> None:
    """Its opening is in the vault and on record, and nobody has seen a row of it."""

    def dying(*_: object) -> None:
        raise KilledError

    with patch.context() as inside:
        inside.setattr(OpeningsLiar, "put_opening_part", dying)
        with pytest.raises(KilledError):
            victim.opens()


def nothing_before(victim: Rehearsal, patch: pytest.MonkeyPatch) -> None:
    del victim, patch


@pytest.mark.parametrize("before", [nothing_before, killed_before_sending], ids=lambda before: before.__name__)
@pytest.mark.parametrize("removed", [False, True])
def test_nothing_is_opened_while_what_is_suppressed_is_committed(
    stage: Stage,
    before: Callable[[Rehearsal, pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
    *,
    removed: bool,
) -> None:
    """Stopped by the agent's rule 4, after the evaluation - even if the opening was made before, and not yet sent."""
    victim = stage.rehearsal(stage.acme)
    before(victim, monkeypatch)
    suppress.suppress(victim.agent, [SUPPRESSED], REASON)
    if removed:
        monkeypatch.setattr(suppress, "must_wait", lambda *_: False)
        assert victim.opens()
        assert len(victim.opened_rows()) == 4
    else:
        with pytest.raises(OpeningsWait):
            victim.opens()
        assert victim.liar.parts == {}


def test_an_unsent_opening_of_a_cell_that_is_agreed_no_more_is_not_sent(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made in time, killed, and its cell has expired since: stopped by the agent's rule 8."""
    victim = stage.rehearsal(stage.acme)
    killed_before_sending(victim, monkeypatch)
    stage.world.clock.step(days=2)
    try:
        with pytest.raises(OpeningRefused, match="its cell is not agreed"):
            victim.opens()
    finally:
        stage.world.clock.step(days=-2)
    assert victim.liar.parts == {}


@pytest.mark.parametrize("removed", [False, True])
def test_what_was_taken_out_because_it_is_suppressed_is_not_opened_in_this_epoch(
    world: World, monkeypatch: pytest.MonkeyPatch, *, removed: bool
) -> None:
    """The escrow shows the row of the entry as it was evaluated before. Stopped by the agent's rule 4, until the next
    epoch; an agent cannot see which of its own entries a shown row speaks of.
    """
    stage = mapped_stage(world, changes="immediate")
    before = stage.honest_evidence(stage.acme)
    suppress.suppress(stage.acme, [SUPPRESSED], REASON)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(opening, "open_round", lambda *_: False)
            world.settle(stage.acme, stage.globex, room=stage.room)
        room = open_room(stage.acme, stage.room)
        assert "company3.com" not in set(state(stage.acme, room)["key"])
        victim = stage.rehearsal(stage.acme)
        honest = stage.honest_evidence(stage.acme)
        gone = [item for item in before if item.leaf not in {shown.leaf for shown in honest}]
        assert (len(honest), len(gone)) == (3, 1)
        victim.liar.items = [*honest, *gone]
        if removed:
            monkeypatch.setattr(suppress, "must_wait", lambda *_: False)
            assert victim.opens()
            assert len(victim.opened_rows()) == 4
            return
        with pytest.raises(OpeningsWait):
            victim.opens()
        assert victim.liar.sent == []
        policies.refresh(stage.acme, stage.room, staff(stage.acme)[0])
        world.settle(stage.acme, stage.globex, room=stage.room)
        opened = {key for match in verified(stage.acme, open_room(stage.acme, stage.room)) for _, key in match.keys}
        assert opened == {f"company{i}.com" for i in (2, 4, 5)}
    finally:
        suppress.unsuppress(stage.acme, [SUPPRESSED])
