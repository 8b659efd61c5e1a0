"""Sizes of lists in 1-2-5 bands: what a screen may say about how large a list is."""

from itertools import count


def band(size: int) -> str:
    """The band that `size` lies in, such as "2,000 to 5,000"; bands include their lower edge only."""
    if size < 1:
        return "none"
    for exponent in count():
        for low, high in ((1, 2), (2, 5), (5, 10)):
            if size < high * 10**exponent:
                return f"{low * 10**exponent:,} to {high * 10**exponent:,}"
    raise AssertionError
