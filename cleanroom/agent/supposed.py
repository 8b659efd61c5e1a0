"""What would hold in a room if other policies were in force than those that are. Nothing is signed or sent here."""

from cleanroom.agent.rooms import Room
from cleanroom.domain.fields import ACCOUNT, FieldClass
from cleanroom.domain.vocabulary import Form, PartnerId
from cleanroom.messages.policy_chain import sides_of
from cleanroom.policy.evaluate import Sides
from cleanroom.policy.model import Effect, Policy, Rule


def supposed(room: Room, *, mine: Policy | None, theirs: Policy | None) -> Sides:
    """What I would show to the other member under these two policies; `turned()` is what I would be shown."""
    return sides_of(room.terms, room.me, mine=mine, theirs=theirs)


def most_open(owner: PartnerId) -> Policy:
    """The policy of somebody who shows and accepts everything, everywhere and for good."""
    existence = Rule(id="existence", effect=Effect.GRANT, fields=frozenset({ACCOUNT}), form=Form.EXISTS)
    fields = Rule(id="fields", effect=Effect.GRANT, classes=frozenset(FieldClass), form=Form.FULL)
    accepts = {ACCOUNT: Form.EXISTS, **{str(each): Form.FULL for each in FieldClass}}
    return Policy(owner=owner, rules=(existence, fields), accepts=accepts)
