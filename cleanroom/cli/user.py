"""`cleanroom user`: the people of this partner, each with a role and a signing key of their own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from cleanroom.agent import user_keys, users
from cleanroom.agent.session import Agent
from cleanroom.agent.user_keys import UserSession
from cleanroom.agent.users import User, UserRefused
from cleanroom.cli.invocation import HomeOption, Invocation, JsonOption, begin, passphrase_in
from cleanroom.cli.output import facts, printable, table
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.secret import Secret
from cleanroom.domain.vocabulary import Role

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Your people: who may write and approve policies, and what sellers see.",
)

_KEY_BYTES = 32

ActingOption = Annotated[
    str | None, typer.Option("--user", help="The admin who signs this: name or id. Not needed for the first user.")
]
PassphraseFileOption = Annotated[
    Path | None,
    typer.Option(help="A file whose first line is the new user's passphrase. (default: ask, twice)"),
]
UserArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name, id, or the beginning of the id.")]


@app.command(epilog="Example: cleanroom user add 'Ann Example' --role admin")
def add(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Kept in your vault; others see a key and a role only.")],
    *,
    role: Annotated[
        Role,
        typer.Option(
            help="admin changes users; admin, partner_manager and security_reviewer write and approve policies; "
            "a seller sees what policies show to sellers. The first user is an admin."
        ),
    ],
    public_key: Annotated[
        str | None,
        typer.Option(metavar="HEX", help="The public key that `user keyfile` printed: the key stays where it is."),
    ] = None,
    passphrase_file: PassphraseFileOption = None,
    user: ActingOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a user with a new key under a passphrase of their own, or with the public key of a key file elsewhere."""
    run = begin(context, home, as_json=as_json)
    if public_key is not None and passphrase_file is not None:
        raise InputRefused("user: --public-key or --passphrase-file, not both")
    key = _public_key(public_key) if public_key is not None else None
    with run.agent() as agent:
        by = _signing(run, agent, user)
        first = None if key else _new_passphrase(run, name, passphrase_file, is_signed=by is not None)
        added = users.add(agent, name, role, passphrase=first, public_key=key, by=by)
    run.out.result(
        {"user": document(added)},
        _screen([added]),
        Text(f"Added: {printable(added.name)}. Partners that you have rooms with see a key and a role, no name."),
    )


@app.command("list", epilog="Example: cleanroom user list")
def show_list(context: typer.Context, *, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show your people, their roles, and where their keys are."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        found = users.users(agent)
    nobody = Text("No user yet: cleanroom user add NAME --role admin")
    run.out.result({"users": [document(item) for item in found]}, _screen(found) if found else nobody)


@app.command(epilog="Example: cleanroom user remove 'Ann Example' --user 'Bob Example'")
def remove(
    context: typer.Context,
    name: UserArgument,
    *,
    user: ActingOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a user and their key from the vault. What they have signed stays signed."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        gone = users.find(agent, name)
        users.remove(agent, gone.id, by=_must_sign(run, agent, user))
    run.out.result({"user": gone.id, "removed": True}, Text(f"Removed: {printable(gone.name)}."))


@app.command("role", epilog="Example: cleanroom user role 'Ann Example' security_reviewer --user 'Bob Example'")
def change_role(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    name: UserArgument,
    role: Annotated[Role, typer.Argument(help="The new role.")],
    *,
    user: ActingOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a user another role."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        found = users.find(agent, name)
        changed = users.change_role(agent, found.id, role, by=_must_sign(run, agent, user))
    run.out.result(
        {"user": document(changed)}, Text(f"{printable(changed.name)} is {role_words(changed.role)} from now on.")
    )


@app.command(epilog="Example: cleanroom user keyfile ann.key --name 'Ann Example'")
def keyfile(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where to put the key; nothing may be there.")],
    *,
    name: Annotated[str, typer.Option(help="Whose key it is; kept in the file.")],
    passphrase_file: PassphraseFileOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a signing key in a file, on a machine of the user's own; no vault is needed. Prints the public key."""
    run = begin(context, home, as_json=as_json)
    passphrase = _new_passphrase(run, name, passphrase_file, is_signed=False)
    public = user_keys.write_key_file(file, name, passphrase).hex()
    run.out.result(
        {"file": str(file), "public_key": public},
        facts([("Public key", public), ("Key file", printable(str(file)))]),
        Text(
            "Give the public key, never the file, to an admin. He adds it with:\n"
            f"  cleanroom user add NAME --role ROLE --public-key {public}"
        ),
    )


def document(user: User) -> dict[str, object]:
    """A user for scripts."""
    return {
        "id": user.id,
        "name": user.name,
        "role": user.role.value,
        "public_key": user.public_key.hex(),
        "key_here": user.key_here,
    }


def role_words(role: Role) -> str:
    """A role as people say it: "security reviewer"."""
    return role.value.replace("_", " ")


def _screen(found: Sequence[User]) -> Table:
    shown = table("User", "Role", "Key", "Id")
    for user in found:
        place = "in this vault" if user.key_here else "in a key file"
        shown.add_row(printable(user.name), role_words(user.role), place, user.id)
    return shown


def _signing(run: Invocation, agent: Agent, who: str | None) -> UserSession | None:
    """The admin who signs; nobody for the very first user."""
    if who is None and not users.users(agent):
        return None
    return _must_sign(run, agent, who)


def _must_sign(run: Invocation, agent: Agent, who: str | None) -> UserSession:
    if who is None:
        raise InputRefused("an admin has to sign this: say --user NAME")
    found = users.find(agent, who)
    return users.unlock(agent, found.id, run.user_passphrase(found.name))


def _new_passphrase(run: Invocation, name: str, file: Path | None, *, is_signed: bool) -> Secret[str]:
    if file is not None:
        return passphrase_in(file)
    if is_signed:
        # The environment holds the passphrase of the one who signs; it must not become the new user's too.
        return run.typed_twice(f"New passphrase of {printable(name)}")
    return run.first_user_passphrase(name)


def _public_key(text: str) -> bytes:
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise UserRefused("public key: 64 hex characters, as `cleanroom user keyfile` prints them")
    return key
