"""What a partner has seen acknowledged must stay: a thread that looks at the room all the time, and complains.

Each look goes through the real API as one partner, so it sees what that partner's agent could have acted on. An upload
is all or nothing: whatever snapshot of the other side is visible can be fetched completely, and nothing of the next
one can.
"""

import hashlib
from threading import Event, Thread
from types import TracebackType
from typing import Self

from ground import Ground, opened

from cleanroom.agent.client import Place
from cleanroom.agent.problems import EscrowProblem, EscrowUnreachable
from cleanroom.agent.session import Agent
from cleanroom.messages.documents import read_document
from cleanroom.messages.lists import Snapshot
from cleanroom.messages.signing import SignedDocument

PAUSE_SECONDS = 0.2


class Witness:
    """Use it in a `with` block; at its end, or at `check`, what was lost fails the test."""

    def __init__(self, ground: Ground, name: str) -> None:
        self._partner, self._room = ground.partner(name), ground.room
        self._wrong: list[str] = []
        self._looking, self._stopping = Event(), Event()
        self._thread = Thread(target=self._watch, name=f"witness of {name}")
        self.snapshots: dict[tuple[str, int], str] = {}
        self.complete: set[tuple[str, int]] = set()
        self.answers: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        # Two threads that derive the vault's key at the same moment block each other for ever (OpenSSL's Argon2).
        self._looking.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()
        if error is None:
            self.check()

    def check(self) -> None:
        """Nothing that was seen is gone."""
        assert not self._wrong, self._wrong

    def _watch(self) -> None:
        try:
            with opened(self._partner) as agent:
                self._looking.set()
                while not self._stopping.wait(PAUSE_SECONDS):
                    try:
                        self._look(agent)
                    except EscrowUnreachable:
                        continue
        except Exception as error:  # noqa: BLE001 - a thread's errors are told in `check`
            self._wrong.append(f"{type(error).__name__}: {error}")
        finally:
            self._looking.set()

    def _look(self, agent: Agent) -> None:
        answers = [signed.document for signed in agent.escrow.answers(self._room)]
        self._note(answers[: len(self.answers)] == self.answers, "an answer changed or is gone")
        self.answers = answers
        view = agent.escrow.room(self._room)
        snapshots = {_place(signed): signed for signed in view.snapshots}
        for place, digest in self.snapshots.items():
            same = place in snapshots and snapshots[place].digest() == digest
            self._note(same, f"snapshot {place[1]} changed or is gone")
        complete = {(str(item.evaluator), item.number) for item in view.progress if item.complete}
        self._note(complete >= self.complete, "an evaluated batch is no longer complete")
        self.complete = complete
        for place, signed in snapshots.items():
            if place not in self.snapshots and place[0] != agent.me:
                self._whole(agent, read_document(Snapshot, signed.document))
            self.snapshots[place] = str(signed.digest())

    def _whole(self, agent: Agent, snapshot: Snapshot) -> None:
        place = Place(snapshot.room, snapshot.epoch, snapshot.owner, snapshot.number)
        fetched = [agent.escrow.sealed_chunk(place, index) for index in range(len(snapshot.chunks))]
        same = [hashlib.sha256(data).hexdigest() for data in fetched] == list(snapshot.chunks)
        self._note(same, f"snapshot {snapshot.number} is visible, but its chunks are not those signed")

    def _note(self, good: bool, what: str) -> None:  # noqa: FBT001 - an assertion that must not end the thread
        if not good:
            self._wrong.append(what)


def _place(signed: SignedDocument) -> tuple[str, int]:
    document = read_document(Snapshot, signed.document)
    return str(document.owner), document.number


def visible(agent: Agent, ground: Ground, owner: str) -> list[Snapshot]:
    """A partner's committed snapshots, as `agent` sees them."""
    view = agent.escrow.room(ground.room)
    found = [read_document(Snapshot, signed.document) for signed in view.snapshots]
    return [snapshot for snapshot in found if snapshot.owner == owner]


def hidden(agent: Agent, place: Place) -> bool:
    """Whether the first chunk of a batch looks to `agent` as if it did not exist."""
    try:
        agent.escrow.sealed_chunk(place, 0)
    except EscrowProblem as problem:
        return problem.status == 404
    return False
