"""`cleanroom audit verify` of several bundles, and with the draws of an operator: from files alone."""

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from counted_room import MONTH, Counted, counted

from cleanroom.audit.bundle import write
from cleanroom.cli.exits import Exit
from cleanroom.cli.invocation import Environment
from cleanroom.cli.main import run
from cleanroom.cli.output import Output
from cleanroom.domain.vocabulary import RoomId

OTHER = RoomId("6b" * 16)


def verified(*arguments: str | Path) -> tuple[int, str]:
    out = io.StringIO()
    environment = Environment(
        home=Path("nowhere"),
        passphrase=None,
        passphrase_file=None,
        clock=lambda: counted().now + timedelta(days=40),
        output=Output(out, out),
        ask=None,
    )
    return run(["audit", *map(str, arguments)], environment), " ".join(out.getvalue().split())


def written(folder: Path, name: str, life: Counted) -> Path:
    path = folder / f"{name}.cleanroom-audit"
    write(path, life.bundle())
    return path


@pytest.fixture
def one(tmp_path: Path) -> Path:
    return written(tmp_path, "one", counted())


def test_budgets_are_in_a_table(one: Path) -> None:
    for command in (("verify", one), ("show", one), ("report", one)):
        code, text = verified(*command)
        assert code == Exit.DONE, text
        assert "Answers, recounted" in text
        assert "1 of 12 │ 1 standard" in text
    assert "Answers, recounted" not in verified("show", one, "--partner", "escrow")[1]


def test_the_report_page_has_them_too(one: Path, tmp_path: Path) -> None:
    verified("report", one, "--html", tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Answers, recounted" in text
    assert "<td>1 of 12</td>" in text


def test_several_bundles_hold_together_or_do_not(one: Path, tmp_path: Path) -> None:
    later = written(tmp_path, "later", counted(room=OTHER, begins=counted().now + MONTH))
    code, text = verified("verify", one, later)
    assert (code, "2 of 12 │ 2 standard" in text) == (Exit.DONE, True)
    soon = written(tmp_path, "soon", counted(room=OTHER, begins=counted().now + timedelta(days=1)))
    assert verified("verify", soon)[0] == Exit.DONE
    code, text = verified("verify", one, soon, "--json")
    found: Any = json.loads(text)
    assert (code, found["holds"], [item["holds"] for item in found["bundles"]]) == (4, False, [True, True])
    assert "it comes before the interval" in found["findings"][0]["what"]


def test_options_are_for_one_bundle(one: Path) -> None:
    code, text = verified("verify", one, one, "--previous", one)
    assert (code, "the options are for one bundle" in text) == (Exit.REFUSED, True)


def test_draws_are_opened_from_a_file(one: Path, tmp_path: Path) -> None:
    draws = tmp_path / "draws.jsonl"
    honest = counted().draws[0]
    draws.write_text(honest.model_dump_json() + "\n", encoding="utf-8")
    assert verified("verify", one, "--draws", draws)[0] == Exit.DONE
    draws.write_text(honest.model_copy(update={"salt": "00" * 32}).model_dump_json(), encoding="utf-8")
    code, text = verified("verify", one, "--draws", draws)
    assert (code, "not those that the log" in text) == (Exit.VERIFICATION, True)
