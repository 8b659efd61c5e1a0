"""Small lists that meet often: few companies, and accounts that name them in many ways."""

from hypothesis import strategies as st

SEGMENTS = ("customers", "open_opportunities", "prospects")
VATS = ("DE136695976", "NL004495445B01", "IE6433435F")


def lei(number: int) -> str:
    """A valid LEI (ISO 17442; check digits by ISO 7064 MOD 97-10)."""
    base = f"5299000000000000{number:02d}"
    digits = "".join(str(int(letter, 36)) for letter in base + "00")
    return f"{base}{98 - int(digits) % 97:02d}"


def companies(start: int, stop: int, *, prefix: str = "x", segment: str = "customers") -> list[dict[str, str]]:
    """One account for each company, known by its domain."""
    return [
        {"account_id": f"{prefix}\x1f{i}", "website": f"company{i}.com", "segment": segment} for i in range(start, stop)
    ]


def account_details() -> st.SearchStrategy[dict[str, str]]:
    """Everything but the id of an account."""
    some = st.integers(0, 3)
    optional = {
        "website": st.integers(0, 7).map(lambda i: f"https://www.company{i}.com/"),
        "lei": some.map(lei),
        "duns": some.map(lambda i: f"15-048-378{i}"),
        "vat": st.sampled_from(VATS),
        "name": some.map(lambda i: f"Company Number {'ABCD'[i]} Holding"),
        "country": st.sampled_from(["DE", "NL", "IE"]),
    }
    fixed = {"segment": st.sampled_from([*SEGMENTS, "", "elsewhere"])}
    return st.fixed_dictionaries(fixed, optional=optional)


def account_lists(most: int = 14) -> st.SearchStrategy[list[dict[str, str]]]:
    """Lists of accounts. Equal accounts occur; so do suppressed ones, which `accounts` marks by this column."""
    return st.lists(account_details(), max_size=most).map(
        lambda rows: [{"account_id": f"list\x1f{i}", **row} for i, row in enumerate(rows)]
    )
