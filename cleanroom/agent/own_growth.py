"""How this partner's own lists grow, kept beside the accounts of others: what the other side's agent will say."""

from cleanroom.agent.growth import broken
from cleanroom.agent.guess_records import RoomGuesses, Size, account, keep, with_size
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.messages.documents import instant


def foretold(agent: Agent, room: Room, *, entries: int, come: int, gone: int) -> str:
    """Why the other side's agent will hold back a batch of mine; "" if it will not, as far as this agent can tell.

    It counts from its own looks and its people's words, which are not known here.
    """
    known = account(agent, agent.me).rooms.get(room.id)
    if known is None:
        return ""
    now = agent.clock()
    size = Size(at=instant(now), entries=entries, come=come, gone=gone, accepted=False)
    found = broken(known.sizes, size, room.terms.limits, now)
    if found is None:
        return ""
    return f"{found.words}. {room.other.name}'s agent holds it back until a person there accepts it"


def note_own(agent: Agent, room: Room, *, entries: int, come: int, gone: int) -> None:
    """Remember a batch of mine that was sent, for `foretold`, inside the caller's transaction."""
    record, now, terms = account(agent, agent.me), agent.clock(), room.terms
    known = record.rooms.get(room.id)
    size = Size(at=instant(now), entries=entries, come=come, gone=gone, accepted=False)
    entry = RoomGuesses(
        title=terms.title,
        declared=terms.declared_by(agent.me),
        expires=terms.expires,
        epoch=room.epoch,
        keys={},
        their_epochs=0,
        renewed="",
        sizes=with_size(known.sizes if known else (), size),
    )
    keep(agent, agent.me, record.model_copy(update={"rooms": {**record.rooms, room.id: entry}}))
