"""P9, all of it that a room needs of this agent now: notices, what is withdrawn, my releases, the other side's.

Order matters: a dispute or a narrower policy is heeded before anything is released, and what the policies no longer
give is dropped before anything is added to it.
"""

from cleanroom.agent import disclosed, notices, receive, release
from cleanroom.agent.rooms import Room, open_room
from cleanroom.agent.session import Agent


def share(agent: Agent, room: Room) -> list[str]:
    """Do what can be done now; says in words what was done.

    Raises:
        RoomNotActive: if the room is not in force.
        ReleaseRefused: if a release of the other side must not be believed; my own was sent before.
        HomeOutdated, EscrowProblem: see `release.release`.
    """
    steps: list[str] = []
    room.require_active()
    if notices.learn(agent, room):
        steps.append("read the other side's notices")
    if receive.withdraw(agent, room):
        steps.append("dropped what the policies no longer show")
    disclosed.note_withdrawn(agent, room)
    if release.release(agent, room):
        steps.append("released fields of matched accounts")
        room = open_room(agent, room.id)
    disclosed.note_handed_over(agent, room)
    if receive.receive(agent, room):
        steps.append("received fields of matched accounts")
    return steps
