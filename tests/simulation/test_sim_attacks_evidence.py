"""Promise 3 against an escrow that lies about matches: an agent opens only what it has evidence for (P7).

Every attack is stopped by the agent's own check of the evidence, before anything is made or sent. Each is run again
with exactly that check taken out, to see it succeed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest
from malice_openings import Rehearsal, Stage, mapped_stage
from world import World

from cleanroom.agent import evidence
from cleanroom.agent.opening_waits import RoundNotReady
from cleanroom.messages.openings import Evidence, OpeningRefused
from cleanroom.policy.evaluate import Sides

Removal = Callable[[pytest.MonkeyPatch], None]
ALL_CELLS = frozenset((i, j) for i in range(3) for j in range(3))


@pytest.fixture(scope="module")
def stage(world: World) -> Stage:
    return mapped_stage(world)


def honest(stage: Stage) -> list[Evidence]:
    return stage.honest_evidence(stage.acme)


def everything(stage: Stage) -> list[Evidence]:
    """Each row of Acme's evaluation beside some row of Globex's, with true paths."""
    mine, theirs = stage.evaluation(stage.acme), stage.evaluation(stage.globex)
    taken: set[int] = set()
    pairs = []
    for i in range(len(mine)):
        free = [j for j in range(len(theirs)) if j not in taken and theirs.kind(j) == mine.kind(i)]
        if free:
            taken.add(free[0])
            pairs.append((i, free[0]))
    return stage.shown(stage.acme, pairs)


def with_acmes_own_tags(stage: Stage) -> list[Evidence]:
    """As `everything`, and the escrow writes into each row the tag that Acme itself had uploaded."""
    mine = stage.evaluation(stage.acme)
    places = {
        (int(batch), int(index)): i
        for i, (batch, index) in enumerate(zip(mine.located.batch, mine.located.index, strict=True))
    }
    return [
        replace(item, leaf=item.leaf[:17] + b"\0" + item.leaf[18:19] + mine.tag(places[item.batch, item.index]))
        for item in everything(stage)
    ]


def every_match(stage: Stage) -> list[Evidence]:
    """True matches all, those of cells that nobody agreed to among them; without the one that is vetoed."""
    pairs = stage.equal_tags(stage.acme)
    seen = stage.shown(stage.acme, pairs)
    assert len(seen) == 7
    mine = stage.evaluation(stage.acme)
    duns = {mine.located.rows.name[i].tobytes() for i in range(len(mine)) if mine.kind(i) == 1}
    return [item for (i, _), item in zip(pairs, seen, strict=True) if mine.located.rows.name[i].tobytes() not in duns]


def one_twice(stage: Stage) -> list[Evidence]:
    first, *others = honest(stage)
    return [first, *others, first]


def without_paths(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(evidence, "known_roots", lambda *_: {})
    patch.setattr(evidence, "_root", lambda *_: None)


@dataclass(frozen=True)
class Attack:
    """What the escrow shows, the rule that refuses it, and how that rule is taken out."""

    shown: Callable[[Stage], Sequence[Evidence]]
    refusal: str
    removed: Removal
    gained: int
    """How many rows Acme opens, without the rule, beyond the four true matches of the agreed cell."""


ATTACKS = {
    "everything_announced_as_matched": Attack(
        everything, "its tag is not the one", lambda patch: patch.setattr(evidence, "_check_rows", lambda *_: None), 6
    ),
    "tags_that_are_copies_of_mine": Attack(with_acmes_own_tags, "does not lead to a root", without_paths, 6),
    "the_wrong_cell": Attack(
        every_match,
        "its cell is not agreed",
        lambda patch: patch.setattr(Sides, "agreed_cells", lambda *_: ALL_CELLS),
        2,
    ),
    "a_repeated_row": Attack(
        one_twice, "a row is shown twice", lambda patch: patch.setattr(evidence, "_check_distinct", lambda _: None), 1
    ),
}


def lied_to(stage: Stage, attack: Attack) -> Rehearsal:
    victim = stage.rehearsal(stage.acme)
    victim.liar.items = list(attack.shown(stage))
    return victim


@pytest.mark.parametrize("name", ATTACKS)
def test_an_agent_opens_only_what_it_was_shown_evidence_for(stage: Stage, name: str) -> None:
    """Promise 3, stopped by the agent's evidence check: nothing is made, so nothing can be sent."""
    victim = lied_to(stage, ATTACKS[name])
    with pytest.raises(OpeningRefused, match=ATTACKS[name].refusal):
        victim.opens()
    assert victim.liar.sent == []
    assert victim.liar.parts == {}
    assert victim.agent.vault.addresses(f"room/{stage.room}/0/opening/") == []


@pytest.mark.parametrize("name", ATTACKS)
def test_without_the_check_the_escrow_gets_more(stage: Stage, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    victim = lied_to(stage, ATTACKS[name])
    ATTACKS[name].removed(monkeypatch)
    assert victim.opens()
    assert len(victim.liar.sent) == 1
    assert len(victim.opened_rows()) == 4 + ATTACKS[name].gained


def test_the_honest_evidence_opens_the_four_matches(stage: Stage) -> None:
    """What the attacks are measured against."""
    victim = stage.rehearsal(stage.acme)
    assert victim.opens()
    assert len(victim.opened_rows()) == 4


# ---- evidence of another place


def test_evidence_of_another_room_is_none(world: World, stage: Stage) -> None:
    """Same lists, other scalars: stopped by the agent's own tags."""
    other = mapped_stage(world)
    victim = stage.rehearsal(stage.acme)
    victim.liar.items = other.honest_evidence(other.acme)
    with pytest.raises(OpeningRefused, match="its tag is not the one"):
        victim.opens()


def test_more_rows_than_were_announced_or_fewer_are_refused(stage: Stage) -> None:
    for rows in (3, 5):
        victim = stage.rehearsal(stage.acme)
        victim.liar.round = {"rows": rows}
        with pytest.raises(OpeningRefused, match="not as many rows"):
            victim.opens()


def test_rows_and_batches_that_are_not_there_are_refused(stage: Stage) -> None:
    first, *others = honest(stage)
    for changed, rule in (
        ({"index": 4_000_000_000}, "no such row"),
        ({"batch": 7}, "a batch that I did not evaluate"),
        ({"their_batch": 7}, "does not lead to a root"),
        ({"their_index": first.their_index + 1_000}, "does not lead to a root"),
        ({"path": first.path[:-32]}, "does not lead to a root"),
    ):
        victim = stage.rehearsal(stage.acme)
        victim.liar.items = [replace(first, **changed), *others]
        with pytest.raises(OpeningRefused, match=rule):
            victim.opens()


# ---- another snapshot


@pytest.mark.parametrize("removed", [False, True])
def test_a_round_of_another_snapshot_is_not_opened(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, *, removed: bool
) -> None:
    """Stopped by the agent's rule 1; without it the opening is made, and speaks of lists that the round does not."""
    victim = stage.rehearsal(stage.acme)
    victim.liar.round = {"snapshots": (stage.round().snapshots[0], "ab" * 32)}
    if removed:
        monkeypatch.setattr(evidence, "_basis", lambda agent, room, _: evidence.newest_pair(agent, room))
        assert victim.opens()
    else:
        with pytest.raises(RoundNotReady, match="newest snapshots"):
            victim.opens()
        assert victim.liar.sent == []


@pytest.mark.parametrize("member", [0, 1])
def test_a_round_of_other_policies_is_not_opened(stage: Stage, member: int) -> None:
    """Stopped by the agent's rule 2."""
    policies = list(stage.round().policies)
    policies[member] = "ab" * 32
    victim = stage.rehearsal(stage.acme)
    victim.liar.round = {"policies": tuple(policies)}
    with pytest.raises(RoundNotReady, match="policies in force"):
        victim.opens()
    assert victim.liar.sent == []
