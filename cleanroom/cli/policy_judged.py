"""What people have to see before they sign a change: the diff, and who of their own could stand out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from rich.console import RenderableType

from cleanroom.agent.overlap import history
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.agent.supposed import most_open, supposed
from cleanroom.agent.thin_classes import Cell, Thinning, thinning
from cleanroom.cli.policy_diff_view import Compared, compared, diff_document, diff_screen
from cleanroom.cli.policy_signer import approvers_of
from cleanroom.cli.policy_thinning_view import thinning_document, thinning_screen
from cleanroom.policy.model import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A change of policy as it is put before people. `thinning` is None where it is not known, or nothing widens."""

    change: Compared
    thinning: Thinning | None

    def screen(self) -> Iterator[RenderableType]:
        """For the screen."""
        yield from diff_screen(self.change)
        if self.thinning is not None:
            yield from thinning_screen(self.thinning, self.change.terms.segments)

    def document(self) -> dict[str, object]:
        """For scripts."""
        thin = self.thinning
        return {
            "diff": diff_document(self.change),
            "below_minimum": None if thin is None else thinning_document(thin, self.change.terms.segments),
        }


def judged(agent: Agent, room: Room, policy: Policy, name: str) -> Judged:
    """A policy of mine beside the one in force, towards the other side's."""
    chain, now = room.policies.get(room.me, ()), agent.clock()
    change = compared(
        room.terms,
        room.policy(room.me),
        policy,
        theirs=room.policy(room.other.partner),
        names=(f"version {len(chain)}, in force" if chain else "no policy yet", name),
        now=now,
        approvers=approvers_of(agent),
    )
    thin = thinning(room, agreed_to(room, policy, now), released(agent, room)) if change.own.widens else None
    return Judged(change=change, thinning=thin)


def agreed_to(room: Room, policy: Policy, now: datetime) -> frozenset[Cell]:
    """The cells, (mine, theirs), that a policy agrees to whenever the other side does."""
    return supposed(room, mine=policy, theirs=most_open(room.other.partner)).agreed_cells(now)


def released(agent: Agent, room: Room) -> dict[Cell, int | None]:
    """The newest answer's numbers by cell, (mine, theirs); None where one is withheld, nothing before any answer."""
    answers = history(agent, room.id)
    if not answers or answers[-1].segments != room.terms.segments:
        return {}
    rows = answers[-1].cells
    return {(i, j): number for i, row in enumerate(rows) for j, number in enumerate(row)}
