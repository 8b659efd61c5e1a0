"""Promise 3 against an escrow and a partner that pool all they hold: counts by class, and nothing about a single row.

Globex follows the protocol with its real list. It has the whole database, and its own vault, keys included.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pytest
from consent import existence, put_in_force
from lists_of_accounts import companies
from malice_stolen import (
    Class,
    Dump,
    Entries,
    chi_square,
    generator,
    matched_names,
    occurs,
    own_entries,
    renamed_entries,
    vault_of,
)
from world import World, accounts

from cleanroom.agent import evaluate
from cleanroom.agent.committed import state
from cleanroom.agent.epochs import epoch_secrets
from cleanroom.agent.rooms import Room, open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.verified import verified
from cleanroom.domain.vocabulary import RoomId
from matching import tokens
from matching.rows import ADD, Rows

DUNS, DOMAIN = 1, 3
PLAIN, NAMED, PROSPECTS, LATER = (1, 0, (DOMAIN,)), (1, 0, (DUNS, DOMAIN)), (1, 2, (DOMAIN,)), (2, 0, (DOMAIN,))


def named(start: int, stop: int, prefix: str = "x") -> list[dict[str, str]]:
    """Companies with a DUNS each."""
    rows = companies(start, stop, prefix=prefix)
    return [{**row, "duns": f"15-048-37{i:02}"} for i, row in enumerate(rows, start=start)]


@dataclass(frozen=True)
class Colluders:
    """What both know before anything is opened, and after; and the truth, which they do not know."""

    world: World
    acme: Agent
    globex: Agent
    room: RoomId
    batch_of: dict[bytes, int]
    before: Dump
    vault_before: dict[str, bytes]
    after: Dump
    vault_after: dict[str, bytes]

    def view(self, agent: Agent) -> Room:
        return open_room(agent, self.room)

    def entries(self) -> Entries:
        return own_entries(self.globex, self.view(self.globex), self.batch_of)

    def renamed(self, dump: Dump) -> Entries:
        return renamed_entries(dump, self.view(self.globex), self.acme.me)

    def matched(self, dump: Dump) -> "Counter[Class]":
        names, classes = matched_names(dump, self.view(self.globex), self.acme.me), self.renamed(dump).classes
        return Counter(classes[name] for name in names)

    def pseudonym(self, handle: bytes) -> bytes:
        """The truth."""
        key = epoch_secrets(self.acme, self.view(self.acme)).renaming_key
        return tokens.renamed(np.frombuffer(handle, np.uint8).reshape(1, 16), key).tobytes()

    def opened(self) -> set[bytes]:
        return {match.mine for match in verified(self.globex, self.view(self.globex))}


@pytest.fixture(scope="module")
def colluders(world: World) -> Colluders:
    """Globex's list has four classes; some of each match; two prospects lie in the cell that is agreed afterwards."""
    acme, globex = world.agents.values()
    room = world.room(acme, globex, changes="immediate")
    first = [*companies(0, 8), *named(8, 12), *companies(20, 26, segment="prospects")]
    world.put_list(globex, room, accounts(first))
    mine = [*(row for i in (1, 3, 5, 21, 22, 31) for row in companies(i, i + 1)), *named(9, 10), *companies(90, 95)]
    world.put_list(acme, room, accounts([*mine, *companies(23, 24, segment="prospects")]))
    world.settle(acme, globex, room=room)
    early = set(state(globex, open_room(globex, room))["handle"])
    world.put_list(globex, room, accounts([*first, *companies(30, 34)]))
    world.settle(acme, globex, room=room)
    handles = set(state(globex, open_room(globex, room))["handle"])
    before, vault_before = Dump.of(world), vault_of(globex)
    put_in_force(acme, room, existence(acme, ("customers", "prospects")))
    put_in_force(globex, room, existence(globex, ("prospects", "customers")))
    world.settle(acme, globex, room=room)
    return Colluders(
        world=world,
        acme=acme,
        globex=globex,
        room=room,
        batch_of={handle: 1 if handle in early else 2 for handle in handles},
        before=before,
        vault_before=vault_before,
        after=Dump.of(world),
        vault_after=vault_of(globex),
    )


def posterior(sizes: "Counter[Class]", matched: "Counter[Class]") -> dict[Class, Fraction]:
    return {group: Fraction(matched[group], size) for group, size in sizes.items()}


def test_before_openings_every_row_has_the_share_of_its_class(colluders: Colluders) -> None:
    """Stopped by the renaming: joining both tables on everything that they share gives classes and their counts."""
    sizes = colluders.entries().sizes()
    assert colluders.renamed(colluders.before).sizes() == sizes
    assert posterior(sizes, colluders.matched(colluders.before)) == {
        PLAIN: Fraction(3, 8),
        NAMED: Fraction(1, 4),
        PROSPECTS: Fraction(3, 6),
        LATER: Fraction(1, 4),
    }


def test_after_openings_the_opened_rows_are_known_and_all_others_keep_their_share(colluders: Colluders) -> None:
    """Promise 3: the two prospects of the agreed cell; the third, in another cell, is one of four that are left."""
    view, entries = colluders.view(colluders.globex), colluders.entries()
    linked = {row.handle: row.pseudonym for row in colluders.after.opened(view, colluders.acme.me)}
    assert set(linked) == colluders.opened()
    assert len(linked) == 2
    assert all(colluders.pseudonym(handle) == name for handle, name in linked.items())
    left = Entries({name: group for name, group in entries.classes.items() if name not in linked})
    names = colluders.renamed(colluders.after).classes
    matched = matched_names(colluders.after, view, colluders.acme.me) - set(linked.values())
    assert posterior(left.sizes(), Counter(names[name] for name in matched)) == {
        PLAIN: Fraction(3, 8),
        NAMED: Fraction(1, 4),
        PROSPECTS: Fraction(1, 4),
        LATER: Fraction(1, 4),
    }


@pytest.mark.parametrize("when", ["before", "after"])
def test_no_stored_value_ties_an_unopened_row_to_its_pseudonym(colluders: Colluders, when: str) -> None:
    """A pseudonym stands in Acme's evaluation and nowhere else, but for what was opened."""
    dump, vault = (
        (colluders.before, colluders.vault_before) if when == "before" else (colluders.after, colluders.vault_after)
    )
    opened = colluders.opened() if when == "after" else set()
    held = [*dump.values(), *(("vault", value) for value in vault.values())]
    for handle in colluders.entries().classes:
        name = colluders.pseudonym(handle)
        places = {table for table, value in held if occurs(name, value)}
        if handle in opened:
            assert "opening_parts" in places
        else:
            assert places == {"evaluated_chunks"}
    # The handles are Globex's own: they are where it put them, and where Acme's opening names them.
    for handle in colluders.entries().classes:
        places = {table for table, value in dump.values() if occurs(handle, value)}
        assert places == ({"opening_parts"} if handle in opened else set())


def test_nobody_but_acme_holds_what_renames_and_blinds(colluders: Colluders) -> None:
    held = [value for _, value in colluders.after.values()] + list(colluders.vault_after.values())
    secrets = epoch_secrets(colluders.acme, colluders.view(colluders.acme))
    for secret in (secrets.renaming_key, secrets.handle_key, secrets.scalar.reveal()):
        assert not any(occurs(secret, value) for value in held)
    own = epoch_secrets(colluders.globex, colluders.view(colluders.globex)).renaming_key
    assert any(occurs(own, value) for value in held), "what Globex has is found"


def test_evaluated_rows_rest_in_the_order_of_their_pseudonyms(colluders: Colluders) -> None:
    """So position, chunk and upload order are functions of the pseudonyms, and tell nothing beyond them."""
    seen = 0
    for _, rows in colluders.after.evaluated(colluders.view(colluders.globex), colluders.acme.me):
        names = [name.tobytes() for name in rows.name]
        assert names == sorted(names)
        assert set(rows.op.tolist()) == {ADD}
        seen += len(rows)
    assert seen == 8 + 2 * 4 + 6 + 4


# ---- many small worlds, from a fixed seed: which of Globex's rows match, against every order that anybody can see

WORLDS, ROWS, MATCHED = 2_000, 8, 3
BOUND = 19.5
"""Of chi-square with one degree of freedom: beyond it by chance once in 100,000."""
Order = Callable[[Rows], np.ndarray]


def by(block: np.ndarray) -> np.ndarray:
    """The order of byte strings."""
    return np.array(sorted(range(len(block)), key=lambda i: block[i].tobytes()))


ORDERS: dict[str, Order] = {
    "place_in_the_snapshot": lambda rows: np.arange(len(rows)),
    "handle": lambda rows: by(rows.name),
    "token": lambda rows: by(rows.value),
    "bits_of_the_handle": lambda rows: by(rows.name[:, ::-1]),
}


def worst(order: Order, seed: int = 20_261_122) -> float:
    """The chi-square of "the row at place r of this order matches" against "the evaluated row at place r does"."""
    numbers, coincidences = generator(seed), 0
    for _ in range(WORLDS):
        block = numbers.integers(0, 256, (ROWS, 48), dtype=np.uint8)
        same = np.zeros(ROWS, np.uint8)
        batch = Rows(name=block[:, :16].copy(), op=same + ADD, segment=same, kind=same, value=block[:, 16:].copy())
        truth = numbers.permutation(ROWS)[:MATCHED]
        key = numbers.bytes(32)
        evaluated = evaluate._sorted(batch, key)  # noqa: SLF001 - the step that makes the order
        shown = {place for place in range(ROWS) for i in truth if (evaluated.value[place] == batch.value[i]).all()}
        guessed = {place for place, i in enumerate(order(batch)) if i in truth}
        coincidences += len(shown & guessed)
    return chi_square(coincidences, WORLDS, rows=ROWS, matched=MATCHED)


@pytest.mark.parametrize("name", ORDERS)
def test_no_order_that_anybody_sees_tells_which_row_matches(name: str) -> None:
    assert worst(ORDERS[name]) < BOUND


def test_without_renaming_the_handles_would_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "renamed", lambda names, _: names)
    assert worst(ORDERS["handle"]) > 500


def test_without_sorting_the_places_would_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    def unsorted(batch: Rows, renaming_key: bytes) -> Rows:
        return replace(batch, name=tokens.renamed(batch.name, renaming_key))

    monkeypatch.setattr(evaluate, "_sorted", unsorted)
    assert worst(ORDERS["place_in_the_snapshot"]) > 500
