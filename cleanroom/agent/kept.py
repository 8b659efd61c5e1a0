"""What this agent keeps of the other side's accounts: two frames in the vault a room, which outlive epochs.

`matches`, one row each: `epoch` (int), `mine`, `theirs` (handles, hex), `my_segment`, `their_segment` (labels), `kinds`
(proven kinds of key, blanks between), `differ` (likewise: kinds of which both have keys and none agrees), `tier`,
`accounts` (my account ids, JSON), `count` (their accounts, int), `received`,
`release` (int), `withdrawn` (an instant, or "").

`fields`, one row each: `epoch`, `mine`, `theirs`, `account` (their account's number in the match, int), `field`,
`form`, `value`, `received`, `release`, `their_policy`, `my_policy` (digests), `withdrawn`. A withdrawn field has no
value any more; that it was there, and until when, stays.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import pandas as pd

from cleanroom.agent.frames import from_bytes, to_bytes, tuples
from cleanroom.agent.release_checks import StandingMatch
from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages.documents import Bytes32, Count, DigestText, Number, Wire
from cleanroom.messages.releases import Release

PAIR: Final = ["epoch", "mine", "theirs"]
MATCHES: Final = [
    *PAIR,
    *("my_segment", "their_segment", "kinds", "differ", "tier", "accounts"),
    *("count", "received", "release", "withdrawn"),
]
FIELDS: Final = [
    *PAIR,
    *("account", "field", "form", "value", "received", "release", "their_policy", "my_policy", "withdrawn"),
]
_NUMBERS: Final = frozenset(("epoch", "count", "release", "account"))


class KeptHead(Wire):
    """The newest release that was received, and the key of `hashed` forms in its epoch."""

    epoch: Count
    number: Number
    digest: DigestText
    their_policy: DigestText
    my_policy: DigestText
    hash_key: Bytes32 | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Both frames, as the module's docstring says."""

    matches: pd.DataFrame = field(repr=False)
    fields: pd.DataFrame = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """How segments and kinds are called in the room, and which of my accounts a match is about."""

    segments: Sequence[str]
    kinds: Sequence[str]
    accounts: dict[tuple[str, str], tuple[str, ...]] = field(repr=False)  # by both handles, mine first


def kept(agent: Agent, room: RoomId) -> Kept:
    """What is kept of a room; empty frames if there is nothing."""
    matches, fields = agent.vault.get(_prefix(room) + "matches"), agent.vault.get(_prefix(room) + "fields")
    return Kept(
        matches=from_bytes(matches) if matches is not None else _frame([], MATCHES),
        fields=from_bytes(fields) if fields is not None else _frame([], FIELDS),
    )


def keep(agent: Agent, room: RoomId, what: Kept) -> None:
    """Put both frames into the vault, inside the caller's transaction."""
    agent.vault.put(_prefix(room) + "matches", to_bytes(what.matches[MATCHES]))
    agent.vault.put(_prefix(room) + "fields", to_bytes(what.fields[FIELDS]))


def accounts_of_match(agent: Agent, room: RoomId, pair: tuple[int, str, str]) -> tuple[str, ...] | None:
    """My accounts that a kept match is about, by (epoch, mine, theirs); None if it is not among them."""
    matches = kept(agent, room).matches
    which = (matches[PAIR] == list(pair)).all(axis=1)
    found: list[str] = json.loads(matches["accounts"][which].iloc[0]) if which.any() else []
    return tuple(found) if which.any() else None


def head(agent: Agent, room: RoomId) -> KeptHead | None:
    """The newest release that was received."""
    return agent.load(KeptHead, _prefix(room) + "head")


def keep_head(agent: Agent, room: RoomId, newest: KeptHead) -> None:
    """Remember the newest release that was received."""
    agent.save(_prefix(room) + "head", newest)


def judged(room: RoomId) -> str:
    """Address of what `receive.withdraw` has judged last: nothing of it changed, nothing to drop."""
    return _prefix(room) + "judged"


def forget(agent: Agent, room: RoomId) -> None:
    """Delete all that is kept of the other side's accounts in a room."""
    agent.vault.delete_all(_prefix(room))


def after(before: Kept, release: Release, matches: Sequence[StandingMatch], labels: Labels, now: str) -> Kept:
    """What is kept once a release is received.

    Its matches replace what was shown of them; what was shown and is not any more is noted as withdrawn. The first
    release of a later epoch replaces all of the epochs before, as the handles are others.
    """
    fresh_matches = _frame([_match_row(item, release, labels, now) for item in matches], MATCHES)
    fresh_fields = _frame([row for item in matches for row in _field_rows(item, release, now)], FIELDS)
    this_epoch = before.matches["epoch"] == release.epoch
    staying = before.matches[this_epoch & ~_pairs_in(before.matches, fresh_matches)]
    fields_of_epoch = before.fields["epoch"] == release.epoch
    touched = fields_of_epoch & _pairs_in(before.fields, fresh_matches)
    gone = _gone(before.fields[touched], fresh_fields, now)
    carried = _carried(before, fresh_matches, fresh_fields, release.epoch, now)
    return Kept(
        matches=_joined([staying, fresh_matches], MATCHES),
        fields=_joined([before.fields[fields_of_epoch & ~touched], fresh_fields, gone, carried], FIELDS),
    )


def _match_row(item: StandingMatch, release: Release, labels: Labels, now: str) -> tuple[object, ...]:
    match, mine = item.match, item.match.mine.hex()
    kinds, differ = (" ".join(labels.kinds[kind] for kind in sorted(which)) for which in (match.kinds, match.differ))
    accounts = json.dumps(labels.accounts.get((mine, match.theirs.hex()), ()))
    segments = (labels.segments[match.my_segment], labels.segments[match.their_segment])
    withdrawn = "" if item.accounts else now
    pair = (release.epoch, mine, match.theirs.hex())
    evidence = (kinds, differ, str(match.tier))
    return (*pair, *segments, *evidence, accounts, len(item.accounts), now, release.number, withdrawn)


def _field_rows(item: StandingMatch, release: Release, now: str) -> Iterable[tuple[object, ...]]:
    pair = (release.epoch, item.match.mine.hex(), item.match.theirs.hex())
    policies = (release.sender_policy, release.recipient_policy)
    for number, account in enumerate(item.accounts):
        for name, shown in account.fields.items():
            yield (*pair, number, name, str(shown.form), shown.value, now, release.number, *policies, "")


def _gone(old: pd.DataFrame, fresh: pd.DataFrame, now: str) -> pd.DataFrame:
    """Of the rows that a release replaces, those whose field it does not have: without values, marked as withdrawn."""
    what = [*PAIR, "account", "field"]
    there = pd.MultiIndex.from_frame(old[what]).isin(pd.MultiIndex.from_frame(fresh[what]))
    return withdrawn(old[~there], now)


def withdrawn(rows: pd.DataFrame, now: str) -> pd.DataFrame:
    """The rows of `fields` without their values; those that were not withdrawn yet are from now on."""
    return rows.assign(value="", withdrawn=rows["withdrawn"].where(rows["withdrawn"] != "", now))


def _carried(before: Kept, matches: pd.DataFrame, fields: pd.DataFrame, epoch: int, now: str) -> pd.DataFrame:
    """Notes of what was shown in earlier epochs and is not any more, tied to the new matches by my own accounts.

    Handles are others in every epoch. Of an account of mine beside two of theirs, a field counts as shown while either
    of them shows it.
    """
    old, earlier = (frame[frame["epoch"] < epoch] for frame in (before.matches, before.fields))
    shown, there = _fields_by_account(old, earlier), _fields_by_account(matches, fields)
    places: list[int] = []
    pairs: list[tuple[str, str]] = []
    for mine, theirs, text in tuples(matches, ["mine", "theirs", "accounts"]):
        lost = {
            name: place
            for account in json.loads(text)
            for name, place in shown.get(account, {}).items()
            if name not in there.get(account, {})
        }
        places += lost.values()
        pairs += [(mine, theirs)] * len(lost)
    rows = earlier.loc[places].reset_index(drop=True)
    handles = pd.DataFrame(pairs, columns=["mine", "theirs"], dtype="str")
    return withdrawn(rows.assign(epoch=epoch, account=0, mine=handles["mine"], theirs=handles["theirs"]), now)


def _fields_by_account(matches: pd.DataFrame, fields: pd.DataFrame) -> dict[str, dict[str, int]]:
    """My account -> each field that stands beside it in any match -> where `fields` has it."""
    of_pair: dict[tuple[object, ...], dict[str, int]] = {}
    for place, (*pair, name) in zip(fields.index.tolist(), tuples(fields, [*PAIR, "field"]), strict=True):
        of_pair.setdefault(tuple(pair), {}).setdefault(name, place)
    found: dict[str, dict[str, int]] = {}
    for *pair, text in tuples(matches, [*PAIR, "accounts"]):
        for account in json.loads(text):
            found.setdefault(account, {}).update(of_pair.get(tuple(pair), {}))
    return found


def _pairs_in(frame: pd.DataFrame, others: pd.DataFrame) -> "pd.Series[bool]":
    known = pd.MultiIndex.from_frame(others[PAIR])
    return pd.Series(pd.MultiIndex.from_frame(frame[PAIR]).isin(known), index=frame.index)


def _frame(rows: Sequence[tuple[object, ...]], columns: list[str]) -> pd.DataFrame:
    values = zip(*rows, strict=True) if rows else ((),) * len(columns)
    types = ["int64" if name in _NUMBERS else "str" for name in columns]
    return pd.DataFrame(
        {name: pd.Series(value, dtype=kind) for name, value, kind in zip(columns, values, types, strict=True)}
    )


def _joined(parts: Sequence[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    filled = [part[columns] for part in parts if not part.empty]
    return pd.concat(filled, ignore_index=True) if filled else _frame([], columns)


def _prefix(room: RoomId) -> str:
    return f"shared/{room}/"
