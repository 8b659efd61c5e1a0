"""Where the checks put what they find. None stops at the first."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from cleanroom.audit.result import Event, Finding
from cleanroom.domain.errors import CleanroomError
from matching.refusal import Refusal


@dataclass(slots=True)
class Findings:
    """What was found so far, how much of each kind was checked, and the place that is looked at."""

    found: list[Finding] = field(default_factory=list)
    checked: Counter[str] = field(default_factory=Counter)
    where: str = ""

    def broken(self, what: str) -> None:
        """A check failed."""
        self.found.append(Finding(broken=True, where=self.where, what=what))

    def noted(self, what: str) -> None:
        """A check could not be made, or shows the unusual."""
        self.found.append(Finding(broken=False, where=self.where, what=what))

    def require(self, holds: bool, what: str) -> bool:  # noqa: FBT001 - the thing that is checked
        """Note what is broken unless it holds; gives back whether it does."""
        if not holds:
            self.broken(what)
        return holds

    @contextmanager
    def at(self, where: str) -> Iterator[None]:
        """What is found inside is of this place. What is refused there is broken, and the rest is not run."""
        self.where = where
        try:
            yield
        except (CleanroomError, Refusal) as refusal:
            self.broken(str(refusal))


def place(event: Event) -> str:
    """How findings name an entry."""
    return f"entry {event.index} ({event.entry.type})"
