import pytest
from editions_made import CURRENT, site
from hypothesis import given
from hypothesis import strategies as st

from matching.normalise.site import OWN_SUBDOMAINS, site_of
from matching.refusal import Refusal


@pytest.mark.parametrize(
    "value",
    [
        "https://www.facebook.com/acme",
        "acme.facebook.com",
        "linkedin.com/company/acme",
        "https://x.com/acme",
        "https://t.co/abc",
        "https://bit.ly/abc",
        "https://l.facebook.com/l.php?u=https://acme.com",
        "sites.google.com/view/acme",
        "https://www.google.com/maps/place/acme",
        "https://maps.google.com",
        "mailto:someone@facebook.com",
        "someone@gmail.com",
        "github.com/acme",
        "https://www.youtube.com/@acme",
        "https://en.wikipedia.org/wiki/Acme",
        "drive.google.com/file/d/1",
    ],
)
def test_a_host_of_many_companies_says_nothing(value: str) -> None:
    assert site(value) == ""


@pytest.mark.parametrize(
    ("value", "domain"),
    [
        ("google.com", "google.com"),
        ("https://www.google.com/", "google.com"),
        ("FACEBOOK.com", "facebook.com"),
        ("github.com", "github.com"),
    ],
)
def test_the_company_behind_such_a_host_keeps_its_domain(value: str, domain: str) -> None:
    assert site(value) == domain


@pytest.mark.parametrize(
    ("value", "domain"),
    [
        ("acme.github.io", "acme.github.io"),
        ("https://www.acme.github.io/x", "acme.github.io"),
        ("acme.wixsite.com/shop", "acme.wixsite.com"),
        ("acme.myshopify.com", "acme.myshopify.com"),
        ("acme.blogspot.com", "acme.blogspot.com"),
        ("github.io", ""),
    ],
)
def test_customers_of_site_builders_are_told_apart_by_their_subdomain(value: str, domain: str) -> None:
    assert site(value) == domain


def test_hosts_with_own_subdomains_are_in_the_table() -> None:
    assert set(CURRENT.shared_hosts.values()) > OWN_SUBDOMAINS


@pytest.mark.parametrize(
    ("website", "email", "domain"),
    [
        ("", "someone@mail.acme.co.uk", "acme.co.uk"),
        ("", "acme.co.uk", "acme.co.uk"),
        ("linkedin.com/company/acme", "someone@acme.com", "acme.com"),
        ("acme.com", "someone@other.com", "acme.com"),
        ("acme.com", "nonsense", "acme.com"),  # not looked at
        ("", "someone@gmail.com", ""),
        ("", "gmail.com", ""),
        ("", "someone@yahoo.co.uk", ""),
        ("", "someone@mailinator.com", ""),
        ("", "", ""),
    ],
)
def test_the_mail_domain_speaks_where_the_website_says_nothing(website: str, email: str, domain: str) -> None:
    assert site(website, email) == domain


@pytest.mark.parametrize(
    ("value", "code"),
    [("co.uk", "domain_no_suffix"), ("intranet.local", "domain_no_suffix"), ("acme_x.com", "domain_invalid")],
)
def test_what_is_no_domain_is_refused(value: str, code: str) -> None:
    for cells in ((value, ""), ("", f"someone@{value}")):
        with pytest.raises(Refusal) as caught:
            site(*cells)
        assert caught.value.code == code


def test_the_tables_decide() -> None:
    def found(website: str, email: str = "", **tables: object) -> str:
        def two_labels(host: str) -> str:
            return ".".join(host.split(".")[-2:])

        def three_labels(host: str) -> str:
            return ".".join(host.split(".")[-3:])

        given_tables = {"shared_hosts": {}, "free_mail": frozenset(), **tables}
        return site_of(website, email, registrable_domain=two_labels, private_domain=three_labels, **given_tables)

    assert found("b.a.com/x") == "a.com"
    assert found("b.a.com/x", shared_hosts={"a.com": "directory"}) == ""
    assert found("b.a.com/x", shared_hosts={"b.a.com": "directory"}) == ""
    assert found("c.a.com/x", shared_hosts={"b.a.com": "directory"}) == "a.com"
    assert found("b.a.com/x", shared_hosts={"a.com": "site builder"}) == "b.a.com"
    assert found("", "x@b.a.com", free_mail=frozenset({"a.com"})) == ""
    assert found("b.a.com", free_mail=frozenset({"a.com"})) == "a.com"


@given(st.sampled_from(sorted(CURRENT.shared_hosts)), st.sampled_from(["", "www.", "acme."]))
def test_a_page_on_any_shared_host_never_gives_that_host(host: str, below: str) -> None:
    assert site(f"https://{below}{host}/acme") != host


@given(st.text(max_size=60), st.text(max_size=30))
def test_any_text_gives_a_site_that_is_its_own_site_or_a_refusal(website: str, email: str) -> None:
    try:
        found = site(website, email)
    except Refusal as refusal:
        assert refusal.__context__ is None  # noqa: PT017 - both outcomes are right
    else:
        assert found == "" or site(found) in {found, ""}
        assert found == found.lower()
        assert found.isascii()
