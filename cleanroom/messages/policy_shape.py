"""From the nodes of a policy's text to the policy: the shape that docs/policy.md teaches.

Everything that is wrong becomes a complaint at its line and column, so that one reading tells all of it; no policy is
made of a text that has one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypeVar

from cleanroom.domain.fields import ACCOUNT, FieldClass
from cleanroom.domain.vocabulary import Form, Nomination, PartnerId, Purpose, Reciprocity, Role
from cleanroom.messages.node_reading import At, items, many, matching, members, one_of, pairs, some, text, word
from cleanroom.messages.policies import FIRST_YEAR, RULE_ID
from cleanroom.messages.strict_yaml import Complaints, Items, Members, Node
from cleanroom.policy.model import Effect, Ground, Policy, PolicyRefused, Rule, When, forms_of

POLICY_KEYS: Final = ("accepts", "ceilings", "rules")
RULE_KEYS: Final = ("id", "grant", "deny", "fields", "class", "classes", "to", "when", "from", "until", "note")
WHEN_KEYS: Final = ("segments", "nomination", "purpose", "viewer", "reciprocity")
LONGEST_NOTE: Final = 1_000

PARTNER_ID: Final = re.compile(r"[0-9a-f]{32}")
_RULE_ID: Final = re.compile(RULE_ID)
_LABEL: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2}))?")
_PAIR: Final = 2

E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names that a policy may use: the owner's words for partners, and the room's fields and segments if known."""

    partners: Mapping[str, PartnerId]
    ground: Ground | None

    def field(self, at: At) -> str | None:
        """`account` or a field."""
        if self.ground is None:
            return _label(at)
        return word(at, (ACCOUNT, *(entry.name for entry in self.ground.catalogue)))

    def target(self, at: At) -> str | None:
        """What `accepts` and `ceilings` may name: `account`, a field or a class."""
        if self.ground is None:
            return _label(at)
        return word(at, (ACCOUNT, *FieldClass, *(entry.name for entry in self.ground.catalogue)))

    def segment(self, at: At) -> str | None:
        """A segment."""
        return _label(at) if self.ground is None else word(at, self.ground.segments)

    def partner(self, at: At) -> PartnerId | None:
        """A partner, by the owner's name for it or by its id."""
        written = text(at)
        if written is not None and PARTNER_ID.fullmatch(written):
            return PartnerId(written)
        found = self.partners.get(written or "")
        if written is not None and found is None:
            at.wrong("no partner of this name; give the name that you confirmed, or the partner's id")
        return found


def policy_from(root: Node, complaints: Complaints, *, owner: PartnerId, names: Names) -> Policy | None:
    """The policy that the text says; None if there are complaints."""
    at = At(node=root, place="policy", complaints=complaints)
    parts = members(at, POLICY_KEYS)
    tables = {key: _table(parts[key], names) if key in parts else {} for key in ("accepts", "ceilings")}
    rules = _rules(parts["rules"], names) if "rules" in parts else ()
    if complaints:
        return None
    try:
        return Policy(owner=owner, rules=rules, accepts=tables["accepts"], ceilings=tables["ceilings"])
    except PolicyRefused as refusal:
        at.wrong(_rule_broken(refusal))
        return None


def _table(at: At, names: Names) -> dict[str, Form]:
    found: dict[str, Form] = {}
    for key, node in pairs(at):
        named = at.inside(key, "a name")
        target = names.target(named)
        if target is None:
            continue
        form = one_of(at.inside(node, "a form"), forms_of(target))
        if target in found:
            named.wrong("repeated")
        elif form is not None:
            found[target] = form
    return found


def _rules(at: At, names: Names) -> tuple[Rule, ...]:
    found: list[Rule] = []
    seen: set[str] = set()
    for number, node in enumerate(items(at), start=1):
        inner = At(node=node, place=f"rule {number}", complaints=at.complaints)
        parts = members(inner, RULE_KEYS)
        if not isinstance(node, Members):
            continue  # complained about
        rule_id = _id(inner, parts, seen)
        rule = _rule(inner, parts, rule_id=rule_id, names=names)
        if rule is not None:
            found.append(rule)
    return tuple(found)


def _id(at: At, parts: Mapping[str, At], seen: set[str]) -> str:
    if "id" not in parts:
        at.wrong("has no id")
        return ""
    found = matching(parts["id"], _RULE_ID, "a-z, then a-z, 0-9, - or _, at most 40") or ""
    if found in seen:
        parts["id"].wrong("another rule has it")
    seen |= some(found or None)
    return found


def _rule(at: At, parts: Mapping[str, At], *, rule_id: str, names: Names) -> Rule | None:
    before = len(at.complaints)
    fields = many(parts["fields"], names.field) if "fields" in parts else frozenset()
    effect, form = _effect(at, parts, about=ACCOUNT if ACCOUNT in fields else "")
    classes = _classes(at, parts)
    recipient = names.partner(parts["to"]) if "to" in parts else None
    when = _when(parts["when"], names) if "when" in parts else When()
    not_before, expires = (_moment(parts[key]) if key in parts else None for key in ("from", "until"))
    note = _note(parts["note"]) if "note" in parts else ""
    if not rule_id or len(at.complaints) > before:
        return None
    try:
        return Rule(
            id=rule_id,
            effect=effect,
            fields=fields,
            classes=classes,
            form=form,
            recipient=recipient,
            when=when,
            not_before=not_before,
            expires=expires,
            note=note,
        )
    except PolicyRefused as refusal:
        at.wrong(_rule_broken(refusal))
        return None


def _effect(at: At, parts: Mapping[str, At], *, about: str) -> tuple[Effect, Form | None]:
    if ("grant" in parts) == ("deny" in parts):
        at.wrong("needs either grant (a form) or deny (true)")
    if "deny" in parts:
        word(parts["deny"], ("true",))
        return Effect.DENY, None
    return Effect.GRANT, one_of(parts["grant"], forms_of(about)[1:]) if "grant" in parts else None


def _classes(at: At, parts: Mapping[str, At]) -> frozenset[FieldClass]:
    if "class" in parts and "classes" in parts:
        at.wrong("needs either class or classes")
    single = some(one_of(parts["class"], FieldClass)) if "class" in parts else frozenset()
    return single | (many(parts["classes"], lambda at: one_of(at, FieldClass)) if "classes" in parts else frozenset())


def _when(at: At, names: Names) -> When:
    parts = members(at, WHEN_KEYS)
    return When(
        segments=_segments(parts["segments"], names) if "segments" in parts else frozenset(),
        nominations=_words(parts.get("nomination"), Nomination),
        purposes=_words(parts.get("purpose"), Purpose),
        roles=_words(parts.get("viewer"), Role),
        reciprocity=_reciprocity(parts),
    )


def _words(at: At | None, vocabulary: type[E]) -> frozenset[E]:
    return frozenset() if at is None else many(at, lambda item: one_of(item, vocabulary))


def _reciprocity(parts: Mapping[str, At]) -> Reciprocity:
    found = one_of(parts["reciprocity"], Reciprocity) if "reciprocity" in parts else None
    return found or Reciprocity.NONE


def _segments(at: At, names: Names) -> frozenset[tuple[str, str]]:
    def pair(inner: At) -> tuple[str, str] | None:
        nodes = inner.node.items if isinstance(inner.node, Items) else ()
        if len(nodes) != _PAIR:
            inner.wrong("must be a pair: [my segment, their segment]")
            return None
        mine, theirs = (
            names.segment(inner.inside(node, who)) for node, who in zip(nodes, ("mine", "theirs"), strict=True)
        )
        return (mine, theirs) if mine is not None and theirs is not None else None

    if not isinstance(at.node, Items):
        at.wrong("must be a list of pairs: [[my segment, their segment]]")
        return frozenset()
    return many(at, pair)


def _label(at: At) -> str | None:
    return matching(at, _LABEL, "a-z, then a-z, 0-9 or _, at most 40")


def _moment(at: At) -> datetime | None:
    written = matching(at, _MOMENT, "a date (2026-01-31) or a moment with its zone (2026-01-31T09:00:00Z)")
    if written is None:
        return None
    try:
        found = datetime.fromisoformat(written)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):  # the message of either repeats the text
        at.wrong("no such day or time")
        return None
    if found.year < FIRST_YEAR:
        at.wrong(f"before the year {FIRST_YEAR}")
        return None
    return found


def _note(at: At) -> str:
    written = text(at) or ""
    if len(written) > LONGEST_NOTE:
        at.wrong(f"longer than {LONGEST_NOTE} characters")
    return written


def _rule_broken(refusal: PolicyRefused) -> str:
    """The model's words without its own place, which holds the rule's id."""
    return str(refusal).partition(": ")[2]
