"""The whole flow on a real PostgreSQL, through the two commands: enrol, agree, push, sync, overlap, delta, leave."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from ground import TITLE, cells_of, log_lines, ran, script, transposed, truth, write_list
from postgresql import PostgreSQL

from cleanroom.domain.vocabulary import DEFAULT_SEGMENTS
from examples.local import UNSAFE_TERMS, Escrow, Partner, agreed_room, enrolled

TERMS = ("--purpose", "tests", "--minimum-population", "5", *UNSAFE_TERMS, "--changes", "immediate")
BULK = ("sealed_chunks", "snapshots", "evaluations", "evaluated_batches", "evaluated_chunks", "answers")


def companies(start: int, stop: int) -> dict[int, str]:
    return {number: DEFAULT_SEGMENTS[number % 3] for number in range(start, stop)}


@contextmanager
def served(home: Path, url: str) -> Iterator[Escrow]:
    """`serve` without --migrate, as an operator of PostgreSQL runs it."""
    command = [script("cleanroom-escrow"), "serve", "--home", str(home), "--db", url, "--port", "0", "--json"]
    with (home / "escrow.log").open("a") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)  # noqa: S603 - our own command
    assert process.stdout is not None
    with process.stdout as out:
        line = out.readline()
    escrow = Escrow(home=home, database=url, process=process, url=json.loads(line)["url"])
    try:
        yield escrow
    finally:
        escrow.stop()


def synced(*partners: Partner) -> list[Any]:
    return [room["problem"] for partner in partners for room in partner.run("sync")["rooms"]]


def rows_in(url: str) -> dict[str, int]:
    counted = {}
    with psycopg.connect(url) as connection:
        for table in BULK:
            (row,) = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchall()  # noqa: S608 - our own names
            counted[table] = int(row[0])
    return counted


@pytest.mark.soak
def test_the_whole_flow_on_postgresql(tmp_path: Path, postgresql_server: PostgreSQL) -> None:
    url, home = postgresql_server.fresh(), tmp_path / "escrow"
    at = ("--home", home, "--db", url)
    refused = ran(script("cleanroom-escrow"), "serve", *at, "--port", "0", "--json")
    assert (refused.returncode, json.loads(refused.stderr.splitlines()[-1])["code"]) == (1, "schema_missing")
    assert refused.stdout == ""
    assert ran(script("cleanroom-escrow"), "migrate", *at).returncode == 0
    with served(home, url) as escrow:
        acme, globex = enrolled(tmp_path, escrow, [("Acme", "isv"), ("Globex", "si")])
        agreed_room(acme, globex, TITLE, *TERMS)
        mine, theirs = companies(0, 300), companies(100, 400)
        acme.run("push", write_list(tmp_path / "acme.csv", mine), "--segment-from", "Type")
        globex.run("push", write_list(tmp_path / "globex.csv", theirs), "--segment-from", "Type")
        assert synced(acme, globex, acme) == [None, None, None]
        assert cells_of(acme) == truth(mine, theirs)
        assert cells_of(globex) == transposed(truth(mine, theirs))

        added = companies(300, 345)
        report = acme.run("push", "--changes", write_list(tmp_path / "delta.csv", added))
        assert report["rooms"][0]["report"]["sent_rows"] == len(added)
        assert synced(globex, acme, globex) == [None, None, None]
        after = truth({**mine, **added}, theirs)
        assert after != truth(mine, theirs)
        assert cells_of(acme) == after
        assert cells_of(globex) == transposed(after)

        assert all(rows_in(url).values())
        globex.run("room", "leave", TITLE, "--yes")
        assert set(rows_in(url).values()) == {0}
        assert acme.run("room", "show", TITLE)["state"] == "left"
        assert {line["level"] for line in log_lines(escrow)} == {"info"}
