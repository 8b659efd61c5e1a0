"""Policies that cannot be are refused, with a message that names the rule and never a value."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from policy_builders import AMOUNT, GROUND, NOW, OURS, SECOND, context, deny, exists, grant, policy

from cleanroom.domain.fields import ACCOUNT, FieldClass
from cleanroom.domain.vocabulary import Form, Nomination, Reciprocity, Role
from cleanroom.policy.model import MOST_DATES, MOST_RULES, Effect, Ground, Policy, PolicyRefused, Rule, require_fits

NAIVE = datetime(2026, 7, 1)  # noqa: DTZ001 - what is refused

IMPOSSIBLE: dict[str, Callable[[], object]] = {
    "names no field": lambda: Rule(id="secret", effect=Effect.DENY),
    "grant without form": lambda: Rule(id="secret", effect=Effect.GRANT, fields=frozenset({"amount"})),
    "deny with form": lambda: Rule(id="secret", effect=Effect.DENY, fields=frozenset({"amount"}), form=Form.FULL),
    "account beside a field": lambda: deny("secret", ACCOUNT, "amount"),
    "account beside a class": lambda: deny("secret", ACCOUNT, "contact"),
    "account in full": lambda: grant("secret", ACCOUNT, form=Form.FULL),
    "a field that exists": lambda: grant("secret", "amount", form=Form.EXISTS),
    "hidden granted": lambda: grant("secret", "amount", form=Form.HIDDEN),
    "account for a role": lambda: exists("secret", roles=[Role.SELLER]),
    "account for nominated ones": lambda: exists("secret", nominations=[Nomination.MINE]),
    "account in return": lambda: exists("secret", reciprocity=Reciprocity.AT_LEAST),
    "ends as it begins": lambda: grant("secret", "amount", not_before=NOW, expires=NOW),
    "ends before": lambda: grant("secret", "amount", not_before=NOW, expires=NOW - SECOND),
    "a time without zone": lambda: grant("secret", "amount", expires=NAIVE),
    "half a second": lambda: grant("secret", "amount", not_before=NOW + SECOND / 2),
    "no id": lambda: grant("", "amount"),
    "an id of two lines": lambda: grant("two\nlines", "amount"),
    "one id twice": lambda: policy(OURS, grant("g", "amount"), deny("g", "stage")),
    "too many rules": lambda: policy(OURS, *(deny(f"d{n}", "amount") for n in range(MOST_RULES + 1))),
    "too many dates": lambda: policy(
        OURS, *(deny(f"d{n}", "amount", expires=NOW + timedelta(n)) for n in range(MOST_DATES + 1))
    ),
    "accepts a field that exists": lambda: policy(OURS, accepts={"amount": Form.EXISTS}),
    "a ceiling of account in full": lambda: policy(OURS, ceilings={ACCOUNT: Form.FULL}),
    "a context without zone": lambda: context(at=NAIVE),
    "two fields of one name": lambda: Ground(catalogue=(AMOUNT, AMOUNT), segments=("customers",)),
    "a field called like a class": lambda: Ground(catalogue=(replace(AMOUNT, name="contact"),), segments=()),
    "two segments of one name": lambda: Ground(catalogue=(), segments=("customers", "customers")),
    "an unknown field": lambda: require_fits(policy(OURS, deny("d", "secret")), GROUND),
    "an unknown segment": lambda: require_fits(policy(OURS, exists(segments=[("customers", "secret")])), GROUND),
    "accepts what is unknown": lambda: require_fits(policy(OURS, accepts={"secret": Form.FULL}), GROUND),
    "a ceiling on what is unknown": lambda: require_fits(policy(OURS, ceilings={"secret": Form.FULL}), GROUND),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_what_cannot_be_is_refused(case: str) -> None:
    with pytest.raises(PolicyRefused) as refused:
        IMPOSSIBLE[case]()
    assert refused.value.code == "policy_refused"
    assert "secret" not in str(refused.value).replace("rule secret", "")


def test_what_can_be_is_not() -> None:
    every = {ACCOUNT: Form.HIDDEN, "amount": Form.REDUCED, **{str(each): Form.FULL for each in FieldClass}}
    whole = policy(
        OURS,
        *(deny(f"d{n}", "amount", expires=NOW + timedelta(n)) for n in range(MOST_DATES)),
        *(deny(f"e{n}", "amount", "contact") for n in range(MOST_RULES - MOST_DATES)),
        accepts=every,
        ceilings=every,
    )
    require_fits(whole, GROUND)
    assert replace(whole) == whole


def test_a_policys_tables_cannot_change_afterwards() -> None:
    table = {"amount": Form.HIDDEN}
    frozen = Policy(owner=OURS, accepts=table)
    table["amount"] = Form.FULL
    assert frozen.accepts == {"amount": Form.HIDDEN}
    with pytest.raises(TypeError):
        frozen.accepts["amount"] = Form.FULL  # type: ignore[index]  # what is refused


def test_a_context_mirrored_twice_is_itself() -> None:
    for nomination in Nomination:
        assert context(nomination=nomination).mirrored().mirrored() == context(nomination=nomination)
    assert context(nomination=Nomination.MINE).mirrored().nomination is Nomination.THEIRS
