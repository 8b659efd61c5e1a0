"""The name that a website's domain spells; for an account without a website the name itself.

Recipe site_name/1: the label left of the public suffix without hyphens. Where the label is a name of the account, or
the first words of one, with something put before or behind it that tells no other company (`_AFFIXES`, or a country:
"my", "group", "online", "usa"), the name alone: "nissan-global.com" of Nissan is "nissan", "wingstopmexico.com" of
Wingstop is "wingstop". Two country domains of one name share this key and nothing else; the rule keeps them apart
where the countries differ.
"""

from collections.abc import Collection, Sequence
from typing import Final

from matching.normalise.words import core

VERSION: Final = "site_name/1"

_AFFIXES: Final = frozenset(
    {"the", "my", "go", "get", "e", "we", "www", "web", "online", "shop", "store", "stores", "official", "app", "hq"}
    | {"home", "world", "me", "team", "try", "use", "join", "global", "international", "intl"}
    | {"group", "grp", "company", "inc", "corp", "co", "ltd", "plc", "gmbh", "ag"}
)
_SHORTEST_PART: Final = 4


def key(names: Sequence[str], site: str, *, countries: Collection[str]) -> str:
    """The key of an account with these names (`words.names_of`) and this registrable domain, or "".

    `countries`: names and codes of countries, in lower case letters without spaces.
    """
    if not site:
        return names[0].replace(" ", "") if names else ""
    label = site.partition(".")[0].replace("-", "")
    for name in names:
        words = name.split()
        if words[0] not in label and words[-1] not in label:
            continue
        whole = {"".join(words), "".join(core(name))}
        parts = {"".join(words[:count]) for count in range(1, len(words))}
        for candidate in sorted(whole | parts, key=len, reverse=True):
            if candidate == label:
                return label
            if (candidate in whole or len(candidate) >= _SHORTEST_PART) and _affix(label, candidate, countries):
                return candidate
    return label


def _affix(label: str, name: str, countries: Collection[str]) -> bool:
    """Whether the label is the name and an affix."""
    if label.startswith(name):
        rest = label[len(name) :]
    elif label.endswith(name):
        rest = label[: -len(name)]
    else:
        return False
    return rest in _AFFIXES or rest in countries
