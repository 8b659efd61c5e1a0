"""People and policies for simulations: Ann writes, Bob approves, and a policy is in force."""

from datetime import timedelta

from cleanroom.agent import policies, users
from cleanroom.agent.rooms import open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.user_keys import UserSession
from cleanroom.agent.vault_key import KdfCost
from cleanroom.domain.fields import ACCOUNT
from cleanroom.domain.secret import Secret
from cleanroom.domain.vocabulary import Form, Role, RoomId
from cleanroom.messages.policy_chain import ground_of
from cleanroom.policy.model import Effect, Policy, Rule, When
from cleanroom.policy.presets import Preset, preset

PASSPHRASE = Secret("a user's passphrase")
CHEAP = KdfCost(memory_kib=1024, iterations=1, lanes=1)
ANN, BOB = "Ann", "Bob"


def staff(agent: Agent) -> tuple[UserSession, UserSession]:
    """Ann, an admin, and Bob, a partner manager; made at first."""
    known = {user.name for user in users.users(agent)}
    if ANN not in known:
        users.add(agent, ANN, Role.ADMIN, passphrase=PASSPHRASE, kdf_cost=CHEAP)
    ann = users.unlock(agent, ANN, PASSPHRASE)
    if BOB not in known:
        users.add(agent, BOB, Role.PARTNER_MANAGER, passphrase=PASSPHRASE, by=ann, kdf_cost=CHEAP)
    return ann, users.unlock(agent, BOB, PASSPHRASE)


def put_in_force(agent: Agent, room: RoomId, policy: Policy) -> None:
    """Ann proposes; where it takes two, Bob approves."""
    ann, bob = staff(agent)
    if isinstance(policies.propose(agent, room, policy, ann, yaml=""), policies.Draft):
        policies.approve(agent, room, bob)


def agree(room: RoomId, *agents: Agent, name: Preset = Preset.NAMES) -> None:
    """The same preset on all sides."""
    for agent in agents:
        put_in_force(agent, room, of_preset(agent, room, name))


def of_preset(agent: Agent, room: RoomId, name: Preset) -> Policy:
    """A preset that holds for a year."""
    ground = ground_of(open_room(agent, room).terms)
    return preset(name, owner=agent.me, ground=ground, expires=agent.clock() + timedelta(days=365))


def existence(agent: Agent, *pairs: tuple[str, str]) -> Policy:
    """Nothing but that matches exist, in cells given as (my segment, theirs); no cell given means all."""
    rule = Rule(
        id="existence",
        effect=Effect.GRANT,
        fields=frozenset({ACCOUNT}),
        form=Form.EXISTS,
        when=When(segments=frozenset(pairs)),
    )
    return Policy(owner=agent.me, rules=(rule,), accepts={ACCOUNT: Form.EXISTS})
