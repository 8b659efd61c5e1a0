"""Sizes of lists in 1-2-5 bands: what a screen may say about how large a list is."""


def band(size: int) -> str:
    """The band that `size` lies in, such as "2,000 to 5,000"; bands include their lower edge only."""
    if size < 1:
        return "none"
    unit = 1
    while size >= 10 * unit:
        unit *= 10
    low, high = next((low, high) for low, high in ((1, 2), (2, 5), (5, 10)) if size < high * unit)
    return f"{low * unit:,} to {high * unit:,}"
