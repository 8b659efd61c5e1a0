"""P10: erasing what the vault has on record of an account's disclosures: which matches, fields and forms.

The log is untouched: a record's hash stays in the place of the record. The other side keeps its own.
"""

import json
from collections.abc import Iterable

from cleanroom.agent.disclosed import disclosed
from cleanroom.agent.frames import tuples
from cleanroom.agent.kept import kept
from cleanroom.agent.session import Agent
from cleanroom.agent.shown_records import erase
from cleanroom.domain.vocabulary import RoomId


def erase_accounts(agent: Agent, room: RoomId, accounts: Iterable[str]) -> int:
    """Erase the records of all matches of these accounts of mine, in both directions. Says how many there were."""
    return erase(agent, room, _handles_of(agent, room, set(accounts)))


def _handles_of(agent: Agent, room: RoomId, accounts: set[str]) -> set[str]:
    """The handles that my entries with these accounts ever had in the room."""
    released = disclosed(agent, room)
    handles = set(released["match"][released["account_id"].isin(accounts)])
    for mine, text in tuples(kept(agent, room).matches, ["mine", "accounts"]):
        if accounts.intersection(json.loads(text)):
            handles.add(mine)
    return handles
