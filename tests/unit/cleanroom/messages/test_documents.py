import copy
import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from golden import DOCUMENTS, RETIRED, TEXTS, TYPES, canonical, load
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cleanroom.domain.vocabulary import PartnerId
from cleanroom.messages import api
from cleanroom.messages.documents import Document, DocumentRefused, Wire, digest_of, instant, moment, read_document
from cleanroom.messages.lists import EarlierAnswer
from cleanroom.messages.rooms import EarlierTerms, Terms, UnbudgetedTerms
from matching.rule import CERTAIN, LIKELY

CANARY = "kanarienvogel"
BODIES: dict[str, str] = load("bodies.json")
# A first version has none before it, bands of every other currency no name, a rule no recipient or limit in time.
MAY_BE_EMPTY = {"previous", "currency", "recipient", "not_before", "expires"}


def parsed(document_type: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(TEXTS[document_type])
    return found


def refused(document_type: str, text: str) -> str:
    with pytest.raises(DocumentRefused) as refusal:
        read_document(TYPES[document_type], text)
    message = str(refusal.value)
    assert CANARY not in message
    assert len(message) < 2000
    assert refusal.value.__cause__ is None
    return message


def paths(value: object, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every member and item, at any depth."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for name, inner in items for path in ((*at, name), *paths(inner, (*at, name)))]


def replaced(value: Any, path: tuple[str | int, ...], new: object) -> Any:  # noqa: ANN401 - JSON
    changed = copy.deepcopy(value)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = new
    return changed


# ---- golden bytes


def below(kind: type[Document]) -> set[type[Document]]:
    children = kind.__subclasses__()
    return {*children, *(each for child in children for each in below(child))}


def test_every_document_type_has_golden_bytes() -> None:
    ours = {kind for kind in below(Document) if kind.__module__.startswith("cleanroom.") and not below(kind)}
    # What an audit reads of earlier releases stands among the texts that nobody else reads.
    earlier = {"terms/2": EarlierTerms, "terms/3": UnbudgetedTerms, "answer/1": EarlierAnswer}
    assert ours == {*TYPES.values(), *earlier.values()}
    assert all(read_document(kind, RETIRED[name]).text() == RETIRED[name] for name, kind in earlier.items())
    assert [case["type"] for case in DOCUMENTS] == list(TYPES)
    assert all(kind.model_fields["type"].default == name for name, kind in TYPES.items())


@pytest.mark.parametrize("case", DOCUMENTS, ids=lambda case: case["type"])
def test_golden_texts_are_read_and_written_again(case: dict[str, Any]) -> None:
    assert set(case) == {"type", "text", "sha256", "signatures"}
    document = read_document(TYPES[case["type"]], case["text"])
    assert document.text() == case["text"] == canonical(json.loads(case["text"]))
    assert document.digest() == digest_of(case["text"]) == case["sha256"]
    assert hashlib.sha256(case["text"].encode()).hexdigest() == case["sha256"]
    built = TYPES[case["type"]].model_validate(json.loads(case["text"]))
    assert built == document
    assert built.text() == case["text"]


def test_every_body_has_golden_bytes() -> None:
    ours = {
        name
        for name, kind in vars(api).items()
        if isinstance(kind, type) and issubclass(kind, Wire) and kind.__module__ == api.__name__
    }
    assert ours == set(BODIES)


@pytest.mark.parametrize("name", BODIES)
def test_golden_bodies_are_read_and_written_again(name: str) -> None:
    kind: type[Wire] = getattr(api, name)
    assert kind.model_validate_json(BODIES[name]).model_dump_json() == BODIES[name]


@pytest.mark.parametrize("name", BODIES)
def test_bodies_are_strict(name: str) -> None:
    kind: type[Wire] = getattr(api, name)
    body = json.loads(BODIES[name])
    wrong = [{**body, "extra": 1}, [body], None, *(replaced(body, path, {"x": []}) for path in paths(body))]
    wrong += [
        {member: value for member, value in body.items() if member != left_out}
        for left_out in body
        if left_out != "protocol"
    ]
    for value in wrong:
        with pytest.raises(ValidationError):
            kind.model_validate_json(json.dumps(value))
    with pytest.raises(ValidationError):
        kind.model_validate_json(BODIES[name] + "{}")


@pytest.mark.parametrize("wrong", ['"7"', "7.0", "true", "null", "-1"])
def test_numbers_of_bodies_are_not_converted(wrong: str) -> None:
    with pytest.raises(ValidationError):
        api.Changes.model_validate_json(f'{{"change":{wrong}}}')


# ---- strictness, for every type and every member


@pytest.mark.parametrize("name", TYPES)
def test_unknown_members_are_refused_and_not_repeated(name: str) -> None:
    document = parsed(name)
    objects = [(), *(path for path in paths(document) if isinstance(_at(document, path), dict))]
    for path in objects:
        message = refused(name, canonical(replaced(document, (*path, CANARY), CANARY)))
        assert "an unknown member" in message or "withheld" in message or "companies" in message


def _at(value: Any, path: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - JSON
    for step in path:
        value = value[step]
    return value


@pytest.mark.parametrize("name", TYPES)
def test_missing_members_are_refused(name: str) -> None:
    document = parsed(name)
    for path in paths(document):
        if isinstance(path[-1], str):
            without = copy.deepcopy(document)
            del _at(without, path[:-1])[path[-1]]
            refused(name, canonical(without))


@pytest.mark.parametrize("name", TYPES)
def test_members_of_another_type_are_refused(name: str) -> None:
    document = parsed(name)
    for path in paths(document):
        for wrong in (None, True, 1.5, -1, CANARY + "\x00", [CANARY + "\x00"], {CANARY: CANARY}, [[]], ""):
            if wrong == "" and path[-1] in MAY_BE_EMPTY:
                continue
            if wrong != _at(document, path):
                refused(name, canonical(replaced(document, path, wrong)))


@pytest.mark.parametrize("name", TYPES)
def test_numbers_written_as_text_or_fractions_and_text_as_numbers_are_refused(name: str) -> None:
    document = parsed(name)
    for path in paths(document):
        value = _at(document, path)
        if isinstance(value, int):
            for wrong in (str(value), float(value), value + 2**53):
                refused(name, canonical(replaced(document, path, wrong)))
        elif isinstance(value, str):
            for wrong_text in (value + "\n", value + "\x7f", value + " \u2028", "\u202e" + value):
                refused(name, canonical(replaced(document, path, wrong_text)))


@pytest.mark.parametrize("name", TYPES)
def test_duplicate_members_are_refused(name: str) -> None:
    """JSON parsers differ in which of two members they take; whichever it is, the text is not canonical."""
    text, same = TEXTS[name], f'"type":{json.dumps(name)}'
    for other in (f"{same},{same}", f'"type":{json.dumps(CANARY)},{same}', f'{same},"type":{json.dumps(CANARY)}'):
        assert same in text
        refused(name, text.replace(same, other))
    assert "canonical" in refused(name, text.replace(same, f"{same},{same}"))


@pytest.mark.parametrize("name", TYPES)
def test_texts_that_are_not_the_canonical_one_are_refused(name: str) -> None:
    text = TEXTS[name]
    members = json.loads(text)
    others = [
        " " + text,
        text + "\n",
        text.replace(":", ": ", 1),
        text.replace('"type"', '"\\u0074ype"', 1),
        text.replace(name, name.replace("/", "\\/")),
        json.dumps(members, ensure_ascii=False),
        json.dumps(dict(reversed(members.items())), ensure_ascii=False, separators=(",", ":")),
        "\ufeff" + text,
        text + "{}",
        text + "\x00",
        text[:-1],
        text[1:],
        f"[{text}]",
        json.dumps(text),
        "",
        "null",
        "{}",
        "NaN",
        "\ud800",
        '{"type":"\\ud800"}',
        "[" * 100_000,
        '{"a":' * 100_000,
        "1" * 5000,
    ]
    for other in others:
        assert other != text
        refused(name, other)


@pytest.mark.parametrize("name", RETIRED)
def test_texts_of_types_that_are_gone_are_refused(name: str) -> None:
    assert name not in TYPES
    for kind in TYPES.values():
        with pytest.raises(DocumentRefused):
            read_document(kind, RETIRED[name])


@pytest.mark.parametrize("name", TYPES)
def test_no_type_is_read_as_another(name: str) -> None:
    for other in TYPES:
        if other != name:
            refused(name, TEXTS[other])
            refused(name, canonical({**parsed(name), "type": other}))


def test_ten_megabytes_of_garbage_are_refused_shortly() -> None:
    for garbage in (CANARY * 800_000, json.dumps({CANARY * 800_000: 1}), json.dumps({"room": CANARY * 800_000})):
        refused("withdrawal/1", garbage)
    many = {**parsed("snapshot/2"), "chunks": [CANARY] * 90_000}
    assert "and 89992 more" in refused("snapshot/2", canonical(many))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(list(TYPES)), st.data())
def test_any_mutation_is_refused(name: str, data: st.DataObject) -> None:
    text = TEXTS[name]
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 4)))
    changed = text[:start] + data.draw(st.text(max_size=4)) + text[end:]
    try:
        document = read_document(TYPES[name], changed)
    except DocumentRefused:
        return
    assert document.text() == changed


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(list(TYPES)),
    st.one_of(
        st.text(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=10,
        ).map(json.dumps),
    ),
)
def test_any_text_is_refused_and_nothing_else_comes_out(name: str, text: str) -> None:
    with pytest.raises(DocumentRefused):
        read_document(TYPES[name], text)


# ---- moments, titles, terms


@pytest.mark.parametrize(
    "text",
    [
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-06-30T23:59:60Z",
        "0000-01-01T00:00:00Z",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00+00:00",
        "2026-01-01T00:00:00.5Z",
        "2026-01-01t00:00:00z",
        "2026-01-01 00:00:00Z",
        "٢٠٢٦-01-01T00:00:00Z",
        "2026-1-1T00:00:00Z",
    ],
)
def test_moments_that_do_not_exist_or_are_written_otherwise_are_refused(text: str) -> None:
    for name, member in (("withdrawal/1", "created"), ("snapshot/2", "created"), ("answer/2", "edge")):
        message = refused(name, canonical({**parsed(name), member: text}))
        assert member in message
        assert text not in message


@given(st.datetimes(min_value=datetime(1000, 1, 1), max_value=datetime(9998, 1, 1)))  # noqa: DTZ001 - put into UTC below
def test_moments_and_their_texts(naive: datetime) -> None:
    there = naive.replace(tzinfo=UTC)
    assert moment(instant(there)) == there.replace(microsecond=0)
    assert instant(there.astimezone(timezone(timedelta(hours=5, minutes=30)))) == instant(there)


@pytest.mark.parametrize(
    "title", ["", "a\x00b", "a\tb", "a\x9b31mb", "a\u202eb", "a\u2066b", "a\u2028b", "\x7f", "x" * 201]
)
def test_titles_that_could_fool_a_screen_are_refused(title: str) -> None:
    refused("terms/4", canonical({**parsed("terms/4"), "title": title}))


@pytest.mark.parametrize("title", ["x", "x" * 200, "Société Générale", "日本電気", "A & B (Ü) 10%"])
def test_titles_in_any_language_are_read(title: str) -> None:
    assert read_document(Terms, canonical({**parsed("terms/4"), "title": title})).title == title


def changed_terms(**members: object) -> str:
    return canonical({**parsed("terms/4"), **members})


def test_inconsistent_terms_are_refused() -> None:
    terms = parsed("terms/4")
    first, second = terms["members"]
    for members in (
        {"members": [first, first]},
        {"members": [first]},
        {"members": [first, second, {**second, "partner": "0" * 32}]},
        {"members": []},
        {"kinds": [terms["kinds"][0]] * 2},
        {"kinds": []},
        {"kinds": [{**terms["kinds"][0], "kind": CANARY}]},
        {"tiers": []},
        {"tiers": ["likely"]},
        {"tiers": ["likely", "certain"]},
        {"tiers": ["certain", "certain"]},
        {"tiers": ["certain", "possible"]},
        {"tiers": "certain"},
        {"rule": ""},
        {"segments": ["customers", "customers"]},
        {"segments": []},
        {"segments": [f"s{n}" for n in range(17)]},
        {"segments": ["Customers"]},
        {"counting": {"mode": "exact", "floor": 0, "caps": "budget"}},
        {"counting": {"mode": CANARY, "floor": 10, "caps": "budget"}},
        {"counting": {"mode": "standard", "floor": 10, "caps": "unsafe_none"}},
        {"counting": {"mode": "exact", "floor": 10}},
        {"declared": [1, terms["quota"] + 1]},
        {"declared": [0, 1]},
        {"declared": [1]},
        {"host": "0" * 32},
        {"new_tokens": {**terms["new_tokens"], "count_from": "now"}},
        {"limits": {**terms["limits"], "distinct_percent": 99}},
        {"minimum_population": 0},
        {"epoch_days": 0},
        {"epoch_days": 367},
        {"answer_interval": 0},
        {"answer_interval": 59},
        {"answer_interval": "every_push"},
        {"quota": 0},
        {"version": 0},
        {"version": 1},
        {"version": 2, "previous": ""},
        {"expires": terms["starts"]},
        {"expires": "2025-01-01T00:00:00Z"},
    ):
        refused("terms/4", changed_terms(**members))


@pytest.mark.parametrize(("tiers", "least"), [(["certain"], CERTAIN), (["certain", "likely"], LIKELY)])
def test_terms_say_which_tiers_count(tiers: list[str], least: int) -> None:
    assert read_document(Terms, changed_terms(tiers=tiers)).least == least


def terms_field(field: dict[str, Any], **members: object) -> dict[str, Any]:
    return {**field, **members}


def test_fields_of_the_catalogue_that_cannot_be_are_refused() -> None:
    fields = parsed("terms/4")["fields"]
    amount = next(field for field in fields if field["name"] == "amount")
    for members in (
        {"name": "account"},
        {"name": "Amount"},
        {"type": "text"},
        {"reduced": "quarter"},
        {"reduced": "none"},
        {"bands": []},
        {"bands": [{"currency": "JPY", "edges": [1]}]},
        {"bands": [{"currency": "", "edges": []}]},
        {"bands": [{"currency": "", "edges": [2, 1]}]},
        {"bands": [{"currency": "", "edges": [1, 1]}]},
        {"bands": [{"currency": "", "edges": [1]}, {"currency": "", "edges": [2]}]},
        {"bands": [{"currency": "eur", "edges": [1]}]},
        {"ceiling": "exists"},
        {"ceiling": CANARY},
    ):
        message = refused("terms/4", changed_terms(fields=[terms_field(amount, **members)]))
        assert "fields.0" in message
    refused("terms/4", changed_terms(fields=[amount, amount]))
    refused("terms/4", changed_terms(use=CANARY))


def test_terms_at_their_limits_are_read() -> None:
    amount = next(field for field in parsed("terms/4")["fields"] if field["name"] == "amount")
    for members in (
        {"version": 1, "previous": ""},
        {"answer_interval": "unsafe_every_push"},
        {"answer_interval": 60},
        {"epoch_days": 366},
        {"segments": [f"s{n}" for n in range(16)]},
        {"counting": {"mode": "exact", "floor": 1, "caps": "unsafe_none"}},
        {"declared": [1, parsed("terms/4")["quota"]]},
        {"host": parsed("terms/4")["members"][1]["partner"]},
        {"fields": []},
        {"fields": [terms_field(amount, bands=[{"currency": "", "edges": [0]}])]},
        {"fields": [terms_field(amount, bands=[], reduced="none", ceiling="hidden")]},
    ):
        read_document(Terms, changed_terms(**members))


def test_an_answer_whose_matrix_does_not_fit_its_segments_is_refused() -> None:
    answer = parsed("answer/2")
    first, second = answer["lists"]
    for members in (
        {"cells": []},
        {"cells": answer["cells"][:1]},
        {"cells": [*answer["cells"], answer["cells"][0]]},
        {"cells": [answer["cells"][0], answer["cells"][1][:1]]},
        {"segments": ["customers"]},
        {"lists": [first, {**second, "segments": ["20 to 50"]}]},
        {"lists": [first, {**second, "partner": first["partner"]}]},
        {"lists": [first]},
    ):
        refused("answer/2", canonical({**answer, **members}))


def test_a_withheld_cell_cannot_carry_a_number() -> None:
    answer = parsed("answer/2")
    (shown, withheld), row = answer["cells"]
    for cell in (
        {**withheld, **shown},
        {"withheld": "9"},
        {"withheld": 9},
        {"withheld": None},
        {"companies": None},
        {},
        {**withheld, "size": 9},
        9,
    ):
        refused("answer/2", canonical({**answer, "cells": [[shown, cell], row]}))


def test_epochs_count_from_the_start() -> None:
    terms = read_document(Terms, TEXTS["terms/4"])
    starts, day = moment(terms.starts), timedelta(days=1)
    second = timedelta(seconds=1)
    ends = starts + 30 * day
    found = [
        terms.epoch_at(now, fresh=0)
        for now in (starts - day, starts, ends - second, ends, ends + 30 * day - second, ends + 30 * day)
    ]
    assert found == [0, 0, 0, 1, 1, 2]
    assert [terms.epoch_at(now, fresh=3) for now in (starts - day, starts, ends)] == [3, 3, 4]


def test_members_are_found_by_name() -> None:
    terms = read_document(Terms, TEXTS["terms/4"])
    first, second = terms.members
    assert (terms.other(first.partner), terms.other(second.partner)) == (second, first)
    assert terms.member(second.partner) == second
    with pytest.raises(DocumentRefused):
        terms.member(PartnerId("f" * 32))
