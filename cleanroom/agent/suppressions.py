"""Which accounts this partner has suppressed by id, as the vault remembers them: per home, whatever list they are in.

Here is the record alone, so that lists can ask it; `suppress` is what people do with it.
"""

from typing import Annotated

from pydantic import BeforeValidator, Field

from cleanroom.agent.session import Agent
from cleanroom.messages.documents import Instant, Wire, as_tuple

ADDRESS = "suppressed"
LONGEST_REASON = 500


class Suppression(Wire):
    """One account that is never committed."""

    account: str
    reason: Annotated[str, Field(max_length=LONGEST_REASON)]
    since: Instant


class Suppressions(Wire):
    """All of them, in the order in which they came."""

    accounts: Annotated[tuple[Suppression, ...], BeforeValidator(as_tuple)] = ()


def suppressed(agent: Agent) -> tuple[Suppression, ...]:
    """The accounts that are suppressed by hand; what a list's own column suppresses is not among them."""
    return (agent.load(Suppressions, ADDRESS) or Suppressions()).accounts


def suppressed_ids(agent: Agent) -> frozenset[str]:
    """Their ids."""
    return frozenset(item.account for item in suppressed(agent))
