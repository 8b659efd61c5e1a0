"""P9, the sender's half: what has changed since the last release, sealed, kept, sent, and noted as disclosed.

A release is made in steps, so that a kill at any point costs at most an upload, and whatever was sent once is sent
again byte for byte:

1. plan: every verified match whose content (`release_content`) differs from what was last released, and every one of a
   round or under policies that were not released yet. A disputed match is left as it is;
2. seal all batches, sign the document over them, and keep all of it in the vault (one transaction);
3. put the document on record, and see that it is (`cleanroom.agent.recording`); then upload the batches;
4. promote: what is released now, and the journal entry of `disclosed` (one transaction).

Nothing is uploaded that was made on other grounds than those in force: policies, terms, round, suppressions, disputes,
reviews. Such a release is dropped, and made anew under the same number. After a change of a policy everything is
released again, because the escrow withholds for ever what names a policy that is no more.
"""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import pandas as pd

from cleanroom.agent import disclosed, shown_records
from cleanroom.agent.client import ReleasePlace
from cleanroom.agent.decoy_hits import require_not_frozen
from cleanroom.agent.disputes import address as disputes_address
from cleanroom.agent.disputes import disputes
from cleanroom.agent.epochs import OUTDATED, HomeOutdated, epoch_prefix
from cleanroom.agent.frames import from_bytes, to_bytes
from cleanroom.agent.lists import INDEX as LISTS
from cleanroom.agent.own_accounts import accounts_of, own_accounts
from cleanroom.agent.recording import require_recorded
from cleanroom.agent.release_content import Content, Rules, content_of, newest_round
from cleanroom.agent.release_sealing import SealedPayload, payloads, sealed_batch
from cleanroom.agent.reviews import address as reviews_address
from cleanroom.agent.reviews import note_waiting, reviews
from cleanroom.agent.rooms import Room, open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.shown_records import records_of
from cleanroom.agent.suppressions import ADDRESS as SUPPRESSED
from cleanroom.agent.verified import verified
from cleanroom.agent.witness import witnessed
from cleanroom.domain.fields import ACCOUNT
from cleanroom.domain.vocabulary import Form
from cleanroom.messages.documents import Count, DigestText, Number, Wire, instant, read_document
from cleanroom.messages.releases import Payload, Release
from cleanroom.messages.signing import SignedDocument
from matching.packing import packed

HASH_KEY_BYTES: Final = 32


class ReleasedHead(Wire):
    """My newest release of an epoch."""

    number: Number
    digest: DigestText
    round: Count


class Released(Wire):
    """What was last released of each match ("my handle/theirs" -> digest of its content), and on which grounds."""

    contents: dict[str, DigestText]


def release(agent: Agent, room: Room) -> bool:
    """Release what has changed, if a round was verified and both sides have a policy. Says whether anything was sent.

    Raises:
        RoomNotActive: if the room is not in force.
        PartnerFrozen: the partner has hit too many decoys.
        NotOnRecord, LogInconsistent: the room's log does not have it, or does not hold.
        HomeOutdated: if the escrow holds releases of this agent that its vault does not know.
        EscrowProblem: `out_of_order`, if what it stands on has changed meanwhile; the next sync sees.
    """
    room.require_active()
    require_not_frozen(agent, room)
    with agent.locked(f"release-{room.id}"):
        sent = _finish(agent, room)
        _require_up_to_date(agent, room)
        grounds = _looked_at(agent, room)
        if agent.vault.get(_past(room) + "looked") == grounds:
            return sent  # nothing that a release depends on has changed since all of it was looked at
        planned = _planned(agent, room)
        if planned:
            _send(agent, room)
        agent.vault.put(_past(room) + "looked", grounds)
        return planned or sent


def _finish(agent: Agent, room: Room) -> bool:
    """Bring an interrupted release to its end, or drop it if it was made on other grounds. Says whether it was sent."""
    signed = agent.load(SignedDocument, _out(room) + "document")
    if signed is None:
        return False
    if agent.vault.get(_out(room) + "grounds") == _grounds(agent, room):
        _send(agent, room)
        return True
    if any(item.digest() == signed.digest() for item in open_room(agent, room.id).releases[agent.me]):
        _promote(agent, room, signed)
        return True
    agent.vault.delete_all(_out(room))
    return False


def _planned(agent: Agent, room: Room) -> bool:
    """Steps 1 and 2. Says whether there is anything to send."""
    number = newest_round(agent, room)
    if not number or not room.policy_digest(agent.me) or not room.policy_digest(room.other.partner):
        return False
    now = agent.clock()
    rules = Rules(sides=room.sides(agent.me), at=now, hash_key=_hash_key(agent, room))
    policies = _policies(room)
    before = (agent.load(Released, _past(room) + "contents") or Released(contents={})).contents
    changed: list[Content] = []
    after = dict(before)
    for content in _contents(agent, room, rules):
        pair = f"{content.released.sender}/{content.released.recipient}"
        digest = content.digest(policies)
        if before.get(pair) != digest and (content.accounts or pair in before):
            changed.append(content)
            after[pair] = DigestText(digest)
    last = agent.load(ReleasedHead, _past(room) + "head")
    if not changed and last is not None and last.round >= number:
        return False
    made = tuple(payloads(rules.hash_key, changed))
    _keep(agent, room, _Plan(round=number, created=instant(now), payloads=made, changed=changed, after=after))
    return True


def _contents(agent: Agent, room: Room, rules: Rules) -> Iterator[Content]:
    """What leaves of each match now; disputed ones are left out, and so stay as they were last released."""
    matches = verified(agent, room)
    holders = own_accounts(agent, room, (key for match in matches for key in match.keys))
    frozen, said, waiting = disputes(agent, room.id), reviews(agent, room), 0
    for match in matches:
        accounts = accounts_of(match, holders, room.judge)
        waiting += said.waits(match, accounts, room) and rules.forms(match) is not None
        ids = [account.id for account in accounts]
        if not frozen.about(epoch=match.epoch, mine=match.mine.hex(), theirs=match.theirs.hex(), accounts=ids):
            yield content_of(match, said.leaving(match, accounts, room), rules)
    note_waiting(agent, room, waiting)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    round: int
    created: str
    payloads: tuple[Payload, ...] = field(repr=False)
    changed: Sequence[Content] = field(repr=False)
    after: dict[str, DigestText] = field(repr=False)


def _keep(agent: Agent, room: Room, plan: _Plan) -> None:
    """Step 2: everything that will leave, and what becomes of the vault once it has."""
    last, log = agent.load(ReleasedHead, _past(room) + "head"), witnessed(agent, room)
    records = records_of(plan.payloads, ((item.match.my_segment, item.match.their_segment) for item in plan.changed))
    empty = Release(
        room=room.id,
        terms=room.terms.digest(),
        epoch=room.epoch,
        number=last.number + 1 if last else 1,
        previous=last.digest if last else "",
        round=plan.round,
        sender=agent.me,
        recipient=room.other.partner,
        sender_policy=DigestText(room.policy_digest(agent.me)),
        recipient_policy=DigestText(room.policy_digest(room.other.partner)),
        batches=(),
        matches=len(records.leaves),
        records=DigestText(records.root),
        log_size=log.size,
        log_root=log.root.hex(),
        created=plan.created,
    )
    with agent.progress.stage("seal", len(plan.changed)) as advance:
        batches: list[SealedPayload] = []
        for index, payload in enumerate(plan.payloads):
            batches.append(sealed_batch(empty, index, payload, bytes.fromhex(room.other.sealing_key)))
            advance(len(payload.matches))
    document = empty.model_copy(update={"batches": tuple(batch.described for batch in batches)})
    signed = agent.sign(document)
    prefix = _out(room)
    with agent.vault.transaction():
        for index, batch in enumerate(batches):
            agent.vault.put(f"{prefix}batch/{index}", batch.sealed)
        agent.vault.put(prefix + "grounds", _grounds(agent, room))
        agent.vault.put(prefix + "records", records.lines())
        agent.vault.put(prefix + "rows", to_bytes(_journal(room, plan.changed)))
        agent.save(prefix + "contents", Released(contents=plan.after))
        agent.save(prefix + "document", signed)


def _send(agent: Agent, room: Room) -> None:
    """Steps 3 and 4, with the bytes that the vault holds."""
    signed = agent.load(SignedDocument, _out(room) + "document")
    if signed is None:
        return
    document = read_document(Release, signed.document)
    place = ReleasePlace(room.id, room.epoch, agent.me, document.number)
    agent.escrow.put_release(place, signed)
    records = {shown_records.address(room.id, signed.digest()): agent.vault.get(_out(room) + "records") or b""}
    require_recorded(agent, room, signed, records)
    with agent.progress.stage("upload", len(document.batches)) as advance:
        for index in range(len(document.batches)):
            agent.escrow.put_release_batch(place, index, agent.vault.get(f"{_out(room)}batch/{index}") or b"")
            advance(1)
        agent.escrow.deliver_release(place)
    _promote(agent, room, signed)


def _promote(agent: Agent, room: Room, signed: SignedDocument) -> None:
    """Step 4."""
    document = read_document(Release, signed.document)
    contents, rows = agent.load(Released, _out(room) + "contents"), agent.vault.get(_out(room) + "rows")
    if contents is None or rows is None:
        raise HomeOutdated(OUTDATED)
    entry = disclosed.Entry(
        partner=document.recipient,
        epoch=document.epoch,
        number=document.number,
        digest=document.digest(),
        my_policy=document.sender_policy,
        their_policy=document.recipient_policy,
        created=document.created,
    )
    head = ReleasedHead(number=document.number, digest=document.digest(), round=document.round)
    with agent.vault.transaction():
        agent.save(_past(room) + "contents", contents)
        agent.save(_past(room) + "head", head)
        disclosed.note_release(agent, room.id, entry, from_bytes(rows))
        agent.vault.delete_all(_out(room))


def _journal(room: Room, changed: Sequence[Content]) -> pd.DataFrame:
    """The rows of `disclosed`: the existence of each account, and each of its fields."""
    labels = room.terms.segments
    rows: list[tuple[str, ...]] = []
    for content in changed:
        match = content.match
        place = (match.mine.hex(), match.theirs.hex(), labels[match.my_segment], labels[match.their_segment])
        if not content.accounts:
            rows.append(("", "", Form.HIDDEN, *place))
        for account, released in zip(content.accounts, content.released.accounts, strict=True):
            rows.append((account, ACCOUNT, Form.EXISTS, *place))
            rows += [(account, name, shown.form, *place) for name, shown in released.fields.items()]
    return pd.DataFrame(rows, columns=disclosed.ROWS).astype("str")


def _require_up_to_date(agent: Agent, room: Room) -> None:
    """Refuse to release on top of releases that the vault does not know."""
    shown, last = room.releases[agent.me], agent.load(ReleasedHead, _past(room) + "head")
    if shown and (last is None or last.number < shown[-1].number):
        raise HomeOutdated(OUTDATED)


def _hash_key(agent: Agent, room: Room) -> bytes:
    address = _past(room) + "hash-key"
    key = agent.vault.get(address)
    if key is None:
        key = secrets.token_bytes(HASH_KEY_BYTES)
        agent.vault.put(address, key)
    return key


def _policies(room: Room) -> bytes:
    return packed(room.policy_digest(room.me).encode(), room.policy_digest(room.other.partner).encode())


def _grounds(agent: Agent, room: Room) -> bytes:
    """Everything that a sealed release must not outlive."""
    return packed(
        _policies(room),
        room.terms.digest().encode(),
        str(newest_round(agent, room)).encode(),
        agent.vault.get(SUPPRESSED) or b"",
        agent.vault.get(disputes_address(room.id)) or b"",
        agent.vault.get(reviews_address(room.id)) or b"",
    )


def _looked_at(agent: Agent, room: Room) -> bytes:
    """Everything that decides what would be released now: the grounds, my lists, and the policies' slice of time."""
    slices = str(room.sides(agent.me).slice(agent.clock())).encode()
    return packed(_grounds(agent, room), agent.vault.get(LISTS) or b"", slices)


def _past(room: Room) -> str:
    return epoch_prefix(room.id, room.epoch) + "released/"


def _out(room: Room) -> str:
    return epoch_prefix(room.id, room.epoch) + "releasing/"
