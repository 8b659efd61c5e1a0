"""The operator's command, as processes with real sockets."""

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import httpx2
import pytest
from click.testing import Result
from sqlalchemy import select
from typer.testing import CliRunner

from api.service.command import app
from cleanroom.domain.vocabulary import PartnerKind
from cleanroom.messages.entries import OperatorActed, read_entry
from cleanroom.messages.invites import Invite
from escrow.database import Database
from escrow.ledger import OPERATOR
from escrow.ledger_tables import LogEntry

COMMAND = [sys.executable, "-m", "api.service.command"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - our own command


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[dict[str, str], subprocess.Popen[str]]]:
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, "serve", "--home", str(tmp_path / "home"), "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    yield json.loads(process.stdout.readline()), process
    process.terminate()
    process.communicate(timeout=30)


def on_record(home: Path) -> list[str]:
    """What the operator's log says: which action, else which entry."""
    database = Database(f"sqlite:///{home / 'escrow.db'}")
    query = select(LogEntry.leaf).where(LogEntry.log == OPERATOR).order_by(LogEntry.number)
    entries = [read_entry(data) for data in database.read(lambda session: session.scalars(query).all())]
    database.dispose()
    assert {entry.version for entry in entries if isinstance(entry, OperatorActed)} <= {version("cleanroom-escrow")}
    return [entry.action if isinstance(entry, OperatorActed) else entry.type for entry in entries]


def test_serve_tells_where_it_listens_and_invites_pin_its_key(
    served: tuple[dict[str, str], subprocess.Popen[str]], tmp_path: Path
) -> None:
    facts, process = served
    info = httpx2.get(f"{facts['url']}/v1/escrow").json()
    assert info["key"] == facts["key"]
    assert len(facts["fingerprint"].split()) == 8
    home = str(tmp_path / "home")
    made = run("invite", "--home", home, "--url", facts["url"], "--name", "Ana", "--kind", "isv")
    invite = Invite.read(made.stdout)
    assert (invite.url, invite.escrow_key, invite.name) == (facts["url"], facts["key"], "Ana")
    assert invite.kind is PartnerKind.ISV
    assert run("partners", "--home", home, "--json").stdout == ""
    assert on_record(tmp_path / "home") == ["migrated", "started", "invite-made/1"]
    assert (tmp_path / "home" / "escrow.key").stat().st_mode & 0o777 == 0o600
    process.terminate()
    _, log = process.communicate(timeout=30)
    lines = [json.loads(line) for line in log.splitlines()]
    assert any(line["event"] == "request" and line["route"] == "/v1/escrow" for line in lines)
    assert process.returncode in {0, -15}


def test_what_is_wrong_is_said_in_words_and_codes(tmp_path: Path) -> None:
    home = ("--home", str(tmp_path))

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments)

    missing = invoke("partners", *home, "--json")
    assert missing.exit_code == 1
    assert json.loads(missing.stderr)["code"] == "schema_missing"
    assert invoke("migrate", *home).exit_code == 0
    assert invoke("migrate", *home).exit_code == 0
    assert on_record(tmp_path) == ["migrated"]
    assert invoke("partners", *home).exit_code == 0
    bad_url = invoke("invite", *home, "--url", "ftp://x", "--json")
    assert json.loads(bad_url.stderr)["code"] == "input_refused"
    half = invoke("serve", *home, "--tls-cert", "x.pem", "--json")
    assert json.loads(half.stderr.splitlines()[-1])["code"] == "input_refused"
    (tmp_path / "escrow.key").write_bytes(b"short")
    assert "escrow.key" in invoke("migrate", *home).stderr
