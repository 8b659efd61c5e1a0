"""Policies as people write and review them: YAML, read strictly, written with comments (docs/policy.md).

`read_policy(write_policy(policy))` is the policy. What leaves the home is never this text but the document of
`cleanroom.messages.policies`, which has no notes and no comments.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from cleanroom.domain.errors import InputRefused
from cleanroom.domain.vocabulary import Form, PartnerId, Reciprocity
from cleanroom.messages.documents import instant
from cleanroom.messages.policies import body_of
from cleanroom.messages.policy_shape import LONGEST_NOTE, PARTNER_ID, Names, policy_from
from cleanroom.messages.strict_yaml import FORBIDDEN, MOST_BYTES, Complaints, read_nodes
from cleanroom.policy.model import Ground, Policy, PolicyRefused, Rule, When

_HEAD: Final = """\
# What leaves here, field by field. The terms grant counts; what else no rule grants stays here. A deny wins.
# Forms: account is hidden < count < exists, every other field hidden < reduced < full.
"""
_ACCEPTS: Final = "# What we are willing to receive. What is not named here does not come in.\n"
_CEILINGS: Final = "# What we never exceed, whatever the rules grant.\n"
_RULES: Final = """\
# Segments are pairs: [mine, theirs]. A date is its midnight in UTC; until is the first moment that is too late.
"""


class PolicyTextRefused(InputRefused):
    """The text is no policy; each line of the message says line, column, place and rule."""

    code = "policy_text_refused"


def read_policy(
    source: str | bytes, *, owner: PartnerId, partners: Mapping[str, PartnerId], ground: Ground | None = None
) -> Policy:
    """The policy of `owner` that the text says.

    Args:
        source: the text, or the bytes of a file (UTF-8, with or without a byte order mark), at most 256 KiB.
        owner: whose policy it is; the text does not say so.
        partners: the names by which rules may call recipients.
        ground: the room's fields and segments, if names are to be checked against them at their places.

    Raises:
        PolicyTextRefused: with everything that is wrong, at most 20 complaints.
    """
    complaints = Complaints()
    root = read_nodes(source, complaints)
    names = Names(partners=partners, ground=ground)
    policy = policy_from(root, complaints, owner=owner, names=names) if root is not None else None
    if policy is None:
        raise PolicyTextRefused("\n".join(complaints.lines()))
    return policy


def write_policy(policy: Policy, *, partners: Mapping[str, PartnerId]) -> str:
    """The policy as a text for people, that `read_policy` reads as the same policy again.

    Raises:
        PolicyRefused: an id, a name, a moment or a note cannot be written; the place is named, never the value.
    """
    body_of(policy)  # a policy that no document could hold is not worth a text
    names = {partner: name for name, partner in sorted(partners.items(), reverse=True) if _can_be_a_name(name)}
    parts = [_HEAD, *_table("accepts", policy.accepts, _ACCEPTS), *_table("ceilings", policy.ceilings, _CEILINGS)]
    rules = [_rule(number, rule, names) for number, rule in enumerate(policy.rules, start=1)]
    parts.append(
        "\n".join([f"{_RULES}rules:", *rules]) + "\n" if rules else "# No rule: nothing leaves but counts.\nrules: []\n"
    )
    text = "\n".join(parts)
    if len(text.encode()) > MOST_BYTES:
        raise PolicyRefused(f"policy: its text would be longer than {MOST_BYTES // 1024} KiB")
    return text


def _can_be_a_name(name: str) -> bool:
    return bool(name) and not PARTNER_ID.fullmatch(name) and not FORBIDDEN.search(name)


def _table(key: str, entries: Mapping[str, Form], comment: str) -> Iterator[str]:
    if entries:
        yield (
            "\n".join([f"{comment}{key}:", *(f"  {target}: {form}" for target, form in sorted(entries.items()))]) + "\n"
        )


def _rule(number: int, rule: Rule, names: Mapping[PartnerId, str]) -> str:
    lines = [f"  - id: {rule.id}", "    deny: true" if rule.form is None else f"    grant: {rule.form}"]
    if rule.fields:
        lines.append(f"    fields: {_list(rule.fields)}")
    if rule.classes:
        lines.append(f"    classes: {_list(rule.classes)}")
    if rule.recipient is not None:
        name = names.get(rule.recipient)
        lines.append(f"    to: {_quoted(name) if name else _quoted(rule.recipient)}")
    lines += _when(rule.when)
    for key, at in (("from", rule.not_before), ("until", rule.expires)):
        if at is not None:
            lines.append(f"    {key}: {_moment(at)}")
    if rule.note:
        if len(rule.note) > LONGEST_NOTE or FORBIDDEN.search(rule.note):
            raise PolicyRefused(f"rule number {number}: its note is too long, or has characters that fool a screen")
        lines.append(f"    note: {_quoted(rule.note)}")
    return "\n".join(lines)


def _when(when: When) -> list[str]:
    if when == When():
        return []
    lines = ["    when:"]
    if when.segments:
        pairs = ", ".join(f"[{mine}, {theirs}]" for mine, theirs in sorted(when.segments))
        lines.append(f"      segments: [{pairs}]")
    for key, words in (("nomination", when.nominations), ("purpose", when.purposes), ("viewer", when.roles)):
        if words:
            lines.append(f"      {key}: {_list(words)}")
    if when.reciprocity is not Reciprocity.NONE:
        lines.append(f"      reciprocity: {when.reciprocity}")
    return lines


def _list(words: Iterable[str]) -> str:
    return f"[{', '.join(sorted(words))}]"


def _quoted(text: str) -> str:
    # JSON's quoted text is YAML's.
    return json.dumps(text, ensure_ascii=False)


def _moment(at: datetime) -> str:
    return instant(at).removesuffix("T00:00:00Z")
