"""An escrow and partners' agents as separate processes on loopback: what the demo, the benches and the tests run on."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

PASSPHRASE = "correct horse battery staple"  # noqa: S105 - of throw-away vaults


class CommandFailed(Exception):
    """A command of ours ended with another exit code than 0."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err
        super().__init__(f"exit code {code}: {err or out}")


@dataclass(slots=True)
class Escrow:
    """A running escrow. Restartable at the same port over the same files."""

    home: Path
    database: str
    process: "subprocess.Popen[str]"
    url: str

    @property
    def log(self) -> Path:
        """Everything that the escrow wrote to stderr."""
        return self.home / "escrow.log"

    def invite(self, name: str, kind: str) -> str:
        """A fresh invite's text."""
        arguments = ["invite", "--home", self.home, "--db", self.database, "--url", self.url]
        made = _run([_script("cleanroom-escrow"), *arguments, "--name", name, "--kind", kind, "--json"])
        return str(json.loads(made)["invite"])

    def kill(self) -> None:
        """SIGKILL: no chance to clean up."""
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        """Start it again, at the same address, over the same files."""
        port = int(self.url.rsplit(":", 1)[1])
        self.process, self.url = _serve(self.home, self.database, port)

    def stop(self) -> None:
        """Ask it to end, and wait."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.kill()


@dataclass(frozen=True, slots=True)
class Partner:
    """One partner's home, driven through the `cleanroom` command, a new process for each."""

    home: Path
    name: str
    environment: dict[str, str] = field(default_factory=dict, repr=False)

    def command(self, *arguments: object) -> list[str]:
        """The command line."""
        return [_script("cleanroom"), *map(str, arguments), "--home", str(self.home)]

    def run(self, *arguments: object) -> Any:  # noqa: ANN401 - JSON
        """The command's JSON answer.

        Raises:
            CommandFailed: with what it printed, if it fails.
        """
        return json.loads(_run([*self.command(*arguments), "--json"], self._env()))

    def show(self, *arguments: object) -> str:
        """What the command prints for people."""
        return _run(self.command(*arguments), self._env())

    def start(self, *arguments: object, log: Path) -> "subprocess.Popen[str]":
        """Start the command and leave it running; its output goes to `log`."""
        with log.open("a") as out:
            return subprocess.Popen(self.command(*arguments), env=self._env(), stdout=out, stderr=out, text=True)

    def _env(self) -> dict[str, str]:
        return {
            **_environment(),
            "CLEANROOM_PASSPHRASE": PASSPHRASE,
            "CLEANROOM_USER_PASSPHRASE": PASSPHRASE,
            **self.environment,
        }


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Somebody with a file and the `cleanroom` command: no home, no passphrase, no escrow."""

    environment: dict[str, str] = field(default_factory=dict, repr=False)

    def run(self, *arguments: object) -> Any:  # noqa: ANN401 - JSON
        """The command's JSON answer. Raises CommandFailed."""
        return json.loads(_run([_script("cleanroom"), *arguments, "--json"], {**_environment(), **self.environment}))

    def show(self, *arguments: object) -> str:
        """What the command prints for people."""
        return _run([_script("cleanroom"), *arguments], {**_environment(), **self.environment})


def start_escrow(home: Path, database: str | None = None) -> Escrow:
    """Start an escrow on a free port of loopback; its files are in `home`."""
    home.mkdir(parents=True, exist_ok=True)
    url = database or f"sqlite:///{home / 'escrow.db'}"
    process, address = _serve(home, url, 0)
    return Escrow(home=home, database=url, process=process, url=address)


@contextmanager
def running_escrow(home: Path, database: str | None = None) -> Iterator[Escrow]:
    """An escrow that is stopped at the end."""
    escrow = start_escrow(home, database)
    try:
        yield escrow
    finally:
        escrow.stop()


def enrolled(folder: Path, escrow: Escrow, partners: Sequence[tuple[str, str]]) -> list[Partner]:
    """Partners (name, kind) with homes below `folder`, enrolled, who have compared fingerprints with each other."""
    made = [Partner(folder / name.lower(), name) for name, _ in partners]

    def enrol(partner: Partner, kind: str) -> list[str]:
        partner.run("init", escrow.invite(partner.name, kind))
        words: list[str] = partner.run("partner", "list")["fingerprint"]
        return words

    def compare(partner: Partner) -> None:
        for name in read_out.keys() - {partner.name}:
            partner.run("partner", "confirm", name, *read_out[name])

    with ThreadPoolExecutor(len(made)) as at_once:
        words = at_once.map(enrol, made, [kind for _, kind in partners])
        read_out = dict(zip([partner.name for partner in made], words, strict=True))
        list(at_once.map(compare, made))
    return made


UNSAFE_TERMS: Final = (
    *("--counting", "exact", "--unsafe-no-caps", "--unsafe-answer-every-push"),
    *("--growth", "1000000,1000000", "--churn", "1000000", "--new-count-from", "next_answer", "--open-after", "0,1"),
    *("--probes", "0"),
)
"""Exact answers whenever a list changes, and no limit to guessing: for benches and tests of everything else."""


def agreed_room(proposer: Partner, acceptor: Partner, title: str, *options: str) -> str:
    """A room that both have signed; its id."""
    proposed = proposer.run("room", "propose", acceptor.name, "--title", title, *options)
    acceptor.run("room", "accept", title, "--yes")
    return str(proposed["room"])


def _serve(home: Path, database: str, port: int) -> "tuple[subprocess.Popen[str], str]":
    command = [
        _script("cleanroom-escrow"),
        "serve",
        "--home",
        str(home),
        "--db",
        database,
        "--port",
        str(port),
        "--json",
    ]
    with (home / "escrow.log").open("a") as log:
        process = subprocess.Popen(
            [*command, "--migrate"], env=_environment(), stdout=subprocess.PIPE, stderr=log, text=True
        )
    line = ""
    if process.stdout:
        with process.stdout:
            line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"the escrow did not start; see {home / 'escrow.log'}")
    return process, str(json.loads(line)["url"])


def _script(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1"}  # noqa: TID251 - handed on to child processes


def _run(command: Sequence[object], environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        env=environment or _environment(),
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        raise CommandFailed(done.returncode, done.stdout, done.stderr)
    return done.stdout
