"""The data tables that normalisers need, read from what is installed; the network is never asked."""

import hashlib
from functools import cache

import tldextract

from matching.normalise.tables import Tables


@cache
def load_tables() -> Tables:
    """The Public Suffix List's ICANN section as bundled with tldextract, under a version that names its content."""
    extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=False)
    digest = hashlib.sha256("\n".join(sorted(extract.tlds)).encode()).hexdigest()

    def registrable_domain(host: str) -> str:
        return extract.extract_str(host).top_domain_under_public_suffix

    return Tables(registrable_domain=registrable_domain, versions={"domain": f"psl-icann-{digest[:12]}"})
