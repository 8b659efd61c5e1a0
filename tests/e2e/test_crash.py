"""kill -9 of agents and of the escrow: the report still comes out right, and nothing acknowledged is lost."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from conftest import PostgreSQL
from ground import in_a_room, running
from siege import Victim, besieged


def bring_down(folder: Path, moments: np.random.Generator, *, kills: int, size: int, database: str | None) -> None:
    with running(folder / "escrow", database) as escrow:
        ground = in_a_room(folder, escrow)
        with besieged(ground, moments, size) as siege:
            while siege.kills < kills:
                for victim in moments.permutation(list(Victim))[: kills - siege.kills]:
                    siege.attack(Victim(victim))
            assert siege.kills == kills
            siege.end()


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
