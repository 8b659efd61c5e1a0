"""P4, steps 3 to 6: the order of evaluated rows tells nothing of the owner's, and a kill changes none of it."""

import numpy as np
import pytest
from faults import KilledError, once
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lists_of_accounts import companies
from oracle import check_reports
from sqlalchemy import select
from world import PASSPHRASE, World, accounts

from cleanroom.agent import epochs, received, sync
from cleanroom.agent.committed import state
from cleanroom.agent.rooms import open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.vault import COPIED, Vault
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages import batches
from escrow import evaluated_rows
from escrow.tables import EvaluatedChunk
from matching.rows import TAG_BYTES, Rows
from matching.tokens import unrenamed

SMALL = 4


def small_chunks(patch: pytest.MonkeyPatch) -> None:
    for module in (batches, evaluated_rows):
        patch.setattr(module, "CHUNK_ROWS", SMALL)


def uploaded(world: World, room: RoomId, evaluator: Agent, number: int = 1) -> list[Rows]:
    """The chunks of evaluated rows as the escrow holds them."""
    query = (
        select(EvaluatedChunk.data)
        .where(EvaluatedChunk.room == room, EvaluatedChunk.evaluator == evaluator.me, EvaluatedChunk.number == number)
        .order_by(EvaluatedChunk.chunk)
    )
    chunks = world.database.read(lambda session: list(session.scalars(query)))
    sizes = [len(rows_of(data)) for data in chunks]
    assert all(size == batches.CHUNK_ROWS for size in sizes[:-1])
    return [rows_of(data) for data in chunks]


def rows_of(data: bytes) -> Rows:
    for rows in range(batches.CHUNK_ROWS, 0, -1):
        try:
            return batches.decode(data, value_bytes=TAG_BYTES, rows=rows)
        except batches.BatchRefused:
            continue
    raise AssertionError


def pseudonyms(chunks: list[Rows]) -> list[bytes]:
    return [name.tobytes() for rows in chunks for name in rows.name]


class Kills:
    """Kills an agent at its n-th write to its vault, or request."""

    def __init__(self, world: World, agent: Agent, room: RoomId) -> None:
        self.world, self.agent, self.room = world, agent, room

    def at_request(self, number: int, when: str) -> bool:
        line = self.world.lines[self.agent.config.name]
        line.fault = once(number, when, KilledError("killed"))
        try:
            return self._sync()
        finally:
            line.fault = None

    def at_write(self, number: int, *, after: bool) -> bool:
        """A kill inside a transaction undoes all of it, as SQLite does for a process that is gone."""
        writes = 0
        honest = Vault.put

        def put(vault: Vault, address: str, value: bytes) -> None:
            nonlocal writes
            mine = vault is self.agent.vault
            if mine and writes == number and not after:
                raise KilledError(address)
            honest(vault, address, value)
            if mine:
                writes += 1
                if writes == number + 1 and after:
                    raise KilledError(address)

        with pytest.MonkeyPatch().context() as patch:
            patch.setattr(Vault, "put", put)
            return self._sync()

    def _sync(self) -> bool:
        try:
            sync.sync(self.agent, self.room)
        except KilledError:
            return True
        return False


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    kills=st.lists(
        st.tuples(st.sampled_from(["before write", "after write", "request", "response"]), st.integers(0, 14)),
        min_size=1,
        max_size=4,
    )
)
@pytest.mark.soak
def test_after_any_kill_the_chunks_are_the_sorted_list_cut_at_the_fixed_size(
    world: World, kills: list[tuple[str, int]]
) -> None:
    check_kills(world, kills)


@pytest.mark.soak
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    kills=st.lists(
        st.tuples(st.sampled_from(["before write", "after write", "request", "response"]), st.integers(0, 25)),
        min_size=1,
        max_size=10,
    )
)
def test_after_many_kills_the_chunks_are_the_sorted_list_cut_at_the_fixed_size(
    world: World, kills: list[tuple[str, int]]
) -> None:
    check_kills(world, kills)


def check_kills(world: World, kills: list[tuple[str, int]]) -> None:
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    with pytest.MonkeyPatch().context() as patch:
        small_chunks(patch)
        room = world.room(acme, globex)
        world.put_list(acme, room, accounts(companies(0, 11)))
        world.put_list(globex, room, accounts(companies(5, 18)))
        sync.sync(globex, room)
        deaths = Kills(world, acme, room)
        for kind, number in kills:
            match kind:
                case "request" | "response":
                    deaths.at_request(number, kind)
                case _:
                    deaths.at_write(number, after=kind == "after write")
            sync.sync(globex, room)
        world.settle(acme, globex, room=room)
        for evaluator, rows in ((acme, 13), (globex, 11)):
            chunks = uploaded(world, room, evaluator)
            assert [len(chunk) for chunk in chunks] == [4] * (rows // 4) + [rows % 4]
            names = pseudonyms(chunks)
            assert names == sorted(names)
        assert check_reports(acme, globex, room)[0][0] == 6
        # Finished work leaves no copy of the outbox behind.
        assert not [a for a in acme.vault.addresses(f"room/{room}/") if "/out/" in a]


def test_a_vault_that_is_opened_again_goes_on_where_it_was(
    world: World, acme: Agent, globex: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the same object with an exception behind it: the file, read by a new one."""
    small_chunks(monkeypatch)
    room = world.room(acme, globex)
    world.put_list(acme, room, accounts(companies(0, 11)))
    world.put_list(globex, room, accounts(companies(5, 18)))
    sync.sync(globex, room)
    assert Kills(world, acme, room).at_request(9, "request")
    copy = acme.home / "after-the-kill.db"
    acme.vault.backup(copy)
    line = world.lines["Acme"]
    with Vault.open(copy, PASSPHRASE) as vault:
        vault.delete(COPIED)  # it stands for the very file
        again = world.agent(acme.home, vault, acme.identity, acme.config)
        world.settle(again, globex, room=room)
        assert check_reports(again, globex, room)[0][0] == 6
    world.lines["Acme"] = line
    copy.unlink()


def test_one_sync_after_a_kill_is_enough(world: World, acme: Agent, globex: Agent) -> None:
    """A batch that was interrupted is finished, and what it makes possible is done in the same sync."""
    room = world.room(acme, globex)
    world.put_list(globex, room, accounts(companies(3, 9)))
    world.settle(globex, acme, room=room)
    # Globex's list is evaluated; what is left to do is Acme's own.
    world.put_list(acme, room, accounts(companies(0, 6)))
    # Requests: rooms, room, chunks held, chunk, snapshot.
    assert Kills(world, acme, room).at_request(4, "request")
    assert open_room(acme, room).head(acme.me) is None
    (result,) = sync.sync(acme, room)
    assert result.problem is None
    assert "signed the evaluation's roots" in result.steps


def spearman(ranks: "np.ndarray") -> float:
    """Rank correlation of a permutation with the order 0, 1, 2 ..."""
    n = len(ranks)
    return 1 - 6 * float(((ranks - np.arange(n)) ** 2).sum()) / (n * (n * n - 1))


def test_the_order_of_uploaded_rows_is_independent_of_the_owners_order(
    world: World, acme: Agent, globex: Agent
) -> None:
    """2,000 entries: the standard error of the rank correlation is 0.022."""
    count = 2000
    room = world.room(acme, globex)
    world.put_list(acme, room, accounts(companies(0, count)))
    world.put_list(globex, room, accounts(companies(count - 3, count + 3)))
    world.settle(acme, globex, room=room)
    order = {f"company{i}.com": i for i in range(count)}
    current = open_room(globex, room)
    secrets = epochs.epoch_secrets(globex, current)
    # Who knows all secrets can tie each uploaded row to the owner's account; nobody does.
    names = np.array([list(name) for name in pseudonyms(uploaded(world, room, globex))], np.uint8)
    handles = [name.tobytes() for name in unrenamed(names, secrets.renaming_key)]
    kept = state(acme, open_room(acme, room))
    input_rank = {handle: order[key] for handle, key in zip(kept["handle"], kept["key"], strict=True)}
    upload = np.array([input_rank[handle] for handle in handles])
    assert sorted(upload.tolist()) == list(range(count))
    assert abs(spearman(upload)) < 0.12
    # Nor does the order in which the owner's rows travelled: sealed batches are shuffled.
    sent = received.their_state(globex, current)
    travelled = np.array([input_rank[name.tobytes()] for name in sent.name])
    assert abs(spearman(travelled)) < 0.12
    by_handle = {name.tobytes(): i for i, name in enumerate(sent.name)}
    assert abs(spearman(np.array([by_handle[handle] for handle in handles]))) < 0.12
