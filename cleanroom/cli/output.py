"""The one way in which commands print.

Results go to standard output: tables for people, or with --json one JSON document and nothing else. Messages, progress
and errors go to standard error. Text that others wrote (names, titles) passes through `printable` first, so that it
can neither steer the terminal nor reorder what is read.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TextIO

from rich.box import ROUNDED
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from cleanroom.agent.problems import EscrowProblem
from cleanroom.domain.errors import CleanroomError
from matching.refusal import Refusal

Json = Mapping[str, object]


class Output:
    """Standard output and standard error of one command."""

    def __init__(self, stdout: TextIO, stderr: TextIO) -> None:
        self.as_json = False
        self._stdout = stdout
        self._console = Console(file=stdout, markup=False, emoji=False, highlight=False)
        self.messages = Console(file=stderr, markup=False, emoji=False, highlight=False)

    @property
    def width(self) -> int:
        """How many characters fit into a line of standard output."""
        return self._console.width

    def result(self, document: Json, *screen: RenderableType) -> None:
        """What the command found: `document` with --json, else `screen`, part by part."""
        if self.as_json:
            self._stdout.write(json.dumps(document, indent=2) + "\n")
            self._stdout.flush()
            return
        for part in screen:
            self._console.print(part)

    def text(self, document: Json, text: str) -> None:
        """A text that the command found, line by line and never wrapped; with --json the document."""
        if self.as_json:
            self.result(document)
            return
        self._stdout.writelines(f"{printable(line)}\n" for line in text.removesuffix("\n").split("\n"))
        self._stdout.flush()

    def line(self, document: Json, screen: RenderableType) -> None:
        """One of many results of a command that goes on: with --json a document on a line of its own."""
        if self.as_json:
            self._stdout.write(json.dumps(document) + "\n")
            self._stdout.flush()
        else:
            self._console.print(screen)

    def say(self, text: str, style: str = "") -> None:
        """A message beside the result."""
        self.messages.print(Text(printable(text), style=style))

    def show(self, part: RenderableType) -> None:
        """Something to look at beside the result, such as the mapping before it is used."""
        self.messages.print(part)

    def error(self, error: CleanroomError | Refusal) -> None:
        """Why the command did not do what it was asked: one line; with --json the document."""
        document = error_document(error)
        if self.as_json:
            self.result({"error": document})
        else:
            self.messages.print(Text("error: ", style="bold red") + Text(str(document["message"])), soft_wrap=True)


def error_document(error: CleanroomError | Refusal) -> dict[str, object]:
    """An error for scripts: its code, its message, and the escrow's own code where the escrow refused."""
    document: dict[str, object] = {"code": error.code, "message": printable(str(error))}
    if isinstance(error, EscrowProblem):
        document["problem"] = error.problem
    return document


def printable(text: str) -> str:
    """The text with control and direction characters made visible as U+FFFD; line breaks become spaces."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in text)


def table(*headers: str, right: Sequence[int] = ()) -> Table:
    """An empty table; columns in `right` are numbers."""
    made = Table(header_style="bold", box=ROUNDED)
    for number, header in enumerate(headers):
        made.add_column(header, justify="right" if number in right else "left", overflow="fold")
    return made


def facts(rows: Sequence[tuple[str, RenderableType]]) -> Table:
    """Names and values, one pair a line."""
    made = Table.grid(padding=(0, 2))
    made.add_column(style="bold")
    made.add_column(overflow="fold")
    for name, value in rows:
        made.add_row(name, value)
    return made


def bullets(lines: Sequence[str], style: str = "") -> Table:
    """Sentences one under the other, each wrapped under itself."""
    made = Table.grid(padding=(0, 1))
    for line in lines:
        made.add_row(Text("-"), Text(printable(line), style=style))
    return made
