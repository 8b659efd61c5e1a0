"""Policies of every shape that the language allows, made at random."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from cleanroom.domain.fields import ACCOUNT, FieldClass
from cleanroom.domain.vocabulary import Form, Nomination, PartnerId, Purpose, Reciprocity, Role
from cleanroom.messages.strict_yaml import FORBIDDEN
from cleanroom.policy.model import ACCOUNT_FORMS, FIELD_FORMS, Effect, Policy, Rule, When

OWNER = PartnerId("0a" * 16)
PARTNERS = {
    "Globex": PartnerId("0b" * 16),
    "Initech, “the other”: #1": PartnerId("0c" * 16),
    "no": PartnerId("0d" * 16),
    "0e" * 16: PartnerId("ee" * 16),  # a name that looks like an id never stands for another partner
}
SEGMENTS = ("customers", "open_opportunities", "prospects")
FIELDS = ("stage", "amount", "owner", "no", "on", "y", "null")  # words that YAML tools turn into something else

moments = st.integers(0, 10**9).map(lambda seconds: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
days = st.integers(0, 10**4).map(lambda days: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(days=days))
ids = st.from_regex(r"[a-z][a-z0-9_-]{0,39}", fullmatch=True)
recipients = st.none() | st.sampled_from([*PARTNERS.values(), PartnerId("f" * 32)])


def notes() -> st.SearchStrategy[str]:
    return st.text(max_size=60).filter(lambda text: not FORBIDDEN.search(text))


@st.composite
def rules(draw: st.DrawFn, *, with_notes: bool) -> Rule:
    about_account = draw(st.booleans())
    effect = draw(st.sampled_from(Effect))
    forms = (ACCOUNT_FORMS if about_account else FIELD_FORMS)[1:]
    fields = draw(st.frozensets(st.sampled_from(FIELDS)))
    classes = draw(st.frozensets(st.sampled_from(FieldClass), min_size=0 if fields else 1))
    begins, ends = draw(st.tuples(moments | days, moments | days).filter(lambda pair: pair[0] < pair[1]))
    when = When(
        segments=draw(st.frozensets(st.tuples(*[st.sampled_from(SEGMENTS)] * 2), max_size=3)),
        nominations=frozenset() if about_account else draw(st.frozensets(st.sampled_from(Nomination))),
        purposes=draw(st.frozensets(st.sampled_from(Purpose))),
        roles=frozenset() if about_account else draw(st.frozensets(st.sampled_from(Role))),
        reciprocity=Reciprocity.NONE if about_account else draw(st.sampled_from(Reciprocity)),
    )
    return Rule(
        id=draw(ids),
        effect=effect,
        fields=frozenset({ACCOUNT}) if about_account else fields,
        classes=frozenset() if about_account else classes,
        form=draw(st.sampled_from(forms)) if effect is Effect.GRANT else None,
        recipient=draw(recipients),
        when=when,
        not_before=draw(st.sampled_from([None, begins])),
        expires=draw(st.sampled_from([None, ends])),
        note=draw(notes()) if with_notes else "",
    )


def tables() -> st.SearchStrategy[dict[str, Form]]:
    entries = st.fixed_dictionaries(
        {},
        optional={
            ACCOUNT: st.sampled_from(ACCOUNT_FORMS),
            **{str(target): st.sampled_from(FIELD_FORMS) for target in (*FIELDS, *FieldClass)},
        },
    )
    return entries.map(dict)


@st.composite
def policies(draw: st.DrawFn, *, with_notes: bool = True) -> Policy:
    found = draw(st.lists(rules(with_notes=with_notes), max_size=4, unique_by=lambda rule: rule.id))
    return Policy(owner=OWNER, rules=tuple(found), accepts=draw(tables()), ceilings=draw(tables()))
