"""rapidfuzz on plain text: how like two cleaned names are, among pairs that share a word or how they begin.

Candidates: pairs whose cleaned names share one of their words, or their first four letters, unless more than a hundred
and fifty names of one list do (then the word says little, and every pair would be a candidate in the end). Equal
registrable domains score 101, above every name, in the variants that look at domains.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from rapidfuzz import fuzz

from bench.quality.peers.cleaning import cleaned, column
from bench.quality.peers.found import Found, Pair
from bench.quality.peers.simple import equal_domains
from bench.quality.records import Records

SCORERS: Final = {
    "token_set_ratio": fuzz.token_set_ratio,
    "token_sort_ratio": fuzz.token_sort_ratio,
    "WRatio": fuzz.WRatio,
}
LOWEST: Final = 60.0
SAME_DOMAIN: Final = 101.0
CROWD: Final = 150
_BEGINNING: Final = 4


def fuzzy(records: Records) -> list[Found]:
    """Each scorer, on names alone and beside equal domains."""
    names = [column(side["name"], cleaned) for side in (records.left, records.right)]
    ids = (records.left["account_id"], records.right["account_id"])
    places = sorted(_candidates(*names))
    domains = dict.fromkeys(equal_domains(records), SAME_DOMAIN)
    found = []
    for scorer, ratio in SCORERS.items():
        pairs: dict[Pair, float] = {}
        for one, two in places:
            value = ratio(names[0][one], names[1][two], score_cutoff=LOWEST)
            if value >= LOWEST:
                pair = (ids[0][one], ids[1][two])
                pairs[pair] = max(value, pairs.get(pair, 0.0))
        found.append(Found(variant=f"{scorer} of names", pairs=pairs))
        found.append(Found(variant=f"{scorer} of names, or equal domains", pairs=pairs | domains))
    return found


def _candidates(left: list[str], right: list[str]) -> set[tuple[int, int]]:
    """Positions in both lists."""
    first, second = _blocks(left), _blocks(right)
    return {
        (one, two)
        for block, members in first.items()
        if len(members) <= CROWD and len(second.get(block, ())) <= CROWD
        for one in members
        for two in second.get(block, ())
    }


def _blocks(names: list[str]) -> dict[str, list[int]]:
    blocks: dict[str, list[int]] = defaultdict(list)
    for at, name in enumerate(names):
        for block in _blocks_of(name):
            blocks[block].append(at)
    return blocks


def _blocks_of(name: str) -> Iterator[str]:
    yield from set(name.split())
    if name:
        yield "^" + name.replace(" ", "")[:_BEGINNING]
        yield "=" + name
