"""`cleanroom decoys`: accounts that do not exist, which show that a partner guesses."""

from typing import Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from cleanroom.agent import decoy_hits, decoys
from cleanroom.agent.decoy_hits import DecoyStatus
from cleanroom.agent.partners import find
from cleanroom.cli.guesses import ApproverOption, ReasonOption
from cleanroom.cli.invocation import HomeOption, JsonOption, begin
from cleanroom.cli.output import printable, table
from cleanroom.cli.policy_signer import KeyOption, signer
from cleanroom.cli.words import ago, counted, label_words

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Accounts that do not exist, committed beside yours: a partner whose openings hit them has guessed.",
)


@app.command(epilog="Example: cleanroom decoys add --website brindlecove.com --segment customers")
def add(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    *,
    website: Annotated[str, typer.Option(help="A domain that you control, or that belongs to nobody's customer.")],
    segment: Annotated[str, typer.Option(help="The segment that it counts in.")],
    name: Annotated[str, typer.Option(help="A company's name that is nobody's.")] = "",
    country: Annotated[str, typer.Option(help="With --name: its country.")] = "",
    one_in: Annotated[
        int, typer.Option(min=2, max=1_000_000_000, help="An honest list has it with a chance of one in so many.")
    ] = decoys.ONE_IN,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a decoy. It goes out with the next batch of every room that counts its segment, and is never released."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        made = decoys.add(agent, website=website, segment=segment, name=name, country=country, one_in=one_in)
    run.out.result({"decoy": made.id}, Text(f"Added: decoy {made.id[:8]}. Next: cleanroom sync"))


@app.command("list", epilog="Example: cleanroom decoys list")
def show_list(context: typer.Context, *, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show your decoys."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        found = decoys.decoys(agent)
    shown = table("Decoy", "Website", "Name", "Country", "Segment", "One in", "Since", right=(5,))
    for item in found:
        cells = (item.website, item.name, item.country)
        since = ago(item.since, run.environment.clock())
        shown.add_row(item.id[:8], *map(printable, cells), label_words(item.segment), f"{item.one_in:,}", since)
    document = {"decoys": [item.model_dump(mode="json") for item in found]}
    run.out.result(document, shown if found else Text("No decoy yet: cleanroom decoys add"))


@app.command(epilog="Example: cleanroom decoys remove 3fa94c1e")
def remove(
    context: typer.Context,
    decoy: Annotated[list[str], typer.Argument(metavar="DECOY...", help="Id, or its beginning.")],
    *,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take decoys out; the next batch takes them out of the rooms."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        gone = decoys.remove(agent, decoy)
    words = f"Removed: {counted(len(gone), 'decoy')}. Next: cleanroom sync"
    run.out.result({"removed": [item.id for item in gone]}, Text(words))


@app.command(epilog="Example: cleanroom decoys status")
def status(context: typer.Context, *, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show which partners have hit decoys, from how many hits on they freeze, and how likely that is by chance."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        number, found = len(decoys.decoys(agent)), decoy_hits.decoy_status(agent)
    shown = table("Partner", "Shown to it", "Hit", "Freezes at", "By chance", "State", right=(1, 2, 3))
    for item in found:
        cells = (f"{item.shown:,}", f"{item.hits:,}", f"{item.freezes_at:,}", _chance(item), _state(item))
        shown.add_row(printable(item.name), *cells)
    parts: list[RenderableType] = [Text(f"You have {counted(number, 'decoy')}.")]
    parts += [shown] if found else [Text("None was committed in an agreed cell yet, so nobody could have hit one.")]
    run.out.result({"decoys": number, "partners": [_document(item) for item in found]}, *parts)


@app.command(epilog="Example: cleanroom decoys lift Globex --user Bob --reason 'their list is from a data vendor'")
def lift(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    partner: Annotated[str, typer.Argument(help="Name, id, or the beginning of the id.")],
    *,
    reason: ReasonOption,
    user: ApproverOption = None,
    key: KeyOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open and release to a partner again that has hit too many decoys. Its hits so far are set aside."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        name = find(agent, partner).name
        which = decoy_hits.lift(agent, partner, by=signer(run, agent, user, key), reason=reason)
    run.out.result({"partner": which}, Text(f"Lifted for {printable(name)}. Next: cleanroom sync"))


def _chance(item: DecoyStatus) -> str:
    if item.freezes_at > item.shown:
        return "never: too few decoys"
    return f"once in {item.false_alarm.denominator // item.false_alarm.numerator:,} lists"


def _state(item: DecoyStatus) -> str:
    if item.frozen:
        return f"frozen since {item.frozen}"
    return "lifted before" if item.lifts else "open"


def _document(item: DecoyStatus) -> dict[str, object]:
    rate = item.false_alarm
    return {
        "partner": {"id": item.partner, "name": item.name},
        "shown": item.shown,
        "hits": item.hits,
        "freezes_at": item.freezes_at,
        "false_alarm": [str(rate.numerator), str(rate.denominator)],
        "frozen": item.frozen or None,
        "lifts": [entry.model_dump(mode="json") for entry in item.lifts],
    }
