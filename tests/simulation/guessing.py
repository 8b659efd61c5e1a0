"""A world in which Globex guesses and Acme evaluates: small declared sizes, strict limits."""

from collections.abc import Iterable
from dataclasses import dataclass

from lists_of_accounts import companies
from world import World, accounts

from cleanroom.agent import sync
from cleanroom.agent.guess_view import GuessesOfRoom, guesses_of
from cleanroom.agent.rooms import open_room
from cleanroom.agent.session import Agent
from cleanroom.domain.errors import CleanroomError
from cleanroom.domain.vocabulary import ChangeMode, RoomId
from cleanroom.messages.rooms import ListLimits
from matching.refusal import Refusal

STRICT = ListLimits(distinct_percent=120, growth_entries=5, growth_percent=10, churn_percent=25)
NO_GROWTH = ListLimits(distinct_percent=120, growth_entries=1_000, growth_percent=1_000, churn_percent=1_000)


@dataclass
class Guessing:
    """Acme, who evaluates, and Globex, whose list is looked at, in as many rooms as they like."""

    world: World
    acme: Agent
    globex: Agent

    def room(self, *, declared: int = 20, limits: ListLimits = NO_GROWTH, **terms: object) -> RoomId:
        """A room in which either declares so many entries. Acme's list is there, Globex's is not."""
        chosen = {"declared": (1_000, declared), "limits": limits, "changes": ChangeMode.IMMEDIATE, **terms}
        room = self.world.room(self.acme, self.globex, **chosen)
        self.world.put_list(self.acme, room, accounts(companies(0, 4)))
        return room

    def push(self, room: RoomId, *numbers: Iterable[int]) -> None:
        """Globex lists these companies, and both sync until nothing happens any more."""
        rows = [row for part in numbers for i in part for row in companies(i, i + 1)]
        self.world.put_list(self.globex, room, accounts(rows))
        self.settle(room)

    def settle(self, room: RoomId) -> None:
        self.world.settle(self.globex, self.acme, room=room, strict=False)

    def problem(self, room: RoomId) -> CleanroomError | Refusal | None:
        """Why Acme's sync of the room stopped."""
        (result,) = sync.sync(self.acme, room)
        return result.problem

    def figures(self, room: RoomId) -> GuessesOfRoom:
        return guesses_of(self.acme, open_room(self.acme, room))

    def used(self, room: RoomId) -> int:
        """New keys of domains that count as evaluated in 30 days."""
        return self.figures(room).used.get("domain", 0)

    def evaluated(self, room: RoomId) -> int:
        """How many batches of Globex's Acme has evaluated."""
        view = open_room(self.acme, room)
        prefix = f"room/{room}/{view.epoch}/theirs/"
        return sum(address.endswith("/finished") for address in self.acme.vault.addresses(prefix))
