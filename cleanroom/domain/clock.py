"""Time is injected: whatever asks for the time takes a `Clock`, and only a composition root passes `system_clock`."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

from cleanroom.domain.errors import InputRefused

Clock: TypeAlias = Callable[[], datetime]
"""Called without arguments it gives the moment: aware, in UTC."""


class NaiveTime(InputRefused):
    """A moment without a time zone names no instant."""

    code = "naive_time"


def system_clock() -> datetime:
    """The machine's clock: aware, UTC, microseconds."""
    return datetime.now(UTC)  # noqa: TID251 - the one place where the machine is asked


def in_utc(moment: datetime) -> datetime:
    """The same instant in UTC. Raises NaiveTime where no time zone is given."""
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise NaiveTime("a moment needs a time zone")
    return moment.astimezone(UTC)
