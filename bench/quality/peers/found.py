"""What a peer hands back: the standard library only."""

from dataclasses import dataclass

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Pairs of account ids under the name of a variant, each with its score; a recipe without scores gives 1.0."""

    variant: str
    pairs: dict[Pair, float]
