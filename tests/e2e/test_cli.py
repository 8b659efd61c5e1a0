"""The command line and the notebook against a real escrow on loopback: the whole way of two partners."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cleanroom.cli.exits import Exit
from cleanroom.cli.invocation import Environment
from cleanroom.cli.main import run
from cleanroom.cli.output import Output
from cleanroom.domain.clock import system_clock
from cleanroom.domain.secret import Secret
from cleanroom.notebook import CELLS, PARTNERS, PUSHED, REFUSED, ROOMS, STATUS, SYNCED, open_home
from examples.local import UNSAFE_TERMS

WORDS = "correct horse battery"
ROOM = "Acme x Globex"
ESCROW = "from api.service.command import main; main()"


@dataclass(frozen=True)
class Partner:
    """A home, and the command in it."""

    home: Path

    def run(self, *arguments: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        environment = Environment(
            home=self.home,
            passphrase=Secret(WORDS),
            passphrase_file=None,
            clock=system_clock,
            output=Output(out, err),
            ask=None,
        )
        return run(arguments, environment), out.getvalue(), err.getvalue()

    def json(self, *arguments: str, code: int = Exit.DONE) -> Any:  # noqa: ANN401 - a JSON document
        ended, out, err = self.run(*arguments, "--json")
        assert ended == code, out + err
        return json.loads(out)


@dataclass(frozen=True)
class World:
    """An escrow under way and two partners that share a room and have pushed and synced."""

    url: str
    escrow_home: Path
    folder: Path
    acme: Partner
    globex: Partner
    first: Any

    def invite(self, *options: str) -> str:
        return invite(self.escrow_home, self.url, *options)


def invite(home: Path, url: str, *options: str) -> str:
    made = [sys.executable, "-c", ESCROW, "invite", "--home", str(home), "--url", url, *options]
    return subprocess.run(made, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603 - our own command


def write_list(path: Path, numbers: range, segment_of: "dict[int, str]") -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["Account ID", "Account Name", "Website", "Billing Country", "Type"])
        for number in numbers:
            name, site = f"Company {number} GmbH", f"https://www.company{number}.com/"
            writer.writerow([number, name, site, "Germany", segment_of[number]])
        writer.writerow(["x1", "Broken Ltd", "no host at all", "Germany", "Customer"])
        writer.writerow(["x2", "", "", "", "Customer"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    serve = [sys.executable, "-c", ESCROW, "serve", "--home", str(folder / "escrow"), "--port", "0", "--json"]
    with (
        (folder / "escrow.log").open("w") as log,
        subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=log, text=True) as escrow,  # noqa: S603 - our own command
    ):
        assert escrow.stdout is not None
        try:
            url = json.loads(escrow.stdout.readline())["url"]
            yield prepared(url, folder)
        finally:
            escrow.terminate()
            escrow.wait(20)


def prepared(url: str, folder: Path) -> World:
    acme, globex = Partner(folder / "acme"), Partner(folder / "globex")
    told = folder / "invite.txt"
    told.write_text(invite(folder / "escrow", url) + "\n")
    acme_init = acme.json("init", "--invite-file", str(told), "--name", "Acme Software", "--kind", "isv")
    globex_init = globex.json("init", invite(folder / "escrow", url, "--name", "Globex", "--kind", "si"))
    acme.json("partner", "confirm", "Globex", *globex_init["fingerprint"])
    globex.json("partner", "confirm", "acme software", *acme_init["fingerprint"])
    terms = ["--title", ROOM, "--purpose", "Find joint customers", "--segments", "customers,prospects"]
    rules = ["--floor", "5", "--minimum-population", "5", *UNSAFE_TERMS, "--changes", "immediate"]
    proposed = acme.json("room", "propose", "Globex", *terms, *rules)
    assert proposed["state"] == "proposed"
    assert globex.json("room", "accept", ROOM)["state"] == "active"
    write_list(folder / "acme.csv", range(80), {n: ("Customer", "Prospect")[n % 2] for n in range(80)})
    write_list(folder / "globex.csv", range(20, 100), {n: ("Customer", "Prospect")[n // 50] for n in range(100)})
    first = acme.json("push", str(folder / "acme.csv"), "--segment-from", "Type")
    globex.json("push", str(folder / "globex.csv"), "--segment-from", "Type")
    for partner in (acme, globex, acme):
        partner.json("sync")
    return World(url=url, escrow_home=folder / "escrow", folder=folder, acme=acme, globex=globex, first=first)


def cells(partner: Partner) -> list[list[int | None]]:
    found: list[list[int | None]] = partner.json("overlap", "--room", ROOM)["overlaps"][0]["cells"]
    return found


def test_both_sides_see_the_same_matrix_transposed(world: World) -> None:
    mine, theirs = cells(world.acme), cells(world.globex)
    # Shared: 20 to 79. Acme: even is a customer. Globex: below 50 is a customer.
    assert mine == [[15, 15], [15, 15]]
    assert theirs == [list(column) for column in zip(*mine, strict=True)]


def test_a_push_says_what_was_read_refused_and_sent(world: World) -> None:
    report = world.first
    assert (report["rows"], report["accounts"]) == (82, 81)
    refused = {(item["row"], item["column"]): item["left_out"] for item in report["refused"]}
    assert refused == {(82, "website"): False, (83, "name"): True}
    room = report["rooms"][0]
    assert room["problem"] is None
    assert room["report"]["batch"] == 1
    assert room["report"]["sent_rows"] == sum(room["report"]["keys"].values())


def test_a_second_push_uses_the_saved_mapping_and_sends_nothing(world: World) -> None:
    code, out, err = world.acme.run("push", str(world.folder / "acme.csv"))
    assert code == Exit.DONE
    assert "columns as at the last push" in err
    assert "Segment: from column Type" in err
    assert "Nothing new to send." in out


def test_a_dry_run_stores_and_sends_nothing(world: World) -> None:
    before = world.acme.json("status")
    other, file = world.folder / "other.csv", world.folder / "leaves.zip"
    write_list(other, range(200, 260), dict.fromkeys(range(200, 260), "Customer"))
    options = ["--segment-from", "Type", "--dry-run", "--save", str(file)]
    report = world.acme.json("push", str(other), *options)
    assert report["dry_run"] is True
    assert report["rooms"][0]["saved"] == str(file)
    assert world.acme.json("status") == before
    with zipfile.ZipFile(file) as archive:
        leaves = b"".join(archive.read(name) for name in archive.namelist())
    assert {"leaves/snapshot.json", "leaves/chunks/0.sealed"} <= set(archive.namelist())
    assert b"company2" not in leaves.lower()


def test_a_delta_changes_the_overlap_of_both_and_says_by_how_much(world: World) -> None:
    delta = world.folder / "delta.csv"
    rows = [f"{n},Company {n} GmbH,company{n}.com,Germany,Customer,upsert" for n in range(80, 88)]
    header = "Account ID,Account Name,Website,Billing Country,Type,Change"
    delta.write_text("\n".join([header, *rows, "20,,,,,delete"]) + "\n")
    before = cells(world.acme)
    report = world.acme.json("push", "--changes", str(delta))
    assert (report["upserted"], report["deleted"], report["accounts"]) == (8, 1, 88)
    for partner in (world.globex, world.acme, world.globex):
        partner.json("sync")
    after = world.acme.json("overlap", "--room", ROOM)["overlaps"][0]
    assert after["change"] == [[-1, 8], [0, 0]]
    assert after["cells"] == [[14, 23], [15, 15]]
    assert before == [[15, 15], [15, 15]]
    history = world.globex.json("overlap", "--room", ROOM, "--history")["overlaps"]
    assert [item["number"] for item in history] == [1, 2]
    # Undone, so that the order of the tests does not matter.
    world.acme.json("push", str(world.folder / "acme.csv"))
    for partner in (world.globex, world.acme, world.globex):
        partner.json("sync")
    assert cells(world.acme) == before


def test_the_page_and_the_table_are_written(world: World) -> None:
    html, table = world.folder / "o.html", world.folder / "o.csv"
    code, out, err = world.acme.run("overlap", "--all", "--html", str(html), "--csv", str(table))
    assert code == Exit.DONE
    assert "in the cells that are shown" in out
    assert err.count("Written:") == 2
    assert html.read_text().startswith("<!doctype html>")
    assert len(pd.read_csv(table)) == 4


def test_a_room_of_an_unconfirmed_partner_is_refused(world: World) -> None:
    before = words_of_partners(world)
    other = Partner(world.folder / "initech")
    words = other.json("init", world.invite("--name", "Initech", "--kind", "msp"))["fingerprint"]
    proposal = ["room", "propose", "Initech", "--title", "T", "--purpose", "P"]
    assert world.acme.json(*proposal, code=Exit.NOT_NOW)["error"]["code"] == "partner_not_confirmed"
    wrong = ["partner", "confirm", "Initech", *reversed(words)]
    assert world.acme.json(*wrong, code=Exit.VERIFICATION)["error"]["code"] == "words_differ"
    assert "Initech" in words_of_partners(world) - before
    assert not set(words) & (words_of_partners(world) - before), "their words must come from them"


def words_of_partners(world: World) -> set[str]:
    """Every word that Acme is shown of its partners, on the screen and as JSON."""
    shown = world.acme.run("partner", "list")[1] + world.acme.run("partner", "list", "--json")[1]
    return set(re.findall(r"\w+", shown))


def test_the_terms_say_what_they_weaken(world: World) -> None:
    found = world.globex.json("room", "show", ROOM)
    beginnings = ["UNSAFE:", "Changes", "UNSAFE:", "Exact", "The", "A", "Entries", "Matches", "Only", "Only"]
    assert [line.split()[0] for line in found["weaknesses"]] == beginnings
    code, out, _ = world.globex.run("room", "show", ROOM)
    assert code == Exit.DONE
    assert "UNSAFE: an answer after every push" in out
    recommended = ["--title", "Safe", "--purpose", "P"]
    assert world.acme.json("room", "propose", "Globex", *recommended)["weaknesses"] == []
    world.globex.json("room", "decline", "Safe")


def test_an_invite_works_once(world: World) -> None:
    text = world.invite()
    named = ["--name", "Hooli", "--kind", "hyperscaler"]
    Partner(world.folder / "hooli").json("init", text, *named)
    again = Partner(world.folder / "hooli2").json("init", text, "--name", "Hooli 2", "--kind", "isv", code=Exit.REFUSED)
    assert (again["error"]["code"], again["error"]["problem"]) == ("escrow_problem", "invite_used")
    enrolled = Partner(world.folder / "hooli").json("init", text, *named, code=Exit.NOT_NOW)
    assert enrolled["error"]["code"] == "already_enrolled"


def test_a_list_pushed_before_any_room_is_committed_by_sync_later(world: World) -> None:
    solo = Partner(world.folder / "solo")
    init = solo.json("init", world.invite(), "--name", "Solo", "--kind", "agency")
    report = solo.json("push", str(world.folder / "acme.csv"), "--segment", "customers", "--list", "mine")
    assert (report["list"], report["rooms"], report["not_active"]) == ("mine", [], [])
    words = world.globex.json("partner", "list")["fingerprint"]
    solo.json("partner", "confirm", "Globex", *words)
    world.globex.json("partner", "confirm", "Solo", *init["fingerprint"])
    solo.json("room", "propose", "Globex", "--title", "Solo room", "--purpose", "P", "--segments", "customers")
    pushed = solo.json("push", str(world.folder / "acme.csv"), "--list", "mine")
    assert pushed["not_active"] == ["Solo room"]
    assert solo.json("overlap", "--room", "Solo room", code=Exit.NOT_NOW)["error"]["code"] == "no_answer_yet"
    world.globex.json("room", "accept", "Solo room")
    steps = solo.json("sync")["rooms"][0]["steps"]
    assert steps == ["published the epoch's key", "committed batch 1"]
    refused = solo.json("room", "leave", "Solo room", code=Exit.REFUSED)
    assert refused["error"]["code"] == "confirmation_missing"
    solo.json("room", "leave", "Solo room", "--yes")
    assert solo.json("room", "list")["rooms"][0]["state"] == "left"


def test_a_list_too_small_is_kept_and_the_room_says_why(world: World) -> None:
    tiny = Partner(world.folder / "tiny")
    init = tiny.json("init", world.invite(), "--name", "Tiny", "--kind", "reseller")
    tiny.json("partner", "confirm", "Acme Software", *world.acme.json("partner", "list")["fingerprint"])
    world.acme.json("partner", "confirm", "Tiny", *init["fingerprint"])
    tiny.json("room", "propose", "Acme Software", "--title", "Tiny room", "--purpose", "P")
    world.acme.json("room", "accept", "Tiny room")
    file = world.folder / "tiny.csv"
    file.write_text("name,website\nOne,one.com\n")
    report = tiny.json("push", str(file), "--segment", "customers", code=Exit.REFUSED)
    assert report["rooms"][0]["problem"]["code"] == "list_too_small"
    assert tiny.json("status")["lists"][0]["name"] == "tiny"
    world.acme.json("room", "leave", "Tiny room", "--yes")


@pytest.mark.slow
@pytest.mark.soak
def test_an_escrow_out_of_reach_keeps_the_push(world: World, tmp_path: Path) -> None:
    serve = [sys.executable, "-c", ESCROW, "serve", "--home", str(tmp_path / "e"), "--port", "0", "--json"]
    lone = Partner(tmp_path / "lone")
    with subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as escrow:  # noqa: S603 - our own command
        assert escrow.stdout is not None
        url = json.loads(escrow.stdout.readline())["url"]
        lone.json("init", invite(tmp_path / "e", url), "--name", "Lone", "--kind", "isv")
        escrow.terminate()
        escrow.wait(20)
    file = str(world.folder / "acme.csv")
    report = lone.json("push", file, "--segment", "customers", code=Exit.UNREACHABLE)
    assert report["problem"]["code"] == "escrow_unreachable"
    assert report["accounts"] == 81


def test_the_real_process_watches_until_it_is_interrupted(world: World) -> None:
    environment = {**os.environ, "CLEANROOM_PASSPHRASE": WORDS, "CLEANROOM_HOME": str(world.globex.home)}  # noqa: TID251 - a child's environment
    command = [sys.executable, "-m", "cleanroom.cli.main", "sync", "--watch", "--json"]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as watching:
        try:
            assert watching.stderr is not None
            assert "Watching" in watching.stderr.readline()
            time.sleep(1)
            watching.send_signal(signal.SIGINT)
            out, err = watching.communicate(timeout=40)
        finally:
            watching.kill()
    assert watching.returncode == Exit.INTERRUPTED
    assert "the same command goes on" in err
    assert "Traceback" not in err
    assert all(json.loads(line) for line in out.splitlines())


def test_the_notebook_gives_frames_of_the_documented_types(world: World) -> None:
    with open_home(world.acme.home, WORDS) as home:
        frames = {
            "partners": (home.partners(), PARTNERS),
            "rooms": (home.rooms(), ROOMS),
            "synced": (home.sync(ROOM), SYNCED),
            "status": (home.status(), STATUS),
            "overlap": (home.overlap(ROOM), CELLS),
            "history": (home.history(ROOM), CELLS),
        }
        pushed = home.push(world.folder / "acme.csv")
        frames |= {"pushed": (pushed.rooms, PUSHED), "refused": (pushed.refused, REFUSED)}
    for name, (frame, types) in frames.items():
        assert {column: str(dtype) for column, dtype in frame.dtypes.items()} == types, name
        assert len(frame), name
    matrix = frames["overlap"][0].set_index(["mine", "theirs"])["companies"].unstack()  # noqa: PD010 - nothing to aggregate
    assert matrix.to_numpy().tolist() == cells(world.acme)


def test_frames_without_rows_have_the_documented_types(world: World) -> None:
    empty = Partner(world.folder / "empty")
    empty.json("init", world.invite(), "--name", "Empty", "--kind", "other")
    with open_home(empty.home, WORDS) as home:
        frame = home.status()
        assert home.fingerprint
    assert len(frame) == 0
    assert {column: str(dtype) for column, dtype in frame.dtypes.items()} == STATUS
