from pathlib import Path

import pytest

from cleanroom.messages.rooms import Withdrawal
from cleanroom.messages.signing import open_document
from escrow.identity import KEY_FILE, KeyFileRefused, key_in


def test_the_key_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = key_in(home)
    assert key_in(home).public == first.public
    assert (home / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in home.iterdir()] == [KEY_FILE]


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    key_in(tmp_path)
    (tmp_path / KEY_FILE).chmod(0o644)
    with pytest.raises(KeyFileRefused):
        key_in(tmp_path)


def test_a_file_that_is_no_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_bytes(b"x" * 31)
    (tmp_path / KEY_FILE).chmod(0o600)
    with pytest.raises(KeyFileRefused):
        key_in(tmp_path)


def test_what_it_signs_opens_with_its_public_key(tmp_path: Path) -> None:
    key = key_in(tmp_path)
    document = Withdrawal(room="a" * 32, partner="b" * 32, reason="left", created="2026-03-01T09:00:00Z")
    assert open_document(Withdrawal, key.signed(document), {"escrow": key.public}) == document
