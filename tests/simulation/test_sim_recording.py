"""P10, the other way round: an agent uploads nothing before it has seen its own entry in a log that holds.

The escrow here takes documents and keeps them off the record, or the agent is killed at every request. What the escrow
holds of rows and sealed fields is looked for in its database: each is named by a document that the log has.
"""

import json
from collections.abc import Callable

import httpx2
import pytest
from consent import agree
from faults import KilledError, once
from malice_log import Leaves, entries_of, with_second_log
from sharing import Sharing, deals, grant, opened, policy, with_fields
from sqlalchemy import select
from world import World

from cleanroom.agent import ledger, opening, release
from cleanroom.agent.recording import journal
from cleanroom.agent.rooms import open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.witness import NotOnRecord
from cleanroom.domain.vocabulary import Form, RoomId
from cleanroom.messages.documents import read_document
from cleanroom.messages.entries import OpeningRecorded, ReleaseRecorded, leaf, read_entry
from cleanroom.messages.openings import Opening
from cleanroom.messages.records import HandedOver
from cleanroom.messages.releases import Release
from cleanroom.messages.signing import SignedDocument
from cleanroom.policy.model import Policy
from escrow.consent_tables import OpeningPart, OpeningRecord, ReleaseBatch, ReleaseRecord

WHAT = {"opening": (OpeningRecorded, "/parts/"), "release": (ReleaseRecorded, "/batches/")}


def showing(agent: Agent) -> Policy:
    return policy(agent, grant("stage", Form.FULL, "stage"))


def about_to(world: World, what: str) -> tuple[RoomId, Callable[[Agent], object]]:
    """A room in which Acme's next step is to open, or to release."""
    if what == "release":
        room = world.once(what, lambda: exchanged(world)).room
        return room, lambda agent: release.release(agent, open_room(agent, room))
    room = world.once(what, lambda: agreed(world))
    return room, lambda agent: opening.open_round(agent, open_room(agent, room))


def exchanged(world: World) -> Sharing:
    return opened(world, deals(0, 4, prefix="a"), deals(2, 8, prefix="g"), acme=showing, globex=showing)


def agreed(world: World) -> RoomId:
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    room = world.room(acme, globex)
    for agent, rows in ((acme, deals(0, 4, prefix="a")), (globex, deals(2, 8, prefix="g"))):
        world.put_list(agent, room, with_fields(rows))
    world.settle(acme, globex, room=room)
    agree(room, acme, globex)
    return room


def held_content(world: World, room: RoomId) -> set[str]:
    """The digests of all rows of openings and all sealed fields that the escrow holds of a room."""
    return world.database.read(
        lambda session: {
            digest
            for table in (OpeningPart, ReleaseBatch)
            for digest in session.scalars(select(table.digest).where(table.room == room))
        }
    )


def content_on_record(world: World, room: RoomId) -> set[str]:
    """The digests of content that is named by documents which the log has."""
    logged = {getattr(entry, "document", "") for entry in entries_of(world, room)}
    documents = world.database.read(
        lambda session: [
            SignedDocument.model_validate_json(text)
            for table in (OpeningRecord, ReleaseRecord)
            for text in session.scalars(select(table.signed).where(table.room == room))
        ]
    )
    named: set[str] = set()
    for signed in documents:
        if signed.digest() not in logged:
            continue
        if json.loads(signed.document)["type"].startswith("opening"):
            named |= set(read_document(Opening, signed.document).claim.parts)
        else:
            named |= {batch.sealed for batch in read_document(Release, signed.document).batches}
    return named


def without(kind: type, *, digest: str | None = None) -> Callable[[Leaves], Leaves]:
    """A log that leaves entries of a kind out, or has another digest in them."""

    def change(leaves: Leaves) -> Leaves:
        entries = [(data, read_entry(data)) for data in leaves]
        if digest is None:
            return [data for data, entry in entries if not isinstance(entry, kind)]
        return [
            leaf(entry.model_copy(update={"document": digest})) if isinstance(entry, kind) else data
            for data, entry in entries
        ]

    return change


@pytest.mark.parametrize("digest", [None, "ab" * 32], ids=["no entry", "an entry of something else"])
@pytest.mark.parametrize("what", WHAT)
def test_an_agent_uploads_nothing_that_is_not_on_record(world: World, what: str, digest: str | None) -> None:
    room, act = about_to(world, what)
    kind, content = WHAT[what]
    victim = with_second_log(world.agents["Acme"], world, change=without(kind, digest=digest), cosignatures=False)
    before, sent = held_content(world, room), []
    line = world.lines["Acme"]
    line.fault = lambda moment, request: sent.append(request.url.path) if moment == "request" else None
    try:
        with pytest.raises(NotOnRecord, match="what is about to be uploaded is not in the room's log"):
            act(victim)
    finally:
        line.fault = None
    assert any(path.endswith(("/openings/" + victim.me, "/1")) for path in sent)
    assert not [path for path in sent if content in path]
    assert held_content(world, room) == before
    assert len(list(journal(victim, room))) == (1 if what == "release" else 0)


def test_an_entry_in_somebody_elses_name_is_none_of_mine(world: World) -> None:
    room, act = about_to(world, "opening")
    other = world.agents["Globex"].me

    def change(leaves: Leaves) -> Leaves:
        entries = [(data, read_entry(data)) for data in leaves]
        return [
            leaf(entry.model_copy(update={"prover": other, "verifier": entry.prover}))
            if isinstance(entry, OpeningRecorded)
            else data
            for data, entry in entries
        ]

    with pytest.raises(NotOnRecord):
        act(with_second_log(world.agents["Acme"], world, change=change, cosignatures=False))
    assert held_content(world, room) == set()


@pytest.mark.parametrize(("at", "when"), [(0, "response"), (2, "response")])  # the document; its content
@pytest.mark.parametrize("what", WHAT)
def test_killed_at_any_request_there_is_no_content_without_its_entry(
    world: World, what: str, at: int, when: str
) -> None:
    room, act = about_to(world, what)
    acme, globex, line = world.agents["Acme"], world.agents["Globex"], world.lines["Acme"]
    line.fault = once(at + 1, when, KilledError("killed"))  # the first request looks at the room
    with pytest.raises(KilledError):
        act(acme)
    line.fault = None
    assert held_content(world, room) <= content_on_record(world, room)
    journaled = {read_document(HandedOver, signed.document).document for signed in journal(acme, room)}
    logged = {getattr(entry, "document", "") for entry in entries_of(world, room)}
    assert journaled <= logged
    world.settle(acme, globex, room=room)
    assert held_content(world, room) <= content_on_record(world, room)
    kinds = [entry.type for entry in entries_of(world, room)]
    assert kinds.count("openings-exchanged/1") == 1
    assert kinds.count("release-handed-over/1") == 2
    assert len({read_document(HandedOver, signed.document).document for signed in journal(acme, room)}) == 2


def test_every_upload_is_in_the_signed_journal_with_its_place(world: World) -> None:
    made = world.once("release", lambda: exchanged(world))
    made.settle()
    for agent in (made.acme, made.globex):
        kept, lines = ledger.load(agent, made.room), list(journal(agent, made.room))
        found = [read_document(HandedOver, line.document) for line in lines]
        assert [line.number for line in found] == [1, 2]
        assert [line.previous for line in found] == ["", lines[0].digest()]
        for line in found:
            assert getattr(kept.entries[line.index], "document", "") == line.document
            assert kept.root(line.log_size) == bytes.fromhex(line.log_root)
            assert line.index < line.log_size


def test_a_retry_writes_no_second_line(world: World) -> None:
    made = world.once("release", lambda: exchanged(world))

    def lose(moment: str, request: httpx2.Request) -> None:
        if moment == "response" and request.url.path.endswith("/delivery"):
            raise KilledError("killed")

    line = world.lines["Acme"]
    line.fault = lose
    with pytest.raises(KilledError):
        release.release(made.acme, made.view(made.acme))
    line.fault = None
    made.settle()
    assert len(list(journal(made.acme, made.room))) == 2
