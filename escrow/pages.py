"""Pages of lists: after which item, and how many."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

T = TypeVar("T")

MOST_ON_A_PAGE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`limit` items after the cursor `after`."""

    after: int
    limit: int


def cut(found: Sequence[T], page: Page, *, cursor: Callable[[T], int]) -> tuple[Sequence[T], int | None]:
    """Of up to `limit + 1` items found: those on the page, and the next page's cursor if there is one."""
    if len(found) <= page.limit:
        return found, None
    kept = found[: page.limit]
    return kept, cursor(kept[-1])
