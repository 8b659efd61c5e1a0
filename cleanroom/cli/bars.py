"""Progress by stage, on standard error, only where somebody looks."""

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Bars:
    """Shows the stages that an agent goes through; `clear` takes them away before something else is printed."""

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
                TextColumn("{task.description:<22}", markup=False),
                BarColumn(),
                TextColumn("{task.fields[count]:>20}", markup=False),
                TimeElapsedColumn(),
                console=self._console,
                transient=True,
            )
            self._shown.start()
        if stage not in self._tasks:
            self._tasks[stage] = self._shown.add_task(stage, total=total, count="")
        # A stage that cannot count its work says only that it is under way, and then that it is done.
        count = f"{done:,}/{total:,}" if total else ""
        self._shown.update(self._tasks[stage], completed=done, total=total, count=count)

    def clear(self) -> None:
        """Take the bars away."""
        if self._shown is not None:
            self._shown.stop()
        self._shown, self._tasks = None, {}
