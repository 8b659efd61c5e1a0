"""Whatever is pushed, changed, lost and killed in whatever order: once all is quiet, the report is the truth."""

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pandas as pd
import pytest
from faults import KilledError, lost, once
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from lists_of_accounts import SEGMENTS, account_details
from oracle import check_reports, committed, truth, wanted
from world import World, accounts, new_world

from cleanroom.agent import lists, sync
from cleanroom.domain.vocabulary import ChangeMode, RoomId

SIDES = st.sampled_from(["Acme", "Globex"])
IDS = st.integers(0, 9).map(lambda i: f"list\x1f{i}")
LISTS = st.dictionaries(IDS, account_details(), max_size=10)
QUICK = settings(
    max_examples=4,
    stateful_step_count=8,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


class Mapping(RuleBasedStateMachine):
    """Two agents in one room; `lists` is what their people believe to have pushed."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.room = RoomId("")
        self.lists: dict[str, dict[str, dict[str, str]]] = {}
        self.epochs = 0

    @initialize(first=LISTS, second=LISTS)
    def open_a_room(self, first: dict[str, dict[str, str]], second: dict[str, dict[str, str]]) -> None:
        world = self.world
        self.room = world.room(*world.agents.values(), changes=ChangeMode.IMMEDIATE, epoch_days=1)
        self.push("Acme", first)
        self.push("Globex", second)

    @rule(side=SIDES, rows=LISTS)
    def push(self, side: str, rows: dict[str, dict[str, str]]) -> None:
        """The whole list anew. One account stays, so that no list is empty."""
        own = {"website": f"only-{side.lower()}.com", "segment": "customers"}
        self.lists[side] = {**rows, f"own\x1f{side}": own}
        self.world.put_list(self.world.agents[side], self.room, self._frame(side))

    @rule(side=SIDES, upserts=st.dictionaries(IDS, account_details(), max_size=3), gone=st.sets(IDS, max_size=3))
    def change(self, side: str, upserts: dict[str, dict[str, str]], gone: set[str]) -> None:
        """A delta: accounts added, altered and deleted by id."""
        gone -= set(upserts)
        agent = self.world.agents[side]
        rows = [{"account_id": name, **row} for name, row in upserts.items()]
        data = lists.changed(agent, f"list {self.room}", accounts(rows), pd.Series(sorted(gone), dtype="str"))
        lists.store(agent, data, (self.room,))
        kept = {name: row for name, row in self.lists[side].items() if name not in gone}
        self.lists[side] = {**kept, **upserts}

    @rule(side=SIDES)
    def sync(self, side: str) -> None:
        for result in sync.sync(self.world.agents[side], self.room):
            assert result.problem is None

    @rule(
        side=SIDES,
        at=st.integers(0, 25),
        when=st.sampled_from(["request", "response"]),
        error=st.sampled_from([lost, lambda: KilledError("killed")]),
    )
    def sync_with_a_fault(self, side: str, at: int, when: str, error: Callable[[], Exception]) -> None:
        """A request or an answer is lost, or the process dies at this point."""
        line = self.world.lines[side]
        line.fault = once(at, when, error())
        try:
            self.sync(side)
        except KilledError:
            pass
        finally:
            line.fault = None

    @precondition(lambda self: self.epochs < 2)
    @rule()
    def begin_a_new_epoch(self) -> None:
        self.epochs += 1
        self.world.clock.step(days=1)

    @rule()
    def time_passes(self) -> None:
        self.world.clock.step(seconds=1)

    def teardown(self) -> None:
        if not self.lists:
            return
        acme, globex = self.world.agents["Acme"], self.world.agents["Globex"]
        self.world.settle(globex, acme, room=self.room)
        mine, theirs = (wanted(agent, self._frame(agent.config.name), SEGMENTS) for agent in (acme, globex))
        assert committed(acme, self.room) == mine
        assert committed(globex, self.room) == theirs
        assert check_reports(acme, globex, self.room) == truth(mine, theirs, len(SEGMENTS))

    @rule()
    def settle(self) -> None:
        """In the middle too."""
        self.teardown()

    def _frame(self, side: str) -> pd.DataFrame:
        return accounts([{"account_id": name, **row} for name, row in self.lists[side].items()])


def run(profile: settings, folder: Path) -> None:
    with new_world(folder) as world:
        world.enrol("Acme")
        world.enrol("Globex")
        world.introduce()
        Mapping.world = world
        run_state_machine_as_test(Mapping, settings=profile)


def test_the_report_is_the_truth_after_any_history(tmp_path: Path) -> None:
    run(QUICK, tmp_path)


@pytest.mark.soak
def test_the_report_is_the_truth_after_any_long_history(tmp_path: Path) -> None:
    run(settings(parent=QUICK, max_examples=40, stateful_step_count=20), tmp_path)
