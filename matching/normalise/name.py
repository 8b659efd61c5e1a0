"""Company name without a country.

Recipe name/1: the name's words (`words`), written together, so that "Price Rite" is "PriceRite". General words stay:
"Acme Holdings" is another company than "Acme". A cell that holds several names ("formerly", "trading as") gives a key
for each.
"""

from collections.abc import Sequence
from typing import Final

VERSION: Final = "name/1"


def keys(names: Sequence[str]) -> tuple[str, ...]:
    """The keys of names as `words.names_of` gives them."""
    return tuple(dict.fromkeys(name.replace(" ", "") for name in names))
