"""What the vault does for one honest process."""

import os
import re
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleanroom.agent import vault as vault_module
from cleanroom.agent.vault import PART_BYTES, Vault
from cleanroom.agent.vault_errors import (
    AddressRefused,
    PassphraseRefused,
    VaultBusy,
    VaultExists,
    VaultMissing,
    VaultRekeyed,
    VaultUnusable,
    WrongPassphrase,
)
from cleanroom.agent.vault_key import KdfCost
from cleanroom.domain.secret import Secret

FAST = KdfCost.unsafe_for_tests()
OTHER = Secret("another passphrase")


def test_what_was_put_is_there_after_reopening(vault: Vault, path: Path, passphrase: Secret[str]) -> None:
    vault.put("list/1", b"rows")
    vault.put("list/2", b"")
    vault.put("list/1", b"newer rows")
    vault.close()
    with Vault.open(path, passphrase) as again:
        assert again.get("list/1") == b"newer rows"
        assert again.get("list/2") == b""
        assert again.get("list/3") is None
        assert again.addresses("list/") == ["list/1", "list/2"]
        assert again.addresses() == ["list/1", "list/2"]


def test_deleting(vault: Vault, path: Path, passphrase: Secret[str]) -> None:
    for address in ("a/1", "a/2", "ab", "b"):
        vault.put(address, b"x")
    vault.delete("a/1")
    vault.delete("never/was")
    assert vault.addresses() == ["a/2", "ab", "b"]
    vault.delete_all("a/")
    assert vault.addresses() == ["ab", "b"]
    vault.delete_all("a")
    assert vault.addresses() == ["b"]
    with pytest.raises(AddressRefused):
        vault.delete_all("")
    vault.close()
    Vault.open(path, passphrase).close()


@pytest.mark.parametrize("address", ["", "a b", "é", "a\x00", "x" * 201, "a%", 'a"b'])
def test_addresses_outside_the_rule_are_refused(vault: Vault, address: str) -> None:
    for call in (vault.get, vault.delete, lambda a: vault.put(a, b"")):
        with pytest.raises(AddressRefused):
            call(address)


def test_large_values_go_in_parts(
    vault: Vault, path: Path, passphrase: Secret[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault_module, "PART_BYTES", 100)
    for size in (99, 100, 101, 250, 1000):
        value = os.urandom(size)
        vault.put("big", value)
        with Vault.open(path, passphrase) as again:
            assert again.get("big") == value
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT count(*) FROM record").fetchone() == (10,)
        assert db.execute("SELECT count(*) FROM body").fetchone() == (10,)
    db.close()
    vault.put("big", b"small")
    assert vault.get("big") == b"small"


def test_a_value_of_many_megabytes(vault: Vault) -> None:
    value = os.urandom(1 << 16) * (2 * PART_BYTES // (1 << 16)) + b"end"
    vault.put("big", value)
    assert vault.get("big") == value


def test_a_transaction_is_all_or_nothing(vault: Vault, path: Path, passphrase: Secret[str]) -> None:
    vault.put("a", b"before")
    with pytest.raises(KeyError):
        _write_and_fail(vault)
    assert (vault.get("a"), vault.get("b")) == (b"before", None)
    with vault.transaction():
        vault.put("a", b"after")
        vault.delete("a")
        vault.put("b", b"after")
    vault.close()
    with Vault.open(path, passphrase) as again:
        assert (again.get("a"), again.get("b")) == (None, b"after")


def _write_and_fail(vault: Vault) -> None:
    with vault.transaction():
        vault.put("a", b"after")
        vault.put("b", b"after")
        assert vault.get("a") == b"after"
        raise KeyError


def test_transactions_do_not_nest(vault: Vault, tmp_path: Path) -> None:
    with vault.transaction():
        with pytest.raises(VaultBusy), vault.transaction():
            pass
        with pytest.raises(VaultBusy):
            vault.rekey(OTHER, kdf_cost=FAST)
        with pytest.raises(VaultBusy):
            vault.backup(tmp_path / "b")
        vault.put("a", b"1")
    assert vault.get("a") == b"1"


def test_a_reader_sees_the_state_before_a_transaction_until_it_ends(
    vault: Vault, path: Path, passphrase: Secret[str]
) -> None:
    vault.put("a", b"before")
    with Vault.open(path, passphrase) as reader:
        with vault.transaction():
            vault.put("a", b"after")
            assert reader.get("a") == b"before"
        assert reader.get("a") == b"after"


def test_wrong_passphrase(vault: Vault, path: Path) -> None:
    vault.close()
    for wrong in ("correct hors", "correct horse ", "Correct horse", ""):
        with pytest.raises(WrongPassphrase):
            Vault.open(path, Secret(wrong))


def test_composed_and_decomposed_letters_are_one_passphrase(path: Path) -> None:
    Vault.create(path, Secret("gel\u00e4nder"), kdf_cost=FAST).close()
    Vault.open(path, Secret("gela\u0308nder")).close()


def test_short_passphrases_are_refused_with_the_rule(path: Path, vault: Vault) -> None:
    with pytest.raises(PassphraseRefused, match="at least 8 characters") as refused:
        Vault.create(path.with_name("other"), Secret("seven77"))
    assert "seven77" not in str(refused.value)
    with pytest.raises(PassphraseRefused):
        vault.rekey(Secret("seven77"))
    assert not path.with_name("other").exists()


def test_nothing_is_overwritten(vault: Vault, path: Path, passphrase: Secret[str], tmp_path: Path) -> None:
    with pytest.raises(VaultExists):
        Vault.create(path, passphrase, kdf_cost=FAST)
    vault.backup(tmp_path / "backup")
    with pytest.raises(VaultExists):
        vault.backup(tmp_path / "backup")
    with pytest.raises(VaultExists):
        Vault.restore(tmp_path / "backup", path)
    # A journal that was left behind would be replayed into whatever is put at its place.
    (tmp_path / "fresh-wal").write_bytes(b"old journal")
    with pytest.raises(VaultExists):
        Vault.create(tmp_path / "fresh", passphrase, kdf_cost=FAST)


def test_a_missing_vault_is_not_made_by_opening(path: Path, passphrase: Secret[str]) -> None:
    with pytest.raises(VaultMissing):
        Vault.open(path, passphrase)
    with pytest.raises(VaultMissing):
        Vault.restore(path, path.with_name("b"))
    assert not path.exists()


def test_a_place_that_cannot_be_written(tmp_path: Path, passphrase: Secret[str]) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(VaultUnusable):
        Vault.create(tmp_path / "file" / "vault.db", passphrase, kdf_cost=FAST)


@pytest.mark.skipif(os.name != "posix", reason="file modes exist on POSIX only")
def test_only_the_owner_may_read(vault: Vault, path: Path, tmp_path: Path) -> None:
    vault.put("a", b"x")
    vault.backup(tmp_path / "deep" / "backup")
    files = [path, *path.parent.glob("vault.db-*"), tmp_path / "deep" / "backup"]
    assert len(files) == 4
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert not list(path.parent.glob(".*.new"))


def test_pragmas_that_promises_rest_on(vault: Vault) -> None:
    def pragma(name: str) -> object:
        return vault._db.execute(f"PRAGMA {name}").fetchone()[0]  # noqa: SLF001 - per connection, so only visible here

    assert (pragma("journal_mode"), pragma("synchronous"), pragma("secure_delete")) == ("wal", 2, 1)


def test_the_default_cost_is_the_second_option_of_rfc_9106(path: Path, passphrase: Secret[str]) -> None:
    Vault.create(path, passphrase).close()
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT memory_kib, iterations, lanes FROM header").fetchone() == (65536, 3, 4)
    db.close()
    Vault.open(path, passphrase).close()


def test_the_product_never_asks_for_the_unsafe_cost() -> None:
    root = Path(vault_module.__file__).parents[2]
    sources = [file for top in ("cleanroom", "escrow", "api", "matching") for file in (root / top).rglob("*.py")]
    users = [file.name for file in sources if "unsafe_for_tests" in file.read_text(encoding="utf-8")]
    assert users == ["vault_key.py"]


def test_backup_is_one_consistent_file_under_the_same_passphrase(
    vault: Vault, path: Path, passphrase: Secret[str], tmp_path: Path
) -> None:
    vault.put("a", b"1")
    backup = tmp_path / "backup"
    vault.backup(backup)
    vault.put("a", b"2")
    restored = tmp_path / "elsewhere" / "vault.db"
    Vault.restore(backup, restored)
    assert not list(tmp_path.glob("backup-*"))
    with pytest.raises(WrongPassphrase):
        Vault.open(restored, OTHER)
    with Vault.open(restored, passphrase) as again:
        assert again.get("a") == b"1"
        again.put("a", b"3")
    assert vault.get("a") == b"2"
    # A rekey of the vault leaves the backup as it was.
    vault.rekey(OTHER, kdf_cost=FAST)
    with Vault.open(backup, passphrase) as old:
        assert old.get("a") == b"1"
    assert path.exists()


def test_rekey(vault: Vault, path: Path, passphrase: Secret[str]) -> None:
    values = {f"r/{i}": os.urandom(50 * i) for i in range(20)}
    for address, value in values.items():
        vault.put(address, value)
    before = _column(path, "SELECT sealed FROM body")
    with Vault.open(path, passphrase) as other:
        vault.rekey(OTHER, kdf_cost=FAST)
        assert {address: vault.get(address) for address in vault.addresses()} == values
        calls = (
            lambda: other.get("r/1"),
            lambda: other.put("r/1", b"lost"),
            lambda: other.delete("r/1"),
            other.addresses,
            lambda: other.backup(path.with_name("b")),
            lambda: other.rekey(passphrase, kdf_cost=FAST),
        )
        for call in calls:
            with pytest.raises(VaultRekeyed):
                call()
    vault.put("after", b"x")
    vault.close()
    assert not set(before) & set(_column(path, "SELECT sealed FROM body"))
    with pytest.raises(WrongPassphrase):
        Vault.open(path, passphrase)
    with Vault.open(path, OTHER) as again:
        assert {address: again.get(address) for address in again.addresses("r/")} == values
        assert again.get("after") == b"x"


def test_one_thread_only(vault: Vault) -> None:
    caught: list[BaseException] = []

    def use() -> None:
        try:
            vault.get("a")
        except sqlite3.ProgrammingError as error:
            caught.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert len(caught) == 1


def test_no_plaintext_reaches_the_disk(path: Path, passphrase: Secret[str], tmp_path: Path) -> None:
    canary = b"canary-company-" + os.urandom(8).hex().encode()
    with Vault.create(path, passphrase, kdf_cost=FAST) as vault:
        vault.put("list/1", canary * 1000)
        vault.put("list/1", canary * 900)
        vault.backup(tmp_path / "backup")
        vault.delete("list/1")
        vault.put("list/2", canary * 50)
        needles = (canary, canary[::2], passphrase.reveal().encode())
        files = [file for file in tmp_path.rglob("*") if file.is_file()]
        assert {file.name for file in files} == {"vault.db", "vault.db-wal", "vault.db-shm", "backup"}
        content = b"".join(file.read_bytes() for file in files)
        assert not [needle for needle in needles if needle in content]
        assert b"list/2" in content  # the search sees what is written: addresses are not sealed
        (tmp_path / "control").write_bytes(b"\0" * 5000 + canary)
        assert canary in (tmp_path / "control").read_bytes()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(["put", "delete", "reopen"]), st.sampled_from("abc"), st.binary(max_size=300)),
        max_size=12,
    )
)
def test_behaves_like_a_dictionary(
    tmp_path_factory: pytest.TempPathFactory, passphrase: Secret[str], steps: list[tuple[str, str, bytes]]
) -> None:
    path = tmp_path_factory.mktemp("v") / "vault.db"
    vault, model = Vault.create(path, passphrase, kdf_cost=FAST), {}
    for step, address, value in steps:
        if step == "put":
            vault.put(address, value)
            model[address] = value
        elif step == "delete":
            vault.delete(address)
            model.pop(address, None)
        else:
            vault.close()
            vault = Vault.open(path, passphrase)
        assert {a: vault.get(a) for a in vault.addresses()} == model
    vault.close()


_WRITER = """
import sys
from pathlib import Path
from cleanroom.agent.vault import Vault
from cleanroom.domain.secret import Secret
with Vault.open(Path(sys.argv[1]), Secret(sys.argv[2])) as vault:
    for i in range(40):
        with vault.transaction():
            vault.put("count", str(int(vault.get("count")) + 1).encode())
            vault.put(f"{sys.argv[3]}/{i}", bytes(i))
"""


def test_two_processes_write_at_once(vault: Vault, path: Path, passphrase: Secret[str]) -> None:
    vault.put("count", b"0")
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(path), passphrase.reveal(), name])  # noqa: S603 - ourselves
        for name in ("p", "q")
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert vault.get("count") == b"80"
    with Vault.open(path, passphrase) as again:
        assert len(again.addresses("p/")) == len(again.addresses("q/")) == 40


def _column(path: Path, statement: str) -> list[bytes]:
    db = sqlite3.connect(path)
    try:
        return [row[0] for row in db.execute(statement)]
    finally:
        db.close()


def test_error_texts_carry_no_place_on_disk(vault: Vault, path: Path) -> None:
    vault.close()
    with pytest.raises(WrongPassphrase) as wrong:
        Vault.open(path, Secret("something else"))
    assert not re.search(r"[/\\]|something else", str(wrong.value))


def test_two_threads_may_open_vaults_at_once(tmp_path: Path) -> None:
    script = (
        "import sys, threading; from pathlib import Path; from cleanroom.agent.vault import Vault;"
        "from cleanroom.domain.secret import Secret;"
        "make = lambda name: Vault.create(Path(sys.argv[1]) / name / 'vault.db', Secret('a passphrase')).close();"
        "both = [threading.Thread(target=make, args=(name,)) for name in ('a', 'b')];"
        "[one.start() for one in both]; [one.join() for one in both]"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, timeout=60)  # noqa: S603 - our own script
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
