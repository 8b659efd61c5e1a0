"""What the user commands ask for before anything is done, and key files, which need no vault."""

import json
from pathlib import Path

import pytest
from commandline import Command

from cleanroom.agent.user_keys import unlock_file
from cleanroom.agent.vault_errors import WrongPassphrase
from cleanroom.cli.exits import Exit
from cleanroom.cli.invocation import Ask
from cleanroom.cli.main import environment_of
from cleanroom.domain.secret import Secret


def asking(*typed: str) -> tuple[Ask, list[str]]:
    prompts: list[str] = []
    answers = iter(typed)

    def secret(prompt: str) -> Secret[str]:
        prompts.append(prompt)
        return Secret(next(answers))

    return Ask(text=lambda _: "", secret=secret, sure=lambda _: True), prompts


def test_a_key_file_is_made_without_a_vault(command: Command, tmp_path: Path) -> None:
    file, words = tmp_path / "bob.key", tmp_path / "words.txt"
    words.write_text("a passphrase of Bob\n")
    ended = command("user", "keyfile", str(file), "--name", "Bob", "--passphrase-file", str(words), "--json")
    assert ended.code == Exit.DONE
    bob = unlock_file(file, Secret("a passphrase of Bob"))
    assert json.loads(ended.out)["public_key"] == bob.public_key.hex()
    assert file.stat().st_mode & 0o777 == 0o600
    again = command("user", "keyfile", str(file), "--name", "Bob", "--passphrase-file", str(words), "--json")
    assert (again.code, json.loads(again.out)["error"]["code"]) == (Exit.REFUSED, "user_key_refused")


def test_the_passphrase_of_a_key_is_typed_twice(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "bob.key"
    ask, prompts = asking("a passphrase of Bob", "another one")
    refused = command("user", "keyfile", str(file), "--name", "Bob\x1b[31m", ask=ask)
    assert "differ" in refused.err
    assert not file.exists()
    assert prompts == ["New passphrase of Bob\ufffd[31m", "Once more"]
    ask, _ = asking("a passphrase of Bob", "a passphrase of Bob")
    assert command("user", "keyfile", str(file), "--name", "Bob", ask=ask).code == Exit.DONE
    with pytest.raises(WrongPassphrase):
        unlock_file(file, Secret("another passphrase"))


@pytest.mark.parametrize("key", ["", "zz", "00" * 31, "00" * 33])
def test_a_public_key_of_another_size_is_refused(key: str, command: Command) -> None:
    ended = command("user", "add", "Bob", "--role", "seller", "--public-key", key, "--json")
    assert (ended.code, json.loads(ended.out)["error"]["code"]) == (Exit.REFUSED, "user_refused")


def test_a_role_must_be_one(command: Command) -> None:
    assert command("user", "add", "Bob", "--role", "boss").code == Exit.USAGE


def test_the_environment_names_the_users_passphrase_apart_from_the_vaults(tmp_path: Path) -> None:
    with (tmp_path / "x").open("w+") as stream:
        variables = {"CLEANROOM_PASSPHRASE": "of the vault", "CLEANROOM_USER_PASSPHRASE": "of the user"}
        found = environment_of(variables, stream, stream, stream)
        other = environment_of({"CLEANROOM_USER_PASSPHRASE_FILE": "ann.txt"}, stream, stream, stream)
    assert (found.passphrase, found.user_passphrase) == (Secret("of the vault"), Secret("of the user"))
    assert (other.user_passphrase, other.user_passphrase_file) == (None, Path("ann.txt"))
