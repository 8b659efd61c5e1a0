"""Leaves of a log: golden bytes of every type, and what is refused."""

import contextlib
import json
from typing import Any, Final, get_args

import pytest
import rfc8785
from golden import canonical, load
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cleanroom.messages import entries
from cleanroom.messages.entries import (
    MOST_LEAF_BYTES,
    AnyEntry,
    Entry,
    EntryRefused,
    bundled,
    leaf,
    read_entry,
    unbundled,
)
from matching.disclosure.bands import band

GOLDEN: Final[dict[str, str]] = load("entries.json")
UNION: Final[tuple[type[Entry], ...]] = get_args(get_args(AnyEntry)[0])
TYPES: Final[dict[str, type[Entry]]] = {kind.model_fields["type"].default: kind for kind in UNION}
CANARY: Final = "kanarienvogel"
MAY_BE_EMPTY: Final = {"first_policy", "second_policy", "approver"}


def parsed(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(GOLDEN[name])
    return found


def refused(data: bytes | str) -> str:
    with pytest.raises(EntryRefused) as refusal:
        read_entry(data if isinstance(data, bytes) else data.encode())
    assert CANARY not in str(refusal.value)
    assert refusal.value.__cause__ is None
    return str(refusal.value)


# ---- golden bytes


def test_every_type_of_entry_is_in_the_union_once_and_has_golden_bytes() -> None:
    ours = [kind for kind in vars(entries).values() if isinstance(kind, type) and issubclass(kind, Entry)]
    assert set(UNION) == set(ours) - {Entry}
    assert list(TYPES) == list(GOLDEN)
    assert len(TYPES) == len(UNION)


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_leaves_are_read_and_written_again(name: str) -> None:
    text = GOLDEN[name]
    entry = read_entry(text.encode())
    assert type(entry) is TYPES[name]
    assert leaf(entry) == text.encode() == rfc8785.dumps(json.loads(text))
    assert TYPES[name].model_validate(json.loads(text)) == entry


# ---- canonical form, whatever an entry holds


HEX16, HEX32 = (st.binary(min_size=n, max_size=n).map(bytes.hex) for n in (16, 32))
NUMBERS = st.integers(1, 2**31 - 1)
MOMENTS = st.sampled_from(["2026-01-02T03:04:05Z", "1999-12-31T23:59:59Z"])
CELLS = st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)).map(list), max_size=8)
VERSIONS = st.text("abz019_./+-", min_size=1, max_size=80)
NAMES = st.builds(str.__add__, st.sampled_from("az"), st.text("abyz019_", max_size=39))
DRAWN: Final[dict[str, st.SearchStrategy[Any]]] = {
    **dict.fromkeys(("at", "created", "edge", "expires"), MOMENTS),
    **dict.fromkeys(("partner", "owner", "evaluator", "prover", "verifier", "sender", "recipient", "author"), HEX16),
    **dict.fromkeys(("first_document", "second_document", "commitment"), HEX32),
    **dict.fromkeys(("cost", "units"), st.integers(0, 2**53 - 1)),
    "correction": st.booleans(),
    "holds": st.booleans(),
    "caps": st.sampled_from(["budget", "unsafe_none"]),
    "mode": st.sampled_from(["exact", "standard", "confidential"]),
    "act": st.sampled_from(["weaker_counting", "refill"]),
    **dict.fromkeys(("document", "against", "of", "root", "receipt", "table", "invite"), HEX32),
    **dict.fromkeys(("prover_policy", "verifier_policy", "sender_policy", "recipient_policy"), HEX32),
    **dict.fromkeys(("first_policy", "second_policy"), HEX32 | st.just("")),
    **dict.fromkeys(("in_force", "fresh_epoch", "narrows", "revokes", "widens"), st.booleans()),
    **dict.fromkeys(("number", "round"), NUMBERS),
    **dict.fromkeys(("entries", "rows", "matches"), st.integers(0, 10**12).map(band)),
    **dict.fromkeys(("cells", "forbidden"), CELLS),
    "approver": HEX16 | st.just(""),
    "epoch": st.integers(0, 2**53 - 1),
    "rules": VERSIONS,
    "version": NUMBERS,
    "reason": st.sampled_from(["declined", "left"]),
    "kind": st.sampled_from(["request", "dispute", "resolution"]),
    "action": st.sampled_from(["started", "migrated"]),
    "openings": st.tuples(HEX32, HEX32).map(list),
    "forms": st.dictionaries(NAMES, st.sampled_from(["exists", "reduced", "full"]), max_size=9),
}


@settings(max_examples=40)
@given(st.sampled_from(list(TYPES)), st.data())
def test_every_leaf_is_rfc_8785_and_is_read_again(name: str, data: st.DataObject) -> None:
    members = TYPES[name].model_fields.keys() - {"type"}
    drawn = {member: data.draw(DRAWN[member], label=member) for member in members}
    if name == "allowance-given/1":
        drawn["approver"] = data.draw(HEX16)
    if name == "operator-acted/1":
        drawn["version"] = data.draw(VERSIONS)
    entry = TYPES[name].model_validate({"type": name, **drawn})
    made = leaf(entry)
    assert made == rfc8785.dumps(entry.model_dump(mode="json"))
    assert read_entry(made) == entry
    assert made.isascii()


@given(st.integers(0, 10**15))
def test_every_band_fits_into_an_entry(size: int) -> None:
    read_entry(canonical({**parsed("snapshot-committed/1"), "entries": band(size)}).encode())


def test_the_longest_entry_fits_into_a_bundle() -> None:
    forms = {f"f{n:039}": "reduced" for n in range(201)}
    longest = [
        {**parsed("release-recorded/1"), "forms": forms},
        {**parsed("opening-recorded/1"), "cells": [[15, 15]] * 256},
        {**parsed("answer-given/1"), "forbidden": [[15, 15]] * 256, "second_policy": "a" * 64},
    ]
    for members in longest:
        text = canonical({**members, **({"rules": "x" * 80} if "rules" in members else {})})
        assert leaf(read_entry(text.encode())) == text.encode()
        assert len(text) < MOST_LEAF_BYTES
    refused(canonical({**longest[0], "forms": {**forms, "g": "full"}}))
    refused(canonical({**longest[1], "cells": [[15, 15]] * 257}))


# ---- what is refused


@pytest.mark.parametrize("name", GOLDEN)
def test_unknown_and_missing_members_are_refused(name: str) -> None:
    entry = parsed(name)
    refused(canonical({**entry, CANARY: CANARY}))
    for member in entry:
        refused(canonical({other: entry[other] for other in entry if other != member}))


WRONG: Final = (
    *(None, 1.5, -1, 2**53, CANARY + "\x00", {CANARY: CANARY}, ""),
    *([5], [[5]], [[0, 1, 2]], [["0", 1]], [[0, 16]], [{"0": 1}]),
)
CONVERTIBLE: Final = {bool: (0, 1, "true", 5), str: (5, True), list: (5, "ab"), dict: (5, "ab")}


@pytest.mark.parametrize("name", GOLDEN)
def test_mistyped_members_are_refused_and_nothing_is_converted(name: str) -> None:
    entry = parsed(name)
    for member, value in entry.items():
        others = (str(value), float(value), True) if type(value) is int else CONVERTIBLE[type(value)]
        for wrong in (*WRONG, *others):
            if wrong != "" or member not in MAY_BE_EMPTY:
                refused(canonical({**entry, member: wrong}))


@pytest.mark.parametrize("name", GOLDEN)
def test_texts_with_anything_more_are_refused(name: str) -> None:
    for member, value in parsed(name).items():
        if isinstance(value, str):
            for text in (value + "\n", value + "\x7f", "\x00" + value, " " + value, value + "\u00e9"):
                refused(canonical({**parsed(name), member: text}))


@pytest.mark.parametrize("name", ["unknown/1", "member-named/2", "member-named", "", "release/2", CANARY])
def test_unknown_types_are_refused(name: str) -> None:
    assert "known type" in refused(canonical({**parsed("member-named/1"), "type": name}))


@pytest.mark.parametrize("name", GOLDEN)
def test_no_type_is_read_as_another(name: str) -> None:
    for other in GOLDEN:
        if other != name and parsed(name).keys() != parsed(other).keys():
            refused(canonical({**parsed(name), "type": other}))


@pytest.mark.parametrize("name", GOLDEN)
def test_duplicate_members_are_refused(name: str) -> None:
    same = f'"type":{json.dumps(name)}'
    for twice in (f"{same},{same}", f'"type":"x",{same}', f'{same},"type":"x"'):
        refused(GOLDEN[name].replace(same, twice))
    at = '"at":"2026-01-02T03:04:05Z"'
    assert "canonical" in refused(GOLDEN[name].replace(at, f'"at":"2026-01-01T00:00:00Z",{at}'))


@pytest.mark.parametrize("name", GOLDEN)
def test_what_is_not_the_canonical_text_is_refused(name: str) -> None:
    text, members = GOLDEN[name], parsed(name)
    for wrong in (
        *(" " + text, text + "\n", text + " ", text.replace(":", ": ", 1), text + "{}", text + "\x00", text[:-1]),
        *(text.replace('"type"', '"\\u0074ype"'), text.replace("/", "\\/"), "\ufeff" + text, f"[{text}]"),
        json.dumps(dict(reversed(members.items())), separators=(",", ":")),
        json.dumps(members, sort_keys=True),
        text[:-1] + " " * MOST_LEAF_BYTES + "}",
    ):
        assert wrong != text
        refused(wrong)
    refused(text.encode("utf-16"))
    refused(text.encode() + b"\xff")


@pytest.mark.parametrize("text", ["", "null", "{}", "[]", "NaN", '"x"', "1" * 5_000, "[" * 100_000, '{"a":' * 100_000])
def test_texts_that_are_no_object_are_refused(text: str) -> None:
    refused(text)


@given(st.sampled_from(list(GOLDEN)), st.data())
def test_any_mutation_is_refused_or_another_canonical_entry(name: str, data: st.DataObject) -> None:
    text = GOLDEN[name]
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 4)))
    changed = (text[:start] + data.draw(st.text(max_size=4)) + text[end:]).encode()
    try:
        entry = read_entry(changed)
    except EntryRefused:
        return
    assert leaf(entry) == changed


@given(
    st.sampled_from(list(TYPES)), st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5), st.data()
)
def test_members_of_any_kind_bring_out_nothing_but_a_refusal(name: str, value: object, data: st.DataObject) -> None:
    changed = {**parsed(name), data.draw(st.sampled_from(list(parsed(name)))): value}
    with contextlib.suppress(EntryRefused):
        read_entry(json.dumps(changed).encode())
    with contextlib.suppress(ValidationError):
        TYPES[name].model_validate(changed)


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_a_bundle_is_unbundled(leaves: list[bytes]) -> None:
    assert list(unbundled(bundled(leaves))) == leaves


@pytest.mark.parametrize("data", [b"\x00", b"\x00\x02a", b"\x00\x01ab", b"\xff\xff"])
def test_a_bundle_that_is_cut_short_is_refused(data: bytes) -> None:
    with pytest.raises(EntryRefused, match="cut short"):
        list(unbundled(data))
