from hypothesis import given
from hypothesis import strategies as st

from escrow.pages import Page, cut


@given(total=st.integers(0, 30), limit=st.integers(1, 10))
def test_following_the_cursor_gives_everything_once_and_in_order(total: int, limit: int) -> None:
    items, seen, after = list(range(1, total + 1)), [], 0
    while after is not None:
        found = [item for item in items if item > after][: limit + 1]
        kept, after = cut(found, Page(after=after, limit=limit), cursor=lambda item: item)
        assert len(kept) <= limit
        seen += kept
    assert seen == items
