"""What long work says while it runs: named stages, how far they are, how long they took."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

Show = Callable[[str, int, int | None], None]
"""Called with the stage, units done, and units in all (None while unknown)."""

Advance = Callable[[int], None]
"""Called with the units done since the last call."""


class Progress:
    """Runs stages, tells `show` about them, and adds up their wall seconds in `seconds`."""

    def __init__(self, show: Show | None = None) -> None:
        self._show = show or (lambda _stage, _done, _total: None)
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Advance]:
        """One stage; the block calls what it is given with each portion of work done."""
        done, start = 0, perf_counter()

        def advance(units: int) -> None:
            nonlocal done
            done += units
            self._show(name, done, total)

        self._show(name, 0, total)
        try:
            yield advance
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + perf_counter() - start
            self._show(name, total if total is not None else done, total if total is not None else done)
