"""Name and country.

Recipe name_country/2: the key of `name`, "|", and the country's ISO 3166 alpha-2 code; and the same with the key of
`site_name`, if there is a website ("Staples Canada" at staples.ca: "staplescanada|CA" and "staples|CA"). An account
without a country has that of its website's top-level domain, if it is a country's own (`countries`). No country: no
key.
"""

from collections.abc import Collection, Sequence
from typing import Final

from matching.normalise import name, site_name
from matching.normalise.countries import country_of

VERSION: Final = "name_country/2"


def keys(names: Sequence[str], country: str, site: str, *, countries: Collection[str]) -> tuple[str, ...]:
    """The keys of names as `words.names_of` gives them. `country`: alpha-2 or ""; `site`: registrable domain or "".

    `countries` as in `site_name.key`. Raises Refusal `country_invalid` for a country of another form.
    """
    where = country_of(country, site)
    if not where:
        return ()
    spelt = (site_name.key(names, site, countries=countries),) if site else ()
    return tuple(dict.fromkeys(f"{key}|{where}" for key in (*name.keys(names), *spelt)))
