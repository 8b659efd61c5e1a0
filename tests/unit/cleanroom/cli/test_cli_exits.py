import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import cleanroom
import matching
from cleanroom.agent.problems import EscrowProblem
from cleanroom.cli.exits import EXITS, Exit, exit_of
from cleanroom.domain.errors import CleanroomError
from matching.refusal import Refusal


def subclasses(root: type[CleanroomError]) -> Iterator[type[CleanroomError]]:
    yield root
    for child in root.__subclasses__():
        yield from subclasses(child)


def test_the_table_holds_every_error_of_the_partners_side_and_nothing_else() -> None:
    for package in (cleanroom, matching):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    errors = [error for error in subclasses(CleanroomError) if error.__module__.startswith("cleanroom.")]
    codes = [error.code for error in errors]
    assert len(set(codes)) == len(codes), "two errors share a code"
    assert set(codes) == set(EXITS)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EscrowProblem("not_found", title="-", status=404), Exit.REFUSED),
        (EscrowProblem("room_expired", title="-", status=409), Exit.NOT_NOW),
        (EscrowProblem("internal", title="-", status=500), Exit.UNREACHABLE),
        (Refusal("kind_unknown", "not a kind of match key"), Exit.REFUSED),
    ],
)
def test_what_the_escrow_and_the_kernel_say_ends_by_its_meaning(error: CleanroomError | Refusal, code: Exit) -> None:
    assert exit_of(error) is code
