"""A user's key in a file: sealed under a passphrase, bound to its user, useless once altered."""

import json
from pathlib import Path
from typing import Any

import pytest

from cleanroom.agent.user_keys import SealedKey, UserKeyRefused, UserSession, new_key, unlock_file, write_key_file
from cleanroom.agent.vault_errors import PassphraseRefused, WrongPassphrase
from cleanroom.agent.vault_key import KdfCost
from cleanroom.domain.secret import Secret
from cleanroom.domain.vocabulary import Role
from cleanroom.messages.signing import check_signature
from cleanroom.messages.users import user_id_of

PASSPHRASE, OTHER = Secret("correct horse"), Secret("wrong horses")
CHEAP = KdfCost.unsafe_for_tests()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ann.key"
    write_key_file(path, "Ann", PASSPHRASE, kdf_cost=CHEAP)
    return path


def altered(file: Path, **members: Any) -> Path:  # noqa: ANN401 - any member
    record = json.loads(file.read_text())
    file.write_text(json.dumps({**record, "key": {**record["key"], **members}}))
    return file


def test_what_was_written_is_unlocked_and_signs(tmp_path: Path) -> None:
    public = write_key_file(tmp_path / "ann.key", "Ann", PASSPHRASE, kdf_cost=CHEAP)
    ann = unlock_file(tmp_path / "ann.key", PASSPHRASE)
    assert (ann.id, ann.name, ann.role, ann.public_key) == (user_id_of(public), "Ann", None, public)
    signature = ann.signature("policy/1", "text")
    assert signature.signer == ann.id
    check_signature("policy/1", "text", signature, public)


def test_only_the_owner_of_the_file_may_read_it(file: Path) -> None:
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_private_key_is_not_in_the_file(file: Path) -> None:
    ann = unlock_file(file, PASSPHRASE)
    seed = ann._private.private_bytes_raw()  # noqa: SLF001 - what must not be found
    assert seed.hex() not in file.read_text()
    assert seed.hex() not in repr(ann)
    assert repr(ann) == f"UserSession({ann.id})"


def test_a_wrong_passphrase_opens_nothing(file: Path) -> None:
    with pytest.raises(WrongPassphrase, match="user key"):
        unlock_file(file, OTHER)


@pytest.mark.parametrize("member", ["user", "public_key", "key_id", "salt", "nonce", "sealed"])
def test_an_altered_file_opens_nothing(file: Path, member: str) -> None:
    value = json.loads(file.read_text())["key"][member]
    altered(file, **{member: ("0" if value[0] != "0" else "1") + value[1:]})
    with pytest.raises((WrongPassphrase, UserKeyRefused)):
        unlock_file(file, PASSPHRASE)


@pytest.mark.parametrize("members", [{"memory_kib": 1 << 30}, {"lanes": 0}, {"salt": "ab"}, {"sealed": "abcd"}])
def test_costs_and_lengths_that_cannot_be_are_refused(file: Path, members: dict[str, Any]) -> None:
    with pytest.raises(UserKeyRefused, match="altered"):
        unlock_file(altered(file, **members), PASSPHRASE)


@pytest.mark.parametrize("text", ["", "{}", "not json", "x" * 20_000])
def test_what_is_no_key_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other"
    path.write_text(text)
    with pytest.raises(UserKeyRefused, match="this is none"):
        unlock_file(path, PASSPHRASE)
    with pytest.raises(UserKeyRefused, match="cannot be read"):
        unlock_file(tmp_path / "missing", PASSPHRASE)


def test_a_file_is_never_overwritten(file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(UserKeyRefused, match="cannot be written"):
        write_key_file(file, "Ann", PASSPHRASE, kdf_cost=CHEAP)
    assert file.read_bytes() == before


def test_short_passphrases_and_odd_names_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with pytest.raises(PassphraseRefused):
        write_key_file(path, "Ann", Secret("short"), kdf_cost=CHEAP)
    with pytest.raises(UserKeyRefused, match="user name"):
        write_key_file(path, "An\x1bn", PASSPHRASE, kdf_cost=CHEAP)
    assert not path.exists()


def test_a_key_sealed_for_one_user_is_no_other_users() -> None:
    mine, other = (new_key(PASSPHRASE, kdf_cost=CHEAP) for _ in range(2))
    swapped = SealedKey.model_validate({**mine.model_dump(), "user": other.user, "public_key": other.public_key})
    with pytest.raises(WrongPassphrase):
        UserSession.of(swapped, PASSPHRASE, name="Eve", role=Role.ADMIN)
