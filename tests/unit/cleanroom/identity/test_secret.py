import copy
import json
import logging
import pickle  # noqa: TID251 - the test shows that it is refused
from dataclasses import asdict, dataclass

import pytest

from cleanroom.domain.secret import Secret

CANARY = "canary-7f3a"


@pytest.fixture
def secret() -> Secret[str]:
    return Secret(CANARY)


def test_reveals_only_on_request(secret: Secret[str]) -> None:
    assert secret.reveal() == CANARY


def test_no_rendering_shows_it(secret: Secret[str]) -> None:
    @dataclass(frozen=True)
    class Holder:
        inner: Secret[str]

    rendered = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!r:>40}",
        f"{secret:>40}",
        "%s %r" % (secret, secret),  # noqa: UP031 - the way of logging
        repr([secret]),
        repr(Holder(secret)),
        str({"key": secret}),
        str([getattr(secret, name, "") for name in dir(secret) if name != "reveal"]),
    ]
    assert all(CANARY not in text for text in rendered)
    assert CANARY in f"{secret.reveal()}"  # the search finds what is there


def test_logging_hides_it(secret: Secret[str], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        logging.getLogger("test").info("opened with %s", secret)
    assert "opened with" in caplog.text
    assert CANARY not in caplog.text


def test_serialisers_and_copies_are_refused(secret: Secret[str]) -> None:
    @dataclass
    class Holder:
        inner: Secret[str]

    for attempt in (json.dumps, pickle.dumps, copy.copy, copy.deepcopy, vars, hash):
        with pytest.raises(TypeError):
            attempt(secret)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError):
            pickle.dumps(secret, protocol)
    with pytest.raises(TypeError):
        asdict(Holder(secret))


def test_cannot_be_changed_or_read_around(secret: Secret[str]) -> None:
    with pytest.raises(AttributeError):
        secret._value = "x"  # noqa: SLF001 - the attempt
    with pytest.raises(AttributeError):
        _ = secret._value  # noqa: SLF001 - the attempt


def test_equality() -> None:
    assert Secret(b"abc") == Secret("abc".encode())  # noqa: UP012 - another object of equal content
    assert Secret(b"abc") != Secret(b"abd")
    assert Secret("abc") == Secret("abc")
    assert Secret("abc") != Secret(b"abc")
    assert Secret(b"abc") != b"abc"
    number = Secret(5)
    assert number == number  # noqa: PLR0124 - identity
    assert number != Secret(5)
