"""`cleanroom policy diff` and `what-if`: what a file would change, in contexts and in numbers."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from cleanroom.agent.overlap import overlap
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.agent.supposed import most_open, supposed
from cleanroom.cli.invocation import HomeOption, JsonOption, begin
from cleanroom.cli.policy_diff_view import compared, consequences_screen, diff_document, diff_screen
from cleanroom.cli.policy_file import FileArgument, opened, read_wanted
from cleanroom.cli.policy_signer import approvers_of
from cleanroom.cli.policy_whatif_view import Supposed, what_if_document, what_if_screen
from cleanroom.cli.room import RoomArgument
from cleanroom.domain.errors import InputRefused
from cleanroom.policy.model import Policy
from cleanroom.policy.whatif import what_if


def add_to(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("diff", epilog="Example: cleanroom policy diff 'Acme x Globex' policy.yaml")(show_diff)
    app.command("what-if", epilog="Example: cleanroom policy what-if 'Acme x Globex' policy.yaml")(in_numbers)


def show_diff(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    room: RoomArgument,
    file: FileArgument,
    *,
    against: Annotated[Path | None, typer.Option(help="Another file, in place of the policy in force.")] = None,
    version: Annotated[int | None, typer.Option(min=1, help="An older version of yours, in its place.")] = None,
    as_if: Annotated[
        bool, typer.Option("--as-if-all", help="As if the other side showed and accepted everything.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare a file with your policy in force: everything that would be shown differently, widenings first.

    It also says whether a second person has to approve, and whether a new epoch starts.
    """
    run = begin(context, home, as_json=as_json)
    if against is not None and version is not None:
        raise InputRefused("say --against or --version, not both")
    with run.agent() as agent:
        found = opened(agent, room)
        new = read_wanted(agent, found, file).policy
        name, old = _before(agent, found, against, version)
        approvers = approvers_of(agent)
    change = compared(
        found.terms,
        old,
        new,
        theirs=None if as_if else found.policy(found.other.partner),
        names=(name, file.name),
        now=run.environment.clock(),
        approvers=approvers,
    )
    run.out.result(
        {"room": found.id, **diff_document(change)}, *diff_screen(change), Text(""), consequences_screen(change)
    )


def in_numbers(
    context: typer.Context,
    room: RoomArgument,
    file: FileArgument,
    *,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how many records and fields more or less a file would show, from the counts that were released already.

    Nothing new is learnt by asking. A cell whose count was withheld stays unknown.
    """
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        found = opened(agent, room)
        new = read_wanted(agent, found, file).policy
        answer = overlap(agent, found.id)
    now, known = run.environment.clock(), found.policy(found.other.partner)
    theirs = known or most_open(found.other.partner)
    before = supposed(found, mine=found.policy(found.me), theirs=theirs)
    after = supposed(found, mine=new, theirs=theirs)
    counts = {(i, j): number for i, row in enumerate(answer.cells) for j, number in enumerate(row)}
    turned = {(j, i): number for (i, j), number in counts.items()}
    both = Supposed(
        room=found,
        answer=answer.number,
        mode=answer.mode,
        as_if=known is None,
        to_them=what_if(before, after, counts, at=now),
        to_me=what_if(before.turned(), after.turned(), turned, at=now),
    )
    run.out.result(what_if_document(both), *what_if_screen(both))


def _before(agent: Agent, room: Room, against: Path | None, version: int | None) -> tuple[str, Policy | None]:
    if against is not None:
        return against.name, read_wanted(agent, room, against).policy
    chain = room.policies.get(room.me, ())
    if version is not None:
        if version > len(chain):
            raise InputRefused(f"version: the newest of yours in this room is {len(chain)}")
        return f"version {version}", chain[version - 1].policy
    return (f"version {len(chain)}, in force", chain[-1].policy) if chain else ("no policy yet", None)
