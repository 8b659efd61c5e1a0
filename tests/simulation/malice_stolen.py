"""What an attacker holds who has the escrow's database, or a partner's vault: every stored value, and nothing else.

What is computed here uses no secret but those that are handed in.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import select
from world import World

from cleanroom.agent.committed import state
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import PartnerId
from cleanroom.messages import batches
from cleanroom.messages.openings import PART_ROWS, OpenedRow, decode_rows
from escrow.tables import Base
from matching.rows import ADD, TAG_BYTES, Rows

Class = tuple[int, int, tuple[int, ...]]
"""Batch, segment, kinds of keys: everything in which rows of one owner can differ at the escrow."""


@dataclass(frozen=True)
class Dump:
    """Every row of every table, through the ORM: table name -> rows as dictionaries."""

    tables: Mapping[str, list[dict[str, object]]] = field(repr=False)

    @classmethod
    def of(cls, world: World) -> "Dump":
        def read(session) -> Mapping[str, list[dict[str, object]]]:  # noqa: ANN001 - SQLAlchemy's
            return {
                table.name: [dict(row._mapping) for row in session.execute(select(table))]  # noqa: SLF001 - its API
                for table in Base.metadata.sorted_tables
            }

        return cls(world.database.read(read))

    def values(self) -> Iterator[tuple[str, bytes]]:
        """Every stored value as bytes, with the name of its table."""
        for table, rows in self.tables.items():
            for row in rows:
                for value in row.values():
                    yield table, value if isinstance(value, bytes) else str(value).encode()

    def of_room(self, table: str, room: Room, **where: object) -> list[dict[str, object]]:
        wanted = {"room": room.id, **where}
        return [row for row in self.tables[table] if all(row[name] == value for name, value in wanted.items())]

    def evaluated(self, room: Room, evaluator: PartnerId) -> list[tuple[int, Rows]]:
        """An evaluation as it rests: (batch, rows), chunk by chunk."""
        sizes = {
            row["number"]: row["rows"]
            for row in self.of_room("evaluated_batches", room, epoch=room.epoch, evaluator=evaluator)
        }
        chunks = self.of_room("evaluated_chunks", room, epoch=room.epoch, evaluator=evaluator)
        return [
            (
                int(row["number"]),
                batches.decode(
                    row["data"], value_bytes=TAG_BYTES, rows=batches.chunk_rows(sizes[row["number"]], row["chunk"])
                ),
            )
            for row in sorted(chunks, key=lambda row: (row["number"], row["chunk"]))
        ]

    def tags(self, room: Room, evaluator: PartnerId) -> dict[tuple[int, bytes], bytes]:
        """(kind, tag) -> pseudonym, of everything that one side evaluated."""
        return {
            (int(kind), tag.tobytes()): name.tobytes()
            for _, rows in self.evaluated(room, evaluator)
            for name, op, kind, tag in zip(rows.name, rows.op, rows.kind, rows.value, strict=True)
            if op == ADD
        }

    def opened(self, room: Room, prover: PartnerId) -> list[OpenedRow]:
        """The rows of all openings of one side."""
        found = []
        for row in self.of_room("opening_parts", room, prover=prover):
            (about,) = [item for item in self.of_room("rounds", room) if item["number"] == row["number"]]
            rows = min(PART_ROWS, int(about["rows"]) - int(row["part"]) * PART_ROWS)
            found += decode_rows(row["data"], rows=rows)
        return found


@dataclass(frozen=True)
class Entries:
    """Entries of one list, by the only features that the escrow sees: name -> class."""

    classes: Mapping[bytes, Class]

    def sizes(self) -> "Counter[Class]":
        return Counter(self.classes.values())


def renamed_entries(dump: Dump, room: Room, evaluator: PartnerId) -> Entries:
    """The other side's entries under the evaluator's pseudonyms."""
    rows = (
        (name.tobytes(), batch, int(segment), int(kind))
        for batch, part in dump.evaluated(room, evaluator)
        for name, segment, kind in zip(part.name, part.segment, part.kind, strict=True)
    )
    return _entries(rows)


def own_entries(agent: Agent, room: Room, batch_of: Mapping[bytes, int]) -> Entries:
    """A partner's own entries under its handles, from its vault; it knows which batch each came in."""
    committed = state(agent, room)
    rows = zip(committed["handle"], committed["segment"], committed["kind"], strict=True)
    return _entries((handle, batch_of[handle], int(segment), int(kind)) for handle, segment, kind in rows)


def _entries(rows: Iterable[tuple[bytes, int, int, int]]) -> Entries:
    kinds: dict[tuple[bytes, int, int], list[int]] = defaultdict(list)
    for name, batch, segment, kind in rows:
        kinds[name, batch, segment].append(kind)
    return Entries({name: (batch, segment, tuple(sorted(found))) for (name, batch, segment), found in kinds.items()})


def matched_names(dump: Dump, room: Room, evaluator: PartnerId) -> set[bytes]:
    """The evaluator's pseudonyms for entries that match: whose tag the other side's evaluation has too."""
    others = dump.tags(room, room.terms.other(evaluator).partner)
    return {name for place, name in dump.tags(room, evaluator).items() if place in others}


def vault_of(agent: Agent) -> dict[str, bytes]:
    """All that a vault holds."""
    found = {address: agent.vault.get(address) for address in agent.vault.addresses()}
    return {address: value for address, value in found.items() if value is not None}


def occurs(secret: bytes, value: bytes) -> bool:
    """Whether a value holds a secret, as it is or as hex."""
    return secret in value or secret.hex().encode() in value.lower()


def chi_square(coincidences: int, worlds: int, *, rows: int, matched: int) -> float:
    """How far coincidences of two random choices of `matched` among `rows`, summed over worlds, are from chance.

    Each world's number is hypergeometric; the square of the normalised sum is chi-square with one degree of freedom.
    """
    mean = matched * matched / rows
    variance = matched**2 * (rows - matched) ** 2 / (rows**2 * (rows - 1))
    return float((coincidences - worlds * mean) ** 2 / (worlds * variance))


def generator(seed: int) -> np.random.Generator:
    """The same numbers in each run."""
    return np.random.default_rng(seed)
