"""Runs `cleanroom` in the test's own process, with a clock that stands still."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cleanroom.cli.invocation import Ask, Environment
from cleanroom.cli.main import run
from cleanroom.cli.output import Output
from cleanroom.domain.secret import Secret

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


Command = Callable[..., Ended]


def command_at(home: Path) -> Command:
    def call(*arguments: str, given: str | None = "correct horse", ask: Ask | None = None) -> Ended:
        out, err = io.StringIO(), io.StringIO()
        environment = Environment(
            home=home,
            passphrase=Secret(given) if given else None,
            passphrase_file=None,
            clock=lambda: NOW,
            output=Output(out, err),
            ask=ask,
        )
        return Ended(run(arguments, environment), out.getvalue(), err.getvalue())

    return call
