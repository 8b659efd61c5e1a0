"""`cleanroom policy propose`, `approve`, `revoke`, `refresh`: what people sign. A diff is shown before."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import RenderableType
from rich.text import Text

from cleanroom.agent import policies
from cleanroom.agent.exported_drafts import read_draft, sign_draft
from cleanroom.agent.policies import Draft, NoDraft
from cleanroom.agent.rooms import Room
from cleanroom.cli.invocation import HomeOption, Invocation, JsonOption, YesOption, begin, write_file
from cleanroom.cli.output import printable
from cleanroom.cli.policy_diff_view import compared, consequences_screen
from cleanroom.cli.policy_file import FileArgument, opened, read_bytes, read_wanted
from cleanroom.cli.policy_judged import Judged, judged
from cleanroom.cli.policy_signer import KeyOption, SignerOption, signer, signer_of_file
from cleanroom.cli.policy_state_view import in_force_document, in_force_line, waiting_document, waiting_lines
from cleanroom.cli.room import RoomArgument
from cleanroom.domain.errors import InputRefused
from cleanroom.messages.policy_chain import InForce
from cleanroom.policy.model import Policy

MOST_DRAFT: Final = 10_000_000


def add_to(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("propose", epilog="Example: cleanroom policy propose 'Acme x Globex' policy.yaml --user Ann")(propose)
    app.command("approve", epilog="Example: cleanroom policy approve 'Acme x Globex' --user Bob")(approve)
    app.command("revoke", epilog="Example: cleanroom policy revoke 'Acme x Globex' --user Ann")(revoke)
    app.command("refresh", epilog="Example: cleanroom policy refresh 'Acme x Globex' --user Ann")(refresh)


def propose(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    room: RoomArgument,
    file: FileArgument,
    *,
    user: SignerOption = None,
    key: KeyOption = None,
    yes: YesOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign a policy as its author. What does not widen is in force at once; what widens waits for a second person.

    It takes the place of a proposal that waits. On a terminal the diff is shown first.
    """
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        found = opened(agent, room)
        typed = read_wanted(agent, found, file)
        change = judged(agent, found, typed.policy, file.name)
        screen = [*change.screen(), Text(""), consequences_screen(change.change)]
        _confirm(run, screen, "Sign this as its author?", yes=yes)
        author = signer(run, agent, user, key)
        result = policies.propose(agent, found.id, typed.policy, author, yaml=typed.yaml)
    _tell(run, found, result, change, yes=yes)


def approve(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    room: Annotated[str | None, typer.Argument(metavar="ROOM", help="As in other commands; not with --draft.")] = None,
    *,
    user: SignerOption = None,
    key: KeyOption = None,
    draft: Annotated[
        Path | None, typer.Option(help="A file of `policy export`: it gets the signature. Needs --key, no vault.")
    ] = None,
    yes: YesOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign what waits, as another person than its author, and put it in force. On a terminal the diff is shown first.

    Where only one person may approve, the author can, 24 hours after proposing, and the other side sees that.
    """
    run = begin(context, home, as_json=as_json)
    if (room is None) == (draft is None):
        raise InputRefused("say the room, or --draft with an exported file")
    if draft is not None:
        _approve_file(run, draft, key, yes=yes)
        return
    with run.agent() as agent:
        found = opened(agent, room or "")
        waits = policies.pending(agent, found)
        if waits is None:
            raise NoDraft(f"room {found.terms.title}: nothing waits for an approval")
        change = judged(agent, found, waits.policy, f"version {waits.document.version}, proposed")
        _confirm(run, change.screen(), "Approve this policy?", yes=yes)
        approver = signer(run, agent, user, key)
        result = policies.approve(agent, found.id, approver, shown=waits.digest)
    _tell(run, found, result, change, yes=yes)


def revoke(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    room: RoomArgument,
    *,
    user: SignerOption = None,
    key: KeyOption = None,
    yes: YesOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take back every grant, at once: nothing but counts leaves any more. What was seen was seen."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        found = opened(agent, room)
        current = found.policy(found.me)
        nothing = policies.revoked(current) if current else Policy(owner=found.me)
        change = judged(agent, found, nothing, "revoked")
        _confirm(run, change.screen(), "Take back every grant?", yes=yes)
        result = policies.revoke(agent, found.id, signer(run, agent, user, key))
    _tell(run, found, result, change, yes=yes)


def refresh(  # noqa: PLR0913 - options of a command line
    context: typer.Context,
    room: RoomArgument,
    *,
    user: SignerOption = None,
    key: KeyOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put the same rules in force again, with a fresh epoch at once: what came by changes is opened with the rest."""
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        found = opened(agent, room)
        result = policies.refresh(agent, found.id, signer(run, agent, user, key))
    _tell(run, found, result, None, yes=True)


def _approve_file(run: Invocation, path: Path, key: Path | None, *, yes: bool) -> None:
    """Sign an exported draft without vault and network: all that is known of the room is in the file."""
    if key is None:
        raise InputRefused("--draft needs --key, the approver's key file")
    data = read_bytes(path, MOST_DRAFT)
    draft = read_draft(data)
    document = draft.proposed.document
    change = compared(
        draft.terms,
        draft.before,
        draft.proposed.policy,
        theirs=None,
        names=("the policy before", f"version {document.version}, proposed"),
        now=run.environment.clock(),
        approvers=len(draft.roster.approvers()),
    )
    shown = Judged(change=change, thinning=None)
    _confirm(run, shown.screen(), "Sign this draft?", yes=yes)
    write_file(path, sign_draft(data, signer_of_file(run, key)))
    run.out.result(
        {"room": document.room, "draft": str(path), "signed": True, **shown.document()},
        *([*shown.screen(), Text("")] if yes or run.ask is None else []),
        Text(f"Signed: {printable(str(path))}. Send it back; it comes into force with: cleanroom policy import FILE"),
    )


def _confirm(run: Invocation, screen: Iterable[RenderableType], question: str, *, yes: bool) -> None:
    if run.ask is None or yes:
        return
    for part in screen:
        run.out.show(part)
    run.require_yes(question, yes=False)


def _tell(run: Invocation, room: Room, result: Draft | InForce, change: Judged | None, *, yes: bool) -> None:
    """The outcome, below what was signed if that was not shown before."""
    shown = [*change.screen(), Text("")] if change and (yes or run.ask is None) else []
    signed = change.document() if change else {}
    if isinstance(result, Draft):
        approvers = (change.change.approvers or 0) if change else 0
        document: dict[str, object] = {"waiting": waiting_document(result), "in_force": None}
        lines = waiting_lines(result, room, approvers=approvers)
    else:
        document, lines = {"waiting": None, "in_force": in_force_document(result)}, [in_force_line(result)]
    run.out.result({"room": room.id, **document, **signed}, *shown, *lines)
