"""P10: this agent as a witness of the operator's log: who enrolled, which invites were made, when the service changed.

Its entries are not fetched: the newest checkpoint must begin with the one that was kept, by a consistency proof made of
the log's tiles. Like that of a room, it is cosigned then.
"""

from datetime import timedelta
from functools import cache

from cleanroom.agent.client import OPERATOR_LOG
from cleanroom.agent.session import Agent
from cleanroom.agent.witness import (
    COSIGN_AGAIN,
    FRESH,
    LogInconsistent,
    cosigned_by_me,
    fresh_checkpoint,
    witness_key,
)
from cleanroom.messages.notes import Checkpoint, cosigned, operator_origin, read_checkpoint, read_note
from matching import merkle
from matching.tiles import Tree

ADDRESS = "ledger/operator"


def witness_operator(agent: Agent) -> Checkpoint:
    """The operator's log, seen to continue what was kept, and cosigned.

    Raises:
        CheckpointRefused, CheckpointStale: the checkpoint is not what it must be, or not from now.
        LogInconsistent: naming what was kept and what is shown.
    """
    note = read_note(agent.escrow.log_checkpoint(OPERATOR_LOG))
    shown = fresh_checkpoint(agent, note, operator_origin(bytes.fromhex(agent.config.escrow_key)))
    text = (agent.vault.get(ADDRESS) or b"").decode()
    if text:
        before = read_note(text)
        kept, since = read_checkpoint(before), cosigned(before, witness_key(agent))
        if not _continues(agent, kept, shown):
            raise LogInconsistent(
                f"the operator's log is not the one that was witnessed. Witnessed: {kept}. Shown: {shown}. Nothing is "
                "opened or released; call the other side, and keep this home"
            )
        if kept == shown and since is not None and agent.clock() - since < COSIGN_AGAIN:
            return shown
    mine = str(cosigned_by_me(agent, note))
    agent.vault.put(ADDRESS, mine.encode())
    agent.escrow.put_cosignature(OPERATOR_LOG, agent.me, mine)
    return shown


def was_just_witnessed(agent: Agent) -> bool:
    """Whether this agent has cosigned the operator's log within the last minute."""
    text = (agent.vault.get(ADDRESS) or b"").decode()
    since = cosigned(read_note(text), witness_key(agent)) if text else None
    return since is not None and timedelta(0) <= agent.clock() - since < FRESH


def _continues(agent: Agent, kept: Checkpoint, shown: Checkpoint) -> bool:
    @cache
    def read(level: int, number: int, width: int) -> bytes:
        return agent.escrow.log_tile(OPERATOR_LOG, level, number, width)

    if shown.size < kept.size:
        return False
    proof = Tree(shown.size, read).consistency(kept.size)
    return merkle.is_consistent((kept.size, kept.root), (shown.size, shown.root), proof)
