import pytest
from editions_made import CURRENT

from matching.normalise import domain


def test_a_domain_of_several_of_one_owner_is_the_first_of_them() -> None:
    equivalent = {"acme.de": "acme.com", "acme.co.uk": "acme.com"}
    assert [domain.key(site, equivalent=equivalent) for site in ("acme.de", "acme.co.uk", "acme.com")] == [
        "acme.com"
    ] * 3
    assert domain.key("other.com", equivalent=equivalent) == "other.com"


def test_no_site_no_key() -> None:
    assert domain.key("", equivalent=CURRENT.equivalent) == ""


def test_no_table_ends_in_a_domain_that_stands_for_nothing() -> None:
    """What stands for others is not itself mapped on: one look is enough, and both sides of a set meet."""
    assert len(CURRENT.equivalent) > 400
    assert not {key for key, stands_for in CURRENT.equivalent.items() if stands_for in CURRENT.equivalent}


@pytest.mark.parametrize(("one", "other"), [("airbnb.ca", "airbnb.at"), ("airbnb.be", "airbnb.ca")])
def test_domains_of_one_owner_meet(one: str, other: str) -> None:
    assert domain.key(one, equivalent=CURRENT.equivalent) == domain.key(other, equivalent=CURRENT.equivalent)


def test_country_domains_of_two_owners_stay_two() -> None:
    assert len({domain.key(site, equivalent=CURRENT.equivalent) for site in ("coop.ch", "coop.dk", "coop.se")}) == 3
