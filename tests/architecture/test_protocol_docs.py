"""docs/protocol.md names every address of the running service, every type of document and entry, and every label."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from starlette.testclient import TestClient

from api.service.app import create_app
from api.service.desk import Desk
from cleanroom.agent import opening
from cleanroom.domain.clock import system_clock
from cleanroom.domain.secret import Secret
from cleanroom.messages import (
    counting,
    entries,
    lists,
    notes,
    notices,
    openings,
    policies,
    policy_chain,
    probes,
    receipts,
    records,
    releases,
    rooms,
    users,
)
from cleanroom.messages.documents import Document
from cleanroom.messages.lists import AnyAnswer, EarlierAnswer
from cleanroom.messages.rooms import AnyTerms, EarlierTerms, TieredTerms, UnbudgetedTerms
from escrow import round_evidence, rounds, schema
from escrow.database import Database
from escrow.identity import EscrowKey
from matching import tiles

ROOT = Path(__file__).parents[2]
PROTOCOL = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
MODULES = (counting, lists, notices, openings, policies, probes, receipts, records, releases, rooms, users)
NOT_WRITTEN = {Document, AnyTerms, TieredTerms, EarlierTerms, UnbudgetedTerms, AnyAnswer, EarlierAnswer}
"""Bases, and what only an audit of an earlier room reads."""
LABEL = re.compile(r"b\"((?:[A-Za-z]+-)?cleanroom/1[^\"]*)\"")
AT_HOME = {"cleanroom/1 identity"}  # binds what the vault keeps; nobody else ever sees it


def rows_of(heading: str) -> list[list[str]]:
    """The cells of the table rows below a heading that begin with a name in backticks."""
    parts = re.split(r"^## \d+\. (.+)$", PROTOCOL, flags=re.MULTILINE)
    section = dict(zip(parts[1::2], parts[2::2], strict=True))[heading]
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in section.splitlines() if line[:3] == "| `"
    ]
    return [[row[0].strip("`"), *row[1:]] for row in rows]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str]]:
    """Method and path of everything that the service itself says it has."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('escrow') / 'escrow.db'}")
    schema.migrate(database)
    with TestClient(
        create_app(Desk(database=database, key=EscrowKey(Secret(bytes(range(32)))), clock=system_clock))
    ) as http:
        paths = http.get("/openapi.json").json()["paths"]
    return {(method.upper(), path.removeprefix("/v1")) for path, methods in paths.items() for method in methods}


def test_every_route_is_in_the_protocol_and_no_other(served: set[tuple[str, str]]) -> None:
    table = [(method, row[0]) for row in rows_of("The API") for method in row[1].split(", ")]
    assert len(table) == len(set(table))
    assert set(table) == served


def test_every_type_of_document_is_in_the_protocol_and_no_other() -> None:
    types = {
        kind.model_fields["type"].default
        for module in MODULES
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Document) and kind not in NOT_WRITTEN
    }
    assert sorted(row[0] for row in rows_of("Documents")) == sorted(types)


def test_every_type_of_entry_is_in_the_protocol_with_its_members_and_no_other() -> None:
    union = get_args(get_args(entries.AnyEntry)[0])
    table = {row[0]: re.findall(r"`([^`]+)`", row[1]) for row in rows_of("P10 Record") if row[0].endswith("/1")}
    assert table == {
        kind.model_fields["type"].default: sorted(kind.model_fields.keys() - {"type", "at"}) for kind in union
    }


def labels() -> Iterator[str]:
    for package in ("matching", "cleanroom", "escrow", "api"):
        for path in sorted((ROOT / package).rglob("*.py")):
            yield from LABEL.findall(path.read_text(encoding="utf-8"))


def test_every_label_is_in_the_protocol_and_no_other() -> None:
    table = PROTOCOL.partition("| label | where |")[2].partition("## 2.")[0]
    assert set(re.findall(r"`([^`]+)`", table)) == set(labels()) - AT_HOME


@pytest.mark.parametrize(
    ("constant", "said"),
    [
        (openings.PART_ROWS, "has {:,} rows"),
        (openings.LONGEST_PATH, "n, at most {}"),
        (round_evidence.CHUNK_PAIRS, "in chunks of {:,} items"),
        (releases.BATCH_MATCHES, "at most {} matches"),
        (releases.STEP, "next multiple of {:,}"),
        (releases.SEALED_OVERHEAD, "{:,} bytes longer"),
        (notices.STEP, "{:,}, at most 14 of them"),
        (releases.MOST_SEALED_BYTES >> 20, "at most {} MiB"),
        (int(policy_chain.ALONE_AFTER.total_seconds()) // 3600, "at least {} hours"),
        (int(rounds.ANSWER_WITHIN.total_seconds()) // 3600, "was here for {} hours"),
        (int(opening.ANSWER_WITHIN.total_seconds()) // 3600, "not answered for {} hours"),
        (releases.LONGEST_VALUE, "at most {:,} characters"),
        (entries.MOST_LEAF_BYTES, "at most {:,} bytes"),
        (notes.MOST_SIGNATURES, "more than {} lines"),
        (tiles.WIDTH, "fewer than {} hashes"),
        (records.SALT_BYTES, "recipient's handle))[:{}]"),
    ],
)
def test_numbers_are_those_of_the_code(constant: int, said: str) -> None:
    assert said.format(constant) in " ".join(PROTOCOL.split())
