import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from commandline import Command
from typer.main import get_command

from cleanroom.agent.vault import Vault
from cleanroom.agent.vault_errors import WrongPassphrase
from cleanroom.agent.vault_key import KdfCost
from cleanroom.cli.exits import Exit
from cleanroom.cli.invocation import Ask
from cleanroom.cli.main import app, environment_of
from cleanroom.domain.secret import Secret

OFFLINE = {("audit", "verify"), ("audit", "show"), ("audit", "report"), ("receipt", "verify")}
"""Commands for somebody who has a file and nothing else."""


def commands() -> Iterator[tuple[str, ...]]:
    root = get_command(app)
    for name, found in root.commands.items():  # type: ignore[attr-defined]  # a group
        if hasattr(found, "commands"):
            yield from ((name, inner) for inner in found.commands)
        if not hasattr(found, "commands") or found.invoke_without_command:
            yield (name,)


@pytest.mark.parametrize("path", list(commands()), ids=" ".join)
def test_every_command_has_help_with_an_example_and_the_same_options(
    path: tuple[str, ...], command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(*path, "--help").code == Exit.DONE
    text = capsys.readouterr().out
    assert f"Example: cleanroom {' '.join(path)}" in " ".join(text.split())
    assert "--json" in text
    assert ("--home" in text) == (path not in OFFLINE)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A vault that is not enrolled."""
    folder = tmp_path / "home"
    Vault.create(folder / "vault.db", Secret("correct horse"), kdf_cost=KdfCost.unsafe_for_tests()).close()
    return folder


def test_a_missing_home_is_said_with_its_exit_code(command: Command) -> None:
    ended = command("status", "--json")
    assert ended.code == Exit.VAULT
    assert json.loads(ended.out)["error"]["code"] == "vault_missing"
    assert "Traceback" not in ended.err


def test_a_wrong_passphrase_has_its_exit_code(command: Command, home: Path) -> None:
    assert home.exists()
    ended = command("status", given="something else")
    assert (ended.code, ended.out) == (Exit.VAULT, "")
    assert ended.err == "error: vault: the passphrase is wrong\n"


def test_a_home_that_was_never_enrolled(command: Command, home: Path) -> None:
    assert home.exists()
    ended = command("push", "list.csv", "--segment", "customers", "--json")
    assert (ended.code, json.loads(ended.out)["error"]["code"]) == (Exit.VAULT, "not_enrolled")


def test_no_passphrase_and_no_terminal(command: Command) -> None:
    ended = command("status", "--json", given=None)
    assert (ended.code, json.loads(ended.out)["error"]["code"]) == (Exit.REFUSED, "passphrase_missing")


def test_a_passphrase_is_asked_where_somebody_is(command: Command, home: Path) -> None:
    assert home.exists()
    asked: list[str] = []

    def secret(prompt: str) -> Secret[str]:
        asked.append(prompt)
        return Secret("correct horse")

    ask = Ask(text=lambda _: "", secret=secret, sure=lambda _: True)
    assert "not enrolled" in command("status", given=None, ask=ask).err
    assert asked == ["Passphrase"]


def test_a_new_passphrase_is_typed_twice_alike(command: Command, tmp_path: Path) -> None:
    typed = iter(["first passphrase", "another one"])
    ask = Ask(text=lambda _: "", secret=lambda _: Secret(next(typed)), sure=lambda _: True)
    ended = command("init", "cleanroom-invite-1.x", given=None, ask=ask)
    assert (ended.code, ended.err) == (Exit.REFUSED, "error: the two passphrases differ; nothing was changed\n")
    assert not (tmp_path / "home").exists()


def test_wrong_usage(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("push", "--no-such-option").code == Exit.USAGE
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("push",),
        ("push", "a.csv", "--save", "x.zip"),
        ("push", "--sql", "sqlite://"),
        ("push", "a.csv", "--changes", "b.csv"),
        ("overlap", "--room", "a", "--all"),
        ("init",),
        ("init", "no invite"),
        ("room", "propose", "x", "--title", "t", "--purpose", "p", "--answer-interval", "5s"),
        ("room", "propose", "x", "--title", "t", "--purpose", "p", "--kinds", "phone"),
    ],
)
def test_options_that_do_not_fit_are_refused(arguments: tuple[str, ...], command: Command) -> None:
    ended = command(*arguments, "--json")
    assert ended.code == Exit.REFUSED
    assert json.loads(ended.out)["error"]["message"]


def test_backup_rekey_and_restore(command: Command, home: Path, tmp_path: Path) -> None:
    copy, new = tmp_path / "copy.vault", tmp_path / "new.txt"
    new.write_text("a new passphrase\nnot this line\n")
    assert command("backup", str(copy), "--json").code == Exit.DONE
    again = command("backup", str(copy), "--json")
    assert (again.code, json.loads(again.out)["error"]["code"]) == (Exit.VAULT, "vault_exists")
    assert command("rekey", "--new-passphrase-file", str(new)).code == Exit.DONE
    with pytest.raises(WrongPassphrase):
        Vault.open(home / "vault.db", Secret("correct horse"))
    Vault.open(home / "vault.db", Secret("a new passphrase")).close()
    assert command("restore", str(copy), "--home", str(tmp_path / "other")).code == Exit.DONE
    Vault.open(tmp_path / "other" / "vault.db", Secret("correct horse")).close()


def test_the_environment_names_home_and_passphrase(tmp_path: Path) -> None:
    with (tmp_path / "x").open("w+") as stream:
        variables = {"CLEANROOM_HOME": str(tmp_path), "CLEANROOM_PASSPHRASE": "correct horse"}
        found = environment_of(variables, stream, stream, stream)
        bare = environment_of({}, stream, stream, stream)
    assert (found.home, found.passphrase, found.ask) == (tmp_path, Secret("correct horse"), None)
    assert (bare.passphrase, bare.passphrase_file, bare.home.name) == (None, None, "cleanroom")


def test_tracebacks_never_show_local_variables() -> None:
    assert isinstance(app, typer.Typer)
    assert not app.pretty_exceptions_enable
