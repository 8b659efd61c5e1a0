"""The first thing that a room waits for, with what only this partner's vault knows."""

from cleanroom.agent.guesses import held_back
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.agent.waiting import Waiting, waiting


def first_wait(agent: Agent, room: Room) -> Waiting:
    """As `waiting`; but a batch that a limit to guessing holds back waits for a person, and not for a sync."""
    held = held_back(agent, room) if room.in_force else None
    return waiting(room) if held is None else Waiting(what=str(held.why), mine=True, since=held.arrival.at)
