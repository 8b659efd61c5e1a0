"""The registrable domain behind an account's website, or behind its contacts' e-mail domain.

1. The host of the website (`host`). Hosts of the table of shared hosts (social networks, shops, maps, shorteners,
   mail for everyone ...) say nothing, nor does anything below them; bare they stand for the company behind them.
2. The registrable domain by the ICANN section of the public suffix list. Where that is a site builder's or a host's of
   pages, and the list's private section has it as a suffix ("acme.github.io"), the name below it.
3. Where the website says nothing, the same of the e-mail domain, if it is no free-mail provider's.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from matching.normalise.host import host_and_rest
from matching.refusal import Refusal

OWN_SUBDOMAINS: Final = frozenset({"site builder", "hosting of apps and pages"})
"""Reasons of shared hosts whose customers have subdomains of their own."""


def site_of(  # noqa: PLR0913 - the tables, each by its name
    website: str,
    email: str,
    *,
    registrable_domain: Callable[[str], str],
    private_domain: Callable[[str], str],
    shared_hosts: Mapping[str, str],
    free_mail: frozenset[str],
) -> str:
    """A registrable domain in ASCII, or "" where there is none that is the account's own.

    Raises Refusal `domain_no_suffix`, `domain_invalid`, and what `host.host_and_rest` raises.
    """
    look = _Look(registrable_domain, private_domain, shared_hosts)
    found = look.site(*host_and_rest(website))
    if found or not email:
        return found
    host, rest = host_and_rest(email.rpartition("@")[2])
    return "" if {host, registrable_domain(host)} & free_mail else look.site(host, rest)


class _Look(NamedTuple):
    registrable_domain: Callable[[str], str]
    private_domain: Callable[[str], str]
    shared_hosts: Mapping[str, str]

    def site(self, host: str, rest: str) -> str:
        if not host:
            return ""
        domain = self.registrable_domain(host)
        if not domain:
            raise Refusal("domain_no_suffix", "not below a public suffix")
        if "_" in domain:
            raise Refusal("domain_invalid", "not a host name")
        shared = next((name for name in _up_to(host, domain) if name in self.shared_hosts), "")
        if not shared:
            return domain
        if self.shared_hosts[shared] in OWN_SUBDOMAINS and (own := self.private_domain(host)) != domain:
            return own
        return "" if rest or host not in {shared, "www." + shared} or shared != domain else domain


def _up_to(host: str, domain: str) -> Iterator[str]:
    """The host, and each name above it down to its registrable domain."""
    while len(host) > len(domain):
        yield host
        host = host.partition(".")[2]
    yield domain
