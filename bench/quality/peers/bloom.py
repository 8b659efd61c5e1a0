"""clkhash and anonlink: private by keyed Bloom filters of n-grams (Schnell et al. 2009), compared by Dice coefficient.

The parties share a secret that whoever compares the filters must not have. The schema is ours: cleaned name and
registrable domain as bigrams or trigrams, and the country, with a budget of bits each. Every pair is compared; the
best 50 per account are kept.
"""

from typing import Final

from anonlink.candidate_generation import find_candidate_pairs
from anonlink.similarities import dice_coefficient_accelerated
from anonlink.solving import greedy_solve
from clkhash.clk import generate_clks
from clkhash.comparators import ExactComparison, NgramComparison
from clkhash.field_formats import BitsPerFeatureStrategy, FieldHashingProperties, StringSpec
from clkhash.schema import Schema

from bench.quality.peers.cleaning import cleaned, column, domain_of
from bench.quality.peers.found import Found, Pair
from bench.quality.records import Columns, Records

LOWEST: Final = 0.55
BITS: Final = 1_024
VARIANTS: Final = {
    "names": (("name", 2, 300),),
    "names, domains as one token": (("name", 2, 300), ("domain", 0, 60)),
    "names and domains as bigrams": (("name", 2, 200), ("domain", 2, 200)),
    "names and domains as trigrams": (("name", 3, 250), ("domain", 3, 150)),
    "names and domains as trigrams, countries": (("name", 3, 250), ("domain", 3, 150), ("country", 0, 30)),
}
"""Variant -> (field, letters of a gram or 0 for the whole cell, bits set), in the order of the schema."""


def bloom(records: Records) -> list[Found]:
    """Each schema, many-to-many; and each with anonlink's greedy solver, which lets an account match once."""
    found = []
    for variant, fields in VARIANTS.items():
        filters = [
            generate_clks(_rows(side, fields), _schema(fields), "a secret of both", max_workers=1)
            for side in (records.left, records.right)
        ]
        candidates = find_candidate_pairs(filters, dice_coefficient_accelerated, LOWEST, k=50)
        similarity, _, (first, second) = candidates
        scored = dict(zip(zip(first, second, strict=True), similarity, strict=True))
        once = {(group[0][1], group[1][1]) for group in map(sorted, greedy_solve(candidates))}
        found.append(Found(variant=variant, pairs=_named(records, scored)))
        single = {pair: scored[pair] for pair in once}
        found.append(Found(variant=f"{variant}, an account once", pairs=_named(records, single)))
    return found


def _schema(fields: tuple[tuple[str, int, int], ...]) -> Schema:
    specs = [
        StringSpec(
            name,
            FieldHashingProperties(
                NgramComparison(letters) if letters else ExactComparison(), BitsPerFeatureStrategy(bits)
            ),
        )
        for name, letters, bits in fields
    ]
    return Schema(specs, BITS)


def _rows(side: Columns, fields: tuple[tuple[str, int, int], ...]) -> list[tuple[str, ...]]:
    made = {
        "name": column(side["name"], cleaned),
        "domain": column(side["website"], domain_of),
        "country": side["country"],
    }
    return list(zip(*(made[name] for name, _, _ in fields), strict=True))


def _named(records: Records, scored: dict[tuple[int, int], float]) -> dict[Pair, float]:
    left, right = records.left["account_id"], records.right["account_id"]
    return {(left[one], right[two]): value for (one, two), value in scored.items()}
