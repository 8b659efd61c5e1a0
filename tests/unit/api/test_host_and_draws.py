"""Who operates an escrow is said in its rooms' terms; the noise of answers goes from the operator to an auditor."""

import json
from pathlib import Path

import httpx2
import pytest
from conftest import Escrow
from counting_rooms import counting_room
from in_thread import InThread
from partner import AUTHORITY, Partner, code_of, digest_in, make_terms
from typer.testing import CliRunner

from api.service.app import create_app
from api.service.command import app
from api.service.desk import Desk
from matching.disclosure.commitment import opens

ROOM = "0123456789abcdef0123456789abcdef"


def test_terms_name_the_member_that_operates_the_escrow_and_no_other(escrow: Escrow, ana: Partner, bo: Partner) -> None:
    assert code_of(ana.propose(make_terms(ana, bo, host=bo.id))) == (422, "terms_refused")
    hosted = Desk(database=escrow.desk.database, key=escrow.desk.key, clock=escrow.clock, host=bo.id)
    carl = escrow.partner("Carl Hosting")
    with httpx2.Client(transport=InThread(create_app(hosted)), base_url=f"http://{AUTHORITY}") as http:
        ana.http = http
        assert ana.get("/v1/escrow").json()["host"] == bo.id
        for wrong in ("", ana.id):
            assert code_of(ana.propose(make_terms(ana, bo, host=wrong))) == (422, "terms_refused")
        digest_in(ana.propose(make_terms(ana, bo, host=bo.id)))
        assert code_of(ana.propose(make_terms(ana, carl, host=carl.id))) == (422, "terms_refused")
        digest_in(ana.propose(make_terms(ana, carl)))


def test_the_noise_is_written_for_an_auditor(escrow: Escrow, ana: Partner, bo: Partner, tmp_path: Path) -> None:
    counting = counting_room(escrow, ana, bo)
    counting.begin()
    out, database = tmp_path / "draws.jsonl", str(escrow.desk.database.engine.url)
    arguments = ["draws", "--home", str(tmp_path / "home"), "--db", database, "--room", counting.setting.room]
    made = CliRunner().invoke(app, [*arguments, "--out", str(out), "--json"])
    assert (made.exit_code, json.loads(made.stdout)) == (0, {"answers": 1})
    assert out.stat().st_mode & 0o777 == 0o600
    line = json.loads(out.read_text())
    committed = counting.log()[-2]
    assert (line["number"], line["edge"], len(line["draws"])) == (1, "2026-03-01T09:00:00Z", 4)
    assert opens(bytes.fromhex(committed.commitment), bytes.fromhex(line["salt"]), line["draws"])
    again = CliRunner().invoke(app, [*arguments, "--out", str(out)])
    assert again.exit_code == 1
    assert "--out: cannot be written" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["draws", "--room", ROOM, "--out", "x.jsonl"], "--room: no answer"),
        (["serve", "--host-partner", "Bo"], "--host-partner: not a partner's id"),
    ],
)
def test_what_is_wrong_is_refused_in_words(tmp_path: Path, arguments: list[str], said: str) -> None:
    home = ["--home", str(tmp_path / "home")]
    assert CliRunner().invoke(app, ["migrate", *home]).exit_code == 0
    refused = CliRunner().invoke(app, [arguments[0], *home, *arguments[1:]])
    assert refused.exit_code == 1
    assert said in refused.stderr
