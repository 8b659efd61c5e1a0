"""The operator's command, `cleanroom-escrow`. Settings are read here and nowhere else."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final, Literal

import platformdirs
import typer
from pydantic import SecretStr

from api.service import logs
from api.service.app import create_app
from api.service.desk import Desk
from api.service.server import Listening, serve
from api.service.settings import DEFAULT_PORT, Settings
from cleanroom import kernel
from cleanroom.domain.clock import system_clock
from cleanroom.domain.collector import collect_rarely
from cleanroom.domain.errors import CleanroomError, InputRefused
from cleanroom.domain.vocabulary import PartnerKind, RoomId
from cleanroom.messages.documents import instant, read_document
from cleanroom.messages.entries import OperatorActed
from cleanroom.messages.identity import EscrowIdentity
from cleanroom.messages.invites import Invite
from cleanroom.messages.rooms import Enrolment
from escrow import answers, identity, invites, ledger, partners, schema
from escrow.database import Database
from escrow.pages import MOST_ON_A_PAGE, Page

REFUSED: Final = 1

app = typer.Typer(
    name="cleanroom-escrow",
    help="Run the escrow: the service that meets tokens of accounts without being able to read one.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Home = Annotated[
    Path | None, typer.Option(envvar="CLEANROOM_ESCROW_HOME", help="Folder with the key and the SQLite file.")
]
Db = Annotated[str | None, typer.Option(envvar="CLEANROOM_ESCROW_DB", help="Another database: an SQLAlchemy URL.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("serve")
def serve_command(  # noqa: PLR0913 - options of a command
    *,
    home: Home = None,
    db: Db = None,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = DEFAULT_PORT,
    tls_cert: Annotated[Path | None, typer.Option(help="PEM file: serve HTTPS.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM file of the certificate's private key.")] = None,
    host_partner: Annotated[
        str, typer.Option(metavar="ID", help="The partner that operates this escrow, if one does: its id.")
    ] = "",
    migrate_first: Annotated[
        bool, typer.Option("--migrate", help="Migrate a database that is not SQLite as well.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run the service. Agents refuse to talk to it without HTTPS, except on loopback.

    Example: cleanroom-escrow serve --home ./escrow --port 8470
    """
    with _refusals(as_json=as_json), _desk(home, db, host=host_partner) as desk:
        if (tls_cert is None) != (tls_key is None):
            raise InputRefused("--tls-cert and --tls-key: both or neither")
        logs.to_stderr()
        collect_rarely()
        kernel.offer(logs.notice)
        if migrate_first or desk.database.is_sqlite:
            schema.migrate(desk.database, entry=_acted("migrated"))
        service = create_app(desk)
        desk.database.write(lambda session: ledger.append(session, ledger.OPERATOR, _acted("started")))
        at = Listening(host=host, port=port, certificate=tls_cert, private_key=tls_key)
        words = " ".join(EscrowIdentity(identity_key=desk.key.public).fingerprint())

        def started(url: str) -> None:
            facts = {"url": url, "key": desk.key.public.hex(), "fingerprint": words}
            _say(facts, f"Escrow listens at {url}; its fingerprint: {words}", as_json=as_json)

        serve(service, at, bell=desk.bell, started=started)


@app.command()
def invite(  # noqa: PLR0913 - options of a command
    *,
    home: Home = None,
    db: Db = None,
    url: Annotated[
        str, typer.Option(envvar="CLEANROOM_ESCROW_URL", help="Where partners reach this escrow.")
    ] = f"http://127.0.0.1:{DEFAULT_PORT}",
    name: Annotated[str | None, typer.Option(help="Only a partner of exactly this name.")] = None,
    kind: Annotated[PartnerKind | None, typer.Option(help="Only a partner of this kind.")] = None,
    expires_days: Annotated[int, typer.Option(min=1, max=365, help="How long it can be used.")] = 14,
    as_json: AsJson = False,
) -> None:
    """Print an invite for one partner. It works once; it is a secret until then.

    Example: cleanroom-escrow invite --name "Example ISV" --kind isv
    """
    with _refusals(as_json=as_json), _desk(home, db) as desk:
        if desk.database.is_sqlite:
            schema.migrate(desk.database, entry=_acted("migrated"))
        schema.require_current(desk.database)
        now = system_clock()
        allowance = invites.Allowance(name=name, kind=kind, expires_at=now + timedelta(days=expires_days))
        made = _invite(url, desk, name=name, kind=kind)
        secret = desk.database.write(lambda session: invites.make(session, allowance, now=now))
        text = made.model_copy(update={"secret": secret}).text()
        _say({"invite": text, "expires": instant(allowance.expires_at)}, text, as_json=as_json)


@app.command()
def migrate(*, home: Home = None, db: Db = None, as_json: AsJson = False) -> None:
    """Bring the database's tables to this version.

    Example: cleanroom-escrow migrate --db postgresql://escrow@db.example/escrow
    """
    with _refusals(as_json=as_json), _desk(home, db) as desk:
        schema.migrate(desk.database, entry=_acted("migrated"))
        _say({"migrated": True}, "The tables are at this version.", as_json=as_json)


@app.command("partners")
def partners_command(*, home: Home = None, db: Db = None, as_json: AsJson = False) -> None:
    """List who is enrolled.

    Example: cleanroom-escrow partners --json
    """
    with _refusals(as_json=as_json), _desk(home, db) as desk:
        schema.require_current(desk.database)
        page: int | None = 0
        while page is not None:
            found = desk.read(partial(partners.directory, page=Page(after=page, limit=MOST_ON_A_PAGE)))
            for signed in found.partners:
                enrolment = read_document(Enrolment, signed.document)
                partner = signed.signatures[0].signer
                facts = {"partner": partner, "name": enrolment.name, "kind": enrolment.kind.value}
                _say(facts, f"{partner}  {enrolment.kind.value:<12} {enrolment.name}", as_json=as_json)
            page = found.next


@app.command()
def draws(
    *,
    room: Annotated[str, typer.Option(metavar="ROOM", help="Whose answers: the room's id.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write; it must not be there yet.")],
    home: Home = None,
    db: Db = None,
    as_json: AsJson = False,
) -> None:
    """Write the noise of a room's answers, for an auditor who is no member. Whoever has it has the exact counts.

    Example: cleanroom-escrow draws --room 0123456789abcdef0123456789abcdef --out draws.jsonl
    """
    with _refusals(as_json=as_json), _desk(home, db) as desk:
        schema.require_current(desk.database)
        found = desk.read(partial(answers.replay, room=RoomId(room)))
        if not found:
            raise InputRefused("--room: no answer of such a room had noise")
        _write_secret(out, "".join(f"{json.dumps(line)}\n" for line in found))
        _say({"answers": len(found)}, f"Written: the noise of {len(found)} answers.", as_json=as_json)


def main() -> None:
    """Run the command."""
    app()


def _acted(action: Literal["started", "migrated"]) -> OperatorActed:
    return OperatorActed(at=instant(system_clock()), action=action, version=version("cleanroom-escrow"))


def _invite(url: str, desk: Desk, *, name: str | None, kind: PartnerKind | None) -> Invite:
    """The invite without its secret, checked before anything is written."""
    try:
        return Invite(url=url, escrow_key=desk.key.public.hex(), secret="00" * 32, name=name, kind=kind)
    except ValueError:
        raise InputRefused("--url or --name: not a URL of scheme and host, or not a name") from None


@contextmanager
def _desk(home: Path | None, db: str | None, *, host: str = "") -> Iterator[Desk]:
    folder = home or platformdirs.user_data_path("cleanroom-escrow", appauthor=False)
    try:
        settings = Settings.model_validate({"home": folder, "db": SecretStr(db) if db else None, "host": host})
    except ValueError:
        raise InputRefused("--host-partner: not a partner's id") from None
    key = identity.key_in(settings.home)
    database = Database(settings.database_url)
    try:
        yield Desk(database=database, key=key, clock=system_clock, host=settings.host)
    finally:
        database.dispose()


def _write_secret(path: Path, text: str) -> None:
    """Write a file that only this user may read. Raises InputRefused."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise InputRefused(f"--out: cannot be written ({os.strerror(error.errno or 0)})") from None


@contextmanager
def _refusals(*, as_json: bool) -> Iterator[None]:
    """Print a refusal and end with its exit code."""
    try:
        yield
    except CleanroomError as error:
        typer.echo(json.dumps({"code": error.code, "error": str(error)}) if as_json else f"Error: {error}", err=True)
        raise typer.Exit(REFUSED) from None


def _say(facts: Mapping[str, object], text: str, *, as_json: bool) -> None:
    typer.echo(json.dumps(facts, ensure_ascii=False) if as_json else text)


if __name__ == "__main__":
    main()
