"""A table with many columns: side by side where the screen is wide enough, else one block for each row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from cleanroom.cli.output import facts, table


@dataclass(frozen=True, slots=True)
class WideTable:
    """Rows of texts that are safe to show, one for each header. In a block, empty values are left out."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """What fits."""
        shown = self._table()
        if Measurement.get(console, options.update(max_width=100_000), shown).maximum <= options.max_width:
            yield shown
            return
        for row in self.rows:
            pairs = [(header, Text(value)) for header, value in zip(self.headers, row, strict=True) if value]
            yield facts(pairs)
            yield Text("")

    def _table(self) -> Table:
        shown = table(*self.headers)
        for row in self.rows:
            shown.add_row(*map(Text, row))
        return shown
