"""Bytes of a text file to UTF-8: byte-order mark, then strict UTF-8, then UTF-16 by its zero bytes, then Windows-1252.

All of it in memory. A wrong guess is visible: the encoding is named in the notes.
"""

import codecs
from typing import Final

from cleanroom.domain.errors import InputRefused

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LOOK: Final = 4_096
_STEP: Final = 1 << 22


def as_utf8(data: bytes, *, encoding: str | None = None) -> tuple[bytes, str]:
    """The text as UTF-8 without a byte-order mark, and the name of the encoding it came in.

    Raises InputRefused, naming the line, for bytes that are no text in that encoding, and for zero bytes.
    """
    start, found = _marked(data)
    if encoding is not None:
        try:
            found = codecs.lookup(encoding).name
        except LookupError:
            raise InputRefused("encoding: not one that Python knows") from None
    found = found or _guessed(data)
    text = data[start:]
    if found == "utf-8":
        _checked(text)
    else:
        text = _converted(text, found)
    zero = text.find(b"\0")
    if zero >= 0:
        line = text.count(b"\n", 0, zero) + 1
        raise InputRefused(f"line {line}: a zero byte; this is not a text file")
    return text, found


def _marked(data: bytes) -> tuple[int, str | None]:
    for mark, name in _MARKS:
        if data.startswith(mark):
            return len(mark), name
    return 0, None


def _guessed(data: bytes) -> str:
    head = data[:_LOOK]
    low, high = head[0::2].count(0), head[1::2].count(0)
    if max(low, high) * 4 > len(head):  # Latin letters in UTF-16: every other byte is zero
        return "utf-16-le" if high > low else "utf-16-be"
    try:
        _checked(data)
    except InputRefused:
        return "cp1252"
    return "utf-8"


def _checked(data: bytes) -> None:
    decoder, done = codecs.getincrementaldecoder("utf-8")(), 0
    try:
        for done in range(0, len(data) + 1, _STEP):
            decoder.decode(data[done : done + _STEP], final=done + _STEP > len(data))
    except UnicodeDecodeError:
        raise _refused(data, "utf-8", done) from None


def _converted(data: bytes, encoding: str) -> bytes:
    decoder, done = codecs.getincrementaldecoder(encoding)(), 0
    parts: list[bytes] = []
    try:
        for done in range(0, len(data) + 1, _STEP):
            text = decoder.decode(data[done : done + _STEP], final=done + _STEP > len(data))
            parts.append(text.encode())
    except UnicodeError:
        raise _refused(data, encoding, done) from None
    return b"".join(parts)


def _refused(data: bytes, encoding: str, done: int) -> InputRefused:
    line = data.count(b"\n", 0, done) + 1
    return InputRefused(f"from line {line} on: not text in {encoding}")
