"""The operator's command as an operator runs it: invites, the directory, and what it refuses to start with."""

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from ground import ran, running, script

from cleanroom.domain.clock import system_clock
from cleanroom.messages.documents import moment
from cleanroom.messages.invites import Invite
from examples.local import CommandFailed, Escrow, Partner

ESCROW = script("cleanroom-escrow")


@pytest.fixture(scope="module")
def escrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Escrow]:
    with running(tmp_path_factory.mktemp("operator") / "escrow") as made:
        yield made


def operator(escrow: Escrow, verb: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    return ran(ESCROW, verb, "--home", escrow.home, *arguments)


def refusal(done: "subprocess.CompletedProcess[str]") -> str:
    """The code of a refused command that says so in one line, without a traceback."""
    assert done.returncode == 1
    assert done.stdout == ""
    last = json.loads(done.stderr.splitlines()[-1])
    assert set(last) == {"code", "error"}
    assert "Traceback" not in done.stderr
    return str(last["code"])


def error_of(partner: Partner, *arguments: object) -> tuple[int, dict[str, Any]]:
    with pytest.raises(CommandFailed) as failed:
        partner.run(*arguments)
    return failed.value.code, json.loads(failed.value.out)["error"]


def test_an_invite_fixes_name_and_kind_and_works_once(escrow: Escrow, tmp_path: Path) -> None:
    made = operator(
        escrow, "invite", "--url", escrow.url, "--name", "Acme", "--kind", "isv", "--expires-days", "3", "--json"
    )
    facts = json.loads(made.stdout)
    days = moment(facts["expires"]) - system_clock()
    assert timedelta(days=2, hours=23) < days <= timedelta(days=3)
    invite = Invite.read(facts["invite"])
    assert (invite.name, invite.kind, invite.url) == ("Acme", "isv", escrow.url)

    code, error = error_of(Partner(tmp_path / "other", ""), "init", invite.text(), "--name", "Somebody else")
    assert (code, error["problem"]) == (1, "enrolment_refused")
    code, error = error_of(Partner(tmp_path / "kind", ""), "init", invite.text(), "--kind", "si")
    assert (code, error["problem"]) == (1, "enrolment_refused")
    enrolled = Partner(tmp_path / "acme", "Acme").run("init", invite.text())
    code, error = error_of(Partner(tmp_path / "again", ""), "init", invite.text())
    assert (code, error["problem"]) == (1, "invite_used")

    listed = [json.loads(line) for line in operator(escrow, "partners", "--json").stdout.splitlines()]
    assert listed == [{"partner": enrolled["partner"], "name": "Acme", "kind": "isv"}]
    assert enrolled["partner"] in operator(escrow, "partners").stdout


@pytest.mark.parametrize(
    "arguments",
    [("--kind", "nobody"), ("--expires-days", "0"), ("--url", "ftp://x"), ("--name", "")],
)
def test_an_invite_that_cannot_be_is_refused(escrow: Escrow, arguments: tuple[str, str]) -> None:
    done = operator(escrow, "invite", *arguments)
    assert done.returncode in {1, 2}
    assert "cleanroom-invite" not in done.stdout
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_refused_in_words(escrow: Escrow, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = ran(ESCROW, "serve", "--home", tmp_path / "second", "--port", taken.getsockname()[1], "--json")
    assert done.returncode not in {0, 2}
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert "address already in use" in done.stderr.lower()
    assert escrow.process.poll() is None


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    assert ran(ESCROW, "migrate", "--home", tmp_path).returncode == 0
    key = tmp_path / "escrow.key"
    kept = key.read_bytes()
    for mode, verb in ((0o640, "serve"), (0o604, "invite"), (0o660, "migrate")):
        key.chmod(mode)
        assert refusal(ran(ESCROW, verb, "--home", tmp_path, "--json")) == "key_file_refused"
    key.chmod(0o600)
    assert ran(ESCROW, "partners", "--home", tmp_path).returncode == 0
    assert key.read_bytes() == kept


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for loopback that nobody vouches for, and its key."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "escrow")])
    now = datetime.fromtimestamp(system_clock().timestamp(), UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(private, SHA256())
    )
    cert, key = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(certificate.public_bytes(Encoding.PEM))
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key.chmod(0o600)
    return cert, key


@contextmanager
def serving(*arguments: object) -> Iterator[dict[str, str]]:
    command = [ESCROW, "serve", *map(str, arguments), "--port", "0", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)  # noqa: S603 - our own command
    assert process.stdout is not None
    with process.stdout as out:
        line = out.readline()
    try:
        yield json.loads(line)
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_an_agent_refuses_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    cert, key = self_signed(tmp_path)
    home = tmp_path / "escrow"
    with serving("--home", home, "--tls-cert", cert, "--tls-key", key) as facts:
        assert facts["url"].startswith("https://127.0.0.1:")
        made = ran(ESCROW, "invite", "--home", home, "--url", facts["url"], "--name", "Acme", "--kind", "isv")
        code, error = error_of(Partner(tmp_path / "acme", "Acme"), "init", made.stdout.strip())
    assert (code, error["code"]) == (4, "escrow_not_authentic")
    assert "certificate" in error["message"]
    assert ran(ESCROW, "partners", "--home", home).stdout == ""


@pytest.mark.parametrize("url", ["http://192.0.2.1:8470", "http://escrow.example"])
def test_an_agent_refuses_plain_http_beyond_loopback(escrow: Escrow, tmp_path: Path, url: str) -> None:
    made = operator(escrow, "invite", "--url", url, "--name", "Remote", "--kind", "isv")
    assert made.returncode == 0
    code, error = error_of(Partner(tmp_path / "remote", "Remote"), "init", made.stdout.strip())
    assert (code, error["code"]) == (1, "insecure_address")


@pytest.mark.soak
def test_half_a_certificate_is_refused(tmp_path: Path) -> None:
    cert, key = self_signed(tmp_path)
    for half in (("--tls-cert", cert), ("--tls-key", key)):
        done = ran(ESCROW, "serve", "--home", tmp_path / "escrow", *half, "--port", "0", "--json")
        assert refusal(done) == "input_refused"


@pytest.mark.soak
def test_a_certificate_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    _, key = self_signed(tmp_path)
    tls = ("--tls-cert", tmp_path / "nothing.pem", "--tls-key", key)
    done = ran(ESCROW, "serve", "--home", tmp_path / "escrow", *tls, "--port", "0", "--json")
    assert refusal(done) == "input_refused"
