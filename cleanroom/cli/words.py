"""Times and numbers as people say them. Moments are what documents carry; `now` is the injected clock's."""

import re
from datetime import datetime
from typing import Final, Literal

from cleanroom.domain.errors import InputRefused
from cleanroom.messages.documents import moment

_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60))
_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_SHORTEST: Final = 60
_LONGEST: Final = 366 * 86_400


def ago(text: str, now: datetime) -> str:
    """How long ago a moment was: "2 minutes ago"."""
    seconds = int((now - moment(text)).total_seconds())
    return "just now" if seconds < _UNITS[-1][1] else f"{span(seconds)} ago"


def until(text: str, now: datetime) -> str:
    """How far away a moment is: "in 3 hours"; "due" when it has passed."""
    seconds = int((moment(text) - now).total_seconds())
    if seconds <= 0:
        return "due"
    # A minute's grace: what was set a moment ago for 365 days reads as 365 days.
    return "in less than a minute" if seconds < _UNITS[-1][1] else f"in {span(seconds + 60)}"


def day(text: str) -> str:
    """The day of a moment in UTC, with its weekday: "Monday 30 November 2026"."""
    at = moment(text)
    return f"{_WEEKDAYS[at.weekday()]} {at.day} {_MONTHS[at.month - 1]} {at.year}"


def span(seconds: int) -> str:
    """A length of time in its largest unit, rounded down: "2 days", "1 hour"."""
    for name, size in _UNITS:
        if seconds >= size:
            return counted(seconds // size, name)
    return counted(seconds, "second")


def counted(number: int, one: str, many: str = "") -> str:
    """The number with its noun: "1 row", "1,200 rows"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def seconds_of(text: str) -> int:
    """The seconds in "1d", "6h", "30m" or "90s".

    Raises:
        InputRefused: for anything else, and for less than a minute or more than 366 days.
    """
    found = re.fullmatch(r"([0-9]{1,9})([smhd])", text.strip().lower())
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not _SHORTEST <= seconds <= _LONGEST:
        raise InputRefused("interval: a number and one of s, m, h, d, such as 1d or 6h; from 1 minute to 366 days")
    return seconds


def interval_words(interval: int | Literal["unsafe_every_push"]) -> str:
    """An answer interval in words."""
    return "after every push" if isinstance(interval, str) else f"every {_exact(interval)}"


def label_words(label: str) -> str:
    """A segment's label as people read it: "open opportunities"."""
    return label.replace("_", " ")


def _exact(seconds: int) -> str:
    for name, size in (*_UNITS, ("second", 1)):
        if seconds % size == 0:
            return name if seconds == size else counted(seconds // size, name)
    raise AssertionError
