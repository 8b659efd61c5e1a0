"""A policy that waits or is in force, on the screen and for scripts."""

from rich.console import RenderableType
from rich.text import Text

from cleanroom.agent.policies import Draft
from cleanroom.agent.rooms import Room
from cleanroom.cli.output import printable
from cleanroom.cli.policy_file import shell_word
from cleanroom.cli.policy_words import moment_words
from cleanroom.messages.documents import instant
from cleanroom.messages.policy_chain import InForce
from cleanroom.policy.own_change import OwnChange


def in_force_line(found: InForce) -> Text:
    """That a version is in force, and what follows."""
    document = found.document
    words = f"In force: version {document.version}, since {moment_words(found.since)}."
    if found.alone:
        words += " One person alone has approved it; the other side sees that."
    if document.fresh_epoch:
        words += " A new epoch begins."
    return Text(f"{words} Next: cleanroom sync", style="bold")


def in_force_document(found: InForce) -> dict[str, object]:
    """A version in force for scripts."""
    return {
        "version": found.document.version,
        "digest": found.digest,
        "since": instant(found.since),
        "author": found.author,
        "approver": found.approver,
        "alone": found.alone,
        "widens": found.change.widens,
        "narrows": found.change.narrows,
        "fresh_epoch": found.document.fresh_epoch,
    }


def waiting_lines(found: Draft, room: Room, *, approvers: int) -> list[RenderableType]:
    """That a version waits, and for whom."""
    title, other = shell_word(room.terms.title), printable(room.other.name)
    heading = f"Proposed: version {found.document.version} waits for its approval. Nothing has changed yet."
    if approvers == 1 and found.alone_from is not None:
        from_then = moment_words(found.alone_from)
        who = f"Nobody else of yours may approve: its author can, alone, from {from_then} on, and {other} sees that:"
    else:
        who = "Another person of yours approves it:"
    lines = [who, f"  cleanroom policy approve {title} --user NAME"]
    if approvers > 1:
        lines += ["or, with a key file on another machine:", f"  cleanroom policy export {title} --out draft.json"]
    return [Text(heading, style="bold"), Text("\n".join(lines))]


def waiting_document(found: Draft) -> dict[str, object]:
    """A version that waits for scripts."""
    return {
        "version": found.document.version,
        "digest": found.digest,
        "author": found.document.author,
        "widens": found.change.widens,
        "narrows": found.change.narrows,
        "alone_from": instant(found.alone_from) if found.alone_from else None,
    }


def change_words(change: OwnChange) -> str:
    """Which way a version went, whatever the other side's policy said."""
    words = [word for word, holds in (("wider", change.widens), ("narrower", change.narrows)) if holds]
    return " and ".join(words) or "the same"
