import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from golden import TEXTS, canonical
from hypothesis import given, settings
from policies_made import OWNER, policies

from cleanroom.domain.fields import FieldClass
from cleanroom.domain.vocabulary import Form, PartnerId
from cleanroom.messages.documents import DocumentRefused, read_document
from cleanroom.messages.policies import PolicyDocument, body_of, policy_of
from cleanroom.policy.model import MOST_RULES, Effect, Policy, PolicyRefused, Rule

CANARY = "kanarienvogel"
GOLDEN = TEXTS["policy/1"]


def parsed() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(GOLDEN)
    return found


def document(policy: Policy, **members: object) -> PolicyDocument:
    return PolicyDocument.model_validate({**parsed(), "owner": policy.owner, "body": body_of(policy), **members})


def refused(changed: dict[str, Any]) -> str:
    with pytest.raises(DocumentRefused) as refusal:
        read_document(PolicyDocument, canonical(changed))
    message = str(refusal.value)
    assert CANARY not in message
    return message


def body(**members: object) -> dict[str, Any]:
    return {**parsed(), "body": {**parsed()["body"], **members}}


def rule(number: int, **members: object) -> dict[str, Any]:
    rules = parsed()["body"]["rules"]
    return body(rules=[*rules[:number], {**rules[number], **members}, *rules[number + 1 :]])


def when(number: int, **members: object) -> dict[str, Any]:
    return rule(number, when={**parsed()["body"]["rules"][number]["when"], **members})


def deny(**members: Any) -> Rule:  # noqa: ANN401 - any member of a rule
    made: dict[str, Any] = {"id": "one", "effect": Effect.DENY, "fields": frozenset({"stage"}), **members}
    return Rule(**made)


# ---- there and back


@settings(max_examples=40, deadline=None)
@given(policies(with_notes=False))
def test_a_policy_comes_back_from_its_document_exactly(policy: Policy) -> None:
    text = document(policy).text()
    found = read_document(PolicyDocument, text)
    assert policy_of(found) == policy
    assert body_of(policy_of(found)) == found.body
    assert found.text() == text


@settings(max_examples=40, deadline=None)
@given(policies())
def test_notes_stay_at_home_and_change_no_byte(policy: Policy) -> None:
    silent = replace(policy, rules=tuple(replace(rule, note="") for rule in policy.rules))
    assert body_of(policy) == body_of(silent)
    assert policy_of(document(policy)) == silent


def test_a_note_is_not_in_the_text() -> None:
    assert CANARY not in document(Policy(owner=OWNER, rules=(deny(note=CANARY),))).text()


def test_the_golden_policy_says_what_was_meant() -> None:
    found = policy_of(read_document(PolicyDocument, GOLDEN))
    first, second, third = found.rules
    assert (first.form, first.fields) == (Form.FULL, frozenset({"amount", "owner"}))
    assert first.when.segments == {("customers", "prospects"), ("prospects", "customers")}
    assert (first.not_before, first.expires) == (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC))
    assert (second.form, second.recipient, second.expires) == (Form.EXISTS, None, None)
    assert (third.effect, third.form, third.classes) == (Effect.DENY, None, {FieldClass.FREE_TEXT})
    assert found.accepts == {"account": Form.EXISTS, "commercial": Form.FULL, "owner": Form.REDUCED}
    assert found.ceilings == {"notes": Form.HIDDEN}


# ---- one policy has one text


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("fields", ["owner", "amount"]),
        ("fields", ["amount", "amount"]),
        ("classes", ["identity", "commercial"]),
        ("classes", ["identity", "identity"]),
    ],
)
def test_sets_out_of_order_or_with_repeats_are_refused(member: str, value: list[str]) -> None:
    assert f"body.rules.0.{member}" in refused(rule(0, **{member: value}))


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("segments", [["prospects", "customers"], ["customers", "prospects"]]),
        ("segments", [["customers", "prospects"]] * 2),
        ("nominations", ["mine", "both"]),
        ("purposes", ["delivery", "co_sell"]),
        ("roles", ["seller", "partner_manager"]),
        ("roles", ["seller", "seller"]),
    ],
)
def test_conditions_out_of_order_or_with_repeats_are_refused(member: str, value: list[object]) -> None:
    assert f"body.rules.0.when.{member}" in refused(when(0, **{member: value}))


@pytest.mark.parametrize("table", ["accepts", "ceilings"])
def test_tables_out_of_order_or_with_repeats_are_refused(table: str) -> None:
    first, second = {"target": "amount", "form": "full"}, {"target": "owner", "form": "full"}
    read_document(PolicyDocument, canonical(body(**{table: [first, second]})))
    for entries in ([second, first], [first, first], [first, {**first, "form": "hidden"}]):
        assert f"body.{table}" in refused(body(**{table: entries}))


def test_the_order_of_rules_is_kept() -> None:
    ids = [deny(id=name) for name in ("b", "a", "c")]
    found = policy_of(document(Policy(owner=OWNER, rules=tuple(ids))))
    assert [rule.id for rule in found.rules] == ["b", "a", "c"]


# ---- what the language does not allow


@pytest.mark.parametrize(
    "changed",
    [
        rule(0, fields=[], classes=[]),
        rule(0, form=""),
        rule(2, form="full"),
        rule(0, form="hidden"),
        rule(0, form="exists"),
        rule(1, form="full"),
        rule(1, fields=["account", "amount"]),
        rule(1, classes=["identity"]),
        when(1, roles=["seller"]),
        when(1, nominations=["mine"]),
        when(1, reciprocity="at_least"),
        rule(0, expires="2026-01-01T00:00:00Z"),
        rule(0, not_before="1999-12-31T23:59:59Z"),
        rule(0, not_before="0999-12-31T23:59:59Z"),
        rule(0, id="Pipeline"),
        rule(0, id=""),
        rule(0, id="x" * 41),
        rule(0, id=CANARY + "!"),
        rule(0, effect="allow"),
        rule(0, fields=["Amount"]),
        rule(0, classes=[CANARY]),
        when(0, segments=[["customers"]]),
        when(0, segments=[["customers", "customers", "customers"]]),
        when(0, roles=[CANARY]),
        rule(0, note=CANARY),
        rule(0, id="known"),
        body(accepts=[{"target": "account", "form": "full"}]),
        body(accepts=[{"target": "stage", "form": "exists"}]),
        body(ceilings=[{"target": "stage", "form": CANARY}]),
    ],
)
def test_what_the_language_does_not_allow_is_refused_on_reading(changed: dict[str, Any]) -> None:
    assert "body" in refused(changed)


def test_a_thousand_rules_are_read_and_one_more_is_not() -> None:
    most = tuple(deny(id=f"r{number}") for number in range(MOST_RULES))
    text = document(Policy(owner=OWNER, rules=most)).text()
    assert len(policy_of(read_document(PolicyDocument, text)).rules) == MOST_RULES
    rules = json.loads(text)["body"]["rules"]
    assert "body.rules" in refused(body(rules=[*rules, {**rules[0], "id": "one-more"}]))


# ---- who wrote it, after which


@pytest.mark.parametrize(
    "members",
    [
        {"version": 1},
        {"previous": ""},
        {"version": 0, "previous": ""},
        {"author": ""},
        {"owner": CANARY},
        {"roster": ""},
        {"fresh_epoch": 1},
    ],
)
def test_inconsistent_documents_are_refused(members: dict[str, object]) -> None:
    refused({**parsed(), **members})


@pytest.mark.parametrize(
    "members",
    [
        {"version": 1, "previous": ""},
        {"fresh_epoch": False},
    ],
)
def test_documents_at_their_limits_are_read(members: dict[str, object]) -> None:
    read_document(PolicyDocument, canonical({**parsed(), **members}))


# ---- what cannot be written


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        (deny(id="Not A Name " + CANARY), "rule number 1: cannot be written in a document: id"),
        (deny(fields=frozenset({"Größe"})), "fields.0"),
        (deny(recipient=PartnerId(CANARY)), "recipient"),
        (deny(expires=datetime(1999, 1, 1, tzinfo=UTC)), "as a whole"),
        (deny(expires=datetime(999, 1, 1, tzinfo=UTC)), "expires"),
    ],
)
def test_a_policy_that_no_document_can_hold_is_refused_without_its_values(rule: Rule, place: str) -> None:
    with pytest.raises(PolicyRefused) as refusal:
        body_of(Policy(owner=OWNER, rules=(rule,)))
    assert place in str(refusal.value)
    assert CANARY not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_a_table_that_no_document_can_hold_is_refused() -> None:
    with pytest.raises(PolicyRefused) as refusal:
        body_of(Policy(owner=OWNER, accepts={CANARY + "!": Form.FULL}))
    assert CANARY not in str(refusal.value)
