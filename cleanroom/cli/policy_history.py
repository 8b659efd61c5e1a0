"""`cleanroom policy history`: every version of both sides' policies, who wrote it, who approved it."""

from collections.abc import Mapping

import typer
from rich.text import Text

from cleanroom.agent import notices, policies, users
from cleanroom.agent.policies import PolicyVersion
from cleanroom.agent.rooms import Room
from cleanroom.cli.invocation import HomeOption, JsonOption, begin
from cleanroom.cli.output import printable, table
from cleanroom.cli.policy_file import opened
from cleanroom.cli.policy_request_view import request_document, requests_screen
from cleanroom.cli.policy_state_view import change_words, in_force_document
from cleanroom.cli.policy_words import moment_words
from cleanroom.cli.room import RoomArgument
from cleanroom.cli.words import counted
from cleanroom.domain.vocabulary import PartnerId
from cleanroom.messages.documents import instant
from cleanroom.messages.policy_chain import InForce, Proposed

_SHORT = 8


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("history", epilog="Example: cleanroom policy history 'Acme x Globex'")(history)


def history(
    context: typer.Context, room: RoomArgument, *, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Show every version of your policy and of the other side's: when, which way it went, who signed it; and requests.

    Your users are shown by name, the other side's by the beginning of their ids.
    """
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        found = opened(agent, room)
        versions = policies.history(agent, found)
        people = {user.id: user.name for user in users.users(agent)}
        asked = [item for item in notices.said(agent, found) if item.kind == "request"]
    shown = table("Policy of", "Version", "In force since", "Change", "Rules", "Author", "Approved by", right=(1, 4))
    for item in versions:
        shown.add_row(*_row(item, found, people))
    waiting = [_waiting_line(partner, item, found, people) for partner, item in found.proposals.items()]
    nothing = Text("No policy yet, of either side: nothing leaves but counts.")
    run.out.result(
        {
            "room": found.id,
            "versions": [_document(item) for item in versions],
            "waiting": [_waiting_document(partner, item) for partner, item in found.proposals.items()],
            "requests": [request_document(item) for item in asked],
            "users": people,
        },
        shown if versions else nothing,
        *waiting,
        *requests_screen(asked, found),
    )


def _row(item: PolicyVersion, room: Room, people: Mapping[str, str]) -> tuple[str, ...]:
    found = item.in_force
    change = change_words(found.change) + ("\nnew epoch" if found.document.fresh_epoch else "")
    return (
        printable(room.terms.member(item.owner).name),
        str(found.document.version),
        moment_words(found.since),
        change,
        str(len(found.policy.rules)),
        _person(found.author, people),
        _approval(found, people),
    )


def _approval(found: InForce, people: Mapping[str, str]) -> str:
    if found.alone:
        return "alone, after 24 hours"
    return _person(found.approver, people) if found.approver else "not needed"


def _person(user: str, people: Mapping[str, str]) -> str:
    return printable(people.get(user, user[:_SHORT]))


def _waiting_line(partner: PartnerId, item: Proposed, room: Room, people: Mapping[str, str]) -> Text:
    name = printable(room.terms.member(partner).name)
    rules = counted(len(item.policy.rules), "rule")
    author = _person(item.document.author, people)
    return Text(
        f"Waiting for approval: {name}'s version {item.document.version} ({change_words(item.change)}, {rules}), "
        f"written by {author}, since {moment_words(item.received)}.",
        style="yellow",
    )


def _document(item: PolicyVersion) -> dict[str, object]:
    return {
        "owner": item.owner,
        **in_force_document(item.in_force),
        "until": instant(item.until) if item.until else None,
        "rules": len(item.in_force.policy.rules),
        "yaml": item.yaml,
    }


def _waiting_document(partner: PartnerId, item: Proposed) -> dict[str, object]:
    return {
        "owner": partner,
        "version": item.document.version,
        "digest": item.digest,
        "author": item.document.author,
        "received": instant(item.received),
        "widens": item.change.widens,
        "narrows": item.change.narrows,
    }
