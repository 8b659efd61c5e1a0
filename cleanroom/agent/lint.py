"""What will hurt the matching of a list, found before anything of it is uploaded: counts, and the places.

`lint` reads a list as a push would, and looks at what the functions behind a push say of it: the keys that were made or
refused, and the entries. Nothing is stored or sent, and no home is needed.
"""

from dataclasses import dataclass, field
from typing import Final

import pandas as pd

from cleanroom.agent.key_making import make_keys
from cleanroom.agent.lint_counts import Counts, counted, found_in
from cleanroom.agent.lint_findings import Source, findings
from cleanroom.agent.lint_listed import listed_of
from cleanroom.agent.progress import Progress
from cleanroom.agent.reading.accounts import read_accounts
from cleanroom.agent.reading.mapping import Mapping
from cleanroom.agent.reading.segments import SegmentFrom
from cleanroom.agent.reading.table import Table
from matching.normalise.tables import Tables, current

_LIST: Final = "lint"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lint:
    """A list looked at. `rows`: of the source. `findings`: as in `lint_findings`, most harmful rule first.

    `findings` holds the user's own values: for the screen and the file that were asked for, never for a log.
    """

    rows: int
    counts: Counts
    findings: pd.DataFrame = field(repr=False)
    notes: tuple[str, ...]


def lint(
    table: Table, mapping: Mapping, *, segment_from: SegmentFrom | None, tables: Tables, progress: Progress
) -> Lint:
    """What hurts in a list.

    Raises:
        InputRefused: if the mapping does not fit, or the list has no usable row.
    """
    with progress.stage("accounts"):
        result = read_accounts(table, mapping, segment=None, segment_from=segment_from, list_name=_LIST)
    recipes = current(tables)
    keys = make_keys(result.accounts, recipes, tables, progress)
    with progress.stage("entries"):
        listed = listed_of(result, keys, [recipe.kind for recipe in recipes], tables.current)
    with progress.stage("findings"):
        found = found_in(listed, by_segment=segment_from is not None)
        return Lint(
            rows=len(table.frame),
            counts=counted(listed, found),
            findings=findings(listed, found, Source(table=table, mapping=mapping, segment_from=segment_from)),
            notes=result.notes,
        )
