"""How a list is read, as options say it: what `push` and `lint` share."""

from collections.abc import Sequence
from typing import Annotated

import typer

from cleanroom.agent.reading.segments import SegmentFrom
from cleanroom.domain.errors import InputRefused

SegmentFromOption = Annotated[str | None, typer.Option("--segment-from", help="The column that says the segment.")]
SegmentMapOption = Annotated[
    list[str] | None,
    typer.Option("--segment-map", help="VALUE=SEGMENT, several times. (default: everyday words)"),
]
MapOption = Annotated[
    list[str] | None,
    typer.Option("--map", help="TARGET=COLUMN, such as name='Account Name', several times."),
]
SheetOption = Annotated[str | None, typer.Option("--sheet", help="The sheet of an XLSX file. (default: the first)")]
EncodingOption = Annotated[
    str | None, typer.Option("--encoding", help="The encoding of a CSV file. (default: found out)")
]


def pairs(option: str, given: Sequence[str] | None) -> dict[str, str]:
    """What stands left and right of the first "=".

    Raises:
        InputRefused: for a text that is no pair, and for a name that is given twice.
    """
    found: dict[str, str] = {}
    for text in given or ():
        left, mark, right = text.partition("=")
        if not mark or not left.strip() or not right.strip():
            raise InputRefused(f"--{option}: two parts with = between them")
        if left.strip() in found:
            raise InputRefused(f"--{option}: the same name twice")
        found[left.strip()] = right.strip()
    return found


def segment_source(column: str | None, values: Sequence[str] | None) -> SegmentFrom | None:
    """Where segments come from, if from a column.

    Raises:
        InputRefused: for values without a column, and what `pairs` raises.
    """
    known = pairs("segment-map", values)
    if column is None:
        if known:
            raise InputRefused("--segment-map goes with --segment-from")
        return None
    return SegmentFrom(column=column, values=known)
