"""The `cleanroom` command, put together. Only here are the environment and the machine's clock read.

CLEANROOM_HOME, CLEANROOM_PASSPHRASE and CLEANROOM_PASSPHRASE_FILE (its first line), CLEANROOM_USER_PASSPHRASE and
CLEANROOM_USER_PASSPHRASE_FILE are all that the environment says.
Exit codes: `cleanroom.cli.exits`.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, TextIO

import platformdirs
import typer
from typer.core import TyperGroup

from cleanroom import kernel
from cleanroom.cli import (
    audit,
    counting,
    decoys,
    disclosed,
    dispute,
    guesses,
    home,
    lint,
    matches,
    overlap,
    partner,
    policy,
    push,
    receipt,
    room,
    shared,
    status,
    suppress,
    sync,
    user,
)
from cleanroom.cli.exits import Exit, exit_of
from cleanroom.cli.invocation import Ask, Environment
from cleanroom.cli.output import Output
from cleanroom.domain.clock import system_clock
from cleanroom.domain.collector import collect_rarely
from cleanroom.domain.errors import CleanroomError
from cleanroom.domain.secret import Secret
from matching.refusal import Refusal


class Commands(TyperGroup):
    """All commands; how each one ends is decided here, once."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer keeps its context's type to itself
        """The command's own result.

        Raises:
            typer.Exit: with the code of `exits`, after the error was printed, never with a traceback.
        """
        environment = ctx.find_object(Environment)
        try:
            return super().invoke(ctx)
        except (CleanroomError, Refusal) as error:
            environment.output.error(error)
            raise typer.Exit(exit_of(error)) from None
        except KeyboardInterrupt:
            environment.output.say("Stopped. Nothing is lost: the same command goes on where this one was.")
            raise typer.Exit(Exit.INTERRUPTED) from None


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_enable=False,  # its tracebacks show local variables
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:  # noqa: FBT001 - typer passes the option's value so
    if asked:
        typer.echo(f"cleanroom {version('cleanroom')}")
        raise typer.Exit


@app.callback(epilog="First steps: cleanroom init, then cleanroom partner confirm, cleanroom room propose.")
def cleanroom(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Map accounts with partners without handing anybody the list.

    Exit codes: 0 done, 1 refused, 2 wrong usage, 3 not possible now or waiting, 4 a check failed, 5 escrow unreachable,
    6 home or vault cannot be opened, 130 interrupted.
    """


home.add_to(app)
app.add_typer(partner.app, name="partner")
app.add_typer(room.app, name="room")
app.add_typer(policy.app, name="policy")
app.add_typer(user.app, name="user")
lint.add_to(app)
push.add_to(app)
sync.add_to(app)
overlap.add_to(app)
app.add_typer(counting.app, name="counting")
app.add_typer(matches.app, name="matches")
shared.add_to(app)
disclosed.add_to(app)
app.add_typer(dispute.app, name="dispute")
app.add_typer(audit.app, name="audit")
app.add_typer(receipt.app, name="receipt")
app.add_typer(suppress.app, name="suppress")
app.add_typer(guesses.app, name="guesses")
app.add_typer(decoys.app, name="decoys")
status.add_to(app)


def environment_of(variables: Mapping[str, str], stdin: TextIO, stdout: TextIO, stderr: TextIO) -> Environment:
    """What the environment says, with the machine's clock."""
    passphrase, file = variables.get("CLEANROOM_PASSPHRASE"), variables.get("CLEANROOM_PASSPHRASE_FILE")
    of_user, user_file = variables.get("CLEANROOM_USER_PASSPHRASE"), variables.get("CLEANROOM_USER_PASSPHRASE_FILE")
    given = variables.get("CLEANROOM_HOME")
    somebody = stdin.isatty() and stderr.isatty()
    return Environment(
        home=Path(given) if given else platformdirs.user_data_path("cleanroom", appauthor=False),
        passphrase=Secret(passphrase) if passphrase else None,
        passphrase_file=Path(file) if file else None,
        clock=system_clock,
        output=Output(stdout, stderr),
        ask=terminal() if somebody else None,
        user_passphrase=Secret(of_user) if of_user else None,
        user_passphrase_file=Path(user_file) if user_file else None,
    )


def terminal() -> Ask:
    """Questions on the terminal; standard output stays free for the result."""
    return Ask(
        text=lambda prompt: str(typer.prompt(prompt, err=True)),
        secret=lambda prompt: Secret(str(typer.prompt(prompt, hide_input=True, err=True))),
        sure=lambda prompt: typer.confirm(prompt, err=True),
    )


def run(arguments: Sequence[str], environment: Environment) -> int:
    """Run a command; its exit code."""
    try:
        app(args=list(arguments), obj=environment, prog_name="cleanroom")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else Exit.DONE if end.code is None else Exit.REFUSED
    return Exit.DONE


def main() -> None:
    """Run the command that the process was started with."""
    collect_rarely()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A name that the terminal's encoding lacks must not end the command.
            stream.reconfigure(errors="replace")
    environment = environment_of(
        os.environ,  # noqa: TID251 - the composition root
        sys.stdin,
        sys.stdout,
        sys.stderr,
    )
    kernel.offer(environment.output.say)
    sys.exit(run(sys.argv[1:], environment))


if __name__ == "__main__":
    main()
