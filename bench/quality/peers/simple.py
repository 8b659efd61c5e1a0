"""The recipes that everybody starts with: equal text, nothing else."""

from collections.abc import Callable, Sequence

from bench.quality.peers.cleaning import cleaned, domain_of, host_of
from bench.quality.peers.found import Found, Pair
from bench.quality.records import Columns, Records


def simple(records: Records) -> list[Found]:
    """Six recipes: equal host, name, registrable domain, cleaned name, and the last two as "or" and as "and"."""
    domain, name = _equal(records, "website", domain_of), _equal(records, "name", cleaned)
    recipes = {
        "equal host": _equal(records, "website", host_of),
        "equal name": _equal(records, "name", str.casefold),
        "registrable domain": domain,
        "cleaned name": name,
        "domain or cleaned name": domain | name,
        "domain and cleaned name": domain & name,
    }
    return [Found(variant=variant, pairs=dict.fromkeys(pairs, 1.0)) for variant, pairs in recipes.items()]


def equal_domains(records: Records) -> set[Pair]:
    """The pairs with one registrable domain."""
    return _equal(records, "website", domain_of)


def _equal(records: Records, name: str, of: Callable[[str], str]) -> set[Pair]:
    holders: dict[str, list[str]] = {}
    for key, account in _keys(records.right, name, of):
        holders.setdefault(key, []).append(account)
    return {(left, right) for key, left in _keys(records.left, name, of) for right in holders.get(key, ())}


def _keys(columns: Columns, name: str, of: Callable[[str], str]) -> Sequence[tuple[str, str]]:
    made = ((of(cell), account) for cell, account in zip(columns[name], columns["account_id"], strict=True))
    return [(key, account) for key, account in made if key]
