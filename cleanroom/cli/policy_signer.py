"""Who signs a policy: a user whose key is in the vault, or in a file of their own."""

from pathlib import Path
from typing import Annotated

import typer

from cleanroom.agent import users
from cleanroom.agent.session import Agent
from cleanroom.agent.user_keys import UserSession, unlock_file
from cleanroom.cli.invocation import Invocation
from cleanroom.domain.errors import InputRefused

SignerOption = Annotated[
    str | None, typer.Option("--user", metavar="NAME", help="Who signs: a user of yours, by name or id.")
]
KeyOption = Annotated[
    Path | None, typer.Option("--key", metavar="KEYFILE", help="The user's key file, if the vault has not the key.")
]


def signer(run: Invocation, agent: Agent, user: str | None, key: Path | None) -> UserSession:
    """The user who signs, unlocked.

    Raises:
        InputRefused: if neither or both of user and key file are given.
        UnknownUser, UserKeyRefused, WrongPassphrase: see there.
    """
    if (user is None) == (key is None):
        raise InputRefused("who signs? say --user NAME, or --key KEYFILE")
    if key is not None:
        return signer_of_file(run, key)
    found = users.find(agent, user or "")
    return users.unlock(agent, found.id, run.user_passphrase(found.name))


def signer_of_file(run: Invocation, key: Path) -> UserSession:
    """The user whose key is in that file. Raises UserKeyRefused, WrongPassphrase."""
    return unlock_file(key, run.user_passphrase(key.name))


def approvers_of(agent: Agent) -> int | None:
    """How many users of this partner may approve; None while it has none."""
    roster = users.newest_roster(agent)
    return len(roster.approvers()) if roster else None
