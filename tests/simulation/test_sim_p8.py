"""P8 in one room where every rule of it has something to refuse: quick and exact, for `make mutants`.

The attacks and what they would win are in test_sim_attacks_openings.py and test_sim_attacks_proofs.py. Here parts hold
three rows, so that an opening has several, and rules are tried on both sides of their edge.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import malice_proofs
import numpy as np
import pytest
from consent import existence, put_in_force
from lists_of_accounts import VATS, lei
from malice_openings import KINDS, Rehearsal, Stage, expiring
from malice_proofs import Handmade, Prover
from malice_scene import Scene, keys, without, without_own_rows
from world import World, accounts

from cleanroom.agent import opening
from cleanroom.agent.committed import state, state_tokens
from cleanroom.agent.epochs import epoch_prefix
from cleanroom.agent.frames import to_bytes
from cleanroom.agent.progress import Progress
from cleanroom.agent.received import their_state
from cleanroom.agent.session import Agent
from cleanroom.agent.verified import VerifiedMatch
from cleanroom.domain.vocabulary import RoundState
from cleanroom.messages import openings
from cleanroom.messages.openings import Claim, Evidence, OpenedRow, OpeningRefused
from matching.group import base_multiply, random_scalar
from matching.rows import concatenated
from matching.rule import EXCLUSIVE

CELL = ("customers", "prospects")
PART_ROWS = 3
SEGMENT, KIND = 17, 18
"""Where a leaf has them, behind the handle and the operation."""


def duns(last: int) -> str:
    return f"15-048-378{last}"


MINE = {
    "plain.com": {},
    "lei-mine.com": {"lei": lei(1)},
    "duns-mine.com": {"duns": duns(1)},
    "vat-mine.com": {"vat": VATS[0], "country": "DE"},
    "only-mine-has-one.com": {"lei": lei(2)},
    "other-kinds.com": {"lei": lei(3)},
    "both-agree.com": {"lei": lei(4)},
    "they-have-one.com": {},
    "i-have-one.com": {"lei": lei(5)},
    "veto-lei.com": {"lei": lei(6)},
    "veto-duns.com": {"duns": duns(2)},
    "veto-vat.com": {"vat": VATS[1], "country": "NL"},
}
THEIRS = {
    "plain.com": {},
    "lei-theirs.com": {"lei": lei(1)},
    "duns-theirs.com": {"duns": duns(1)},
    "vat-theirs.com": {"vat": VATS[0], "country": "DE"},
    "only-mine-has-one.com": {},
    "other-kinds.com": {"duns": duns(3)},
    "both-agree.com": {"lei": lei(4)},
    "they-have-one.com": {"lei": lei(7)},
    "i-have-one.com": {},
    "veto-lei.com": {"lei": lei(8), "duns": duns(4)},
    "veto-duns.com": {"duns": duns(5)},
    "veto-vat.com": {"vat": VATS[2], "country": "IE"},
}
SHARED = {"plain.com", "only-mine-has-one.com", "other-kinds.com", "both-agree.com", "they-have-one.com"}
DOMAINS = SHARED | {"i-have-one.com"}
HELD = timedelta(days=10)


def listed(companies: dict[str, dict[str, str]], segment: str) -> list[dict[str, str]]:
    fixed = {"segment": segment}
    return [{"account_id": site, "website": site, **fixed, **more} for site, more in companies.items()]


@pytest.fixture(scope="module")
def scene(world: World) -> Iterator[Scene]:
    """Both have opened ten rows in four parts."""
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    with pytest.MonkeyPatch.context() as patch:
        for module in (openings, opening, malice_proofs):
            patch.setattr(module, "PART_ROWS", PART_ROWS)
        room = world.room(acme, globex, kinds=KINDS)
        world.put_list(acme, room, accounts(listed(MINE, CELL[0])))
        world.put_list(globex, room, accounts(listed(THEIRS, CELL[1])))
        world.settle(acme, globex, room=room)
        for agent, cell in ((acme, CELL), (globex, CELL[::-1])):
            put_in_force(agent, room, expiring(existence(agent, cell), world.clock() + HELD))
        yield Scene.of(Stage(world=world, acme=acme, globex=globex, room=room))


@pytest.fixture(scope="module")
def patient(scene: Scene) -> Rehearsal:
    """One who refuses, and keeps nothing, can be asked again."""
    return scene.victim()


def refused(patient: Rehearsal, made: Handmade, why: str) -> None:
    with pytest.raises(OpeningRefused, match=f"^opening: {why}"):
        patient.hears(made)
    assert patient.matches() == ()


def relaid(row: OpenedRow, at: int, *data: int) -> OpenedRow:
    """The row about another leaf, that has these bytes there."""
    return replace(row, leaf=row.leaf[:at] + bytes(data) + row.leaf[at + len(data) :])


def kept(rehearsal: Rehearsal) -> bytes | None:
    return rehearsal.agent.vault.get(f"policies/{rehearsal.room}/unanswered")


def test_what_holds_is_kept_exactly_and_once(scene: Scene) -> None:
    victim, shown = scene.victim(), []
    progress = Progress(lambda *told: shown.append(told))
    victim = replace(victim, agent=replace(victim.agent, progress=progress))
    assert kept(victim) is not None
    assert victim.hears(scene.prover.honest())
    assert not victim.hears(scene.prover.honest())
    assert kept(victim) is None
    assert keys(victim.matches()) >= DOMAINS
    assert len(victim.matches()) == len(DOMAINS) + 3
    committed = state(victim.agent, victim.view())
    mine = dict(zip(zip(committed["kind"], committed["key"], strict=True), committed["handle"], strict=True))
    others = their_state(victim.agent, victim.view())
    cell = tuple(victim.view().terms.segments.index(label) for label in CELL)
    for match in victim.matches():
        assert {mine[proof] for proof in match.keys} == {match.mine}
        assert match.theirs in {name.tobytes() for name in others.name}
        assert match.kinds == {kind for kind, _ in match.keys}
        assert (match.my_segment, match.their_segment) == cell
    assert sorted(len(match.keys) for match in victim.matches()) == [*[1] * 8, 2]
    assert [told for told in shown if told[0] == "fetch opening"][1:] == [
        ("fetch opening", done, 10) for done in (3, 6, 9, 10, 10)
    ]
    assert ("verify", 10, 10) in shown


def test_both_sides_keep_the_same_pairs(scene: Scene) -> None:
    acme = scene.victim()
    assert acme.hears(scene.prover.honest())
    globex = scene.stage.rehearsal(scene.prover.agent)
    globex.liar.round = {"state": RoundState.EXCHANGED}
    assert globex.hears(Prover.of(scene.opened.agent, scene.opened.view()).honest())
    assert {(m.mine, m.theirs, m.kinds) for m in acme.matches()} == {
        (m.theirs, m.mine, m.kinds) for m in globex.matches()
    }


@pytest.mark.parametrize("told", [state for state in RoundState if state is not RoundState.EXCHANGED])
def test_only_an_exchanged_round_is_verified(scene: Scene, patient: Rehearsal, told: RoundState) -> None:
    patient.liar.round = {"state": told}
    assert not patient.hears(scene.prover.honest())
    patient.liar.round = {"state": RoundState.EXCHANGED}


def test_without_a_round_there_is_nothing_to_verify(scene: Scene, world: World) -> None:
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    empty = Stage(world=world, acme=acme, globex=globex, room=world.room(acme, globex))
    assert not empty.rehearsal(acme).hears(scene.prover.honest())


def test_a_round_that_i_never_opened_is_refused(scene: Scene) -> None:
    victim = scene.stage.rehearsal(scene.stage.acme)
    victim.liar.round = {"state": RoundState.EXCHANGED}
    refused(victim, scene.prover.honest(), "the escrow says that I opened this round, and I did not")


# ---- steps 1 and 2

TEXTS = [name for name in Claim.model_fields if name not in {"parts", "rows", "epoch", "round", "log_size", "log_root"}]


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("digit", ["0", "f"])
def test_every_member_of_the_claim_must_answer_mine(scene: Scene, patient: Rehearsal, name: str, digit: str) -> None:
    said = digit * len(getattr(scene.prover.claim, name))
    made = scene.prover.made(scene.prover.rows, prove=lambda *_: bytes(64), **{name: said})
    refused(patient, made, f"it does not answer mine at {name}$")


@pytest.mark.parametrize(("name", "by"), [("epoch", 1), ("round", 1), ("round", 2)])
def test_so_must_its_numbers(scene: Scene, patient: Rehearsal, name: str, by: int) -> None:
    said = getattr(scene.prover.claim, name) + by
    made = scene.prover.made(scene.prover.rows, prove=lambda *_: bytes(64), **{name: said})
    refused(patient, made, f"it does not answer mine at {name}$")


def test_it_has_as_many_rows_as_mine(scene: Scene, patient: Rehearsal) -> None:
    refused(patient, scene.prover.made(scene.prover.rows[:-1]), "it does not answer mine at rows$")


@pytest.mark.parametrize("higher", [False, True])
def test_a_key_that_is_not_the_other_sides_is_refused(
    scene: Scene, patient: Rehearsal, monkeypatch: pytest.MonkeyPatch, *, higher: bool
) -> None:
    """Behind the claim, which names it too."""
    without("_check_claim")(monkeypatch)
    key = scene.prover.claim.prover_key
    while (key > scene.prover.claim.prover_key) is not higher or key == scene.prover.claim.prover_key:
        scalar = random_scalar()
        key = base_multiply(scalar).hex()
    refused(patient, scene.prover.made(scene.prover.rows, scalar=scalar, prover_key=key), "it names another key")


@pytest.mark.parametrize("part", [0, 3])
@pytest.mark.parametrize("higher", [False, True])
def test_a_part_that_was_not_signed_is_refused(scene: Scene, patient: Rehearsal, part: int, *, higher: bool) -> None:
    honest = scene.prover.honest()
    signed = hashlib.sha256(honest.parts[part]).hexdigest()
    others = (honest.parts[part][:-2] + i.to_bytes(2, "big") for i in range(1 << 16))
    other = next(
        data for data in others if data != honest.parts[part] and (hashlib.sha256(data).hexdigest() > signed) is higher
    )
    parts = (*honest.parts[:part], other, *honest.parts[part + 1 :])
    refused(patient, replace(honest, parts=parts), f"part {part} is not the one that was signed$")


# ---- steps 3 and 4


@pytest.mark.parametrize("number", [0, 7])
@pytest.mark.parametrize(
    "change", [(0, *bytes(16)), (0, *b"\xff" * 16), (SEGMENT, 1), (KIND, 0), (KIND, 5)], ids=lambda it: str(it[:2])
)
def test_a_row_is_of_my_own_entry_segment_and_kind(
    scene: Scene, patient: Rehearsal, number: int, change: tuple[int, ...]
) -> None:
    rows = list(scene.prover.rows)
    rows[number] = relaid(rows[number], *change)
    if rows[number] == scene.prover.rows[number]:
        rows[number] = relaid(rows[number], change[0], 1)
    made = scene.prover.made(rows)
    refused(patient, made, f"row {number} names another entry, segment or kind than my own row$")


def test_a_row_is_of_a_token_of_mine(scene: Scene, patient: Rehearsal) -> None:
    rows = list(scene.prover.rows)
    rows[4] = relaid(rows[4], KIND + 1, *base_multiply(random_scalar()))
    refused(patient, scene.prover.made(rows, prove=lambda *_: bytes(64)), "row 4 is not of a token of mine$")


def test_no_row_repeats(scene: Scene, patient: Rehearsal) -> None:
    rows = [*scene.prover.rows[:-1], scene.prover.rows[0]]
    refused(patient, scene.prover.made(rows), "a row repeats$")


# ---- steps 5 and 6


@pytest.mark.parametrize("part", range(4))
def test_the_proof_of_every_part_must_hold(scene: Scene, patient: Rehearsal, part: int) -> None:
    count = iter(range(4))
    honest = json.loads(scene.prover.honest().signed.document)["proofs"]
    proofs = [bytes.fromhex(item) for item in honest]
    proofs[part] = proofs[part][:32] + bytes(32)
    made = scene.prover.made(scene.prover.rows, prove=lambda *_: proofs[next(count)])
    refused(patient, made, f"the proof of part {part} does not hold$")


def test_a_point_that_is_none_is_refused(scene: Scene, patient: Rehearsal) -> None:
    rows = list(scene.prover.rows)
    rows[1] = replace(rows[1], point=b"\xff" * 32)
    refused(patient, scene.prover.made(rows, prove=lambda *_: bytes(64)), "part 0, ")


def test_a_point_that_i_did_not_compute_is_refused(
    scene: Scene, patient: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind the proof."""
    without("_check_proofs")(monkeypatch)
    rows = list(scene.prover.rows)
    rows[4] = replace(rows[4], point=base_multiply(random_scalar()))
    made = scene.prover.made(rows, prove=lambda *_: bytes(64))
    refused(patient, made, "row 4 has a point that I did not compute, or one twice$")


def test_a_point_is_there_once(scene: Scene, patient: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the rule that no row repeats."""
    without_own_rows(monkeypatch)
    made = scene.prover.made([*scene.prover.rows[:-1], scene.prover.rows[0]])
    refused(patient, made, "row 9 has a point that I did not compute, or one twice$")


# ---- steps 7 and 8


@pytest.mark.parametrize("doubled", [False, True])
@pytest.mark.parametrize("number", range(3), ids=("lei", "duns", "vat"))
def test_identifiers_that_differ_veto_a_pair(scene: Scene, number: int, *, doubled: bool) -> None:
    """The escrow announces it, and both have opened it. A second identifier of theirs does not lift the veto."""
    stage = scene.stage
    acme, globex = (stage.rehearsal(agent) for agent in (stage.acme, stage.globex))
    for one, agent in ((acme, stage.acme), (globex, stage.globex)):
        one.liar.items = [*stage.honest_evidence(agent), vetoed(stage, agent)[number]]
        assert one.opens()
    acme.liar.round = {"state": RoundState.EXCHANGED}
    prover = Prover.of(globex.agent, globex.view())
    assert len(prover.rows) == 11
    if doubled:
        double_theirs(acme)
    refused(acme, prover.honest(), "it pairs entries that are no match under the terms$")


def vetoed(stage: Stage, agent: Agent) -> list[Evidence]:
    """What the escrow leaves out: the three pairs of equal domains, in the order of the kinds that differ."""
    rows = stage.evaluation(stage.globex if agent is stage.acme else stage.acme).located.rows
    honest = {(item.batch, item.index) for item in stage.honest_evidence(agent)}
    shown = stage.shown(agent, stage.equal_tags(agent))
    found = [item for item in shown if (item.batch, item.index) not in honest]
    assert len(found) == 3

    def first_kind(item: Evidence) -> int:
        pairs = zip(rows.name, rows.kind, strict=True)
        return min(int(kind) for name, kind in pairs if name.tobytes() == item.leaf[:16])

    return sorted(found, key=first_kind)


def test_a_cell_that_is_agreed_no_more_is_refused(scene: Scene) -> None:
    """To the second, by my clock."""
    until = scene.stage.world.clock() + HELD
    for at, holds in ((until, False), (until - timedelta(seconds=1), True)):
        victim = scene.victim()
        late = replace(victim, agent=replace(victim.agent, clock=lambda at=at: at))
        if holds:
            assert late.hears(scene.prover.honest())
        else:
            refused(late, scene.prover.honest(), "a row lies outside the agreed cells$")


# ---- taken out meanwhile


def drop_mine(victim: Rehearsal, site: str) -> None:
    """The vault as it is once the entry was taken out and committed so."""
    room = victim.view()
    prefix = epoch_prefix(room.id, room.epoch) + "mine/"
    committed, tokens = state(victim.agent, room), state_tokens(victim.agent, room)
    (handle,) = committed["handle"][committed["key"] == site]
    gone = (committed["handle"] == handle).to_numpy()
    victim.agent.vault.put(prefix + "rows", to_bytes(committed[~gone].reset_index(drop=True)))
    victim.agent.vault.put(prefix + "tokens", tokens[~gone].tobytes())
    victim.agent.vault.put(prefix + "retired", tokens[gone].tobytes())


def double_theirs(victim: Rehearsal) -> None:
    """Every identifier of the other side's is there once more, with another token."""
    room = victim.view()
    rows = their_state(victim.agent, room)
    twice = rows.take(np.isin(rows.kind, [i for i, kind in enumerate(room.kind_names) if kind in EXCLUSIVE]))
    other = concatenated([rows, replace(twice, value=twice.value ^ 1)])
    victim.agent.vault.put(epoch_prefix(room.id, room.epoch) + "theirs/state", other.leaves())


def drop_theirs(victim: Rehearsal, match: VerifiedMatch) -> None:
    room = victim.view()
    rows = their_state(victim.agent, room)
    left = rows.take(np.array([name.tobytes() != match.theirs for name in rows.name]))
    victim.agent.vault.put(epoch_prefix(room.id, room.epoch) + "theirs/state", left.leaves())


def test_what_i_have_taken_out_is_not_kept_and_stops_nothing(scene: Scene) -> None:
    honest, victim = scene.victim(), scene.victim()
    assert honest.hears(scene.prover.honest())
    drop_mine(victim, "they-have-one.com")
    assert victim.hears(scene.prover.honest())
    assert keys(victim.matches()) == keys(honest.matches()) - {"they-have-one.com"}


def test_what_they_have_taken_out_is_not_kept_and_stops_nothing(scene: Scene) -> None:
    honest, victim = scene.victim(), scene.victim()
    assert honest.hears(scene.prover.honest())
    (match,) = (match for match in honest.matches() if (3, "i-have-one.com") in match.keys)
    drop_theirs(victim, match)
    assert victim.hears(scene.prover.honest())
    assert set(victim.matches()) == set(honest.matches()) - {match}
