"""Promise 4 where checks of P8 stand behind each other: each alone stops the attack, and without all it succeeds."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
import rfc8785
from malice import epoch_key, lied_to
from malice_openings import Stage, mapped_stage
from malice_proofs import Handmade, Prover, swapped
from malice_scene import TRUE, Removal, Scene, keys, without, without_own_rows, without_points
from world import World

from cleanroom.agent import epochs, opening, openings_received, verified
from cleanroom.agent.epochs import KeyRefused, accepted_key, own_key
from cleanroom.agent.rooms import open_room
from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import RoundState, Tier
from cleanroom.messages.documents import DocumentRefused, read_document
from cleanroom.messages.openings import Claim, Evidence, OpenedRow, OpeningRefused, decode_rows
from cleanroom.messages.signing import SignedDocument
from matching.group import base_multiply, multiply, random_scalar

DUNS = 1
"""By its place in the default terms."""


@pytest.fixture(scope="module")
def scene(world: World) -> Scene:
    return Scene.of(mapped_stage(world))


def repeated(scene: Scene) -> Handmade:
    first, _, *rest = scene.prover.rows
    return scene.prover.made([first, first, *rest])


def by_another_scalar(scene: Scene) -> Handmade:
    other = random_scalar()
    points = multiply(np.frombuffer(b"".join(row.token for row in scene.prover.rows), np.uint8).reshape(-1, 32), other)
    rows = [replace(row, point=point.tobytes()) for row, point in zip(scene.prover.rows, points, strict=True)]
    return scene.prover.made(rows, scalar=other, prover_key=base_multiply(other).hex())


def under_its_own_key(scene: Scene) -> Handmade:
    """Another scalar's points under the key that the other side has in this epoch."""
    named = by_another_scalar(scene)
    claim = json.loads(named.signed.document)["claim"]
    key, digests = scene.prover.claim.prover_key, tuple(claim["parts"])
    made = scene.prover.made(scene.prover.rows, parts=digests)
    assert json.loads(made.signed.document)["claim"]["prover_key"] == key
    return Handmade(signed=made.signed, parts=named.parts)


def crossed_in_transit(scene: Scene) -> Handmade:
    """The escrow exchanges the points of two rows; what Globex signed stays as it was."""
    parts = scene.prover.made(swapped(scene.prover.rows, "point")).parts
    return Handmade(signed=scene.prover.honest().signed, parts=parts)


def reflected(scene: Scene) -> Handmade:
    """Acme's own rows and proofs come back, signed by Globex, as if its key were Acme's."""
    mine = Prover.of(scene.opened.agent, scene.opened.view())
    made = opening.own_opening(scene.opened.agent, mine.room, mine.claim.round)
    assert made is not None
    proofs = [bytes.fromhex(item) for item in made[0].proofs]
    return scene.prover.made(mine.rows, prove=lambda *_: proofs[0], prover_key=mine.claim.prover_key)


# ---- layers: (how one is taken out, what it says where it is the last one standing)


def any_key(patch: pytest.MonkeyPatch) -> None:
    """The other side's key is the one that its opening names."""
    honest = openings_received._check_claim  # noqa: SLF001 - may be taken out already
    named: list[str] = []

    def noted(mine: Claim, theirs: Claim) -> None:
        named.append(theirs.prover_key)
        honest(mine, theirs)

    patch.setattr(openings_received, "_check_claim", noted)
    patch.setattr(openings_received, "accepted_key", lambda *_: named[-1])


def any_rows(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(openings_received, "_own_keys", lambda *given, **_: [row.handle.hex() for row in given[-1]])


def undigested(patch: pytest.MonkeyPatch) -> None:
    def decoded(claim: Claim, parts: list[bytes]) -> list[OpenedRow]:
        return [row for number, data in enumerate(parts) for row in decode_rows(data, rows=claim.part_rows(number))]

    patch.setattr(openings_received, "_decoded", decoded)


def unbound(patch: pytest.MonkeyPatch) -> None:
    """Proofs are RFC 9497's, without the claim."""
    patch.setattr(Claim, "statement", lambda *_: b"")


Layers = Mapping[str, tuple[Removal, str]]
CLAIM = (without("_check_claim"), "does not answer mine at prover_key")
KEY = (any_key, "another key than the other side's")
PROOF = (without("_check_proofs"), "the proof of part 0 does not hold")
POINTS = (without_points, "a point that I did not compute, or one twice")
ATTACKS: Mapping[str, tuple[Callable[[Scene], Handmade], Layers]] = {
    "a_row_repeated": (repeated, {"rows": (without_own_rows, "a row repeats"), "points": POINTS}),
    "another_scalar": (by_another_scalar, {"claim": CLAIM, "key": KEY, "points": POINTS}),
    "another_scalar_under_its_key": (under_its_own_key, {"proof": PROOF, "points": POINTS}),
    "points_exchanged_in_transit": (
        crossed_in_transit,
        {"digest": (undigested, "not the one that was signed"), "proof": PROOF},
    ),
    "my_own_opening_reflected": (
        reflected,
        {
            "claim": CLAIM,
            "key": KEY,
            "rows": (any_rows, "not of a token of mine"),
            "binding": (unbound, "the proof of part 0 does not hold"),
        },
    ),
}
CASES = [(name, kept) for name, (_, layers) in ATTACKS.items() for kept in (*layers, None)]


@pytest.mark.parametrize(("name", "kept"), CASES)
def test_each_check_alone_stops_it(scene: Scene, name: str, kept: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped by the agent's P8, by the one check that is left. With none left the attack succeeds."""
    make, layers = ATTACKS[name]
    for layer, (remove, _) in layers.items():
        if layer != kept:
            remove(monkeypatch)
    fresh = Scene.of(scene.stage)
    victim, made = fresh.victim(), make(fresh)
    if kept is None:
        assert victim.hears(made)
        assert victim.matches() != ()
    else:
        with pytest.raises(OpeningRefused, match=layers[kept][1]):
            victim.hears(made)
        assert victim.matches() == ()


@pytest.mark.parametrize("removed", [False, True])
def test_a_key_copied_from_the_other_side_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch, *, removed: bool
) -> None:
    """Promise 4, stopped by the agent's P2: Acme's own K comes back in Globex's name, with Acme's own proof."""
    acme, globex = world.agents.values()
    room = world.room(acme, globex)
    mine = open_room(acme, room)
    proof = json.loads(epochs._own_signed_key(acme, mine).document)["proof"]  # noqa: SLF001 - as the escrow shows it
    scalar = random_scalar()
    copied = epoch_key(globex, mine, scalar, key=bytes.fromhex(own_key(acme, mine)), proof=bytes.fromhex(proof))
    victim = lied_to(acme, lambda view: view.model_copy(update={"keys": (copied,)}))
    if removed:
        monkeypatch.setattr(epochs, "verify", lambda *_: True)
        monkeypatch.setattr(epochs, "_seen", lambda encoded: f"unseen/{encoded.hex()}")
        assert accepted_key(victim, open_room(victim, room)) == own_key(acme, mine)
    else:
        with pytest.raises(KeyRefused, match="valid proof"):
            accepted_key(victim, open_room(victim, room))


# ---- who signed, and how much


@pytest.mark.parametrize("removed", [False, True])
def test_an_opening_that_the_partner_did_not_sign_is_not_believed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, *, removed: bool
) -> None:
    """Stopped by the signature."""
    victim, made = scene.victim(), scene.prover.made(scene.prover.rows, signer=scene.stage.acme)
    if removed:
        unsigned = openings_received.open_document
        monkeypatch.setattr(
            openings_received, "open_document", lambda kind, signed, _: read_document(kind, signed.document)
        )
        assert unsigned is not openings_received.open_document
        assert victim.hears(made)
    else:
        with pytest.raises(DocumentRefused):
            victim.hears(made)


def test_an_empty_opening_is_none(scene: Scene) -> None:
    """Stopped by the form of an opening: it has a row."""
    text = json.loads(scene.prover.honest().signed.document)
    text["claim"] |= {"rows": 0, "parts": []}
    text["proofs"] = []
    document = rfc8785.dumps(text).decode()
    signature = scene.prover.agent.signature("opening/2", document)
    made = Handmade(signed=SignedDocument(document=document, signatures=(signature,)), parts=())
    with pytest.raises(DocumentRefused):
        scene.victim().hears(made)


@pytest.mark.parametrize("cut", [0, 1, 100])
def test_a_part_that_is_cut_short_is_refused(scene: Scene, cut: int) -> None:
    data = scene.prover.honest().parts[0][:cut]
    made = scene.prover.made(scene.prover.rows, parts=(hashlib.sha256(data).hexdigest(),))
    with pytest.raises(OpeningRefused, match="cut short"):
        scene.victim().hears(replace(made, parts=(data,)))


# ---- the veto, and the cells


@pytest.mark.parametrize("removed", [False, True])
def test_a_vetoed_pair_is_not_believed(scene: Scene, monkeypatch: pytest.MonkeyPatch, *, removed: bool) -> None:
    """Both share a domain and differ in their DUNS; the escrow announces it all the same. Stopped by P8, step 7."""
    stage = scene.stage
    acme, globex = (stage.rehearsal(agent) for agent in (stage.acme, stage.globex))
    for one in (acme, globex):
        one.liar.items = announced(stage, stage.acme if one is acme else stage.globex)
        assert len(one.liar.items) == 5
        assert one.opens()
    prover = Prover.of(globex.agent, globex.view())
    acme.liar.round = {"state": RoundState.EXCHANGED}
    if removed:
        for module in (openings_received, verified):
            monkeypatch.setattr(module, "tier_of", lambda *_: Tier.LIKELY)
        assert acme.hears(prover.honest())
        assert keys(acme.matches()) == {*TRUE, "same.com"}
    else:
        with pytest.raises(OpeningRefused, match="no match under the terms"):
            acme.hears(prover.honest())
        assert acme.matches() == ()


def announced(stage: Stage, agent: Agent) -> list[Evidence]:
    """The honest evidence, and the pair that is vetoed."""
    shown = stage.shown(agent, stage.equal_tags(agent))
    rows = stage.evaluation(stage.globex if agent is stage.acme else stage.acme).located.rows
    named = {name.tobytes() for name, kind in zip(rows.name, rows.kind, strict=True) if kind == DUNS}
    return [*stage.honest_evidence(agent), *(item for item in shown if item.leaf[:16] in named)]


@pytest.mark.parametrize("removed", [False, True])
def test_a_cell_that_is_agreed_no_more_is_not_opened_nor_believed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, *, removed: bool
) -> None:
    """Rules expire to the second, by the agent's clock. Stopped by the evidence check, and by P8, step 8."""
    stage, victim, early, late = scene.stage, scene.victim(), scene.victim(), scene.stage.rehearsal(scene.stage.acme)
    policy = open_room(stage.acme, stage.room).policy(stage.acme.me)
    assert policy is not None
    (until,) = {rule.expires for rule in policy.rules}
    assert until is not None
    left = until - stage.world.clock()
    stage.world.clock.step(seconds=left.total_seconds())
    try:
        if removed:
            without("_check_cells")(monkeypatch)
            assert victim.hears(scene.prover.honest())
            return
        with pytest.raises(OpeningRefused, match="outside the agreed cells"):
            victim.hears(scene.prover.honest())
        with pytest.raises(OpeningRefused, match="its cell is not agreed"):
            late.opens()
        stage.world.clock.step(seconds=-1)
        assert early.hears(scene.prover.honest())
        stage.world.clock.step(seconds=1)
    finally:
        stage.world.clock.step(seconds=-left.total_seconds())
