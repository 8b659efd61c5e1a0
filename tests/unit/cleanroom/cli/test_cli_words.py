from datetime import UTC, datetime

import pytest

from cleanroom.cli.words import ago, counted, interval_words, seconds_of, until
from cleanroom.domain.errors import InputRefused

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("2026-07-01T12:00:00Z", "just now"),
        ("2026-07-01T11:59:01Z", "just now"),
        ("2026-07-01T11:59:00Z", "1 minute ago"),
        ("2026-07-01T11:58:00Z", "2 minutes ago"),
        ("2026-07-01T09:00:00Z", "3 hours ago"),
        ("2026-06-29T12:00:00Z", "2 days ago"),
    ],
)
def test_freshness(moment: str, words: str) -> None:
    assert ago(moment, NOW) == words


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("2026-07-01T12:00:00Z", "due"),
        ("2026-07-01T12:00:30Z", "in less than a minute"),
        ("2026-07-01T14:59:40Z", "in 3 hours"),
        ("2027-07-01T11:59:59Z", "in 365 days"),
    ],
)
def test_what_is_ahead(moment: str, words: str) -> None:
    assert until(moment, NOW) == words


@pytest.mark.parametrize(
    ("text", "seconds", "words"),
    [("1d", 86_400, "every day"), ("6h", 21_600, "every 6 hours"), ("90s", 90, "every 90 seconds")],
)
def test_intervals(text: str, seconds: int, words: str) -> None:
    assert seconds_of(text) == seconds
    assert interval_words(seconds) == words


@pytest.mark.parametrize("text", ["", "1", "d", "0d", "59s", "367d", "1w", "-1d", "1.5h", "٣d"])
def test_intervals_that_cannot_be(text: str) -> None:
    with pytest.raises(InputRefused):
        seconds_of(text)


def test_counting() -> None:
    assert (counted(1, "row"), counted(1_200, "row"), counted(2, "entry", "entries")) == (
        "1 row",
        "1,200 rows",
        "2 entries",
    )
