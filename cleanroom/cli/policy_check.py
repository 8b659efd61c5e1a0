"""`cleanroom policy check`: what is wrong with a file, what a reviewer would raise, and who could stand out."""

import typer

from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.agent.supposed import supposed
from cleanroom.agent.thin_classes import thinning
from cleanroom.cli.exits import exit_of
from cleanroom.cli.invocation import HomeOption, Invocation, JsonOption, begin
from cleanroom.cli.policy_check_view import Checked, check_document, check_screen, refused_views
from cleanroom.cli.policy_file import FileArgument, opened, read_typed
from cleanroom.cli.policy_judged import agreed_to, released
from cleanroom.cli.room import RoomArgument
from cleanroom.messages.policy_chain import ground_of
from cleanroom.messages.policy_text import PolicyTextRefused
from cleanroom.policy.model import Policy
from cleanroom.policy.warnings import warnings


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("check", epilog="Example: cleanroom policy check 'Acme x Globex' policy.yaml")(check)


def check(
    context: typer.Context,
    room: RoomArgument,
    file: FileArgument,
    *,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a policy's file before anybody signs it. Warnings refuse nothing; errors end with 1.

    Beside what a reviewer would raise, it says which of your accounts could stand out once cells are agreed: those that
    look like too few others, if all matches of a cell looked like them.
    """
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        found = opened(agent, room)
        try:
            policy = read_typed(agent, found, file).policy
        except PolicyTextRefused as refused:
            run.out.result(*refused_views(refused, file.name))
            raise typer.Exit(exit_of(refused)) from None
        checked = _checked(run, agent, found, policy)
    run.out.result(check_document(checked), *check_screen(checked, file.name))


def _checked(run: Invocation, agent: Agent, room: Room, policy: Policy) -> Checked:
    now = run.environment.clock()
    counts = released(agent, room)
    theirs = room.policy(room.other.partner)
    return Checked(
        room=room,
        warnings=warnings(policy, ground_of(room.terms), now, recipient=room.other.partner),
        agreed=supposed(room, mine=policy, theirs=theirs).agreed_cells(now),
        thinning=thinning(room, agreed_to(room, policy, now), counts),
        counts=counts,
    )
