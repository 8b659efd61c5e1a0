"""The accounting of new keys: nothing is lost or counted twice, however it is summed up by the hour."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cleanroom.agent.guess_records import (
    WINDOW,
    Account,
    Allowed,
    Charged,
    RoomGuesses,
    Size,
    recent_sizes,
    with_charge,
    with_size,
)
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages.documents import instant, moment

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
EVENTS = st.lists(st.tuples(st.integers(0, 60 * 24 * 90), st.integers(0, 9), st.sampled_from("ab")), max_size=40)


def room(
    charges: tuple[Charged, ...] = (), *, declared: int = 10, expires: str = "2027-01-01T00:00:00Z"
) -> RoomGuesses:
    return RoomGuesses(
        title="Room",
        declared=declared,
        expires=expires,
        epoch=0,
        keys={},
        their_epochs=0,
        renewed="",
        charges=charges,
    )


def charged(events: list[tuple[int, int, str]]) -> tuple[Charged, ...]:
    charges: tuple[Charged, ...] = ()
    for minute, number, kind in sorted(events):
        charges = with_charge(charges, {kind: number}, NOW + timedelta(minutes=minute))
    return charges


@given(EVENTS, st.integers(0, 60 * 24 * 120))
def test_what_counts_in_thirty_days_is_never_too_little_and_never_an_hour_too_much(
    events: list[tuple[int, int, str]], minute: int
) -> None:
    at = NOW + timedelta(minutes=minute)
    past = [item for item in events if NOW + timedelta(minutes=item[0]) <= at]
    # What lies in the future of `at` is no part of what it is asked about.
    found = Account(rooms={RoomId("0" * 32): room(charged(past))}).charged(at)
    for kind in "ab":
        moments = [(NOW + timedelta(minutes=when), number) for when, number, of in past if of == kind]
        least = sum(number for when, number in moments if when >= at - WINDOW)
        most = sum(number for when, number in moments if when >= at - WINDOW - HOUR)
        assert least <= found.get(kind, 0) <= most


@given(EVENTS)
def test_the_sum_of_all_rooms_and_kinds_is_what_was_charged(events: list[tuple[int, int, str]]) -> None:
    half = len(events) // 2
    rooms = {RoomId("0" * 32): room(charged(events[:half])), RoomId("1" * 32): room(charged(events[half:]))}
    total = sum(sum(item.keys.values()) for one in rooms.values() for item in one.charges)
    assert total == sum(number for _, number, _ in events)


@given(EVENTS)
def test_a_record_is_no_longer_than_the_hours_it_is_about(events: list[tuple[int, int, str]]) -> None:
    found = charged(events)
    assert len({item.at[:13] for item in found}) == len(found)


def test_since_a_restored_vault_is_in_use_only_what_came_later_counts() -> None:
    since = NOW + timedelta(hours=5)
    charges = with_charge(with_charge((), {"a": 3}, NOW), {"a": 4}, since)
    account = Account(
        rooms={RoomId("0" * 32): room(charges)},
        allowed=(
            Allowed(keys=10, by="u", at=instant(NOW), reason="before"),
            Allowed(keys=1, by="u", at=instant(since), reason="after"),
        ),
    )
    assert account.charged(since, since=since) == {"a": 4}
    assert account.lifted(since, since=since) == 1
    assert (account.charged(since), account.lifted(since)) == ({"a": 7}, 11)


def test_an_allowance_ends_after_thirty_days() -> None:
    account = Account(allowed=(Allowed(keys=10, by="u", at=instant(NOW), reason="why"),))
    assert [account.lifted(NOW + WINDOW + timedelta(seconds=late)) for late in (-1, 0, 1)] == [10, 10, 0]


def test_only_rooms_in_force_declare() -> None:
    account = Account(
        rooms={
            RoomId("0" * 32): room(declared=90, expires=instant(NOW)),
            RoomId("1" * 32): room(declared=50),
            RoomId("2" * 32): room(declared=0),
        }
    )
    assert account.declared(NOW) == 50
    assert account.declared(NOW - timedelta(seconds=1)) == 90
    assert Account().declared(NOW) == 0


def size(minute: int, entries: int, *, come: int = 0, gone: int = 0, accepted: bool = False) -> Size:
    return Size(at=instant(NOW + timedelta(minutes=minute)), entries=entries, come=come, gone=gone, accepted=accepted)


def test_sizes_of_an_hour_become_one_but_for_the_first_and_what_was_accepted() -> None:
    sizes: tuple[Size, ...] = ()
    for item in (size(0, 10), size(1, 12, come=2), size(2, 13, come=1), size(3, 20, come=7, accepted=True)):
        sizes = with_size(sizes, item)
    sizes = with_size(sizes, size(4, 21, come=1, gone=1))
    assert [(item.entries, item.come, item.gone) for item in sizes] == [(10, 0, 0), (13, 3, 0), (20, 7, 0), (21, 1, 1)]


def test_of_old_sizes_the_newest_stays() -> None:
    sizes = [size(minute, minute) for minute in (0, 10, 20, 30)]
    kept = recent_sizes(sizes, moment(sizes[2].at))
    assert [item.entries for item in kept] == [10, 20, 30]
