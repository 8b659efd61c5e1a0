"""kill -9 of agents and of the escrow: the report still comes out right, and nothing acknowledged is lost."""

import sqlite3
import subprocess
from pathlib import Path

import numpy as np
import pytest
from gate import Gate, Moment
from ground import Ground, in_a_room, kill, log_lines, opened, release, running, write_list
from postgresql import PostgreSQL
from siege import Victim, besieged
from witness import hidden, visible

from cleanroom.agent.client import Place
from cleanroom.domain.vocabulary import Kind
from examples.local import Partner


def bring_down(folder: Path, moments: np.random.Generator, *, kills: int, size: int, database: str | None) -> None:
    with running(folder / "escrow", database) as escrow:
        ground = in_a_room(folder, escrow)
        with besieged(ground, moments, size) as siege:
            while siege.kills < kills:
                for victim in moments.permutation(list(Victim))[: kills - siege.kills]:
                    siege.attack(Victim(victim))
            assert siege.kills == kills
            siege.end()


@pytest.mark.soak
def test_the_report_is_right_after_six_kills(tmp_path: Path, seeded: np.random.Generator) -> None:
    bring_down(tmp_path, seeded, kills=6, size=2_000, database=None)
    with sqlite3.connect(tmp_path / "escrow" / "escrow.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_report_is_right_after_thirty_kills(
    tmp_path: Path, seeded: np.random.Generator, kind: str, postgresql_server: PostgreSQL
) -> None:
    database = postgresql_server.fresh() if kind == "postgresql" else None
    bring_down(tmp_path, seeded, kills=30, size=20_000, database=database)


ROWS = 16_400
"""A little more than a chunk holds, so that every upload has a middle."""


def started(partner: Partner, ground: Ground, *command: object) -> "subprocess.Popen[str]":
    return partner.start(*command, log=ground.folder / f"{partner.name}.log")


@pytest.mark.soak
def test_an_upload_is_visible_completely_or_not_at_all(tmp_path: Path) -> None:
    """Killed in the middle of a chunk, between chunks, and before the acknowledgement: no half is ever seen."""
    with running(tmp_path / "escrow") as escrow, Gate(int(escrow.url.rpartition(":")[2])) as gate:
        ground = in_a_room(tmp_path, escrow, url=gate.url, kinds=(Kind.DOMAIN,))
        mine = dict.fromkeys(range(ROWS), "customers")
        path = write_list(tmp_path / "acme.csv", mine)
        with opened(ground.globex) as globex, opened(ground.acme) as acme:
            place = Place(ground.room, 0, acme.me, 1)

            gate.stop_at("/1/chunks/0 HTTP", Moment.WITHIN)
            push = started(ground.acme, ground, "push", path, "--segment-from", "Type", "--yes")
            assert gate.stopped.wait(120)
            escrow.kill()
            escrow.restart()
            release(escrow)
            assert (visible(globex, ground, acme.me), acme.escrow.held_chunks(place)) == ([], ())

            gate.stop_at("/1/chunks/1 HTTP", Moment.BEFORE)
            assert gate.stopped.wait(120), "the push goes on by itself once the escrow is back"
            assert kill(push)
            assert (visible(globex, ground, acme.me), hidden(globex, place)) == ([], True)
            (held,) = acme.escrow.held_chunks(place)

            gate.stop_at("/snapshots/" + acme.me + "/1 HTTP", Moment.AFTER)
            again = started(ground.acme, ground, "sync")
            assert gate.stopped.wait(120)
            assert kill(again)
            (snapshot,) = visible(globex, ground, acme.me)
            assert snapshot.chunks[0] == held, "what was uploaded once is used, not sent again"
            assert [len(globex.escrow.sealed_chunk(place, index)) > 0 for index in (0, 1)] == [True, True]

            (done,) = ground.acme.run("sync")["rooms"]
            assert done["problem"] is None
            assert visible(globex, ground, acme.me) == [snapshot]
            chunks = [line for line in log_lines(escrow) if str(line.get("route")).endswith("/chunks/{index}")]
            assert [line["status"] for line in chunks if line["method"] == "PUT"] == [200, 200]
