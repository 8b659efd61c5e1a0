"""`cleanroom room`: agree with a partner on what is counted, look at it, end it."""

from typing import Annotated, TypeVar

import typer
from pydantic import ValidationError
from rich.text import Text

from cleanroom.agent import agreements
from cleanroom.agent.agreements import Proposal
from cleanroom.agent.partners import directory
from cleanroom.agent.recipes import room_tables
from cleanroom.agent.rooms import find_id, open_room
from cleanroom.cli.invocation import HomeOption, JsonOption, YesOption, begin
from cleanroom.cli.output import printable, table
from cleanroom.cli.terms_view import room_document, room_screen
from cleanroom.cli.words import seconds_of
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.vocabulary import DEFAULT_SEGMENTS, ChangeMode, CountingMode, Kind, Purpose, Tier
from cleanroom.messages.rooms import CappedCounting, ListLimits, NewTokens

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="markdown", help="Rooms: two partners that signed the same terms."
)

Word = TypeVar("Word", Kind, Tier)
Part = TypeVar("Part", CappedCounting, ListLimits, NewTokens)

_DEFAULT = Proposal(title="-", purpose="-")

RoomArgument = Annotated[str, typer.Argument(metavar="ROOM", help="Title, id, or the beginning of the id.")]


@app.command(
    epilog="Example: cleanroom room propose Globex --title 'Acme x Globex' --purpose 'Find joint customers' "
    "--segments customers,prospects --answer-interval 1d"
)
def propose(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    partner: Annotated[str, typer.Argument(help="Name, id, or the beginning of the id. Confirmed before.")],
    *,
    title: Annotated[str, typer.Option(help="What both sides call the room.")],
    purpose: Annotated[str, typer.Option(help="What the counts may be used for.")],
    use: Annotated[
        Purpose, typer.Option(help="The purpose in one word; rules of a policy may hold for some only.")
    ] = _DEFAULT.use,
    kinds: Annotated[str, typer.Option(help="Kinds of match key that count, strongest first.")] = ",".join(Kind),
    tiers: Annotated[
        str, typer.Option(help="Which matches count: certain, or certain,likely. `matches review` is for likely ones.")
    ] = ",".join(Tier),
    segments: Annotated[
        str, typer.Option(help="Counting segments; an entry counts in the first that it has.")
    ] = ",".join(DEFAULT_SEGMENTS),
    counting: Annotated[
        CountingMode,
        typer.Option(help="How counts are shown: with noise (standard, confidential), or exact from the floor on."),
    ] = _DEFAULT.counting.mode,
    floor: Annotated[
        int, typer.Option(min=1, help="Smaller numbers are withheld, in exact mode.")
    ] = _DEFAULT.counting.floor,
    unsafe_no_caps: Annotated[
        bool,
        typer.Option(
            "--unsafe-no-caps",
            help="Exact counts without a budget of answers: for demos and benches. Counts are then an oracle.",
        ),
    ] = False,
    my_size: Annotated[
        int, typer.Option(min=1, help="How many entries my list has, at most; terms say it.")
    ] = _DEFAULT.declared[0],
    their_size: Annotated[
        int, typer.Option(min=1, help="How many entries the partner's list has, at most; terms say it.")
    ] = _DEFAULT.declared[1],
    growth: Annotated[
        str, typer.Option(help="ENTRIES,PERCENT: what a list may grow by in a week without the other side's consent.")
    ] = f"{_DEFAULT.limits.growth_entries},{_DEFAULT.limits.growth_percent}",
    churn: Annotated[
        int, typer.Option(min=1, help="Percent of a list that may change in 30 days without the other side's consent.")
    ] = _DEFAULT.limits.churn_percent,
    new_count_from: Annotated[
        str, typer.Option(help="When entries added in an epoch count: next_epoch, or next_answer.")
    ] = _DEFAULT.new_tokens.count_from,
    open_after: Annotated[
        str, typer.Option(help="HOURS,SNAPSHOTS: when matches of added entries may be opened: 72,2; at once is 0,1.")
    ] = f"{_DEFAULT.new_tokens.open_after_hours},{_DEFAULT.new_tokens.open_after_snapshots}",
    probes: Annotated[
        int,
        typer.Option(min=0, max=1_000, help="Entries that are nobody's, to see whether lists are evaluated honestly."),
    ] = _DEFAULT.probes,
    minimum_population: Annotated[
        int, typer.Option(min=1, help="How many entries must look alike before any of them leaves.")
    ] = _DEFAULT.minimum_population,
    answer_interval: Annotated[
        str, typer.Option(help="At most one answer in this time: 1d, 6h, 30m, from 1 minute on.")
    ] = "1d",
    unsafe_answer_every_push: Annotated[
        bool,
        typer.Option(
            "--unsafe-answer-every-push",
            help="An answer after every push: for demos and benches. Two pushes show what differs.",
        ),
    ] = False,
    changes: Annotated[
        ChangeMode, typer.Option(help="batched: one batch of changes per answer interval. immediate: at once.")
    ] = _DEFAULT.changes,
    epoch_days: Annotated[int, typer.Option(min=1, max=366, help="All secrets are new after so many days.")] = (
        _DEFAULT.epoch_days
    ),
    quota: Annotated[int, typer.Option(min=1, help="The most entries that either side may commit.")] = _DEFAULT.quota,
    days: Annotated[int, typer.Option(min=1, max=3_660, help="The room expires after so many days.")] = _DEFAULT.days,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Propose terms to a confirmed partner. Nothing is shared until both sides have signed the same terms."""
    run = begin(context, home, as_json=as_json)
    proposal = Proposal(
        title=title,
        purpose=purpose,
        use=use,
        kinds=_named(Kind, kinds, "kinds"),
        tiers=_named(Tier, tiers, "tiers"),
        segments=tuple(_parts(segments)),
        counting=_counting(counting, floor, unsafe_no_caps=unsafe_no_caps),
        declared=(my_size, their_size),
        limits=_checked(
            ListLimits,
            "growth, churn",
            distinct_percent=_DEFAULT.limits.distinct_percent,
            churn_percent=churn,
            **_two(growth, "growth", ("growth_entries", "growth_percent")),
        ),
        new_tokens=_checked(
            NewTokens,
            "new-count-from, open-after",
            count_from=new_count_from,
            **_two(open_after, "open-after", ("open_after_hours", "open_after_snapshots")),
        ),
        probes=probes,
        minimum_population=minimum_population,
        epoch_days=epoch_days,
        answer_interval="unsafe_every_push" if unsafe_answer_every_push else seconds_of(answer_interval),
        changes=changes,
        quota=quota,
        days=days,
    )
    with run.agent() as agent:
        room = open_room(agent, agreements.propose(agent, partner, proposal))
        tables = room_tables(agent, room)
    run.out.result(
        room_document(room, tables),
        *room_screen(room, tables, run.environment.clock()),
        Text(f"Proposed. {printable(room.other.name)} accepts with: cleanroom room accept {room.id[:8]}"),
    )


@app.command(epilog="Example: cleanroom room show 'Acme x Globex'")
def show(context: typer.Context, room: RoomArgument, *, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show a room's terms, and what they weaken."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        found = open_room(agent, find_id(agent, room))
        tables = room_tables(agent, found)
    run.out.result(room_document(found, tables), *room_screen(found, tables, run.environment.clock()))


@app.command(epilog="Example: cleanroom room accept 'Acme x Globex'")
def accept(
    context: typer.Context,
    room: RoomArgument,
    *,
    yes: YesOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign the terms that the other side proposed: of a new room, or a change. On a terminal they are shown first."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        if run.ask is not None and not yes:
            found = open_room(agent, find_id(agent, room))
            for part in room_screen(found, room_tables(agent, found), run.environment.clock()):
                run.out.show(part)
            run.require_yes("Sign these terms?", yes=False)
        accepted = agreements.accept(agent, room)
        tables = room_tables(agent, accepted)
    run.out.result(
        room_document(accepted, tables),
        Text(f"Accepted: {printable(accepted.terms.title)} is {accepted.state}. Next: cleanroom push FILE"),
    )


@app.command(epilog="Example: cleanroom room decline 'Acme x Globex'")
def decline(
    context: typer.Context, room: RoomArgument, *, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Say no to a proposal. A room in force stays as it is."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        room_id = find_id(agent, room)
        agreements.decline(agent, room_id)
    run.out.result({"room": room_id, "declined": True}, Text("Declined."))


@app.command(epilog="Example: cleanroom room renew 'Acme x Globex' --days 365")
def renew(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    room: RoomArgument,
    *,
    days: Annotated[int, typer.Option(min=1, max=3_660, help="How many days longer.")] = _DEFAULT.days,
    my_size: Annotated[
        int | None, typer.Option(min=1, help="How many entries your list may have. (default: as before)")
    ] = None,
    their_size: Annotated[
        int | None, typer.Option(min=1, help="How many entries the partner's list may have. (default: as before)")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Propose the same terms with a later expiry, or other sizes of lists. They count once the other side accepts."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        renewed = agreements.renew(agent, room, days=days, my_size=my_size, their_size=their_size)
        tables = room_tables(agent, renewed)
    until = renewed.pending.expires if renewed.pending else renewed.terms.expires
    run.out.result(
        room_document(renewed, tables),
        Text(f"Proposed, until {until}. {printable(renewed.other.name)} accepts with: cleanroom room accept"),
    )


@app.command(epilog="Example: cleanroom room upgrade 'Acme x Globex'")
def upgrade(
    context: typer.Context, room: RoomArgument, *, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Propose the same terms with the newest tables that this agent has. They count once the other side accepts.

    Then a new epoch begins, and both agents make their keys and commit their lists again by themselves.
    """
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        upgraded = agreements.upgrade(agent, room)
        tables = room_tables(agent, upgraded)
    other = printable(upgraded.other.name)
    run.out.result(
        room_document(upgraded, tables),
        Text(f"Proposed: tables of {tables.proposed}. {other} accepts with: cleanroom room accept {upgraded.id[:8]}"),
    )


@app.command(epilog="Example: cleanroom room leave 'Acme x Globex' --yes")
def leave(
    context: typer.Context,
    room: RoomArgument,
    *,
    yes: YesOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a room for both sides. The escrow deletes what it holds of it, this home its keys and the other's list."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        room_id = find_id(agent, room)
        run.require_yes("End this room for both sides, and delete what is held of it?", yes=yes)
        agreements.leave(agent, room_id)
    run.out.result({"room": room_id, "left": True}, Text("Left. The escrow holds nothing of this room any more."))


@app.command("list", epilog="Example: cleanroom room list --json")
def show_list(context: typer.Context, *, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show all rooms that you were ever part of."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        summaries = agreements.rooms(agent)
        names = {partner.id: partner.name for partner in directory(agent)}
        me = agent.me
    shown = table("Room", "With", "State", "Id")
    documents = []
    for item in summaries:
        others = [names.get(member, member) for member in item.members if member != me]
        shown.add_row(printable(item.title), printable(", ".join(others)), item.state, item.room)
        documents.append({"room": item.room, "title": item.title, "state": item.state.value, "partners": others})
    nothing = Text("No room yet: cleanroom room propose PARTNER")
    run.out.result({"rooms": documents}, shown if summaries else nothing)


def _counting(mode: CountingMode, floor: int, *, unsafe_no_caps: bool) -> CappedCounting:
    caps = "unsafe_none" if unsafe_no_caps else "budget"
    return _checked(CappedCounting, "counting, unsafe-no-caps", mode=mode, floor=floor, caps=caps)


def _two(text: str, option: str, names: tuple[str, str]) -> dict[str, int]:
    parts = _parts(text)
    if len(parts) != len(names) or not all(part.isdecimal() for part in parts):
        raise InputRefused(f"{option}: two whole numbers with a comma between them")
    return dict(zip(names, map(int, parts), strict=True))


def _checked(kind: type[Part], options: str, **members: object) -> Part:
    try:
        return kind.model_validate(members)
    except ValidationError:
        raise InputRefused(f"{options}: terms cannot say this") from None


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _named(vocabulary: type[Word], text: str, option: str) -> tuple[Word, ...]:
    try:
        return tuple(vocabulary(part) for part in _parts(text))
    except ValueError:
        raise InputRefused(f"{option}: some of {', '.join(vocabulary)}") from None
