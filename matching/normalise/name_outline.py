"""Outline of a company name, which survives the abbreviations of floors and registers.

Recipe name_outline/1, from the core of the name's words (`words`): the first word and the first three letters of each
further one ("amgen inc": "amgen"; "american states water": "american sta wat"). And, for an account whose first word no
other account of its list begins with, the first word and the initial of the second ("brainstorm c"): `merge` drops that
key where the first word is another entry's too, so a name of one word has an outline only if nothing else begins so.
The first words themselves are `first_word`; they stay in the agent.
"""

from collections.abc import Sequence
from typing import Final

from matching.normalise.words import core

VERSION: Final = "name_outline/1"
FIRST_WORD_VERSION: Final = "first_word/1"

_LETTERS: Final = 3
RARE: Final = "^"
"""What keys begin with that count only if no other entry of the list begins with their first word."""


def keys(names: Sequence[str]) -> tuple[str, ...]:
    """The keys of names as `words.names_of` gives them."""
    found: dict[str, None] = {}
    for name in names:
        first, *others = core(name)
        if others:
            found[" ".join([first, *(word[:_LETTERS] for word in others)])] = None
        found[f"{RARE}{first} {others[0][0] if others else ''}"] = None
    return tuple(found)


def first_words(names: Sequence[str]) -> tuple[str, ...]:
    """The first words of names."""
    return tuple(dict.fromkeys(core(name)[0] for name in names))
