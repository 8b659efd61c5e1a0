"""splink: probabilistic linkage (Fellegi and Sunter 1969) on plain text, trained by expectation maximisation.

Compared: cleaned names, by Jaro and Winkler's similarity or by common words; registrable domain; country. Candidates
share the registrable domain, the cleaned name, its first word, its first five letters, or its last two words. The
variants are the best of some twenty that were tried on the public slices (levels, frequencies of values, the domain's
first label as a level of its own).
"""

import logging
from typing import Any, Final

import duckdb
import pyarrow as pa
import splink.comparison_level_library as cll
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on
from splink.internals.exceptions import EMTrainingException

from bench.quality.peers.cleaning import cleaned, column, domain_of
from bench.quality.peers.found import Found, Pair
from bench.quality.records import Columns, Records

SEED: Final = 20_261_122
LOWEST: Final = -12.0
"""Match weight (binary logarithm of the Bayes factor) below which pairs are not kept."""
_BLOCKS: Final = ("domain", "name", "word", "beginning", "ending")


def linker(records: Records) -> list[Found]:
    """Pairs with their match weight. A column that is empty on one side is not compared: splink cannot train it."""
    alike = cl.JaroWinklerAtThresholds("name", [0.95, 0.88])
    often = cl.JaroWinklerAtThresholds("name", [0.97, 0.92, 0.85]).configure(term_frequency_adjustments=True)
    domain, country = cl.ExactMatch("domain"), cl.ExactMatch("country")
    known_domain = cl.ExactMatch("domain").configure(term_frequency_adjustments=True)
    variants: dict[str, dict[str, Any]] = {
        "names, domains, countries": {"name": alike, "domain": domain, "country": country},
        "names also by words, domains, countries": {"name": _by_words(), "domain": domain, "country": country},
        "names and domains by how often they occur, countries": {
            "name": often,
            "domain": known_domain,
            "country": country,
        },
        "names and domains": {"name": alike, "domain": domain},
    }
    tables = [_table(side, prefix) for prefix, side in (("l:", records.left), ("r:", records.right))]
    filled = {name for name in tables[0].column_names if all(table[name].null_count < len(table) for table in tables)}
    found = []
    for variant, compared in variants.items():
        kept = [one for name, one in compared.items() if name in filled]
        # splink 5.0 writes SQL that does not parse for a single comparison.
        kept += [] if len(kept) > 1 else [cl.ExactMatch("word")]
        found.append(Found(variant=variant, pairs=_linked(tables, kept)))
    return found


def _by_words() -> cl.CustomComparison:
    """Equal; all words of the shorter name in the longer; alike; neither."""
    left, right = "string_split(name_l, ' ')", "string_split(name_r, ' ')"
    within = f"len(list_intersect({left}, {right})) >= least(len({left}), len({right}))"
    levels = [
        cll.NullLevel("name"),
        cll.ExactMatchLevel("name"),
        cll.CustomLevel(within, label_for_charts="words of one in the other"),
        *(cll.JaroWinklerLevel("name", threshold) for threshold in (0.95, 0.9, 0.82)),
        cll.ElseLevel(),
    ]
    return cl.CustomComparison(output_column_name="name", comparison_levels=levels)


def _linked(sides: list[pa.Table], compared: list[Any]) -> dict[Pair, float]:
    logging.getLogger("splink").setLevel(logging.ERROR)
    api = DuckDBAPI(connection=duckdb.connect(":memory:"))
    tables = [api.register(side, table_name=name) for side, name in zip(sides, ("lefts", "rights"), strict=True)]
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=compared,
        blocking_rules_to_generate_predictions=[block_on(name) for name in _BLOCKS],
    )
    model = Linker(tables, settings, log_level=logging.ERROR)
    training = model.training
    training.estimate_probability_two_random_records_match([block_on("domain"), block_on("name")], recall=0.8)
    training.estimate_u_using_random_sampling(max_pairs=20_000_000, seed=SEED)
    # Pairs of one domain teach what names do, and the other way round; where there are none, pairs of one first word.
    if not _trained(model, "domain"):
        _trained(model, "word")
    _trained(model, "name")
    rows = model.inference.predict(threshold_match_weight=LOWEST).as_pyarrow_table()
    ids = zip(rows["unique_id_l"].to_pylist(), rows["unique_id_r"].to_pylist(), strict=True)
    weights = rows["match_weight"].to_pylist()
    # Splink orders the two tables by name; the ids' prefixes tell which is which.
    pairs = [(one, two) if one.startswith("l:") else (two, one) for one, two in ids]
    return {(one[2:], two[2:]): weight for (one, two), weight in zip(pairs, weights, strict=True)}


def _trained(model: Linker, block: str) -> bool:
    """Whether candidates that share the value of this column had anything to teach."""
    try:
        model.training.estimate_parameters_using_expectation_maximisation(block_on(block), record_sample_proportion=1.0)
    except EMTrainingException:
        return False
    return True


def _table(side: Columns, prefix: str) -> pa.Table:
    names = column(side["name"], cleaned)
    columns = {
        "unique_id": [prefix + account for account in side["account_id"]],
        "name": names,
        "domain": column(side["website"], domain_of),
        "country": side["country"],
        "word": [name.partition(" ")[0] for name in names],
        "beginning": [name.replace(" ", "")[:5] for name in names],
        "ending": [" ".join(name.split()[-2:]) for name in names],
    }
    # An empty cell is no value: two of them do not agree.
    return pa.table({name: pa.array([cell or None for cell in cells], pa.string()) for name, cells in columns.items()})
