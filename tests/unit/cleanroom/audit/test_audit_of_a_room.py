"""What an audit says of an honest room, and the file that a bundle is."""

import zipfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from log_made import Twist
from partners_made import ANA, BEGINS, BO, granting
from room_made import Life, lived

from cleanroom.audit import bundle as bundles
from cleanroom.audit.bundle import BundleRefused, erased_line
from cleanroom.audit.verify import verify
from cleanroom.domain.vocabulary import Form
from matching.merkle import leaf_hash
from matching.tiles import WIDTH


@pytest.fixture(scope="module")
def life() -> Life:
    return lived()


def test_an_honest_room_holds_without_a_finding(life: Life) -> None:
    audit = verify(life.bundle(), previous=life.bundle(checkpoint=str(life.note(9))), receipts=[life.receipt(20)])
    assert (audit.findings, audit.holds, audit.size, audit.root) == ((), True, 27, life.root().hex())
    assert (audit.room, audit.title, len(audit.escrow_words)) == (life.room, "Ana & Bo", 8)
    assert dict(audit.checked) == {
        "answers recounted": 1,
        "decisions replayed": 5,
        "documents": 10,
        "entries": 27,
        "journal items": 2,
        "policies": 2,
        "receipts": 2,
        "records": 6,
        "roots": 12,
    }


def test_it_says_who_takes_part_and_how_far_they_have_cosigned(life: Life) -> None:
    ana, bo = verify(life.bundle(checkpoint=str(life.note()))).members
    assert (ana.partner, ana.name, len(ana.words), ana.cosigned_size) == (ANA.id, "Ana", 8, 27)
    assert (bo.partner, bo.name, len(bo.words), bo.cosigned_size) == (BO.id, "Bo", 8, 24)


def test_it_counts_what_was_shown(life: Life) -> None:
    """Of three matches in each direction one is a withdrawal, one shows an account, and one shows two."""
    audit = verify(life.bundle())
    of_ana = {(row.cell, row.field, row.form): row.accounts for row in audit.shown if row.sender == ANA.id}
    cell = ("customers", "prospects")
    assert of_ana == {
        (cell, "account", Form.EXISTS): 3,
        (cell, "account_name", Form.FULL): 3,
        (cell, "amount", Form.REDUCED): 3,
    }
    assert all(row.handed_over and (row.sender_version, row.recipient_version) == (1, 1) for row in audit.shown)
    assert [len(match.accounts) for match in audit.touched] == [0, 1, 2, 0, 1, 2]


def test_an_erased_record_still_adds_up(life: Life) -> None:
    release, lines = next(iter(life.records.items()))
    records = {**life.records, release: (lines[0], erased_line(leaf_hash(lines[1])), lines[2])}
    audit = verify(life.bundle(records=records))
    assert (audit.findings, audit.erased, len(audit.touched)) == ((), 1, 5)
    assert sum(row.accounts for row in audit.shown if row.sender == ANA.id and row.field == "account") == 2


def test_an_erased_record_of_something_else_does_not(life: Life) -> None:
    release, lines = next(iter(life.records.items()))
    audit = verify(life.bundle(records={**life.records, release: (*lines[:2], erased_line(bytes(32)))}))
    assert "its records have another root" in {item.what for item in audit.findings if item.broken}


def test_a_second_version_narrows_and_a_third_revokes() -> None:
    life = lived()
    granted = granting(ANA)
    life.policy(ANA, replace(granted, rules=granted.rules[:2]), widens=False, narrows=True)
    life.policy(ANA, replace(granted, rules=(), accepts={}), widens=False, narrows=True)
    audit = verify(life.bundle())
    assert audit.findings == ()
    assert [item.document.version for item in audit.policies[ANA.id]] == [1, 2, 3]


def test_new_terms_are_followed() -> None:
    life = lived()
    life.agree_terms()
    life.policy(ANA, granting(ANA), widens=False)
    life.answered(2)
    assert verify(life.bundle()).findings == ()


def test_what_nobody_has_cosigned_is_told_and_not_broken(life: Life) -> None:
    audit = verify(life.bundle(checkpoint=str(life.note()), cosigned={ANA.id: str(life.note(5, ANA))}))
    assert [(item.broken, item.where, item.what) for item in audit.findings] == [
        (False, f"member {BO.id}", "has never cosigned the log")
    ]


def test_a_cosignature_long_before_the_newest_entry_is_told() -> None:
    life = lived()
    early = str(life.note(None, BO))
    life.now += timedelta(days=8)
    life.told(2)
    audit = verify(life.bundle(checkpoint=str(life.note(None, ANA)), cosigned={BO.id: early}))
    assert [(item.broken, item.where) for item in audit.findings] == [(False, f"member {BO.id}")]
    assert "has last cosigned at 2026-03-01T09:27:00Z" in audit.findings[0].what


@pytest.mark.parametrize(
    ("days", "told"), [(0, []), (8, ["it is older than 7 days"]), (-1, ["its moment is in the future"])]
)
def test_the_age_of_the_checkpoint_is_told(life: Life, days: int, told: list[str]) -> None:
    audit = verify(life.bundle(), now=BEGINS + timedelta(days=days, hours=1))
    assert ([item.what for item in audit.findings], audit.holds) == (told, True)


def test_records_that_are_not_carried_are_told(life: Life) -> None:
    audit = verify(life.bundle(records={}))
    assert audit.holds
    assert {item.what for item in audit.findings} == {"was handed over, and its records are not carried"}


def test_what_need_not_be_carried_is_counted() -> None:
    life = lived(Twist(carried=lambda document: document.type not in {"notice/1", "epoch-key/1"}))
    audit = verify(life.bundle())
    assert (audit.findings, audit.checked["documents not carried"]) == ((), 3)


# ---- the file


def test_a_bundle_is_written_and_read(life: Life, tmp_path: Path) -> None:
    made = life.bundle(conflicts={"0000": "anything\n"})
    bundles.write(tmp_path / "a", made)
    assert bundles.read(tmp_path / "a") == made
    bundles.write(tmp_path / "b", bundles.read(tmp_path / "a"))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("entries", [0, 1, WIDTH - 1, WIDTH, WIDTH + 1, 3 * WIDTH])
def test_entries_of_any_number_are_written_and_read(life: Life, tmp_path: Path, entries: int) -> None:
    made = life.bundle(leaves=[b"x" * (number % 300) for number in range(entries)])
    bundles.write(tmp_path / "a", made)
    assert bundles.read(tmp_path / "a").leaves == made.leaves


def packed(life: Life, path: Path, changes: dict[str, bytes | None], *more: tuple[str, bytes]) -> Path:
    """The bundle's file with members changed, taken away, or added."""
    bundles.write(path / "whole", life.bundle())
    with zipfile.ZipFile(path / "whole") as archive:
        members = {name: archive.read(name) for name in archive.namelist()} | changes
    with zipfile.ZipFile(path / "made", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in [*members.items(), *more]:
            if data is not None:
                archive.writestr(name, data)
    return path / "made"


def line(life: Life) -> bytes:
    return next(iter(life.documents.values())).model_dump_json().encode()


REFUSED = [
    ({"more.txt": b""}, "no known kind"),
    ({"../bundle.json": b""}, "no known kind"),
    ({"log/checkpoint/": b""}, "no known kind"),
    ({"bundle.json": None}, "has no contents"),
    ({"bundle.json": b"{}"}, "contents: not in its one form"),
    ({"bundle.json": b"x" * (1 << 18)}, "bundle.json: larger than it may be"),
    ({"log/checkpoint": None}, "has no checkpoint"),
    ({"log/checkpoint": b"\xff"}, "checkpoint: not in its one form"),
    ({"documents.jsonl": None}, "has no documents"),
    ({"documents.jsonl": b"{"}, "not ended"),
    ({"documents.jsonl": b"{}\n"}, "documents: not in its one form"),
    ({"log/tile/entries/000.p/27": None, "log/tile/entries/001.p/27": b""}, "tile 0 is missing"),
    ({"log/tile/entries/0000": b""}, "not the name of a tile"),
    ({"log/tile/entries/000.p/27": b"\x00\x01"}, "tile 0 does not hold as many entries"),
    ({"log/tile/entries/000.p/27": b"\x00\x00" * 26}, "tile 0 does not hold as many entries"),
    ({"log/tile/entries/000.p/26": b"\x00\x00" * 26}, "tile 0 is missing, not full, or there twice"),
]


@pytest.mark.parametrize(("changes", "rule"), REFUSED)
def test_what_is_not_in_the_form_of_a_bundle_is_refused(
    life: Life, tmp_path: Path, changes: dict[str, bytes | None], rule: str
) -> None:
    with pytest.raises(BundleRefused, match=rule):
        bundles.read(packed(life, tmp_path, changes))


def test_a_member_that_repeats_is_refused(life: Life, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"), pytest.raises(BundleRefused, match="a member repeats"):
        bundles.read(packed(life, tmp_path, {}, ("documents.jsonl", b"")))


def test_a_document_that_repeats_is_refused(life: Life, tmp_path: Path) -> None:
    with pytest.raises(BundleRefused, match="a document repeats"):
        bundles.read(packed(life, tmp_path, {"documents.jsonl": 2 * (line(life) + b"\n")}))


def test_a_json_member_that_repeats_is_refused(life: Life, tmp_path: Path) -> None:
    twice = line(life)[:-1] + b',"signatures"' + line(life).split(b'"signatures"')[1] + b"\n"
    with pytest.raises(BundleRefused, match="an envelope is not in its one form"):
        bundles.read(packed(life, tmp_path, {"documents.jsonl": twice}))


def test_what_would_unpack_to_too_much_is_refused_unread(
    life: Life, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "MOST_BYTES", 1_000)
    with pytest.raises(BundleRefused, match="unpacks to more"):
        bundles.read(packed(life, tmp_path, {}))


def test_damaged_files_are_refused(life: Life, tmp_path: Path) -> None:
    whole = packed(life, tmp_path, {}).read_bytes()
    for number, data in enumerate((b"", b"PK", whole[:-30], whole[:40] + bytes(40) + whole[80:])):
        (tmp_path / str(number)).write_bytes(data)
        with pytest.raises(BundleRefused):
            bundles.read(tmp_path / str(number))


def test_a_bundle_without_terms_that_both_have_signed_is_refused(life: Life) -> None:
    documents = tuple(signed for signed in life.documents.values() if '"terms/4"' not in signed.document)
    with pytest.raises(BundleRefused, match="no terms"):
        verify(life.bundle(documents=documents))


def test_a_bundle_of_nothing_is_refused(life: Life) -> None:
    with pytest.raises(BundleRefused, match="no terms"):
        verify(life.bundle(leaves=[], documents=()))
