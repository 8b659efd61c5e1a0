"""Why a field is shown as it is: what decides, the rules that force it, and the grant that came nearest to more."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cleanroom.domain.fields import Field
from cleanroom.domain.vocabulary import Form, PartnerId
from cleanroom.policy.conditions import Condition, covers, failing
from cleanroom.policy.evaluate import Sides, reciprocated
from cleanroom.policy.forcing import RuleName, forcing_rules
from cleanroom.policy.limits import Limit, cap, limits, possible
from cleanroom.policy.model import LEVEL, Context, Effect, Rule

_MOST: Final = 2  # the level of the highest form of any field


class Decider(StrEnum):
    """What decides a form. Where several would, the one that needs the fewest rules."""

    GRANTED = "granted"
    SIGNED = "signed"  # `account` is count because the terms are signed
    LIMITED = "limited"
    NOT_GRANTED = "not_granted"
    DENIED = "denied"
    OWNER_EXISTENCE = "owner_existence"  # the owner does not let the recipient know which accounts match
    RECIPIENT_EXISTENCE = "recipient_existence"  # nor the other way round; existence is mutual
    RECIPROCITY = "reciprocity"


_WORDS: Final = {
    Decider.GRANTED: "a rule grants it",
    Decider.SIGNED: "signing the terms grants it, and no rule grants more",
    Decider.LIMITED: "a limit allows no more",
    Decider.NOT_GRANTED: "no rule grants it here",
    Decider.DENIED: "a rule denies it, and a deny wins",
    Decider.OWNER_EXISTENCE: "the owner does not show which accounts match here, and without that no field is shown",
    Decider.RECIPIENT_EXISTENCE: "the recipient does not show which accounts match here, and existence is mutual",
    Decider.RECIPROCITY: "the counterpart does not show in return what a rule asks for",
}
_LIMIT_WORDS: Final = {
    Limit.CEILING: "the owner's own ceiling",
    Limit.ACCEPTS: "what the other side accepts",
    Limit.TERMS: "the room's terms",
    Limit.SYSTEM: "the system",
    Limit.NO_REDUCED_FORM: "the field itself: it has no reduced form",
}
_CONDITION_WORDS: Final = {
    Condition.RECIPIENT: "it is for another recipient",
    Condition.SEGMENTS: "it is for other segments",
    Condition.NOMINATION: "it is for accounts nominated otherwise",
    Condition.PURPOSE: "it is for another purpose",
    Condition.ROLE: "it is for other roles",
    Condition.NOT_YET: "it has not begun",
    Condition.EXPIRED: "it has expired",
    Condition.RECIPROCITY: "the counterpart does not return what it asks for",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A grant that would show more, and the conditions that keep it from that."""

    name: RuleName
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One decision. `limits` are those that bind, where a limit has a part in it."""

    field: str
    context: Context
    form: Form
    decider: Decider
    limits: tuple[Limit, ...]
    rules: tuple[RuleName, ...]
    missed: Missed | None
    owner: PartnerId

    def lines(self) -> tuple[str, ...]:
        """The explanation in plain words, one sentence a line."""
        return (
            f"{self.field} is {self.form}: {_WORDS[self.decider]}.",
            *(f"It is limited by {_LIMIT_WORDS[limit]}." for limit in self.limits),
            *(f"Forced by {self._whose(name)} rule {name.rule}." for name in self.rules),
            *self._missed_lines(),
        )

    def _missed_lines(self) -> tuple[str, ...]:
        if self.missed is None:
            return ()
        reasons = ", ".join(_CONDITION_WORDS[condition] for condition in self.missed.conditions)
        name = self.missed.name
        return (f"{self._whose(name).capitalize()} rule {name.rule} would show more, but {reasons}.",)

    def _whose(self, name: RuleName) -> str:
        return "the owner's" if name.partner == self.owner else "the recipient's"


def explain(sides: Sides, field: str, context: Context) -> Explanation:
    """Why `sides.form(field, context)` is what it is. Raises PolicyRefused as it does."""
    form = sides.form(field, context)
    entry = sides.ground.field(field)
    facts = _Facts(sides, entry, context)
    rules = forcing_rules(sides, entry, context)
    decider = _decider_of_account(facts) if entry is None else _decider_of_field(facts, LEVEL[form], rules)
    return Explanation(
        field=field,
        context=context,
        form=form,
        decider=decider,
        limits=_binding(facts, decider),
        rules=rules,
        missed=_missed(facts, decider, LEVEL[form]),
        owner=sides.owner_id,
    )


@dataclass(frozen=True, slots=True)
class _Facts:
    """What one field's decision in one direction consists of; `entry` is None for `account`."""

    sides: Sides
    entry: Field | None
    context: Context

    def about(self, effect: Effect) -> list[Rule]:
        """The owner's rules with that effect that cover the field, whether they apply or not."""
        owner = self.sides.owner
        return [] if owner is None else [r for r in owner.rules if r.effect is effect and covers(r, self.entry)]

    def failing(self, rule: Rule) -> tuple[Condition, ...]:
        return tuple(failing(rule, self.sides.recipient_id, self.context))

    def denied(self) -> bool:
        return any(not self.failing(rule) for rule in self.about(Effect.DENY))

    def denied_by(self, rules: tuple[RuleName, ...]) -> bool:
        """Whether a deny of the owner's about the field is among these rules."""
        return any(RuleName(self.sides.owner_id, rule.id) in rules for rule in self.about(Effect.DENY))

    def granted(self) -> int:
        """The highest level that is granted, before limits and denies."""
        signed = LEVEL[Form.COUNT] if self.entry is None else 0
        forms = [rule.form for rule in self.about(Effect.GRANT) if rule.form is not None and not self.failing(rule)]
        return max((signed, *(LEVEL[form] for form in forms)))

    def most(self) -> int:
        return cap(self.sides.owner, self.sides.recipient, self.entry)

    def under_limits(self, level: int) -> int:
        return possible(min(level, self.most()), self.entry)

    def existence(self) -> dict[Decider, "_Facts"]:
        """The decisions about `account` in both directions."""
        return {
            Decider.OWNER_EXISTENCE: _Facts(self.sides, None, self.context),
            Decider.RECIPIENT_EXISTENCE: _Facts(self.sides.turned(), None, self.context.mirrored()),
        }


def _decider_of_account(facts: _Facts) -> Decider:
    if not facts.most():
        return Decider.LIMITED
    if facts.denied():
        return Decider.DENIED
    if facts.granted() > facts.most():
        return Decider.LIMITED
    return Decider.GRANTED if facts.granted() > LEVEL[Form.COUNT] else Decider.SIGNED


def _decider_of_field(  # noqa: PLR0911 - one return for each decider
    facts: _Facts, level: int, rules: tuple[RuleName, ...]
) -> Decider:
    # First what hides without any rule, then what needs one, so that `rules` is the reason that is named.
    if not facts.under_limits(_MOST):
        return Decider.LIMITED
    granted = facts.granted()
    if not granted:
        return Decider.NOT_GRANTED
    if not facts.under_limits(granted):
        return Decider.LIMITED
    existence = facts.existence()
    for decider, account in existence.items():
        if account.under_limits(account.granted()) < _MOST:
            return decider
    if facts.denied_by(rules):
        return Decider.DENIED
    for decider, account in existence.items():
        if account.denied_by(rules):
            return decider
    if level < facts.under_limits(granted):
        return Decider.RECIPROCITY
    return Decider.LIMITED if level < granted else Decider.GRANTED


def _binding(facts: _Facts, decider: Decider) -> tuple[Limit, ...]:
    account = facts.existence().get(decider)
    if account is not None:
        facts = account
    elif decider is not Decider.LIMITED:
        return ()
    # A limit has a part in it only if it is below what is granted; where it hides everything, whatever is granted.
    wanted = facts.granted() if facts.most() and facts.granted() else _MOST
    found = limits(facts.sides.owner, facts.sides.recipient, facts.entry)
    binding = [limit for limit, form in found if LEVEL[form] == facts.most() < wanted]
    if facts.under_limits(wanted) < min(wanted, facts.most()):
        binding.append(Limit.NO_REDUCED_FORM)
    return tuple(binding)


def _missed(facts: _Facts, decider: Decider, level: int) -> Missed | None:
    """Of the grants that would show more, the one with the fewest failing conditions; none where a deny stands."""
    about = facts.existence().get(decider, facts)
    if about.denied():
        return None
    floor = level if about is facts else LEVEL[Form.COUNT]
    found = []
    for rule in about.about(Effect.GRANT):
        if rule.form is None or about.under_limits(LEVEL[rule.form]) <= floor:
            continue
        reasons = about.failing(rule) + _unreturned(about, rule)
        if reasons:
            found.append(Missed(name=RuleName(about.sides.owner_id, rule.id), conditions=reasons))
    return min(found, key=lambda missed: len(missed.conditions), default=None)


def _unreturned(facts: _Facts, rule: Rule) -> tuple[Condition, ...]:
    if facts.entry is None or rule.form is None:
        return ()
    returned = facts.sides.returned(facts.entry, facts.context)
    held = reciprocated(rule.when.reciprocity, facts.under_limits(LEVEL[rule.form]), returned)
    return () if held else (Condition.RECIPROCITY,)
