"""A bundle that was written once must always be read and judged the same; and no byte of it may change unseen."""

import json
import zipfile
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from room_made import lived

from cleanroom.audit import bundle as bundles
from cleanroom.audit.bundle import BundleRefused
from cleanroom.audit.result import Audit
from cleanroom.audit.verify import verify

GOLDEN: Final = Path(__file__).parents[3] / "vectors" / "golden" / "audit"
BUNDLE: Final = GOLDEN / f"room-3{bundles.SUFFIX}"
EVER: Final = ("room", "room-2", "room-3")
"""With `terms/2`, `terms/3` and `terms/4`."""
UNSIGNED: Final = {"created", "exported_by"}


def told(audit: Audit) -> dict[str, Any]:
    """What is pinned of an audit."""
    return {
        "room": audit.room,
        "title": audit.title,
        "holds": audit.holds,
        "size": audit.size,
        "root": audit.root,
        "at": audit.at,
        "escrow_words": list(audit.escrow_words),
        "members": [[item.partner, item.name, list(item.words), item.cosigned_size] for item in audit.members],
        "findings": [[item.broken, item.where, item.what] for item in audit.findings],
        "events": [event.entry.type for event in audit.events],
        "policies": {owner: [item.digest for item in items] for owner, items in audit.policies.items()},
        "shown": [[row.release, list(row.cell), row.field, row.form, row.accounts] for row in audit.shown],
        "checked": dict(audit.checked),
    }


@pytest.mark.parametrize("name", EVER)
def test_the_golden_bundles_are_judged_as_they_were(name: str) -> None:
    expected = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    assert told(verify(bundles.read(GOLDEN / f"{name}{bundles.SUFFIX}"))) == expected


def test_the_same_room_gives_the_same_bundle() -> None:
    assert bundles.read(BUNDLE) == lived().bundle()


# ---- one byte


def members() -> dict[str, bytes]:
    with zipfile.ZipFile(BUNDLE) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


MEMBERS: Final = members()
flips = st.sampled_from(sorted(MEMBERS)).flatmap(
    lambda name: st.tuples(st.just(name), st.integers(0, len(MEMBERS[name]) - 1), st.integers(1, 255))
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("flipped") / "bundle"


@settings(max_examples=40, deadline=None)
@given(flips)
@example(("log/checkpoint", len(MEMBERS["log/checkpoint"]) - 1, 1))
@example(("documents.jsonl", len(MEMBERS["documents.jsonl"]) - 1, 42))
def test_no_byte_changes_unseen(place: Path, flip: tuple[str, int, int]) -> None:
    """Refused, or among the findings; but for what nobody signs: who has exported the file, and when."""
    name, at, by = flip
    data = bytearray(MEMBERS[name])
    data[at] ^= by
    with zipfile.ZipFile(place, "w") as archive:
        for each, content in MEMBERS.items():
            archive.writestr(each, bytes(data) if each == name else content)
    try:
        audit = verify(bundles.read(place))
    except BundleRefused:
        return
    if name == "bundle.json" and not audit.findings:
        before, after = json.loads(MEMBERS[name]), json.loads(bytes(data))
        assert {key for key in before if before[key] != after[key]} <= UNSIGNED
    else:
        assert audit.findings
