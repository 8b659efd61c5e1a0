"""P4, steps 1 and 2: what the evaluating agent refuses of the other side's list. Acme lies, Globex must notice."""

import secrets
from collections.abc import Callable
from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from lists_of_accounts import companies
from malice import Forged, Owner, problem_of, shown
from world import World, accounts

from cleanroom.agent import evaluate, received, sync
from cleanroom.agent.problems import EscrowProblem
from cleanroom.agent.received import BatchOfOtherSideRefused
from cleanroom.agent.rooms import open_room, sealing_info
from cleanroom.agent.session import Agent
from cleanroom.domain.errors import VerificationFailed
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages import batches
from cleanroom.messages.batches import BatchRefused
from cleanroom.messages.lists import ShapeCount
from cleanroom.messages.sealing import UnsealRefused, seal
from matching.rows import Rows, concatenated, removals

KEYS = [f"company{i}.com" for i in range(9)]
NEGATIVE = bytes([1]) + bytes(31)  # RFC 9496, appendix A.3: a negative field element


class Room:
    """A room in which Globex has committed and waits for Acme's list."""

    def __init__(self, world: World, **terms: object) -> None:
        self.world = world
        self.acme, self.globex = world.agents["Acme"], world.agents["Globex"]
        self.id = world.room(self.acme, self.globex, **terms)
        world.put_list(self.globex, self.id, accounts(companies(5, 30)))
        sync.sync(self.globex, self.id)
        self.owner = Owner.enter(self.acme, self.id)

    def refuses(
        self, forged: Forged, code: str = "", *, error: type[VerificationFailed] = BatchOfOtherSideRefused
    ) -> None:
        """Globex notices, and nothing that it made of the list leaves it. The escrow could not know."""
        self.owner.commit(forged)
        self.refuses_what_is_shown(self.globex, code, error)

    def refuses_if_shown(self, *forged: Forged, code: str) -> None:
        """The same where the escrow, which would have refused, is in league with Acme."""
        with pytest.raises(EscrowProblem):
            self.owner.commit(forged[-1])
        self.refuses_what_is_shown(shown(self.globex, self.owner, *forged), code, BatchOfOtherSideRefused)

    def refuses_what_is_shown(self, globex: Agent, code: str, error: type[VerificationFailed]) -> None:
        problem = problem_of(globex, self.id)
        assert type(problem) is error
        assert code in str(problem)
        view = globex.escrow.room(self.id)
        assert not [signed for signed in view.evaluations if f'"evaluator":"{globex.me}"' in signed.document]
        assert not [item for item in view.progress if item.evaluator == globex.me]


@pytest.fixture
def room(world: World) -> Room:
    return copy(world.once(("room", batches.CHUNK_ROWS), lambda: Room(world)))  # tests give theirs another owner


def altered(rows: Rows, at: int, value: bytes) -> Rows:
    block = rows.value.copy()
    block[at] = np.frombuffer(value, np.uint8)
    return replace(rows, value=block)


def test_an_honest_list_made_by_the_same_hands_is_taken(room: Room) -> None:
    """Without this the refusals below would prove nothing."""
    room.owner.commit(room.owner.forge(room.owner.rows(KEYS)))
    (result,) = sync.sync(room.globex, room.id)
    assert result.problem is None
    assert "evaluated the other side's list" in result.steps


@pytest.mark.parametrize(
    ("spoil", "rule"),
    [
        (lambda _: bytes(32), "identity"),
        (lambda point: point[:31] + bytes([point[31] | 0x80]), "canonical"),
        (lambda _: NEGATIVE, "canonical"),
        (lambda _: b"\xff" * 32, "canonical"),
    ],
    ids=["identity", "bit 255", "negative", "not reduced"],
)
def test_points_that_are_none_are_refused(room: Room, spoil: Callable[[bytes], bytes], rule: str) -> None:
    rows = room.owner.rows(KEYS)
    room.refuses(room.owner.forge(altered(rows, 4, spoil(rows.value[4].tobytes()))), rule)


def test_repeated_points_are_refused(room: Room) -> None:
    rows = room.owner.rows(KEYS)
    room.refuses(room.owner.forge(altered(rows, 4, rows.value[7].tobytes())), "same token")


def test_a_point_repeated_in_a_later_batch_is_refused(room: Room) -> None:
    rows = room.owner.rows(KEYS)
    first = room.owner.forge(rows)
    room.owner.commit(first)
    assert sync.sync(room.globex, room.id)[0].problem is None
    again = altered(room.owner.rows(["new.com"]), 0, rows.value[2].tobytes())
    room.owner.commit(room.owner.forge(again, after=first, before=rows))
    assert "same token" in str(problem_of(room.globex, room.id))


def test_own_tokens_coming_back_are_refused(room: Room) -> None:
    theirs = evaluated_by_acme(room)
    rows = altered(room.owner.rows(KEYS), 0, theirs)
    room.refuses(room.owner.forge(rows), "come back")


def test_own_tokens_that_were_taken_out_since_are_refused_too(room: Room) -> None:
    """Globex drops the company in the same sync that would evaluate the copy."""
    world, globex = room.world, room.globex
    theirs = evaluated_by_acme(room)
    rows = altered(room.owner.rows(KEYS), 0, theirs)
    kept = [row for row in companies(5, 30) if token_of(room, row["website"]) != theirs]
    assert len(kept) == 24
    world.put_list(globex, room.id, accounts(kept))
    world.clock.step(days=2)
    room = rejoined(room)
    room.refuses(room.owner.forge(rows), "come back")


def evaluated_by_acme(room: Room) -> bytes:
    """A token of Globex's, as Acme finds it in what was sealed to it."""
    evaluate.evaluate(room.acme, open_room(room.acme, room.id))
    return received.their_state(room.acme, open_room(room.acme, room.id)).value[3].tobytes()


def token_of(room: Room, key: str) -> bytes:
    return Owner.enter(room.globex, room.id).tokens([key])[0].tobytes()


def rejoined(room: Room) -> Room:
    room.owner = Owner.enter(room.acme, room.id)
    return room


def test_a_histogram_other_than_the_signed_one_is_refused(room: Room) -> None:
    """Two entries of one key are said to be one entry of two keys: the rows add up, so the escrow cannot tell."""
    lie = (
        ShapeCount(segment=0, keys=(0, 0, 0, 1, 0), entries=7),
        ShapeCount(segment=0, keys=(0, 0, 0, 2, 0), entries=1),
    )
    room.refuses(room.owner.forge(room.owner.rows(KEYS), shapes=lie), "not those that were signed")


def test_a_root_other_than_that_of_the_rows_is_refused(room: Room) -> None:
    room.refuses(room.owner.forge(room.owner.rows(KEYS), root="ab" * 32), "Merkle root")


def test_rows_beyond_the_terms_are_refused(room: Room) -> None:
    rows = room.owner.rows(KEYS)
    kind = rows.kind.copy()
    kind[2] = 9
    honest = room.owner.forge(rows)
    room.refuses(room.owner.forge(replace(rows, kind=kind), shapes=honest.snapshot.shapes), "neither an addition")


def test_an_entry_in_two_segments_is_refused(room: Room) -> None:
    rows = room.owner.rows(KEYS)
    name, segment = rows.name.copy(), rows.segment.copy()
    name[1], segment[1] = name[0], 1
    lie = (
        ShapeCount(segment=0, keys=(0, 0, 0, 1, 0), entries=7),
        ShapeCount(segment=0, keys=(0, 0, 0, 2, 0), entries=1),
    )
    room.refuses(room.owner.forge(replace(rows, name=name, segment=segment), shapes=lie), "different segments")


class TestChunks:
    """Chunks that are not what the snapshot says, or not meant for this place. Four rows a chunk."""

    @pytest.fixture(autouse=True)
    def _small_chunks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(batches, "CHUNK_ROWS", 4)

    def test_reordered_chunks_are_refused(self, room: Room) -> None:
        honest = room.owner.forge(room.owner.rows(KEYS[:8]))
        swapped = honest.sealed[::-1]
        taken = iter(swapped)
        rows = room.owner.rows(KEYS[:8])
        room.refuses(room.owner.forge(rows, sealing=lambda _data, _index: next(taken)), error=UnsealRefused)

    def test_a_repeated_chunk_is_refused(self, room: Room) -> None:
        first = room.owner.forge(room.owner.rows(KEYS[:8])).sealed[0]
        room.refuses(room.owner.forge(room.owner.rows(KEYS[:8]), sealing=lambda *_: first), error=UnsealRefused)

    @pytest.mark.parametrize("flip", [0, 40, 1120, -1])
    def test_a_tampered_chunk_is_refused(self, room: Room, flip: int) -> None:
        sealed = [bytearray(item) for item in room.owner.forge(room.owner.rows(KEYS)).sealed]
        sealed[1][flip] ^= 1
        forged = room.owner.forge(room.owner.rows(KEYS), sealing=lambda _, index: bytes(sealed[index]))
        room.refuses(forged, error=UnsealRefused)

    def test_a_truncated_chunk_is_refused(self, room: Room) -> None:
        def short(data: bytes, index: int) -> bytes:
            return data[:-8] if index == 1 else data

        room.refuses(room.owner.forge(room.owner.rows(KEYS), contents=short), error=BatchRefused)

    def test_a_chunk_with_fewer_rows_is_refused(self, room: Room) -> None:
        rows = room.owner.rows(KEYS)
        fewer = batches.encode(rows.take(slice(4, 7)))
        forged = room.owner.forge(rows, contents=lambda data, index: fewer if index == 1 else data)
        room.refuses(forged, error=BatchRefused)

    @pytest.mark.parametrize("wrong", ["room", "owner", "epoch", "number", "index"])
    def test_a_chunk_sealed_for_another_place_is_refused(self, room: Room, wrong: str) -> None:
        place = {
            "snapshot_of": room.acme.me,
            "room": room.id,
            "epoch": room.owner.room.epoch,
            "number": 1,
        }
        other = {
            "room": {"room": RoomId(secrets.token_hex(16))},
            "owner": {"snapshot_of": room.globex.me},
            "epoch": {"epoch": place["epoch"] + 1},
            "number": {"number": 2},
            "index": {},
        }[wrong]
        recipient = bytes.fromhex(room.owner.room.other.sealing_key)

        def elsewhere(data: bytes, index: int) -> bytes:
            info = sealing_info(**{**place, **other}, index=index + (wrong == "index"))
            return seal(data, recipient, info)

        room.refuses(room.owner.forge(room.owner.rows(KEYS), sealing=elsewhere), error=UnsealRefused)

    def test_a_chunk_that_the_escrow_exchanged_is_refused(self, room: Room) -> None:
        """The escrow cannot read a chunk, but anybody can seal to Globex."""
        honest = room.owner.forge(room.owner.rows(KEYS))
        room.owner.commit(honest)
        other = room.owner.forge(room.owner.rows([f"other{i}.com" for i in range(9)]))
        globex = shown(room.globex, room.owner, replace(honest, sealed=other.sealed))
        room.refuses_what_is_shown(globex, "chunk 0 is not the one", BatchOfOtherSideRefused)


def test_a_shape_below_the_minimum_is_refused(world: World) -> None:
    room = Room(world, minimum_population=5)
    rows = concatenated([room.owner.rows(KEYS), room.owner.rows(["rare.com"], segment=1)])
    room.refuses_if_shown(room.owner.forge(rows), code="minimum population")


def test_a_list_over_the_quota_is_refused(world: World) -> None:
    room = Room(world, quota=25, declared=(25, 25))
    room.refuses_if_shown(room.owner.forge(room.owner.rows([f"q{i}.com" for i in range(26)])), code="quota")


def test_a_snapshot_under_another_key_is_refused(room: Room) -> None:
    other = Owner.enter(room.globex, room.id).room.keys[room.globex.me].key
    room.refuses_if_shown(room.owner.forge(room.owner.rows(KEYS), key=other), code="another key")


class TestBatched:
    """Groups of changes that would stand out. The escrow sees no group, so only the evaluating agent can refuse."""

    @pytest.fixture
    def room(self, world: World) -> Room:
        room = Room(world, minimum_population=4, changes="batched", answer_interval=3600)
        self.rows = room.owner.rows([f"start{i}.com" for i in range(12)])
        self.first = room.owner.forge(self.rows)
        room.owner.commit(self.first)
        assert sync.sync(room.globex, room.id)[0].problem is None
        return room

    def second(self, room: Room, batch: Rows) -> str:
        forged = room.owner.forge(batch, after=self.first, before=self.rows)
        room.owner.commit(forged)
        (result,) = sync.sync(room.globex, room.id)
        return str(result.problem or "")

    def test_a_group_of_the_minimum_is_taken(self, room: Room) -> None:
        assert self.second(room, room.owner.rows([f"new{i}.com" for i in range(4)])) == ""

    def test_a_small_group_of_additions_is_refused(self, room: Room) -> None:
        assert "changed in the same way" in self.second(room, room.owner.rows(["a.com", "b.com", "c.com"]))

    def test_a_small_group_of_removals_is_refused(self, room: Room) -> None:
        gone = removals(self.rows.name[:3], 32)
        assert "changed in the same way" in self.second(room, gone)

    def test_a_small_group_of_changes_is_refused(self, room: Room) -> None:
        """The shape stays, so the population does too: only one entry's key is exchanged."""
        fresh = replace(room.owner.rows(["instead.com"]), name=self.rows.name[:1])
        batch = concatenated([removals(self.rows.name[:1], 32), fresh])
        assert "changed in the same way" in self.second(room, batch)

    @pytest.mark.parametrize("kind", ["unknown", "twice", "stays"])
    def test_changes_that_do_not_follow_are_refused(self, room: Room, kind: str) -> None:
        names = self.rows.name[:4]
        unknown = np.frombuffer(secrets.token_bytes(64), np.uint8).reshape(4, 16)
        batch = {
            "unknown": lambda: removals(unknown, 32),
            "twice": lambda: removals(np.concatenate([names, names]), 32),
            "stays": lambda: replace(room.owner.rows([f"new{i}.com" for i in range(4)]), name=names),
        }[kind]()
        honest = self.first.snapshot.shapes
        room.owner.commit(room.owner.forge(batch, after=self.first, shapes=honest))
        problem = problem_of(room.globex, room.id)
        assert isinstance(problem, BatchOfOtherSideRefused)
        assert "entry" in str(problem)
