import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

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


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Runs `cleanroom` in this process, with a clock that stands still."""

    def call(*arguments: str, passphrase: str | None = "correct horse", ask: Ask | None = None) -> Ended:
        out, err = io.StringIO(), io.StringIO()
        environment = Environment(
            home=tmp_path / "home",
            passphrase=Secret(passphrase) if passphrase else None,
            passphrase_file=None,
            clock=lambda: NOW,
            output=Output(out, err),
            ask=ask,
        )
        return Ended(run(arguments, environment), out.getvalue(), err.getvalue())

    return call
