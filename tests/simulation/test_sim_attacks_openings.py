"""Promises 3 and 4 against a partner that makes its opening by hand, has read mine, and has the escrow's help (P8).

An honest escrow refuses all of it before anybody sees it; behind it, the agent refuses all of it again. Each attack on
the agent is run again with the named check taken out, to see it succeed. What concerns the proof alone - errors that
cancel, one unequal row among many, 65,535 rows and one more - is in tests/unit/matching/test_proof.py.
"""

import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from malice_openings import mapped_stage
from malice_proofs import Handmade, swapped
from malice_scene import TRUE, Removal, Scene, keys, without, without_own_rows, without_points
from world import World

from cleanroom.agent.client import OpeningPlace
from cleanroom.agent.evaluate import batch_prefix
from cleanroom.agent.problems import EscrowProblem
from cleanroom.agent.session import Agent
from cleanroom.agent.verified import VerifiedMatch
from cleanroom.domain.vocabulary import RoundState
from cleanroom.messages.openings import OpeningRefused
from matching.group import base_multiply, multiply, random_scalar
from matching.rows import from_leaves


@pytest.fixture(scope="module")
def scene(world: World) -> Scene:
    return Scene.of(mapped_stage(world))


# ---- what Globex makes


def never_committed(scene: Scene) -> Handmade:
    """A row of an account that Globex does not have, with a proof that is true: it did multiply Acme's token."""
    prover = scene.prover
    data = prover.agent.vault.get(batch_prefix(prover.room, 1) + "rows")
    assert data is not None
    theirs, known = from_leaves(data, 32), {row.token for row in prover.rows}
    opened = next(row for row in prover.rows if row.kind == 3)
    place = next(
        i
        for i in range(len(theirs))
        if theirs.value[i].tobytes() not in known and (theirs.segment[i], theirs.kind[i]) == (opened.segment, 3)
    )
    rows = theirs.take(slice(place, place + 1))
    point = multiply(np.ascontiguousarray(rows.value), prover.scalar).tobytes()
    return prover.made([replace(prover.rows[0], leaf=rows.leaves(), point=point), *prover.rows[1:]])


def swapped_handles(scene: Scene) -> Handmade:
    one, other, *rest = scene.prover.rows
    first = replace(one, leaf=other.leaf[:16] + one.leaf[16:])
    second = replace(other, leaf=one.leaf[:16] + other.leaf[16:])
    return scene.prover.made([first, second, *rest])


def crossed_points(scene: Scene) -> Handmade:
    """Two matches exchanged; the errors of both rows are opposite."""
    return scene.prover.made(swapped(scene.prover.rows, "point"))


def partial(scene: Scene) -> Handmade:
    return scene.prover.made(scene.prover.rows[:-1])


def repeated(scene: Scene) -> Handmade:
    first, _, *rest = scene.prover.rows
    return scene.prover.made([first, first, *rest])


def by_another_scalar(scene: Scene) -> Handmade:
    other = random_scalar()
    points = multiply(np.frombuffer(b"".join(row.token for row in scene.prover.rows), np.uint8).reshape(-1, 32), other)
    rows = [replace(row, point=point.tobytes()) for row, point in zip(scene.prover.rows, points, strict=True)]
    return scene.prover.made(rows, scalar=other, prover_key=base_multiply(other).hex())


def junk(scene: Scene) -> Handmade:
    """As many bytes as an opening has, and the digest of them signed."""
    honest = scene.prover.made(scene.prover.rows)
    data = secrets.token_bytes(len(honest.parts[0]))
    made = scene.prover.made(scene.prover.rows, parts=(hashlib.sha256(data).hexdigest(),))
    return Handmade(signed=made.signed, parts=(data,))


@dataclass(frozen=True)
class Attack:
    """What Globex hands over, how the agent refuses it, which check that is, and how one sees what it got without."""

    made: Callable[[Scene], Handmade]
    refusal: str
    removed: Removal
    got: Callable[[tuple[VerifiedMatch, ...], tuple[VerifiedMatch, ...]], bool]


def crossed(honest: tuple[VerifiedMatch, ...], got: tuple[VerifiedMatch, ...]) -> bool:
    """Entries of Acme's are tied to other entries of Globex's than the true ones."""
    return {(m.mine, m.theirs) for m in honest} != {(m.mine, m.theirs) for m in got} and len(got) == len(honest)


ATTACKS = {
    "an_account_it_never_committed": Attack(
        never_committed, "a point that I did not compute", without_points, lambda _, got: not keys(got) <= TRUE
    ),
    "swapped_handles": Attack(swapped_handles, "names another entry", without_own_rows, crossed),
    "unequal_rows": Attack(crossed_points, "proof of part 0 does not hold", without("_check_proofs"), crossed),
    "a_partial_opening": Attack(
        partial, "does not answer mine at rows", without("_check_claim"), lambda _, got: len(got) == 3
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_agent_believes_only_what_is_proven_of_its_own_rows(scene: Scene, name: str) -> None:
    """Promise 4, stopped by the agent's P8: the whole opening is refused, nothing of it is kept."""
    victim = scene.victim()
    with pytest.raises(OpeningRefused, match=ATTACKS[name].refusal):
        victim.hears(ATTACKS[name].made(scene))
    assert victim.matches() == ()


@pytest.mark.parametrize("name", ATTACKS)
def test_without_the_check_the_partner_gets_through(scene: Scene, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    honest, victim, attack = scene.victim(), scene.victim(), ATTACKS[name]
    assert honest.hears(scene.prover.honest())
    assert keys(honest.matches()) == TRUE
    made = attack.made(scene)
    attack.removed(monkeypatch)
    assert victim.hears(made)
    assert attack.got(honest.matches(), victim.matches())


def delivered(agent: Agent, at: OpeningPlace, made: Handmade) -> None:
    """To the real escrow, all of it."""
    agent.escrow.put_opening(at, made.signed)
    agent.escrow.put_opening_part(at, 0, made.parts[0])
    agent.escrow.deliver_opening(at)


@pytest.mark.parametrize(
    "make",
    [never_committed, swapped_handles, crossed_points, partial, repeated, by_another_scalar, junk],
    ids=lambda make: make.__name__,
)
def test_an_honest_escrow_refuses_the_same_before_anybody_sees_it(
    scene: Scene, make: Callable[[Scene], Handmade]
) -> None:
    """Stopped by the escrow's check; the round goes on waiting for an opening that holds."""
    stage, made = scene.stage, make(scene)
    at = OpeningPlace(stage.room, stage.round().number, stage.globex.me)
    with pytest.raises(EscrowProblem) as refused:
        delivered(stage.globex, at, made)
    assert refused.value.problem == "opening_refused"
    assert (stage.round().state, stage.round().opened) == (RoundState.OPEN, ())
    with pytest.raises(EscrowProblem) as hidden:
        stage.acme.escrow.opening(at)
    assert hidden.value.problem == "not_found"


# ---- replays


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("room", "ab" * 16),
        ("epoch", 1),
        ("round", 7),
        ("prover_policy", "ab" * 32),
        ("verifier_policy", "ab" * 32),
        ("terms", "ab" * 32),
        ("own", "ab" * 32),
        ("evaluation", "ab" * 32),
    ],
)
@pytest.mark.parametrize("removed", [False, True])
def test_an_opening_of_another_place_is_not_believed(
    scene: Scene, name: str, value: object, monkeypatch: pytest.MonkeyPatch, *, removed: bool
) -> None:
    """Globex signed and proved these rows - elsewhere. Stopped by P8, step 1; without it they are believed here."""
    victim, made = scene.victim(), scene.prover.made(scene.prover.rows, **{name: value})
    if removed:
        without("_check_claim")(monkeypatch)
        assert victim.hears(made)
        assert keys(victim.matches()) == TRUE
    else:
        with pytest.raises(OpeningRefused, match=f"does not answer mine at {name}"):
            victim.hears(made)


def test_an_opening_of_the_other_direction_is_not_believed(scene: Scene) -> None:
    made = scene.prover.made(scene.prover.rows, prover=scene.stage.acme.me, verifier=scene.stage.globex.me)
    with pytest.raises(OpeningRefused, match="does not answer mine at prover, verifier"):
        scene.victim().hears(made)


def test_a_proof_does_not_hold_for_another_claim(scene: Scene) -> None:
    """The rows and proofs of one place under the claim of another: each proof is bound to its whole claim."""
    elsewhere = scene.prover.made(scene.prover.rows, round=7)
    proofs = json.loads(elsewhere.signed.document)["proofs"]
    made = scene.prover.made(scene.prover.rows, prove=lambda *_: bytes.fromhex(proofs[0]))
    with pytest.raises(OpeningRefused, match="proof of part 0 does not hold"):
        scene.victim().hears(made)
