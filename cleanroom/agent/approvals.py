"""Who of this partner may lift what stands between another partner and this one's accounts: an approver, by name."""

from typing import Final

from cleanroom.agent.policies import NotAnApprover
from cleanroom.agent.session import Agent
from cleanroom.agent.user_keys import UserSession
from cleanroom.agent.users import newest_roster
from cleanroom.domain.errors import InputRefused
from cleanroom.messages.users import APPROVERS

MOST_REASON: Final = 1_000


def require_approver(agent: Agent, by: UserSession, reason: str) -> str:
    """The id of the user who lifts something, once it is one who may, and says why.

    Raises:
        NotAnApprover: not in this partner's roster with this key, in a role that approves.
        InputRefused: if there is no reason, or it is too long.
    """
    roster = newest_roster(agent)
    entry = roster.user(by.id) if roster is not None else None
    if entry is None or entry.role not in APPROVERS or bytes.fromhex(entry.key) != by.public_key:
        raise NotAnApprover("this takes an admin, a partner manager or a security reviewer of yours: --user NAME")
    if not reason.strip() or len(reason) > MOST_REASON:
        raise InputRefused(f"reason: say why, in 1 to {MOST_REASON:,} characters")
    return by.id
