import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest
from audits import ACME, ACME_WORDS, AUDIT, BROKEN, ESCROW_WORDS
from commandline import NOW, Command

from cleanroom.audit.result import Audit
from cleanroom.cli import audit_bundle
from cleanroom.cli.exits import Exit

HOSTILE = "=cmd() \x1b[31m\u202eevil <b>"


@dataclass
class Bundles:
    """Files that stand for bundles, and what an audit of them finds. `given` is what it was given."""

    folder: Path
    found: Audit
    given: dict[str, object]

    def file(self, name: str, text: str = "") -> str:
        (self.folder / name).write_text(text)
        return str(self.folder / name)


@pytest.fixture
def bundles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bundles:
    made = Bundles(folder=tmp_path, found=AUDIT, given={})

    def verify(bundle: str, *, previous: str | None, receipts: Sequence[str], now: datetime) -> Audit:
        made.given = {"bundle": bundle, "previous": previous, "receipts": list(receipts), "now": now}
        return made.found

    # Reading and verifying have tests of their own; here it is about what is asked and shown.
    monkeypatch.setattr(audit_bundle, "read", Path.read_text)
    monkeypatch.setattr(audit_bundle, "verify", verify)
    return made


@pytest.fixture
def on(command: Command, bundles: Bundles) -> Callable[..., tuple[int, str, str]]:
    """Runs a command on a bundle, without a passphrase; its exit code and what it printed, lines joined."""

    def call(name: str, *arguments: str) -> tuple[int, str, str]:
        ended = command("audit", name, bundles.file("a.cleanroom-audit", "newest"), *arguments, given=None)
        return ended.code, " ".join(ended.out.split()), " ".join(ended.err.split())

    return call


Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("name", ["verify", "show", "report"])
def test_a_bundle_is_looked_at_without_home_and_passphrase(name: str, on: Run, tmp_path: Path) -> None:
    assert on(name)[0] == Exit.DONE
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("name", ["verify", "show", "report"])
def test_one_that_does_not_hold_says_so_first_and_ends_with_4(name: str, on: Run, bundles: Bundles) -> None:
    bundles.found = replace(AUDIT, findings=(*AUDIT.findings, BROKEN))
    code, out, _ = on(name)
    assert code == Exit.VERIFICATION
    assert out.startswith("Does not hold: 1 check failed.")
    assert "│ failed │ entry 5 (policy-activated/1) │ its approver is its author │" in out
    code, out, _ = on(name, "--json")
    assert code == Exit.VERIFICATION
    document = json.loads(out)
    assert document["holds"] is False
    assert [item["broken"] for item in document["findings"]] == [True, False]


def test_verify_says_what_was_checked_who_cosigned_and_what_is_unusual(on: Run) -> None:
    _, out, _ = on("verify")
    assert out.startswith("Holds: every check that could be made was passed.")
    assert "20 entries, 17 documents, 3 policies" in out
    assert "│ 20 │ 120 days ago" in out
    assert "│ - │ never" in out
    assert " ".join(ACME_WORDS) in out
    assert "│ note │ checkpoint │ Globex never cosigned │" in out
    assert "Compare them by voice" in out


def test_a_moment_that_the_escrow_has_not_signed_is_not_made_up(on: Run, bundles: Bundles) -> None:
    bundles.found = replace(AUDIT, at="")
    assert "at a moment that the escrow has not signed" in on("verify")[1]
    assert on("report", "--html", str(bundles.folder / "r.html"))[0] == Exit.DONE
    assert "a moment that nobody signed" in (bundles.folder / "r.html").read_text()


def test_verify_is_given_the_older_bundle_the_receipts_and_the_time(on: Run, bundles: Bundles) -> None:
    previous, first = bundles.file("b", "older"), bundles.file("1.tlog-proof", "one\n")
    on("verify", "--previous", previous, "--receipt", first, "--receipt", bundles.file("2.tlog-proof", "two\n"))
    assert bundles.given == {"bundle": "newest", "previous": "older", "receipts": ["one\n", "two\n"], "now": NOW}


def test_fingerprints_that_fit_are_marked(on: Run) -> None:
    words = [" ".join(ACME_WORDS).upper(), ", ".join(ESCROW_WORDS)]
    code, out, _ = on("verify", "--fingerprint", words[0], "--fingerprint", words[1], "--json")
    document = json.loads(out)
    assert (code, document["holds"], document["unknown_fingerprints"]) == (Exit.DONE, True, 0)
    assert document["escrow"]["compared"] is True
    assert [member["compared"] for member in document["members"]] == [True, False]


def test_a_fingerprint_of_nobody_in_the_bundle_ends_with_4_whatever_holds(on: Run) -> None:
    swapped = " ".join((*ACME_WORDS[1:], ACME_WORDS[0]))
    code, out, _ = on("verify", "--fingerprint", swapped)
    assert code == Exit.VERIFICATION
    assert out.startswith("1 fingerprint that you gave: of nobody in this bundle.")
    code, out, _ = on("verify", "--fingerprint", swapped, "--fingerprint", " ".join(ACME_WORDS), "--json")
    assert (code, json.loads(out)["holds"], json.loads(out)["unknown_fingerprints"]) == (Exit.VERIFICATION, False, 1)


def test_a_file_that_is_not_there_or_no_text_is_refused_by_name(command: Command, on: Run, tmp_path: Path) -> None:
    assert command("audit", "verify", str(tmp_path / "none")).err == "error: none: no such file\n"
    (tmp_path / "r").write_bytes(b"\xff")
    assert on("verify", "--receipt", str(tmp_path / "r"))[::2] == (Exit.REFUSED, "error: r: not a text in UTF-8")
    (tmp_path / "r").write_bytes(b"x" * (audit_bundle.MOST_RECEIPT_BYTES + 1))
    assert on("verify", "--receipt", str(tmp_path / "r"))[::2] == (
        Exit.REFUSED,
        "error: r: longer than a receipt can be",
    )


def indexes(out: str) -> list[int]:
    return [line["index"] for line in json.loads(out)["lines"]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--partner", "globex", "--type", "release"), [11, 13]),
        (("--partner", ACME[:6], "--type", "release-handed-over"), [12, 15, 18]),
        (("--partner", "escrow"), [9]),
        (("--account", "AA11AA"), [10, 12, 14, 15]),
        (("--field", "amount", "--type", "policy"), [4, 5]),
        (("--person", "b2b2b2"), [5]),
        (("--policy", "2"), [16, 17, 19]),
        (("--since", "2026-03-02", "--until", "2026-03-02T02:00:00Z"), [12, 13]),
        (("--until", "2026-03-01", "--type", "release"), [10, 11]),
        (("--limit", "2"), [18, 19]),
    ],
)
def test_show_filters(options: tuple[str, ...], expected: list[int], on: Run) -> None:
    code, out, _ = on("show", *options, "--json")
    assert (code, indexes(out)) == (Exit.DONE, expected)


def test_show_is_a_line_for_each_entry_with_what_was_asked_for_below(on: Run) -> None:
    _, out, _ = on("show", "--account", "aa11aa", "--type", "release-recorded", "--until", "2026-03-01")
    assert "Acme x Globex: 20 entries" in out
    assert "│ 10 │" in out
    assert "│ - aa11aa11 x aa22aa22: stage in full;" in out
    assert "│ 14 │" not in out


def test_show_says_what_is_left_out_and_that_there_is_nothing(on: Run, bundles: Bundles) -> None:
    assert "18 earlier: --limit N, --since DATE" in on("show", "--limit", "2")[1]
    assert on("show", "--account", "ffffff")[1] == "Acme x Globex: 20 entries Nothing."
    bundles.found = replace(AUDIT, erased=3)
    assert "3 records erased" in on("show", "--account", "ffffff")[1]
    assert "erased" not in on("show")[1]


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--account", "aa11a", "account: at least the first 6 of 32 hex characters"),
        ("--person", "Ben", "person: at least the first 6 of 32 hex characters"),
        ("--partner", "Initech", "partner: a member's name, its id or the beginning of it, or escrow"),
        ("--since", "yesterday", "date: such as 2026-12-31"),
        ("--type", "disclosure", "type: begins none of the types of entries, such as release-recorded"),
        ("--field", "amout", "field: one of account, account_country,"),
        ("--policy", "two", "policy: a version, or at least the first 6 of 64 hex characters"),
    ],
)
def test_show_refuses_what_could_only_be_a_mistake(option: str, value: str, words: str, on: Run) -> None:
    code, _, err = on("show", option, value)
    assert (code, err.startswith(f"error: {words}")) == (Exit.REFUSED, True), err


def test_show_knows_no_wrong_field_where_the_terms_are_not_known(on: Run, bundles: Bundles) -> None:
    bundles.found = replace(AUDIT, catalogue=())
    assert on("show", "--field", "region")[0] == Exit.DONE


def test_report_says_who_saw_what(on: Run) -> None:
    _, out, _ = on("report")
    assert "Globex saw of Acme: accounts, by Acme's segment x Globex's" in out
    assert "│ stage │ 2 full now, 3 to 5 ever │ │ │ under 1 / 1, 2 / 1 │" in out
    assert "2 widenings, 1 narrowing, 1 exchange of openings, 1 finding" in out


def test_report_of_a_room_without_releases(on: Run, bundles: Bundles) -> None:
    bundles.found = replace(AUDIT, shown=(), touched=())
    assert "Nobody was handed anything but counts." in on("report")[1]


def test_the_reports_document_has_numbers_signers_and_rounds(on: Run) -> None:
    document = json.loads(on("report", "--json")[1])
    stage = next(row for row in document["seen"] if row["field"] == "stage")
    assert (stage["now"], stage["fewest"], stage["most"], stage["versions"]) == (2, 3, 5, [[1, 1], [2, 1]])
    assert [(row["index"], row["author"][:2], row["approver"][:2]) for row in document["widenings"]] == [
        (5, "a1", "b2"),
        (6, "c3", ""),
    ]
    assert [item["exchanged"] for item in document["rounds"]] == ["2026-03-01T18:00:00Z"]


def test_the_table_is_a_row_for_everything_shown_and_no_cell_is_a_formula(on: Run, bundles: Bundles) -> None:
    members = (replace(AUDIT.members[0], name=HOSTILE), AUDIT.members[1])
    bundles.found = replace(AUDIT, members=members)
    code, _, err = on("report", "--csv", str(bundles.folder / "r.csv"))
    assert (code, "Written: " in err) == (Exit.DONE, True)
    with (bundles.folder / "r.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(AUDIT.shown)
    assert (rows[1]["field"], rows[1]["form"], rows[1]["accounts"], rows[1]["handed_over"]) == (
        "amount",
        "reduced",
        "2",
        "yes",
    )
    assert rows[-1]["handed_over"] == "no"
    assert rows[0]["sender_name"] == f"'{HOSTILE}"


def test_the_page_is_written_and_a_place_that_cannot_be_is_refused(on: Run, bundles: Bundles) -> None:
    page = bundles.folder / "r.html"
    assert on("report", "--html", str(page))[0] == Exit.DONE
    assert page.read_text().startswith("<!doctype html>")
    code, _, err = on("report", "--html", str(bundles.folder / "none" / "r.html"))
    assert (code, err) == (Exit.REFUSED, "error: r.html: cannot be written (No such file or directory)")


def test_names_of_others_cannot_steer_the_terminal(on: Run, bundles: Bundles) -> None:
    members = tuple(replace(member, name=HOSTILE) for member in AUDIT.members)
    findings = (replace(BROKEN, where=HOSTILE, what=HOSTILE),)
    bundles.found = replace(AUDIT, title=HOSTILE, members=members, findings=findings, checked={HOSTILE: 1})
    for name in ("verify", "show", "report"):
        _, out, err = on(name)
        assert "evil" in out
        assert {"\x1b", "\u202e"}.isdisjoint(out + err)
