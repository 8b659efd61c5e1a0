"""The data tables that normalisers need, read from what is installed; the network is never asked."""

import hashlib
from collections.abc import Iterable
from functools import cache

import tldextract

from matching.normalise.tables import Tables


@cache
def load_tables() -> Tables:
    """The Public Suffix List's ICANN section as bundled with tldextract, under a version that names its content."""
    extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=False)
    digest = hashlib.sha256("\n".join(sorted(extract.tlds)).encode()).hexdigest()

    final = _final_suffixes(extract.tlds)

    def registrable_domain(host: str) -> str:
        # Nearly every host ends in a suffix that has no longer one below it; the others take the long way.
        domain, parent = host, host.partition(".")[2]
        while parent:
            if parent in final:
                return domain
            domain, parent = parent, parent.partition(".")[2]
        return extract.extract_str(host).top_domain_under_public_suffix

    return Tables(registrable_domain=registrable_domain, versions={"domain": f"psl-icann-{digest[:12]}"})


def _final_suffixes(rules: Iterable[str]) -> frozenset[str]:
    """Suffixes below which the list has no further rule: what is right below one is a registrable domain."""
    names = {rule.removeprefix("!") for rule in rules}
    above = {name[at + 1 :] for name in names for at, letter in enumerate(name) if letter == "."}
    return frozenset(rule for rule in rules if rule not in above and not rule.startswith(("*", "!")))
