"""kill -9 between "decided" and "recorded", in every order: no row and no sealed field is there without its entry."""

import json
from pathlib import Path
from typing import Final
from zipfile import ZipFile

import pytest
from gate import Gate, Moment
from ground import TITLE, Ground, in_a_room, kill, opened, release, running, write_list
from sqlalchemy import select

from cleanroom.agent import policies, users
from cleanroom.agent.session import Agent
from cleanroom.domain.fields import ACCOUNT, FieldClass
from cleanroom.domain.secret import Secret
from cleanroom.domain.vocabulary import Form, Role
from cleanroom.messages.entries import read_entry
from cleanroom.policy.model import Effect, Policy, Rule, When
from escrow.consent_tables import OpeningPart, OpeningRecord, ReleaseBatch, ReleaseRecord
from escrow.database import Database
from escrow.ledger_tables import LogEntry

STEPS: Final = (
    ("/openings/{me} HTTP", Moment.BEFORE),
    ("/openings/{me} HTTP", Moment.AFTER),
    ("/log/checkpoint HTTP", Moment.AFTER),
    ("/parts/0 HTTP", Moment.WITHIN),
    ("/parts/0 HTTP", Moment.AFTER),
    ("/openings/{me}/delivery HTTP", Moment.BEFORE),
    ("/openings/{me}/delivery HTTP", Moment.AFTER),
    ("/releases/{me}/1 HTTP", Moment.BEFORE),
    ("/releases/{me}/1 HTTP", Moment.AFTER),
    ("/batches/0 HTTP", Moment.WITHIN),
    ("/batches/0 HTTP", Moment.AFTER),
    ("/releases/{me}/1/delivery HTTP", Moment.BEFORE),
    ("/releases/{me}/1/delivery HTTP", Moment.AFTER),
)
"""Every request between an agent's decision and what it discloses, in order."""


def agree(agent: Agent, ground: Ground) -> None:
    """A policy that shows the stage of every match, signed by two people."""
    passphrase = Secret("of a user of tests")
    users.add(agent, "Ann", Role.ADMIN, passphrase=passphrase)
    ann = users.unlock(agent, "Ann", passphrase)
    users.add(agent, "Bob", Role.PARTNER_MANAGER, passphrase=passphrase, by=ann)
    rules = tuple(
        Rule(id=name, effect=Effect.GRANT, fields=frozenset({name}), form=form, when=When())
        for name, form in ((ACCOUNT, Form.EXISTS), ("account_website", Form.FULL))
    )
    accepts = {ACCOUNT: Form.EXISTS, **{str(entry): Form.FULL for entry in FieldClass}}
    policies.propose(agent, ground.room, Policy(owner=agent.me, rules=rules, accepts=accepts), ann, yaml="")
    policies.approve(agent, ground.room, users.unlock(agent, "Bob", passphrase))


def require_on_record(database: str) -> tuple[int, int]:
    """How much content is there, and how many entries; all of it is named by documents that are on record."""
    held = Database(database)
    try:
        content, documents, leaves = held.read(
            lambda session: (
                [*session.scalars(select(OpeningPart.digest)), *session.scalars(select(ReleaseBatch.digest))],
                [*session.scalars(select(OpeningRecord.signed)), *session.scalars(select(ReleaseRecord.signed))],
                session.scalars(select(LogEntry.leaf)).all(),
            )
        )
        digests = dict(held.read(_digests))
    finally:
        held.dispose()
    logged = {getattr(read_entry(leaf), "document", "") for leaf in leaves}
    on_record = " ".join(text for text in documents if digests[text] in logged)
    assert [digest for digest in content if digest not in on_record] == []
    return len(content), len(leaves)


def _digests(session) -> list[tuple[str, str]]:  # noqa: ANN001 - SQLAlchemy's
    return [
        (row.signed, row.digest)
        for table in (OpeningRecord, ReleaseRecord)
        for row in session.execute(select(table.signed, table.digest))
    ]


@pytest.mark.soak
@pytest.mark.parametrize("victim", ["agent", "escrow"])
def test_nothing_is_disclosed_without_its_entry_whoever_is_killed(tmp_path: Path, victim: str) -> None:
    with running(tmp_path / "escrow") as escrow, Gate(int(escrow.url.rpartition(":")[2])) as gate:
        ground = in_a_room(tmp_path, escrow, url=gate.url)
        path = write_list(tmp_path / "list.csv", dict.fromkeys(range(40), "customers"))
        for partner in (ground.acme, ground.globex):
            partner.run("push", path, "--segment-from", "Type", "--yes")
        for partner in (ground.acme, ground.globex, ground.acme, ground.globex):
            partner.run("sync")
        for partner in (ground.acme, ground.globex):
            with opened(partner) as agent:
                agree(agent, ground)
        with opened(ground.acme) as agent:
            me = agent.me
        for number, (mark, moment) in enumerate(STEPS):
            if "/releases/" in mark and "/1 HTTP" in mark and moment is Moment.BEFORE:
                ground.globex.run("sync")
            gate.stop_at(mark.format(me=me), moment)
            process = ground.acme.start("sync", log=tmp_path / f"acme-{number}.log")
            assert gate.stopped.wait(60), mark
            if victim == "escrow":
                escrow.kill()
            kill(process)
            require_on_record(escrow.database)
            if victim == "escrow":
                escrow.restart()
                release(escrow)
        for partner in (ground.acme, ground.globex, ground.acme, ground.globex):
            partner.run("sync")
        content, entries = require_on_record(escrow.database)
        assert content == 4
        assert entries > len(STEPS)
        for partner in (ground.acme, ground.globex):
            assert len(partner.run("shared", "--room", TITLE)["rows"]) == 40
            bundle = tmp_path / f"{partner.name}.cleanroom-audit"
            assert partner.run("audit", "export", "--room", TITLE, "--to", bundle)["problem"] is None
            kinds = [json.loads(line)["document"] for line in _journal(bundle)]
            assert len(kinds) == 2


def _journal(bundle: Path) -> list[str]:
    with ZipFile(bundle) as archive:
        (name,) = [name for name in archive.namelist() if name.startswith("journal/")]
        return archive.read(name).decode().splitlines()
