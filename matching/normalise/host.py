"""What a website cell says of its host: the part that every recipe about websites begins with.

Surrounding white space, scheme (http, https, ftp, mailto, also mistyped as "http:/" or "http//"), credentials or the
local part of an e-mail address, port, path, query, fragment and one trailing dot out; ASCII to lower case; other
labels by UTS 46 (non-transitional) to A-labels (RFC 5891). Refused: IP addresses, single labels, labels that mix
scripts beyond UTS 39's "highly restrictive" level, Cyrillic or Greek labels made of Latin look-alikes only, below an
ASCII top-level domain.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

import idna

from matching.normalise.cells import checked
from matching.refusal import Refusal

LIMIT: Final = 2_048

_FAST: Final = re.compile(r"(?:https?://)?((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63})(?:/([!-~]*))?")
_SCHEME: Final = re.compile(r"\A(?:(?:https?|ftp)(?::/{0,3}|/{2,3})|//|mailto:)+", re.IGNORECASE)
_END_OF_AUTHORITY: Final = re.compile(r"[/\\?#]")
_PORT: Final = re.compile(r":[0-9]{0,5}\Z")
_HOST: Final = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})")
_NUMERIC: Final = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+))*")
_HOST_LIMIT: Final = 253  # RFC 1035, section 2.3.4, without the root label

# UTS 39, section 5.2: the combinations with Latin that the "highly restrictive" level allows.
_TOGETHER: Final = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
)
_SCRIPT_AS: Final = {"KATAKANA-HIRAGANA": "KATAKANA", "IDEOGRAPHIC": "CJK"}
# Letters that read as Latin ones; a label of nothing else spells a Latin word (the list that browsers use).
_LATIN_LOOKALIKES: Final = frozenset("асԁеһіјӏорԛѕԝхуъьҽпгѵѡ" + "αειικνορτυχωϲϳ")


def host_and_rest(value: str) -> tuple[str, str]:
    """(ASCII host, what follows the first slash or marks a mailbox); host "" for an empty cell.

    Raises Refusal `domain_invalid`, `domain_ip_address`, `domain_single_label`, `domain_mixed_scripts`, and what
    `cells.checked` raises.
    """
    fast = _FAST.fullmatch(value) if len(value) <= LIMIT else None
    if fast and "xn--" not in value and len(fast[1]) <= _HOST_LIMIT:
        return fast[1], fast[2] or ""
    return _host_and_path(value)


def _host_and_path(value: str) -> tuple[str, str]:
    """(ASCII host, what follows the first slash or marks a mailbox); host "" for an empty cell."""
    text = checked(value, limit=LIMIT)
    if not text:
        return "", ""
    text = _SCHEME.sub("", text)
    end = _END_OF_AUTHORITY.search(text)
    authority, path = (text[: end.start()], text[end.end() :]) if end else (text, "")
    _, mailbox, authority = authority.rpartition("@")
    if authority.startswith("["):
        raise Refusal("domain_ip_address", "an IP address, not a domain")
    host = _PORT.sub("", authority).strip().removesuffix(".")
    if len(host) > _HOST_LIMIT:
        raise Refusal("domain_invalid", f"a host name longer than {_HOST_LIMIT} characters")
    host = host.lower() if host.isascii() else _a_labels(host)
    if "xn--" in host:
        host = _a_labels(host)
        _refuse_homographs([idna.decode(label) for label in host.split(".")])
    if _NUMERIC.fullmatch(host):
        raise Refusal("domain_ip_address", "an IP address, not a domain")
    if host and "." not in host and _HOST.fullmatch(host + ".com"):
        raise Refusal("domain_single_label", "a single label, not a domain")
    if len(host) > _HOST_LIMIT or not _HOST.fullmatch(host):
        raise Refusal("domain_invalid", "not a host name")
    return host, path or mailbox


def _a_labels(host: str) -> str:
    """UTS 46 processing and RFC 5891's checks; A-labels that are already there are checked the same way."""
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except UnicodeError:  # idna.IDNAError is one
        pass
    # Raised out here: the library's message holds the value, and would hang on the refusal as its context.
    raise Refusal("domain_invalid", "not a valid internationalised host name")


def _refuse_homographs(labels: list[str]) -> None:
    # Below a top-level domain in another script a label does not pose as a Latin one (.xn--p1acf is itself made of
    # look-alikes); browsers draw the same line.
    below_ascii = labels[-1].isascii()
    for label in labels:
        scripts = {script for character in label if (script := _script(character))}
        if len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER):
            raise Refusal("domain_mixed_scripts", "mixed scripts in one label")
        if below_ascii and scripts and scripts <= {"CYRILLIC", "GREEK"} and _poses_as_latin(label):
            raise Refusal("domain_mixed_scripts", "mixed scripts: only look-alikes of Latin letters")


def _poses_as_latin(label: str) -> bool:
    return all(character in _LATIN_LOOKALIKES or not _script(character) for character in label)


@lru_cache(maxsize=8_192)
def _script(character: str) -> str:
    """The script by the character's Unicode name; "" for digits, hyphens and marks that any script uses."""
    name = unicodedata.name(character, "UNKNOWN")
    if not character.isalpha() and (character.isascii() or name.startswith(("COMBINING", "MIDDLE"))):
        return ""
    first = name.split(" ", 1)[0]
    return _SCRIPT_AS.get(first, first)
