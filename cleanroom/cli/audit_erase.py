"""`cleanroom audit erase`: forget what was on record of an account's disclosures."""

from typing import Annotated

import typer
from rich.text import Text

from cleanroom.agent.account_names import AccountNames
from cleanroom.agent.disclosed import disclosed
from cleanroom.agent.erasing import erase_accounts
from cleanroom.agent.rooms import find_id
from cleanroom.cli.invocation import HomeOption, JsonOption, YesOption, begin
from cleanroom.cli.words import counted


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("erase", epilog="Example: cleanroom audit erase A-1042 --room 'Acme x Globex'")(erase)


def erase(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    account: Annotated[list[str], typer.Argument(metavar="ACCOUNT...", help="Id in your list, LIST/ID, or name.")],
    *,
    room: Annotated[str, typer.Option(help="Title, id, or the beginning of the id.")],
    yes: YesOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase which fields of these accounts were shown, and of theirs beside them, from what an audit of yours can tell.

    The log still holds: the records' hashes stay. What the other side keeps, it keeps; `disclosed` and `shared` stay.
    """
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        room_id = find_id(agent, room)
        ids = AccountNames.of(agent).find_all(account, also=set(disclosed(agent, room_id)["account_id"]))
        run.require_yes("Erase these records for good?", yes=yes)
        erased = erase_accounts(agent, room_id, ids)
    run.out.result({"room": room_id, "erased": erased}, Text(f"Erased: {counted(erased, 'record')}."))
