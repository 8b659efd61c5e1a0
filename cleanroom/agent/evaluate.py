"""P4: evaluate the other side's list: fetch, check, rename, sort, multiply, sign; upload only when it is our turn.

For each batch of the other side:

1. fetch its chunks, check them against the digests the owner signed, unseal them, check the Merkle root;
2. refuse: rows that are not well formed, a list beyond the quota, repeated points, our own tokens coming back, shapes
   below the room's minimum population or other than the signed histogram, and - in batched mode - groups below it;
   hold back what goes beyond the limits to guessing (`guesses`);
3. compute *all* pseudonyms, sort by them, keep that order (one transaction): from here on work goes in that order only;
4. evaluate chunk by chunk, keeping each (`R = k'*T` also refuses points that are not canonical);
5. sign the roots for the pair of newest snapshots, and send them;
6. upload rows only while holding the other side's signed roots for the same pair, and note which ones (for P7).

A kill at any point costs at most one chunk. Not done here: steps 1 and 2 (`received`), and what the escrow makes
of the rows.
"""

from dataclasses import dataclass

import numpy as np

from cleanroom.agent import guesses
from cleanroom.agent.client import Place
from cleanroom.agent.committed import head
from cleanroom.agent.epochs import accepted_key, epoch_prefix, epoch_secrets, own_key
from cleanroom.agent.guess_records import Arrival
from cleanroom.agent.guess_rules import GuessesWait
from cleanroom.agent.received import BatchOfOtherSideRefused, checked, fetched, their_state
from cleanroom.agent.rooms import Room, room_context
from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import Digest
from cleanroom.messages import batches
from cleanroom.messages.documents import Count, DigestText, Wire, instant, read_document
from cleanroom.messages.lists import EvaluatedBatch, Evaluation, Snapshot
from cleanroom.messages.signing import SignedDocument
from matching import merkle, tokens
from matching import tags as tagging
from matching.group import multiply
from matching.refusal import Refusal
from matching.rows import ADD, TAG_BYTES, TOKEN_BYTES, Rows, concatenated, empty, from_leaves, order_of, words_of


class Evaluated(Wire):
    """One finished batch of the evaluation: its number, rows and root, and the digest of the snapshot it belongs to."""

    number: Count
    rows: Count
    root: DigestText
    snapshot: DigestText


def evaluate(agent: Agent, room: Room) -> bool:
    """Steps 1 to 4 for every batch that is new. Says whether there was any.

    Raises:
        BatchOfOtherSideRefused: naming the rule.
        GuessesWait: a batch goes beyond a limit to guessing; it and those after it are not evaluated.
        KeyRefused: if the other side's epoch key must not be used.
    """
    key, worked = accepted_key(agent, room), False
    if key is None:
        return False
    shown = room.snapshots[room.other.partner]
    if agent.vault.get(batch_prefix(room, len(shown) + 1) + "sorted") is not None:
        raise BatchOfOtherSideRefused("the escrow no longer shows a snapshot that it showed before")
    for snapshot in shown:
        done = _finished(agent, room, snapshot.number)
        if done is not None:
            if done.snapshot != snapshot.digest():
                raise BatchOfOtherSideRefused("the escrow shows another snapshot than the one evaluated before")
            continue
        if snapshot.key != key:
            raise BatchOfOtherSideRefused("a snapshot names another key than the other side's for this epoch")
        if any(part.number == snapshot.number for item in room.evaluations[agent.me] for part in item.batches):
            guesses.note_outdated(agent)  # I have signed what this vault has not evaluated: it is an older copy
        try:
            _evaluate_batch(agent, room, snapshot)
        except Refusal as refusal:
            raise BatchOfOtherSideRefused(f"the other side's list, {refusal}") from None
        worked = True
    return worked


def sign_roots(agent: Agent, room: Room) -> bool:
    """Step 5 for the pair of newest snapshots. Says whether anything was sent."""
    theirs, mine = room.head(room.other.partner), room.head(agent.me)
    known = head(agent, room)
    if theirs is None or mine is None or known is None or known.digest != mine.digest():
        return False
    if any(item.of == theirs.digest() and item.against == mine.digest() for item in room.evaluations[agent.me]):
        return False
    done = [_finished(agent, room, number) for number in range(1, theirs.number + 1)]
    parts = [item for item in done if item is not None]
    if len(parts) != len(done):
        return False
    evaluation = Evaluation(
        room=room.id,
        terms=room.terms.digest(),
        epoch=room.epoch,
        evaluator=agent.me,
        owner=room.other.partner,
        of=theirs.digest(),
        against=mine.digest(),
        key=own_key(agent, room),
        batches=tuple(EvaluatedBatch(number=item.number, rows=item.rows, root=item.root) for item in parts),
        created=instant(agent.clock()),
    )
    signed = _kept(agent, room, evaluation)
    agent.escrow.put_evaluation(read_document(Evaluation, signed.document), signed)
    return True


def upload_rows(agent: Agent, room: Room) -> bool:
    """Step 6. Says whether anything was sent."""
    turn = newest_pair(agent, room)
    if turn is None:
        return False
    sent = False
    for part in turn[0].batches:
        if (agent.me, part.number) in room.complete:
            continue
        _remember_held(agent, room, part.number)
        place = Place(room.id, room.epoch, agent.me, part.number)
        held = room.chunks.get((agent.me, part.number), frozenset())
        with agent.progress.stage("upload", part.rows) as advance:
            for index in range(batches.chunk_count(part.rows)):
                if index not in held:
                    rows = _load_rows(agent, batch_prefix(room, part.number) + f"tags/{index}", TAG_BYTES)
                    agent.escrow.put_evaluated_chunk(place, index, batches.encode(rows))
                advance(batches.chunk_rows(part.rows, index))
            agent.escrow.complete_batch(place)
        sent = True
    return sent


def newest_pair(agent: Agent, room: Room) -> tuple[Evaluation, Evaluation] | None:
    """My newest evaluation for which the other side has signed the opposite one, and that one.

    Raises:
        BatchOfOtherSideRefused: if the other side signed other roots than those that it signed first.
    """
    for mine in reversed(room.evaluations[agent.me]):
        for theirs in room.evaluations[room.other.partner]:
            if mine.pairs_with(theirs) and theirs.key == accepted_key(agent, room):
                _remember_roots(agent, room, theirs)
                return mine, theirs
    return None


def known_roots(agent: Agent, room: Room) -> dict[int, str]:
    """The roots that the other side signed first, by batch number of my list (hex)."""
    text = (agent.vault.get(epoch_prefix(room.id, room.epoch) + "their-roots") or b"").decode()
    return {i // 64 + 1: text[i : i + 64] for i in range(0, len(text), 64)}


def roots_held(agent: Agent, room: Room, number: int) -> int:
    """How many of those roots I held when I began to upload my evaluation of a batch; 0 if I did not."""
    return int(agent.vault.get(batch_prefix(room, number) + "held") or b"0")


def evaluated_rows(agent: Agent, room: Room, number: int) -> Rows:
    """My evaluation of a batch: rows of tags, in their order."""
    finished = _finished(agent, room, number)
    count = batches.chunk_count(finished.rows) if finished else 0
    addresses = [batch_prefix(room, number) + f"tags/{index}" for index in range(count)]
    return concatenated([empty(TAG_BYTES), *(_load_rows(agent, address, TAG_BYTES) for address in addresses)])


def batch_prefix(room: Room, number: int) -> str:
    """Where the vault keeps a batch of the other side's list and what was made of it."""
    return epoch_prefix(room.id, room.epoch) + f"theirs/{number}/"


def _remember_held(agent: Agent, room: Room, number: int) -> None:
    """Note, before the first row of a batch leaves, which roots of the other side came before (P7, ADR 11)."""
    address = batch_prefix(room, number) + "held"
    if agent.vault.get(address) is None:
        agent.vault.put(address, str(len(known_roots(agent, room))).encode())


def _remember_roots(agent: Agent, room: Room, theirs: Evaluation) -> None:
    """Hold the other side to the roots it signed first: after our rows are out it must not choose others."""
    address = epoch_prefix(room.id, room.epoch) + "their-roots"
    known, roots = agent.vault.get(address) or b"", "".join(part.root for part in theirs.batches).encode()
    if roots[: len(known)] != known[: len(roots)]:
        raise BatchOfOtherSideRefused("the other side signed another root for a batch than before")
    if len(roots) > len(known):
        agent.vault.put(address, roots)


def _evaluate_batch(agent: Agent, room: Room, snapshot: Snapshot) -> None:
    prefix = batch_prefix(room, snapshot.number)
    order = agent.vault.get(prefix + "sorted")
    if order is None:
        guesses.require_known_batch(agent, room, snapshot)
        batch = fetched(agent, room, snapshot)
        with agent.progress.stage("check", len(batch)):
            before, after = their_state(agent, room), checked(agent, room, snapshot, batch)
            arrival = guesses.measured(agent, room, snapshot, batch, before=before, after=after)
        ordered = _sorted(batch, epoch_secrets(agent, room).renaming_key)
        _take_over(agent, room, arrival, _Taken(before=before, batch=batch, ordered=ordered, after=after))
    elif agent.vault.get(prefix + "of") == snapshot.digest().encode():
        ordered = from_leaves(order, TOKEN_BYTES)
    else:
        raise BatchOfOtherSideRefused("the escrow shows another snapshot than the one checked before")
    tags = _tags(agent, room, ordered, prefix)
    with agent.progress.stage("merkle root"):
        root = merkle.root(tags.leaves(), tags.leaf_width)
    finished = Evaluated(number=snapshot.number, rows=len(tags), root=Digest(root.hex()), snapshot=snapshot.digest())
    agent.save(prefix + "finished", finished)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """The other side's list before and after a batch, its rows as they came, and in the order of evaluation."""

    before: Rows
    batch: Rows
    ordered: Rows
    after: Rows


def _take_over(agent: Agent, room: Room, arrival: Arrival, rows: _Taken) -> None:
    """Charge a batch and keep what step 3 made of it, in one transaction; or hold it back: GuessesWait."""
    prefix = batch_prefix(room, arrival.batch)
    try:
        with agent.vault.transaction():
            guesses.charge(agent, room, arrival)
            guesses.note_retired(agent, room, rows.before, rows.after)
            agent.vault.put(prefix + "of", arrival.snapshot.encode())
            agent.vault.put(prefix + "sorted", rows.ordered.leaves())
            agent.vault.put(prefix + "rows", rows.batch.leaves())
            agent.vault.put(epoch_prefix(room.id, room.epoch) + "theirs/state", rows.after.leaves())
    except GuessesWait:
        guesses.hold_back(agent, room, arrival)
        raise


def _sorted(batch: Rows, renaming_key: bytes) -> Rows:
    """Step 3: the rows under their pseudonyms, sorted. Rows of one entry are ordered by their renamed tokens."""
    pseudonyms = tokens.renamed(batch.name, renaming_key)
    within = tokens.renamed(np.ascontiguousarray(batch.value[:, :16]), renaming_key)
    order, _ = order_of(*words_of(pseudonyms), batch.op, *words_of(within))
    renamed = Rows(name=pseudonyms, op=batch.op, segment=batch.segment, kind=batch.kind, value=batch.value)
    return renamed.take(order)


def _tags(agent: Agent, room: Room, ordered: Rows, prefix: str) -> Rows:
    """Step 4: the evaluated rows, chunk by chunk, kept as they are made."""
    scalar = epoch_secrets(agent, room).scalar
    contexts = [tagging.tag_context(room_context(room.id), room.epoch, kind) for kind in room.kind_names]
    parts = [empty(TAG_BYTES)]
    with agent.progress.stage("evaluate", len(ordered)) as advance:
        for index in range(batches.chunk_count(len(ordered))):
            address = prefix + f"tags/{index}"
            if agent.vault.get(address) is None:
                chunk = ordered.take(slice(index * batches.CHUNK_ROWS, (index + 1) * batches.CHUNK_ROWS))
                added = chunk.op == ADD
                value = np.zeros((len(chunk), TAG_BYTES), np.uint8)
                value[added] = tagging.tags(multiply(chunk.value[added], scalar), chunk.kind[added], contexts)
                rows = Rows(name=chunk.name, op=chunk.op, segment=chunk.segment, kind=chunk.kind, value=value)
                agent.vault.put(address, rows.leaves())
            parts.append(_load_rows(agent, address, TAG_BYTES))
            advance(len(parts[-1]))
    return concatenated(parts)


def _kept(agent: Agent, room: Room, evaluation: Evaluation) -> SignedDocument:
    """The evaluation as it was signed first for this pair; a retry sends the same bytes."""
    address = epoch_prefix(room.id, room.epoch) + f"roots/{evaluation.of[:32]}/{evaluation.against[:32]}"
    known = agent.load(SignedDocument, address)
    if known is not None:
        return known
    signed = agent.sign(evaluation)
    agent.save(address, signed)
    return signed


def _finished(agent: Agent, room: Room, number: int) -> Evaluated | None:
    return agent.load(Evaluated, batch_prefix(room, number) + "finished")


def _load_rows(agent: Agent, address: str, value_bytes: int) -> Rows:
    data = agent.vault.get(address)
    if data is None:
        raise BatchOfOtherSideRefused("an evaluated chunk is missing from the vault")
    return from_leaves(data, value_bytes)
