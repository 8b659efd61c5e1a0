"""After a full run nothing that could name an account, and no secret, is anywhere outside the sealed vaults."""

import base64
import csv
import shutil
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from threading import Event, Thread
from typing import Self

import pytest
from ground import Ground, in_a_room, opened, ran, running, shown, transposed
from postgresql import PostgreSQL

from cleanroom.agent.epochs import epoch_secrets
from cleanroom.agent.keys import ADDRESS
from cleanroom.agent.reading.accounts import read_accounts
from cleanroom.agent.reading.files import read_table
from cleanroom.agent.reading.guessing import guess_mapping
from cleanroom.agent.rooms import open_room
from cleanroom.agent.tables import load_tables
from cleanroom.cli import main as command_line
from cleanroom.messages.invites import Invite
from cleanroom.messages.sealing import SEALING_PRIVATE_BYTES
from examples.local import PASSPHRASE, Partner
from examples.scan import found_in, found_in_file
from matching.keys import KINDS, keys_of
from matching.normalise.tables import current

EXAMPLES = Path(__file__).parents[2] / "examples"
CANARIES = frozenset((EXAMPLES / "canaries.txt").read_text(encoding="utf-8").split())
LISTS = {"Acme": ("acme.csv", "Type", "utf-8"), "Globex": ("globex.csv", "Lifecycle Stage", "utf-8-sig")}
ROWS = 1_500
LONG_NAME = 8
LONG_KEY = 12
PLANTED_EMAIL = "zq77e0planted{}@zq77e0planted-mail.example"


@dataclass(frozen=True)
class Run:
    """A finished run: where the other side and the operator could look, and what must not be there."""

    ground: Ground
    needles: frozenset[str]
    secrets: dict[str, bytes]
    seen_on_the_way: frozenset[str]


def cut(folder: Path, name: str) -> Path:
    """The first rows of a list and its canary rows, with an e-mail planted in each canary row."""
    file, _, encoding = LISTS[name]
    head, *rows = (EXAMPLES / file).read_text(encoding=encoding).splitlines(keepends=True)
    planted = [row for row in rows if any(canary in row for canary in CANARIES)]
    assert len(planted) == 3
    domain = f"@{name.lower()}.example"
    swapped = []
    for number, row in enumerate(planted):
        before, _, after = row.partition(domain)
        local = before.replace(";", ",").rpartition(",")[2]
        swapped.append(before.removesuffix(local) + PLANTED_EMAIL.format(number) + after)
    path = folder / file
    path.write_text(head + "".join(rows[:ROWS]) + "".join(swapped), encoding="utf-8")
    return path


def needles_of(path: Path) -> set[str]:
    """Every domain, name of 8 bytes and more, other match key of 12 bytes and more, and e-mail address of a list."""
    table = read_table(path)
    read = read_accounts(table, guess_mapping(table), segment="customers", segment_from=None, list_name="canary")
    keys = keys_of(read.accounts, current(load_tables()), load_tables()).frame
    domains = set(keys["key"][keys["kind"] == KINDS.index("domain")])
    other_keys = {key for key in keys["key"] if len(key.encode()) >= LONG_KEY}
    names = {name for name in read.accounts["name"] if len(name.encode()) >= LONG_NAME}
    emails = {email for email in read.accounts["owner_email"] if email}
    assert len(domains) > 900
    assert len(names) > 900
    assert len(other_keys - domains) > 900
    assert any("planted" in email for email in emails)
    return domains | names | other_keys | emails


def secrets_of(ground: Ground) -> dict[str, bytes]:
    """What only a partner may hold: the private keys, the epoch's secrets, the passphrase; as bytes and as text."""
    found = {"passphrase": PASSPHRASE.encode()}
    for partner in (ground.acme, ground.globex):
        with opened(partner) as agent:
            identity = agent.vault.get(ADDRESS) or b""
            epoch = epoch_secrets(agent, open_room(agent, ground.room))
            raw = {
                "identity seed": identity[-SEALING_PRIVATE_BYTES - 36 : -SEALING_PRIVATE_BYTES - 4],
                "sealing key": identity[-SEALING_PRIVATE_BYTES:],
                "scalar": epoch.scalar.reveal(),
                "handle key": epoch.handle_key,
                "renaming key": epoch.renaming_key,
            }
        for what, value in raw.items():
            assert len(value) >= 32
            found |= {
                f"{partner.name}'s {what}": value,
                f"{partner.name}'s {what} in hex": value.hex().encode(),
                f"{partner.name}'s {what} in base64": base64.b64encode(value).rstrip(b"="),
                f"{partner.name}'s {what} in base64url": base64.urlsafe_b64encode(value).rstrip(b"="),
            }
    return found


def secrets_in(folder: Path, secrets: dict[str, bytes]) -> set[str]:
    found = set()
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            found |= {what for what, value in secrets.items() if value in data}
    return found


class Lookout:
    """Searches folders while processes write there: temporary files may be gone at the end."""

    def __init__(self, folders: list[Path], needles: frozenset[str]) -> None:
        self.found: set[str] = set()
        self._folders, self._needles, self._end = folders, needles, Event()
        self._seen: dict[Path, tuple[int, int]] = {}
        self._thread = Thread(target=self._look)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._end.wait(0.1):
            for path in (path for folder in self._folders for path in folder.rglob("*")):
                try:
                    about = path.stat()
                    if path.is_file() and self._seen.get(path) != (about.st_mtime_ns, about.st_size):
                        self._seen[path] = (about.st_mtime_ns, about.st_size)
                        self.found |= found_in_file(path, self._needles)
                except FileNotFoundError:
                    continue  # it went away between listing and reading


def full_run(folder: Path, database: str | None) -> Iterator[Run]:
    """Push, sync and report on both sides, the agents with temporary folders of their own."""
    with running(folder / "escrow", database) as escrow:
        ground = in_a_room(folder, escrow)
        temporary = {name: folder / f"{name.lower()}-tmp" for name in LISTS}
        partners = []
        for partner in (ground.acme, ground.globex):
            temporary[partner.name].mkdir()
            place = {"TMPDIR": str(temporary[partner.name])}
            partners.append(Partner(partner.home, partner.name, place))
        paths = {name: cut(folder, name) for name in LISTS}
        needles = frozenset(set[str]().union(CANARIES, *(needles_of(path) for path in paths.values())))

        def push(partner: Partner) -> None:
            report = partner.run("push", paths[partner.name], "--segment-from", LISTS[partner.name][1], "--yes")
            assert report["rooms"][0]["report"]["entries"] > 900

        places = [*temporary.values(), ground.acme.home, ground.globex.home]
        with Lookout(places, needles) as lookout, ThreadPoolExecutor(2) as at_once:
            list(at_once.map(push, partners))
            for partner in (*partners, *partners):
                assert [room["problem"] for room in partner.run("sync")["rooms"]] == [None]
        with opened(ground.acme) as acme, opened(ground.globex) as globex:
            mine, theirs = shown(acme, ground.room), shown(globex, ground.room)
        assert mine is not None
        assert theirs == transposed(mine)
        assert any(cell for row in mine for cell in row)
        yield Run(ground, needles, secrets_of(ground), frozenset(lookout.found))


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    yield from full_run(tmp_path_factory.mktemp("canary-sqlite"), None)


@pytest.fixture(scope="module")
def on_postgresql(tmp_path_factory: pytest.TempPathFactory, postgresql_server: PostgreSQL) -> Iterator[Run]:
    """Some company is called by an everyday word that PostgreSQL's own catalogue has too; it proves nothing."""
    before = tmp_path_factory.mktemp("canary-before")
    words = found_in(postgresql_server.data, set[str]().union(*(needles_of(cut(before, name)) for name in LISTS)))
    assert len(words) < 5
    assert all(word.isalpha() for word in words)
    for run in full_run(tmp_path_factory.mktemp("canary-postgresql"), postgresql_server.fresh()):
        yield replace(run, needles=run.needles - words)


def test_nothing_of_an_account_is_in_the_escrows_sqlite_files(on_sqlite: Run) -> None:
    home = on_sqlite.ground.escrow.home
    assert {"escrow.db", "escrow.db-wal", "escrow.log"} <= {path.name for path in home.iterdir()}
    assert found_in(home, on_sqlite.needles) == set()
    assert secrets_in(home, on_sqlite.secrets) == set()


def test_the_search_finds_what_is_planted_in_an_sqlite_file(on_sqlite: Run, tmp_path: Path) -> None:
    planted = sorted(on_sqlite.needles)[::40]
    secret = next(iter(on_sqlite.secrets.items()))
    shutil.copy(on_sqlite.ground.escrow.home / "escrow.db", tmp_path / "escrow.db")
    with sqlite3.connect(tmp_path / "escrow.db") as connection:
        connection.execute("CREATE TABLE control (text)")
        connection.executemany("INSERT INTO control VALUES (?)", [(text,) for text in [*planted, secret[1]]])
    connection.close()
    assert found_in(tmp_path, on_sqlite.needles) >= set(planted)
    assert secrets_in(tmp_path, on_sqlite.secrets) == {secret[0]}


@pytest.mark.soak
def test_nothing_of_an_account_is_in_postgresqls_files(on_postgresql: Run, postgresql_server: PostgreSQL) -> None:
    postgresql_server.execute("CHECKPOINT")
    data = postgresql_server.data
    assert [path for path in (data / "pg_wal").iterdir() if path.is_file()]
    for folder in (data, on_postgresql.ground.escrow.home):
        assert found_in(folder, on_postgresql.needles) == set()
        assert secrets_in(folder, on_postgresql.secrets) == set()
    # The control: what is written to another database of the same server is found, in its tables or its log.
    planted, url = min(CANARIES), postgresql_server.fresh()
    postgresql_server.execute(f"CREATE TABLE control AS SELECT '{planted}'::text AS text", url)
    postgresql_server.execute("CHECKPOINT")
    assert found_in(data / "base", CANARIES) == {planted}
    postgresql_server.execute("DROP TABLE control", url)


def test_vaults_and_temporary_files_of_agents_hold_no_plaintext(on_sqlite: Run) -> None:
    assert on_sqlite.seen_on_the_way == set()
    for partner in (on_sqlite.ground.acme, on_sqlite.ground.globex):
        assert found_in(partner.home, on_sqlite.needles) == set()
        assert secrets_in(partner.home, on_sqlite.secrets) == set()
        temporary = on_sqlite.ground.folder / f"{partner.name.lower()}-tmp"
        assert secrets_in(temporary, on_sqlite.secrets) == set()


def test_invites_leave_no_secret_behind(tmp_path: Path) -> None:
    with running(tmp_path / "escrow") as escrow:
        text = escrow.invite("Acme", "isv")
        secret = Invite.read(text).secret
        partner = Partner(tmp_path / "acme", "Acme")
        partner.run("init", text)
        forms = {text, secret, base64.b64encode(bytes.fromhex(secret)).decode()}
        assert found_in(escrow.home, forms) == set()
        assert secrets_in(escrow.home, {"raw": bytes.fromhex(secret)}) == set()
        assert found_in(partner.home, forms) == set()


BAD = "zq90badcanary90"
HEAD = (
    "Account ID",
    "Account Name",
    "Website",
    "Billing Country",
    "Type",
    "Owner Email",
    "Amount",
    "Close Date",
    "LEI",
)


def bad_files(folder: Path) -> dict[str, list[object]]:
    """Arguments of pushes that go wrong, each with the canary in a cell (or a password) that must not be repeated."""

    def written(name: str, rows: list[list[str]], head: tuple[str, ...] = HEAD) -> Path:
        path = folder / name
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([head, *rows])
        return path

    good = [[str(i), f"Company {i}", f"https://company{i}.com", "DE", "Customer", "", "", "", ""] for i in range(60)]
    cells = [
        [*row[:column], f"{BAD} {row[0]}", *row[column + 1 :]]
        for column in range(2, len(HEAD))
        for row in good[column : column + 1]
    ]
    same_id = [[BAD, *good[0][1:]], [BAD, *good[1][1:]]]
    ragged = folder / "ragged.csv"
    ragged.write_text(f'Account ID,Website\n1,"{BAD}.com\n2,{BAD},{BAD},{BAD}\n', encoding="utf-8")
    encoded = folder / "encoded.csv"
    encoded.write_bytes(f"Account ID,Website\n1,{BAD}.com\n".encode() + b"2,\xff\xfe\x81\n")
    not_a_book = folder / "damaged.xlsx"
    not_a_book.write_bytes(b"PK\x03\x04" + BAD.encode())
    database = f"sqlite:///{folder}/no/{BAD}.db"
    bad = written("cells.csv", [*good, *cells])
    return {
        "bad cells": [bad, "--segment-from", "Type"],
        "bad cells, one segment": [bad, "--segment", "customers"],
        "segment that nobody knows": [bad, "--segment-from", "Account Name", "--fresh"],
        "wrong column": [bad, "--segment", "customers", "--map", "lei=Account Name", "--map", "website=Owner Email"],
        "column that is not there": [bad, "--segment", "customers", "--map", "name=No Such Column"],
        "same id twice": [written("same.csv", [*good, *same_id]), "--segment", "customers"],
        "all ids the same": [written("all-same.csv", same_id * 20), "--segment", "customers"],
        "ragged": [ragged, "--segment", "customers"],
        "encoded": [encoded, "--segment", "customers", "--encoding", "utf-8"],
        "damaged workbook": [not_a_book, "--segment", "customers"],
        "delta without a list": ["--changes", bad, "--list", "nothing"],
        "database": ["--sql", database, "--query", f"select '{BAD}'", "--list", "sql", "--segment", "customers"],
    }


def command_here(partner: Partner, *arguments: object) -> tuple[int, str]:
    """The command in this process, where dozens cost little: exit code, and all that it printed."""
    told = StringIO()
    environment = command_line.environment_of({"CLEANROOM_PASSPHRASE": PASSPHRASE}, StringIO(), told, told)
    return command_line.run([*map(str, arguments), "--home", str(partner.home)], environment), told.getvalue()


@pytest.mark.soak
def test_the_command_never_repeats_a_cell(on_sqlite: Run, tmp_path: Path) -> None:
    partner = on_sqlite.ground.acme

    codes = {}
    for name, arguments in bad_files(tmp_path).items():
        for more in (["--json"], []):
            codes[name], told = command_here(partner, "push", *arguments, "--dry-run", *more)
            assert BAD not in told, name
    assert codes["bad cells"] == 0
    assert codes["damaged workbook"] == codes["column that is not there"] == codes["delta without a list"] == 1


def test_the_command_never_repeats_the_first_row_of_a_file_without_a_header(on_sqlite: Run, tmp_path: Path) -> None:
    headless = tmp_path / "headless.csv"
    headless.write_text("".join(f"{i},{BAD} {i},https://{BAD}{i}.com\n" for i in range(60)), encoding="utf-8")
    command = on_sqlite.ground.acme.command("push", headless, "--segment", "customers", "--dry-run", "--json")
    done = ran(*command, env={"CLEANROOM_PASSPHRASE": PASSPHRASE})
    assert done.returncode == 1
    assert BAD not in done.stdout + done.stderr
