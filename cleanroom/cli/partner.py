"""`cleanroom partner`: who is enrolled, and the comparison of fingerprints."""

from typing import Annotated

import typer
from rich.text import Text

from cleanroom.agent.partners import Partner, confirm, directory
from cleanroom.cli.home import fingerprint_panel
from cleanroom.cli.invocation import HomeOption, JsonOption, begin
from cleanroom.cli.output import printable, table
from cleanroom.domain.errors import InputRefused

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Who is enrolled at this escrow, and whose fingerprint was compared.",
)


@app.command("list", epilog="Example: cleanroom partner list")
def show_list(context: typer.Context, *, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show the directory, and the words of your own fingerprint to read out.

    The words of the others are not shown: they must come from the other side, not from the escrow.
    """
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        partners = directory(agent)
        own = agent.identity.public()
    shown = table("Partner", "Kind", "Fingerprint", "Id")
    for partner in partners:
        state = "this is you" if partner.me else "confirmed" if partner.confirmed else "not compared yet"
        shown.add_row(printable(partner.name), partner.kind, state, partner.id)
    run.out.result(
        {"partners": [_document(partner) for partner in partners], "fingerprint": list(own.fingerprint())},
        shown,
        fingerprint_panel(own),
    )


@app.command("confirm", epilog="Example: cleanroom partner confirm 'Globex' able baker cable dog easy fox gold house")
def confirm_words(
    context: typer.Context,
    who: Annotated[str, typer.Argument(help="Name, id, or the beginning of the id.")],
    words: Annotated[
        list[str] | None, typer.Argument(help="The eight words that the other side read out. (default: ask)")
    ] = None,
    *,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Type the eight words that the other side read out; only then can there be a room with it."""
    run = begin(context, home, as_json=as_json)
    if not words and run.ask is None:
        raise InputRefused("no words: give the eight words that the other side read out")
    with run.agent() as agent:
        typed = " ".join(words) if words else run.ask.text("The eight words they read out") if run.ask else ""
        partner = confirm(agent, who, typed)
    run.out.result(
        {"partner": _document(partner)},
        Text(f"Confirmed: {printable(partner.name)}. Let them confirm yours too, then: cleanroom room propose"),
    )


def _document(partner: Partner) -> dict[str, object]:
    return {
        "id": partner.id,
        "name": partner.name,
        "kind": partner.kind.value,
        "confirmed": partner.confirmed,
        "me": partner.me,
    }
