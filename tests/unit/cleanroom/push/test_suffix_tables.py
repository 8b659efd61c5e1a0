import tldextract

from cleanroom.agent.tables import load_tables

EXTRACT = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=False)
BELOW = ("", "a.", "www.a.", "com.", "co.uk.", "x_.", "xn--80a.")


def test_the_short_way_to_a_registrable_domain_ends_where_the_long_one_does() -> None:
    """Each rule of the list with hosts on it, right below it, and further down; and those of its parent."""
    rules = [rule.replace("*", "wild").removeprefix("!").encode("idna").decode() for rule in EXTRACT.tlds]
    parents = {rule.partition(".")[2] for rule in rules} - {""}
    registrable = load_tables().registrable_domain
    hosts = [below + suffix for suffix in {*rules, *parents} for below in BELOW]
    assert len(hosts) > 40_000
    wrong = [host for host in hosts if registrable(host) != EXTRACT.extract_str(host).top_domain_under_public_suffix]
    assert not wrong
