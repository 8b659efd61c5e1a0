"""What every command works with: where the home is, how the passphrase comes, the clock, and the way to print."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Protocol

import typer

from cleanroom.agent.home import open_agent
from cleanroom.agent.progress import Progress
from cleanroom.agent.session import Agent
from cleanroom.agent.transport import Retries
from cleanroom.cli.bars import Bars
from cleanroom.cli.output import Output, printable
from cleanroom.domain.clock import Clock
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.secret import Secret

PATIENCE = Retries(total=15.0)
"""How long a command keeps trying to reach the escrow before it says so."""

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="The folder with this partner's vault. (default: CLEANROOM_HOME, or the platform's)"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")]


class PassphraseMissing(InputRefused):
    """No passphrase was given, and there is no terminal to ask on."""

    code = "passphrase_missing"


class ConfirmationMissing(InputRefused):
    """Nobody confirmed what cannot be undone."""

    code = "confirmation_missing"


class FileNotWritten(InputRefused):
    """The operating system refuses to write a file."""

    code = "file_not_written"


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What the composition root read from outside. `ask` asks a person, None where there is no terminal.

    `passphrase` opens the vault, `user_passphrase` the key of the user who signs. `opener` opens a home.
    """

    home: Path
    passphrase: Secret[str] | None
    passphrase_file: Path | None
    clock: Clock
    output: Output
    ask: "Ask | None"
    user_passphrase: Secret[str] | None = None
    user_passphrase_file: Path | None = None
    opener: "Opener" = open_agent


class Opener(Protocol):
    """Opens the agent of a home (`cleanroom.agent.home.open_agent`)."""

    def __call__(
        self, home: Path, passphrase: Secret[str], *, clock: Clock, progress: Progress, retries: Retries
    ) -> AbstractContextManager[Agent]:
        """The agent, until the block ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Questions on a terminal: for text that may be seen, for a secret, for yes or no."""

    text: Callable[[str], str]
    secret: Callable[[str], Secret[str]]
    sure: Callable[[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One command under way."""

    home: Path
    environment: Environment
    bars: Bars = field(repr=False)

    @property
    def out(self) -> Output:
        """The way to print."""
        return self.environment.output

    @property
    def ask(self) -> Ask | None:
        """How to ask a person; None if nobody is there, or a script reads the output."""
        return None if self.out.as_json else self.environment.ask

    def passphrase(self) -> Secret[str]:
        """The passphrase of the home's vault.

        Raises:
            PassphraseMissing: if none is given and nobody can be asked.
        """
        return self._given() or self._asked("Passphrase")

    def first_passphrase(self) -> Secret[str]:
        """The passphrase for a new vault: given, or typed twice."""
        return self._given() or self.typed_twice("New passphrase")

    def user_passphrase(self, name: str) -> Secret[str]:
        """The passphrase of the user who signs.

        Raises:
            PassphraseMissing: if none is given and nobody can be asked.
        """
        given = self._given_for_user()
        if given is None and self.environment.ask is None:
            raise PassphraseMissing(
                "no passphrase of the user: set CLEANROOM_USER_PASSPHRASE_FILE or CLEANROOM_USER_PASSPHRASE, or run on "
                "a terminal"
            )
        return given or self._asked(f"Passphrase of {printable(name)}")

    def first_user_passphrase(self, name: str) -> Secret[str]:
        """The passphrase for the key of a user whom nobody adds: given, or typed twice."""
        return self._given_for_user() or self.typed_twice(f"New passphrase of {printable(name)}")

    def typed_twice(self, prompt: str) -> Secret[str]:
        """A passphrase that was typed twice alike.

        Raises:
            InputRefused: if the two differ.
        """
        first, second = self._asked(prompt), self._asked("Once more")
        if first != second:
            raise InputRefused("the two passphrases differ; nothing was changed")
        return first

    def require_yes(self, question: str, *, yes: bool) -> None:
        """Go on only if somebody wants it.

        Raises:
            ConfirmationMissing: otherwise.
        """
        if yes:
            return
        if self.ask is None:
            raise ConfirmationMissing("this cannot be undone: say --yes")
        if not self.ask.sure(question):
            raise ConfirmationMissing("not confirmed; nothing was changed")

    @contextmanager
    def agent(self) -> Iterator[Agent]:
        """The home's agent, opened; its stages are shown while they run."""
        progress = Progress(self.bars.show)
        clock = self.environment.clock
        opened = self.environment.opener(self.home, self.passphrase(), clock=clock, progress=progress, retries=PATIENCE)
        with opened as agent:
            try:
                yield agent
            finally:
                self.bars.clear()

    def _given(self) -> Secret[str] | None:
        return _either(self.environment.passphrase, self.environment.passphrase_file)

    def _given_for_user(self) -> Secret[str] | None:
        return _either(self.environment.user_passphrase, self.environment.user_passphrase_file)

    def _asked(self, prompt: str) -> Secret[str]:
        if self.environment.ask is None:
            raise PassphraseMissing(
                "no passphrase: set CLEANROOM_PASSPHRASE_FILE or CLEANROOM_PASSPHRASE, or run on a terminal"
            )
        return self.environment.ask.secret(prompt)


def begin(context: typer.Context, home: Path | None, *, as_json: bool) -> Invocation:
    """The command that `context` belongs to."""
    environment = context.find_object(Environment)
    if environment is None:
        raise RuntimeError("the composition root passes an Environment")
    environment.output.as_json = as_json
    bars = Bars(environment.output.messages)
    return Invocation(home=home or environment.home, environment=environment, bars=bars)


def _either(text: Secret[str] | None, file: Path | None) -> Secret[str] | None:
    if text is not None:
        return text
    return None if file is None else passphrase_in(file)


def passphrase_in(file: Path) -> Secret[str]:
    """The first line of a file.

    Raises:
        InputRefused: if it cannot be read or is empty.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputRefused(f"passphrase file: cannot be read ({type(error).__name__})") from None
    if not lines or not lines[0]:
        raise InputRefused("passphrase file: its first line is empty")
    return Secret(lines[0])


def write_file(path: Path, data: bytes) -> None:
    """Put a result into a file, replacing what was there.

    Raises:
        FileNotWritten: if that is not possible.
    """
    try:
        path.write_bytes(data)
    except OSError as error:
        raise FileNotWritten(f"{path.name}: cannot be written ({error.strerror or type(error).__name__})") from None
