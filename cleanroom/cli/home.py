"""`cleanroom init`, `backup`, `restore`, `rekey`: a home, and copies of it."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.columns import Columns
from rich.panel import Panel
from rich.text import Text

from cleanroom.agent.home import Introduction, enrol
from cleanroom.agent.session import VAULT_FILE
from cleanroom.agent.vault import Vault
from cleanroom.cli.invocation import HomeOption, JsonOption, begin, passphrase_in
from cleanroom.cli.output import printable
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.vocabulary import PartnerKind
from cleanroom.messages.documents import instant
from cleanroom.messages.identity import PublicIdentity
from cleanroom.messages.invites import Invite

_INVITE_LIMIT = 10_000


def add_to(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command(epilog="Example: cleanroom init --invite-file invite.txt --name 'Acme Software' --kind isv")(init)
    app.command(epilog="Example: cleanroom backup cleanroom-2026-07-01.vault")(backup)
    app.command(epilog="Example: cleanroom restore cleanroom-2026-07-01.vault --home ./new-home")(restore)
    app.command(epilog="Example: cleanroom rekey --new-passphrase-file new.txt")(rekey)


def init(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    *,
    invite: Annotated[str | None, typer.Argument(help="The operator's invite: one line. Better in a file.")] = None,
    invite_file: Annotated[
        Path | None, typer.Option(help="A file with the invite, - for standard input.", allow_dash=True)
    ] = None,
    name: Annotated[str | None, typer.Option(help="What others will call you. (default: what the invite says)")] = None,
    kind: Annotated[PartnerKind | None, typer.Option(help="What you are. (default: what the invite says)")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make keys and a sealed vault, and enrol with the escrow that the invite pins.

    If the escrow cannot be reached, the same command again goes on with the same keys.
    """
    run = begin(context, home, as_json=as_json)
    text = _invite_text(invite, invite_file, run.ask.text if run.ask else None)
    known = (run.home / VAULT_FILE).exists()
    passphrase = run.passphrase() if known else run.first_passphrase()
    identity = enrol(
        run.home, passphrase, Invite.read(text), Introduction(name=name, kind=kind), clock=run.environment.clock
    ).public()
    words = identity.fingerprint()
    run.out.result(
        {"home": str(run.home), "partner": identity.partner_id, "fingerprint": list(words)},
        Text(f"Enrolled. This home: {printable(str(run.home))}"),
        fingerprint_panel(identity),
        Text(
            "Next:\n"
            "  1. Read these words to each partner over the phone or in person, and let them read theirs to you.\n"
            "  2. cleanroom partner list       who is enrolled here\n"
            "  3. cleanroom partner confirm    type the words that the other side read out\n"
            "  4. cleanroom room propose       agree on what is counted; or accept what they propose\n"
            "Keep a copy: cleanroom backup FILE. Without vault and passphrase nobody can bring this partner back."
        ),
    )


def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where to put the copy; nothing may be there.")],
    *,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write one consistent copy of the vault, sealed under the passphrase now in force."""
    run = begin(context, home, as_json=as_json)
    with Vault.open(run.home / VAULT_FILE, run.passphrase()) as vault:
        vault.backup(file, at=instant(run.environment.clock()))
    run.out.result(
        {"backup": str(file)},
        Text(f"Written: {printable(str(file))}. It opens with the passphrase that is in force now."),
    )


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file that `cleanroom backup` wrote.")],
    *,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a backup into a home that has no vault."""
    run = begin(context, home, as_json=as_json)
    Vault.restore(file, run.home / VAULT_FILE)
    run.out.result(
        {"home": str(run.home)},
        Text(
            f"Restored into {printable(str(run.home))}. It opens with the passphrase that it was made under.\n"
            "Never run two homes of the same partner: stop the other one before the next push or sync.\n"
            "What was evaluated of other sides' lists since the copy was made is not known: for 30 days nothing new of "
            "them is evaluated before an approver of yours allows it (cleanroom guesses show)."
        ),
    )


def rekey(
    context: typer.Context,
    *,
    new_passphrase_file: Annotated[
        Path | None, typer.Option(help="A file whose first line is the new passphrase. (default: ask)")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Seal the vault under a new passphrase and a fresh key. Older backups keep the old passphrase."""
    run = begin(context, home, as_json=as_json)
    with Vault.open(run.home / VAULT_FILE, run.passphrase()) as vault:
        new = passphrase_in(new_passphrase_file) if new_passphrase_file else run.typed_twice("New passphrase")
        vault.rekey(new)
    run.out.result(
        {"home": str(run.home)},
        Text("Done. Backups made before still open with the old passphrase: make a new one, and delete those."),
    )


def fingerprint_panel(identity: PublicIdentity) -> Panel:
    """The eight words, large and clear."""
    words = [Text(f"{place} {word}", style="bold") for place, word in enumerate(identity.fingerprint(), start=1)]
    return Panel(
        Columns(words, width=16, padding=(1, 1)),
        title="Your fingerprint",
        width=76,
        padding=(1, 2),
        title_align="left",
    )


def _invite_text(invite: str | None, file: Path | None, ask: "object") -> str:
    if invite is not None and file is not None:
        raise InputRefused("invite: on the command line or in a file, not both")
    if invite is not None:
        return invite
    if file is not None and str(file) == "-":
        return sys.stdin.read(_INVITE_LIMIT)
    if file is not None:
        try:
            return file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise InputRefused(f"invite file: cannot be read ({type(error).__name__})") from None
    if callable(ask):
        return str(ask("Invite"))
    raise InputRefused("no invite: give the operator's line, or --invite-file FILE")
