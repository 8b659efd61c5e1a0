"""Each warning seen firing, and not firing on the nearest policy that is right."""

import pytest
from hypothesis import given, settings
from policy_builders import DAY, EVERYTHING, GROUND, NOW, OTHER, OURS, THEIRS, deny, exists, grant, policy
from policy_strategies import policies

from cleanroom.domain.fields import ACCOUNT
from cleanroom.domain.vocabulary import Form, Nomination, Reciprocity, Role
from cleanroom.policy.model import Policy, Rule
from cleanroom.policy.warnings import Code, PolicyWarning, warnings

LATER = NOW + DAY
EXISTENCE = exists(expires=LATER)
REDUCED, LEAST, SAME = Form.REDUCED, Reciprocity.AT_LEAST, Reciprocity.SAME_FORM
NOT_SELLERS = [role for role in Role if role is not Role.SELLER]


def g(name: str, *targets: str, **more: object) -> Rule:
    """A grant that ends."""
    return grant(name, *targets, **{"expires": LATER, **more})  # type: ignore[arg-type]  # as a test says


def p(*rules: Rule, **tables: dict[str, Form]) -> Policy:
    return policy(OURS, EXISTENCE, *rules, **tables)


PAIRS: dict[Code, list[tuple[Policy, Policy]]] = {
    Code.FREE_TEXT_IN_FULL: [
        (p(g("r", "notes")), p(g("r", "stage"))),
        (p(g("r", "free_text")), p(g("r", "free_text"), ceilings={"notes": REDUCED})),
        (p(g("r", "notes")), p(g("r", "notes"), deny("d", "notes"))),
    ],
    Code.NO_EXPIRY: [(p(grant("r", "amount")), p(g("r", "amount"), deny("d", "stage")))],
    Code.CONTACT_TO_SELLERS: [
        (p(g("r", "owner_email")), p(g("r", "owner_email", roles=NOT_SELLERS))),
        (p(g("r", "contact", form=REDUCED)), p(g("r", "contact"), deny("d", "owner_email", roles=[Role.SELLER]))),
    ],
    Code.CLASS_RULE: [(p(g("r", "commercial")), p(g("r", "amount", "stage"), deny("d", "commercial")))],
    Code.EXPIRED: [(p(g("r", "amount", expires=NOW)), p(g("r", "amount")))],
    Code.SEGMENT_UNKNOWN: [
        (
            p(g("r", "amount", segments=[("customers", "gone")])),
            p(g("r", "amount", segments=[("customers", "customers")])),
        ),
        (p(deny("r", "amount", segments=[("gone", "gone")])), p(deny("r", "amount"))),
    ],
    Code.NOTHING_COVERED: [(p(g("r", "identity")), p(g("r", "contact"))), (p(g("r", "gone")), p(g("r", "amount")))],
    Code.RECIPIENT_NOBODY: [
        (p(g("r", "amount", recipient=OTHER)), p(g("r", "amount", recipient=THEIRS))),
        (p(g("r", "amount", recipient=OURS)), p(g("r", "amount"))),
    ],
    Code.HIDDEN_BY_DENY: [
        (p(g("r", "amount"), deny("d", "commercial")), p(g("r", "amount", "owner_email"), deny("d", "commercial"))),
        (
            p(g("r", "amount"), deny("d", "amount", roles=[Role.SELLER]), deny("e", "amount", roles=NOT_SELLERS)),
            p(g("r", "amount"), deny("d", "amount", roles=[Role.SELLER]), deny("e", "amount", roles=NOT_SELLERS[1:])),
        ),
        (
            p(g("r", "amount"), deny("d", "amount", expires=LATER)),
            p(g("r", "amount"), deny("d", "amount", expires=LATER - DAY / 2)),
        ),
        (
            p(g("r", "amount"), deny("d", "amount", recipient=None)),
            p(g("r", "amount"), deny("d", "amount", recipient=THEIRS)),
        ),
    ],
    Code.HIDDEN_BY_GRANT: [
        (
            p(g("r", "amount", form=REDUCED), g("h", "amount")),
            p(g("r", "amount", form=REDUCED), g("h", "amount", roles=[Role.SELLER])),
        ),
        (p(g("h", "amount"), g("r", "amount")), p(g("h", "amount"), g("r", "amount", "stage"))),
        (
            p(g("r", "amount", reciprocity=LEAST), g("h", "amount")),
            p(g("r", "amount", reciprocity=LEAST), g("h", "amount", form=REDUCED)),
        ),
        (
            p(g("r", "amount", roles=[Role.SELLER]), g("h", "amount")),
            p(g("r", "amount", roles=[Role.SELLER]), g("h", "amount", nominations=[Nomination.MINE])),
        ),
    ],
    Code.CAPPED_BY_CEILING: [
        (
            p(g("r", "amount"), ceilings={"amount": REDUCED}),
            p(g("r", "amount", form=REDUCED), ceilings={"amount": REDUCED}),
        ),
    ],
    Code.CAPPED_BY_TERMS: [(p(g("r", "owner_email")), p(g("r", "owner_email", form=REDUCED)))],
    Code.NO_REDUCED_FORM: [(p(g("r", "stage", form=REDUCED)), p(g("r", "amount", form=REDUCED)))],
    Code.NEVER_RETURNED: [
        (
            p(g("r", "amount", reciprocity=SAME), accepts={ACCOUNT: Form.EXISTS, "amount": REDUCED}),
            p(g("r", "amount", reciprocity=SAME, form=REDUCED), accepts={ACCOUNT: Form.EXISTS, "amount": REDUCED}),
        ),
        (
            p(g("r", "amount", reciprocity=LEAST), accepts={ACCOUNT: Form.EXISTS}),
            p(g("r", "amount", reciprocity=LEAST)),
        ),
    ],
    Code.NO_EXISTENCE: [
        (policy(OURS, g("r", "amount")), p(g("r", "amount"))),
        (p(g("r", "amount"), accepts={"amount": Form.FULL}), p(g("r", "amount"), accepts=EVERYTHING)),
        (
            policy(
                OURS,
                exists(segments=[("customers", "customers")], expires=LATER),
                g("r", "amount", segments=[("prospects", "prospects")]),
            ),
            policy(OURS, exists(segments=[("customers", "customers")], expires=LATER), g("r", "amount")),
        ),
    ],
}


def found(policy: Policy, code: Code) -> list[PolicyWarning]:
    return [each for each in warnings(policy, GROUND, NOW, recipient=THEIRS) if each.code is code and each.rule == "r"]


@pytest.mark.parametrize(
    ("code", "fires", "silent"), [(code, *pair) for code, pairs in PAIRS.items() for pair in pairs]
)
def test_a_warning_fires_and_does_not(code: Code, fires: Policy, silent: Policy) -> None:
    (warning,) = found(fires, code)
    assert warning.words.startswith("rule r ")
    assert found(silent, code) == []
    assert all(each.code is not code for each in warnings(silent, GROUND, NOW, recipient=THEIRS))


def test_every_code_is_tested() -> None:
    assert set(PAIRS) == set(Code)


def test_a_sound_policy_has_no_warning() -> None:
    assert warnings(p(g("r", "amount"), deny("d", "notes")), GROUND, NOW) == ()


def test_who_hides_a_rule_is_named() -> None:
    (warning,) = found(p(g("r", "amount"), deny("d", "amount"), deny("e", "stage")), Code.HIDDEN_BY_DENY)
    assert warning.by == ("d",)
    assert warning.words == "rule r grants nothing: wherever it applies, a deny does too: d"


def test_fields_that_a_warning_is_about_are_named() -> None:
    (warning,) = found(p(g("r", "commercial", form=REDUCED)), Code.NO_REDUCED_FORM)
    assert warning.fields == ("stage",)


def test_a_rule_for_whoever_comes_is_not_for_nobody_while_the_other_side_is_unknown() -> None:
    codes = {each.code for each in warnings(p(g("r", "amount", recipient=OTHER)), GROUND, NOW)}
    assert Code.RECIPIENT_NOBODY not in codes


@settings(max_examples=40)
@given(policies(OURS))
def test_any_policy_can_be_reviewed(policy: Policy) -> None:
    ids = [rule.id for rule in policy.rules]
    order = [ids.index(each.rule) for each in warnings(policy, GROUND, NOW)]
    assert order == sorted(order)
