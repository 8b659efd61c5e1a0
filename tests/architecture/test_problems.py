"""Every error that the escrow can raise has one row in the table of problems, and every row has an error."""

import importlib
import pkgutil
from types import ModuleType

import cleanroom.messages
import escrow
from api.service.problems import PROBLEMS
from cleanroom.domain.errors import CleanroomError

OF_THE_API = {"body_too_large", "request_refused", "method_not_allowed", "internal_error"}
"""Problems that are found before the escrow is asked."""

NEVER_ANSWERED = {
    "escrow_error",  # the base class
    "key_file_refused",  # the operator's start-up
    "schema_missing",  # the operator's start-up
    "invite_text_refused",  # the partner's command line
    "unseal_refused",  # the partner's agent
    "policy_text_refused",  # the partner's file
    "entry_refused",  # who reads a log; no entry that the escrow makes is too long
    "record_refused",  # the partner's agent, and an auditor
}


def codes_in(package: ModuleType) -> set[str]:
    names = [info.name for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    modules = [importlib.import_module(name) for name in names if ".migrations" not in name]
    return {
        found.code
        for module in modules
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, CleanroomError) and found.__module__ == module.__name__
    }


def test_the_table_of_problems_is_complete_and_has_nothing_else() -> None:
    raised = codes_in(escrow) | codes_in(cleanroom.messages)
    assert raised - NEVER_ANSWERED == set(PROBLEMS) - OF_THE_API


def test_codes_belong_to_one_error_each() -> None:
    classes = [cls for cls in _all_errors(CleanroomError) if cls.__module__.startswith("escrow.")]
    assert len({cls.code for cls in classes}) == len(classes)


def test_statuses_are_those_of_refusals() -> None:
    assert all(400 <= status <= 500 for status, _ in PROBLEMS.values())


def _all_errors(root: type[CleanroomError]) -> list[type[CleanroomError]]:
    return [root, *(found for child in root.__subclasses__() for found in _all_errors(child))]
