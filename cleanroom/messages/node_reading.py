"""Reading nodes of strict YAML against closed vocabularies, with complaints that say place and rule, never the value.

Every function gives what it could read and complains about the rest; the caller looks at the complaints before it
believes the result. A complaint shows allowed words and the allowed word that comes closest, nothing that was written.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeVar

from cleanroom.messages.strict_yaml import Complaints, Items, Members, Node, Nothing, Text

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """A node, the words for where it is, and where complaints about it go."""

    node: Node
    place: str
    complaints: Complaints

    def wrong(self, words: str) -> None:
        """Complain, unless that was done already."""
        if not isinstance(self.node, Nothing):
            self.complaints.add(self.node.mark, f"{self.place}: {words}")

    def inside(self, node: Node, step: str) -> "At":
        """A node inside this one."""
        return At(node=node, place=f"{self.place}, {step}", complaints=self.complaints)


def pairs(at: At) -> tuple[tuple[Text, Node], ...]:
    """The members of a mapping, in the order written; keys may repeat."""
    if isinstance(at.node, Members):
        return at.node.members
    at.wrong("must have members (name: value); {} is none")
    return ()


def members(at: At, known: Sequence[str]) -> dict[str, At]:
    """The members of a mapping whose keys are all known and stand once."""
    found: dict[str, At] = {}
    for key, node in pairs(at):
        if key.text not in known:
            named = At(node=key, place=at.place, complaints=at.complaints)
            named.wrong(f"unknown key; known are {', '.join(known)}{_hint(key.text, known)}")
        elif key.text in found:
            at.inside(key, key.text).wrong("repeated")
        else:
            found[key.text] = at.inside(node, key.text)
    return found


def items(at: At) -> tuple[Node, ...]:
    """The items of a list."""
    if isinstance(at.node, Items):
        return at.node.items
    at.wrong("must be a list; [] is an empty one")
    return ()


def text(at: At) -> str | None:
    """One text that is not empty."""
    if not isinstance(at.node, Text):
        at.wrong("must be one word or text")
    elif not at.node.text:
        at.wrong("nothing is written here")
    else:
        return at.node.text
    return None


def matching(at: At, pattern: re.Pattern[str], rule: str) -> str | None:
    """One text of that pattern, which `rule` describes."""
    written = text(at)
    if written is None or pattern.fullmatch(written):
        return written
    at.wrong(f"must be {rule}")
    return None


def word(at: At, allowed: Sequence[str]) -> str | None:
    """One of the allowed words."""
    written = text(at)
    if written is None or written in allowed:
        return written
    one_of_them = f"one of {', '.join(allowed)}" if len(allowed) > 1 else "".join(allowed)
    at.wrong(f"must be {one_of_them}{_hint(written, allowed)}")
    return None


def one_of(at: At, allowed: Iterable[E]) -> E | None:
    """One of the allowed members of a vocabulary."""
    by_word = {entry.value: entry for entry in allowed}
    found = word(at, tuple(by_word))
    return None if found is None else by_word[found]


def many(at: At, read: Callable[[At], T | None]) -> frozenset[T]:
    """One item, or a list of at least one; none stands twice."""
    if not isinstance(at.node, Items):
        return some(read(at))
    if not at.node.items:
        at.wrong("an empty list; leave the key out")
    found: set[T] = set()
    for number, node in enumerate(at.node.items, start=1):
        inner = at.inside(node, f"item {number}")
        value = read(inner)
        if value is not None and value in found:
            inner.wrong("repeated")
        found |= some(value)
    return frozenset(found)


def some(value: T | None) -> frozenset[T]:
    """The set of what was read."""
    return frozenset() if value is None else frozenset({value})


def _hint(written: str, allowed: Sequence[str]) -> str:
    close = get_close_matches(written[:80].lower(), allowed, n=1)
    return f"; did you mean {close[0]}?" if close else ""
