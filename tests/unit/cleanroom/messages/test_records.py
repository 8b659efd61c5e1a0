"""Records of what a release showed: salts, the tree over them, erasing one, and what is refused."""

import hashlib
import json
from typing import Any, Final

import pytest
import rfc8785
from golden import canonical
from hypothesis import given
from hypothesis import strategies as st

from cleanroom.messages.records import Record, RecordRefused, read_record, record_of, records_root
from cleanroom.messages.releases import ReleasedMatch
from matching.merkle import leaf_hash

SALT: Final = bytes(range(32))
FIELDS: Final = st.dictionaries(
    st.sampled_from(["account_name", "amount", "stage", "zone", "a1"]), st.sampled_from(["reduced", "full"])
)
HANDLES: Final = st.binary(min_size=16, max_size=16).map(bytes.hex)
CELLS: Final = st.tuples(st.integers(0, 15), st.integers(0, 15))


def match_of(accounts: list[dict[str, str]], sender: str = "b1" * 16, recipient: str = "b2" * 16) -> ReleasedMatch:
    shown = [{"fields": {name: {"form": form, "value": "secret"} for name, form in each.items()}} for each in accounts]
    return ReleasedMatch.model_validate({"accounts": shown, "recipient": recipient, "sender": sender})


def leaf_of(**changed: Any) -> str:  # noqa: ANN401 - JSON
    members = {
        "accounts": [{"amount": "reduced", "stage": "full"}, {}],
        "cell": [0, 2],
        "recipient": "b2" * 16,
        "salt": "5a" * 16,
        "sender": "b1" * 16,
    }
    return canonical({**members, **changed})


@given(st.lists(FIELDS, max_size=4), HANDLES, HANDLES, CELLS, st.binary(min_size=32, max_size=32))
def test_a_record_is_canonical_holds_no_value_and_is_read_as_it_was_made(
    accounts: list[dict[str, str]], sender: str, recipient: str, cell: tuple[int, int], salt: bytes
) -> None:
    record = record_of(match_of(accounts, sender, recipient), cell, salt)
    made = record.leaf()
    assert made == rfc8785.dumps(record.model_dump(mode="json"))
    assert read_record(made) == record == Record.model_validate(json.loads(made))
    expected = {"accounts": accounts, "cell": list(cell), "recipient": recipient, "salt": "", "sender": sender}
    assert json.loads(made) | {"salt": ""} == expected
    assert b"secret" not in made


def test_salts_differ_by_match_and_payload_and_are_not_the_payloads() -> None:
    salts = [
        record_of(match_of([{"stage": "full"}], sender, recipient), (0, 0), salt).salt
        for salt in (SALT, SALT[::-1])
        for sender, recipient in (("b1" * 16, "b2" * 16), ("b2" * 16, "b1" * 16), ("b1" * 16, "b3" * 16))
    ]
    assert len(set(salts)) == 6
    assert {len(salt) for salt in salts} == {32}
    assert not any(salt in SALT.hex() for salt in salts)


def test_the_root_stands_over_the_records_in_the_order_of_the_release() -> None:
    leaves = [leaf_of(sender=f"{n:032x}").encode() for n in range(3)]
    one, two, three = (hashlib.sha256(b"\x00" + each).digest() for each in leaves)
    pair = hashlib.sha256(b"\x01" + one + two).digest()
    assert records_root(map(leaf_hash, leaves)) == hashlib.sha256(b"\x01" + pair + three).hexdigest()
    assert records_root(map(leaf_hash, reversed(leaves))) != records_root(map(leaf_hash, leaves))
    assert records_root([]) == hashlib.sha256().hexdigest()


def test_an_erased_record_leaves_its_hash_and_the_root_still_holds() -> None:
    leaves = [leaf_of(sender=f"{n:032x}").encode() for n in range(5)]
    whole = records_root(map(leaf_hash, leaves))
    for gone in range(5):
        left = [leaf_hash(each) if n != gone else bytes.fromhex(leaf_hash(each).hex()) for n, each in enumerate(leaves)]
        assert records_root(left) == whole
        left[gone] = leaf_hash(leaf_of(sender=f"{gone:032x}", salt="00" * 16).encode())
        assert records_root(left) != whole


def test_an_erased_records_hash_tells_nothing_to_whoever_guesses_all_but_the_salt() -> None:
    """The salt is 128 bits that are made of 256 random ones: with another payload's, a right guess looks wrong."""
    match, cell = match_of([{"stage": "full"}]), (0, 2)
    kept = leaf_hash(record_of(match, cell, SALT).leaf())
    guesses = {leaf_hash(record_of(match, cell, bytes([n]) * 32).leaf()) for n in range(256)}
    assert len(guesses) == 256
    assert kept not in guesses
    assert leaf_hash(record_of(match, cell, SALT).leaf()) == kept


@pytest.mark.parametrize(
    "text",
    [
        leaf_of(extra=1),
        leaf_of(type="record/1"),
        *(leaf_of(cell=cell) for cell in ([0], [0, 1, 2], [0, 16], [-1, 0], [0, 1.0], ["0", 1], 5, None, True)),
        *(leaf_of(salt=salt) for salt in ("5a" * 15, "5a" * 32, "5A" * 16, "", 5, None)),
        *(leaf_of(sender=name) for name in ("b1" * 15, "B1" * 16, "", None)),
        *(leaf_of(accounts=[{"stage": form}]) for form in ("hidden", "count", "exists", "", "Full", 1, None, {})),
        *(leaf_of(accounts=accounts) for accounts in (5, None, {}, [5], [[]], [{"Stage": "full"}], [{"": "full"}])),
        leaf_of(accounts=[{}] * 101),
        leaf_of(accounts=[{f"f{n}": "full" for n in range(201)}]),
        leaf_of().replace('"cell":[0,2],', ""),
        leaf_of().replace('"cell":[0,2]', '"cell":[0,2],"cell":[0,2]'),
        leaf_of().replace('{"amount":"reduced","stage":"full"}', '{"stage":"full","amount":"reduced"}'),
        leaf_of().replace('"amount"', '"\\u0061mount"'),
        leaf_of().replace("[0,2]", "[0, 2]"),
        *(leaf_of() + "\n", " " + leaf_of(), leaf_of()[:-1], "[" + leaf_of() + "]", "", "null", "{}", "[" * 100_000),
    ],
)
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(RecordRefused) as refusal:
        read_record(text.encode())
    assert str(refusal.value).startswith("record: ")
    assert refusal.value.__cause__ is None


def test_records_at_their_limits_are_read() -> None:
    for members in ({"accounts": []}, {"accounts": [{}] * 100}, {"cell": [15, 15]}):
        text = leaf_of(**members).encode()
        assert read_record(text).leaf() == text
    many = leaf_of(accounts=[{f"f{n:03}": "full" for n in range(200)}]).encode()
    assert read_record(many).leaf() == many
