from datetime import UTC, datetime, timedelta, timezone

import pytest

from cleanroom.domain.clock import NaiveTime, in_utc, system_clock


def test_system_clock_is_aware_and_in_utc() -> None:
    assert system_clock().tzinfo is UTC
    assert system_clock() <= system_clock()


def test_in_utc_keeps_the_instant() -> None:
    moment = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert in_utc(moment) == moment
    assert in_utc(moment).isoformat() == "2026-03-01T06:30:00+00:00"


def test_naive_moments_are_refused() -> None:
    with pytest.raises(NaiveTime):
        in_utc(datetime(2026, 3, 1))  # noqa: DTZ001 - the point
