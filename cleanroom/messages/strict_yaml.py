"""A small part of YAML, as nodes that know their line and column: mappings with text keys, sequences, texts.

Nothing is resolved: `no`, `0x10` and `2026-01-01` are texts, with or without quotes. Everything else is refused:
anchors, aliases, merge keys, tags, directives, a second document, control characters, tabs, characters that turn the
direction of text, and more than `MOST_BYTES` or `MOST_LEVELS`. Complaints say line, column, place and rule, and never
repeat what was written. What the texts mean is the caller's business.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Protocol, TypeAlias

import yaml

MOST_BYTES: Final = 256 * 1024
MOST_LEVELS: Final = 12
MOST_COMPLAINTS: Final = 20

FORBIDDEN: Final = re.compile(
    # C0 without line feed, C1, YAML's other line breaks, bidirectional marks and overrides, surrogates, no characters.
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)
_DIRECTIVE: Final = re.compile(r"^%", re.MULTILINE)
_BEYOND_UNICODE: Final = re.compile(r"\\U(?!000|0010)[0-9A-Fa-f]{8}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Where something stands. Both count from 1; columns are characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A scalar, as written, without its quotes."""

    mark: Mark
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """A sequence."""

    mark: Mark
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """A mapping, in the order written; keys may repeat."""

    mark: Mark
    members: tuple[tuple[Text, "Node"], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """Where something stood that was complained about already."""

    mark: Mark


Node: TypeAlias = Text | Items | Members | Nothing


@dataclass(slots=True)
class Complaints:
    """What is wrong, collected, so that one reading tells all of it."""

    _found: set[tuple[int, int, str]] = field(default_factory=set)

    def add(self, mark: Mark, words: str) -> None:
        """One more. The words name the place and the rule, never what was written."""
        self._found.add((mark.line, mark.column, words))

    def __len__(self) -> int:
        return len(self._found)

    def lines(self) -> list[str]:
        """All of them from top to bottom, or the first ones and how many more there are."""
        lines = [f"line {line}, column {column}: {words}" for line, column, words in sorted(self._found)]
        left_out = len(lines) - MOST_COMPLAINTS
        return lines if left_out <= 0 else [*lines[:MOST_COMPLAINTS], f"and {left_out} more"]


class _Unreadable(Exception):
    """Reading cannot go on; the complaint is made."""


def read_nodes(source: str | bytes, complaints: Complaints) -> Node | None:
    """The one document in `source`; None where nothing could be read, and then there is a complaint that says why."""
    text = _clean(source, complaints)
    if text is None:
        return None
    try:
        return _Composer(text, complaints).document()
    except yaml.MarkedYAMLError as error:
        # PyYAML's own words quote the text.
        where = _mark(error.problem_mark or error.context_mark)
        complaints.add(where, "not YAML from here on: look at quotes, brackets, colons and indentation")
    except _Unreadable:
        pass
    return None


def _clean(source: str | bytes, complaints: Complaints) -> str | None:
    """The text with its lines ended by line feeds; None after a complaint about size, encoding or characters."""
    start = Mark(line=1, column=1)
    data = source if isinstance(source, bytes) else source.encode("utf-8", "surrogatepass")
    if len(data) > MOST_BYTES:
        complaints.add(start, f"longer than {MOST_BYTES // 1024} KiB")
        return None
    try:
        text = data.decode("utf-8", "strict" if isinstance(source, bytes) else "surrogatepass")
    except UnicodeDecodeError as error:
        complaints.add(_mark_of(data[: error.start].decode(), error.start), "not UTF-8 from here on")
        return None
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    for found in islice(FORBIDDEN.finditer(text), MOST_COMPLAINTS):
        what = "a tab; indent with spaces" if found[0] == "\t" else "a control or direction character"
        complaints.add(_mark_of(text, found.start()), what)
    for found in islice(_DIRECTIVE.finditer(text), MOST_COMPLAINTS):
        complaints.add(_mark_of(text, found.start()), "a line that begins with %; directives are not read")
    for found in islice(_BEYOND_UNICODE.finditer(text), MOST_COMPLAINTS):
        complaints.add(_mark_of(text, found.start()), "an escape that is no character")
    return None if complaints else text


def _mark_of(text: str, index: int) -> Mark:
    before = text[:index]
    return Mark(line=before.count("\n") + 1, column=len(before) - before.rfind("\n"))


class _Composer:
    """From PyYAML's events to nodes. It never constructs anything, and it never goes deeper than `MOST_LEVELS`."""

    def __init__(self, text: str, complaints: Complaints) -> None:
        # The parser in Python, wherever there is one in C too: complaints must stand at the same places everywhere.
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=yaml.SafeLoader)
        self._complaints = complaints

    def document(self) -> Node:
        next(self._events)  # the stream's start
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            self._stop(event, "nothing is written here")
        root = self._node(next(self._events), level=1)
        next(self._events)  # the document's end
        event = next(self._events)
        if not isinstance(event, yaml.StreamEndEvent):
            self._stop(event, "a second document")
        return root

    def _node(self, event: yaml.Event, *, level: int) -> Node:
        if level > MOST_LEVELS:
            self._stop(event, f"more than {MOST_LEVELS} levels deep")
        mark = _mark(event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            self._complaints.add(mark, "an alias (*); write it out")
            return Nothing(mark=mark)
        self._refuse_properties(event, mark)
        if isinstance(event, yaml.ScalarEvent):
            if FORBIDDEN.search(event.value):  # written as an escape
                self._complaints.add(mark, "a control or direction character")
                return Nothing(mark=mark)
            return Text(mark=mark, text=event.value)
        if isinstance(event, yaml.SequenceStartEvent):
            return Items(mark=mark, items=tuple(self._items(level)))
        return Members(mark=mark, members=tuple(self._members(level)))

    def _items(self, level: int) -> Iterator[Node]:
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self._node(event, level=level + 1)

    def _members(self, level: int) -> Iterator[tuple[Text, Node]]:
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, level=level + 1)
            value = self._node(next(self._events), level=level + 1)
            if isinstance(key, Text) and key.text == "<<":
                self._complaints.add(key.mark, "a merge key (<<); write it out")
            elif isinstance(key, Text):
                yield key, value
            elif not isinstance(key, Nothing):
                self._complaints.add(key.mark, "a key that is no text")

    def _refuse_properties(self, event: yaml.Event, mark: Mark) -> None:
        if getattr(event, "anchor", None) is not None:
            self._complaints.add(mark, "an anchor (&); write things out")
        if getattr(event, "tag", None) is not None:
            self._complaints.add(mark, "a tag (!); all values are texts")

    def _stop(self, event: yaml.Event, words: str) -> None:
        self._complaints.add(_mark(event.start_mark), words)
        raise _Unreadable


class _Position(Protocol):
    """A mark of PyYAML's parser in Python, or of the one in C."""

    line: int
    column: int


def _mark(at: _Position | None) -> Mark:
    return Mark(line=at.line + 1, column=at.column + 1) if at else Mark(line=1, column=1)
