"""An independent reading of DESIGN section 4: slow, plain, sharing only the data types with what it judges.

Forms are places in lists, conditions are written out, nothing is remembered, every role is tried.
"""

from datetime import datetime

from cleanroom.domain.fields import Field
from cleanroom.domain.vocabulary import Nomination, PartnerId, Purpose, Role
from cleanroom.policy.model import Context, Ground, Policy, Rule

ACCOUNT_CHAIN = ["hidden", "count", "exists"]
FIELD_CHAIN = ["hidden", "reduced", "full"]


def oracle_form(  # noqa: PLR0913, PLR0917 - two policies, their owners, the room, the question
    owner: Policy | None,
    recipient: Policy | None,
    ids: tuple[PartnerId, PartnerId],
    ground: Ground,
    name: str,
    context: Context,
) -> str:
    owner_id, recipient_id = ids
    if name == "account":
        return account_form(owner, recipient, recipient_id, context)
    there = mirror(context)
    mutual = (
        account_form(owner, recipient, recipient_id, context) == "exists"
        and account_form(recipient, owner, owner_id, there) == "exists"
    )
    if not mutual:
        return "hidden"
    entry = next(each for each in ground.catalogue if each.name == name)
    rules = applicable(owner, recipient_id, entry, context)
    if any(rule.effect == "deny" for rule in rules):
        return "hidden"
    back = [field_pre(recipient, owner, owner_id, entry, with_role(there, role)) for role in Role]
    returned = max(back, key=FIELD_CHAIN.index)
    best = "hidden"
    for rule in rules:
        shown = capped(str(rule.form), owner, recipient, entry)
        if satisfied(rule, shown, returned) and FIELD_CHAIN.index(shown) > FIELD_CHAIN.index(best):
            best = shown
    return best


def satisfied(rule: Rule, shown: str, returned: str) -> bool:
    asked = str(rule.when.reciprocity)
    if asked == "same_form":
        return returned == shown
    if asked == "at_least":
        return FIELD_CHAIN.index(returned) >= FIELD_CHAIN.index(shown)
    return True


def account_form(owner: Policy | None, recipient: Policy | None, recipient_id: PartnerId, context: Context) -> str:
    granted = ["count"]
    for rule in applicable(owner, recipient_id, None, context):
        if rule.effect == "deny":
            return "hidden"
        granted.append(str(rule.form))
    ceiling = owner.ceilings.get("account", "exists") if owner else "exists"
    accepted = recipient.accepts.get("account", "count") if recipient else "count"
    highest = max(granted, key=ACCOUNT_CHAIN.index)
    return min(highest, str(ceiling), str(accepted), key=ACCOUNT_CHAIN.index)


def field_pre(
    owner: Policy | None, recipient: Policy | None, recipient_id: PartnerId, entry: Field, context: Context
) -> str:
    rules = applicable(owner, recipient_id, entry, context)
    if not rules or any(rule.effect == "deny" for rule in rules):
        return "hidden"
    highest = max((str(rule.form) for rule in rules), key=FIELD_CHAIN.index)
    return capped(highest, owner, recipient, entry)


def capped(form: str, owner: Policy | None, recipient: Policy | None, entry: Field) -> str:
    limits = [form, str(entry.ceiling)]
    ceilings = owner.ceilings if owner else {}
    limits += [str(ceilings[key]) for key in (entry.name, entry.field_class.value) if key in ceilings]
    accepts = recipient.accepts if recipient else {}
    entries = [str(accepts[key]) for key in (entry.name, entry.field_class.value) if key in accepts]
    limits += entries or ["hidden"]
    lowest = min(limits, key=FIELD_CHAIN.index)
    return "hidden" if lowest == "reduced" and entry.reduced == "none" else lowest


def applicable(owner: Policy | None, recipient_id: PartnerId, entry: Field | None, context: Context) -> list[Rule]:
    return [
        rule for rule in (owner.rules if owner else ()) if speaks_of(rule, entry) and holds(rule, recipient_id, context)
    ]


def speaks_of(rule: Rule, entry: Field | None) -> bool:
    if entry is None:
        return "account" in rule.fields
    return entry.name in rule.fields or entry.field_class in rule.classes


def holds(rule: Rule, recipient_id: PartnerId, context: Context) -> bool:
    when = rule.when
    return all(
        (
            rule.recipient is None or rule.recipient == recipient_id,
            not when.segments or (context.mine, context.theirs) in when.segments,
            not when.nominations or context.nomination in when.nominations,
            not when.purposes or context.purpose in when.purposes,
            not when.roles or context.role in when.roles,
            rule.not_before is None or context.at >= rule.not_before,
            rule.expires is None or context.at < rule.expires,
        )
    )


def mirror(context: Context) -> Context:
    swapped = {"none": Nomination.NONE, "mine": Nomination.THEIRS, "theirs": Nomination.MINE, "both": Nomination.BOTH}
    return rebuilt(context.theirs, context.mine, context.purpose, context.role, context.at, swapped[context.nomination])


def with_role(context: Context, role: Role) -> Context:
    return rebuilt(context.mine, context.theirs, context.purpose, role, context.at, context.nomination)


def rebuilt(  # noqa: PLR0913, PLR0917 - the six parts of a context
    mine: str, theirs: str, purpose: Purpose, role: Role, at: datetime, nomination: Nomination
) -> Context:
    return Context(mine=mine, theirs=theirs, purpose=purpose, role=role, at=at, nomination=nomination)
