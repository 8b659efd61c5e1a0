"""Progress by stage, on standard error, only where somebody looks."""

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

PACE_SECONDS = 120
"""So far back an estimate looks."""


class Bars:
    """Shows the stages that an agent goes through; `clear` takes them away before something else is printed.

    Each has the time it took so far and, where it counts its work, the time that is left at its recent pace: its
    work is rows, and one costs what another does.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def show(self, stage: str, done: int, total: int | None) -> None:
        """Move a stage's bar (the agent's `progress.Show`)."""
        if not self._console.is_terminal:
            return
        if self._shown is None:
            self._shown = Progress(
                TextColumn("{task.description:<14}", markup=False),
                BarColumn(bar_width=20),
                TextColumn("{task.fields[count]:>21}", markup=False),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=self._console,
                transient=True,
                speed_estimate_period=PACE_SECONDS,
            )
            self._shown.start()
        if stage not in self._tasks:
            self._tasks[stage] = self._shown.add_task(stage, total=total, count="")
        elif not done:
            self._shown.reset(self._tasks[stage], total=total)  # the same work, for another batch or room
        # A stage that cannot count its work says only that it is under way, and then that it is done.
        count = f"{done:,}/{total:,}" if total else ""
        self._shown.update(self._tasks[stage], completed=done, total=total, count=count)

    def clear(self) -> None:
        """Take the bars away."""
        if self._shown is not None:
            self._shown.stop()
        self._shown, self._tasks = None, {}
