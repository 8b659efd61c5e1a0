"""What goes wrong on the way: lost requests, lost answers, and processes that are killed."""

from collections.abc import Callable

import httpx2


class KilledError(Exception):
    """The agent's process ended here."""


def once(at: int, when: str, error: Exception) -> Callable[[str, httpx2.Request], None]:
    """A fault of a `Line`: at its `at`-th request (counted from 0), before or after it was handled."""
    seen = -1

    def fault(moment: str, _: httpx2.Request) -> None:
        nonlocal seen
        if moment == "request":
            seen += 1
        if seen == at and moment == when:
            seen += 1
            raise error

    return fault


def lost() -> Exception:
    """The network dropped it. The agent tries again by itself."""
    return httpx2.ReadError("lost")
