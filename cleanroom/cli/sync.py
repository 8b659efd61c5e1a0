"""`cleanroom sync`: do what the rooms need of this partner, once or for good."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from types import FrameType
from typing import Annotated

import typer
from rich.text import Text

from cleanroom.agent import sync as operation
from cleanroom.agent.problems import EscrowUnreachable
from cleanroom.agent.rooms import find_id
from cleanroom.agent.session import Agent
from cleanroom.agent.sync import Synced
from cleanroom.cli.exits import exit_of
from cleanroom.cli.invocation import HomeOption, Invocation, JsonOption, begin
from cleanroom.cli.output import error_document, printable
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages.documents import instant

_PAUSES = (1, 2, 5, 10, 30)
"""Seconds between attempts to reach an escrow that was reached before."""


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("sync", epilog="Example: cleanroom sync --watch")(sync)


def sync(
    context: typer.Context,
    *,
    room: Annotated[str | None, typer.Option("--room", help="Only this room: title or id.")] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on: wait for changes, and do what they need. Ctrl-C ends it.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Do what the rooms need of you: commit what waits, evaluate the other side's new rows, send the result.

    Killed at any point, the next run goes on. With --watch --json each pass that did something is one line of JSON.
    """
    run = begin(context, home, as_json=as_json)
    with run.agent() as agent:
        only = find_id(agent, room) if room else None
        if watch:
            _watch(run, agent, only)
            return
        done = operation.sync(agent, only)
        run.bars.clear()
        lines = [_line(item) for item in done] or [Text("No active room: nothing to do.")]
        seconds = {stage: round(value, 3) for stage, value in agent.progress.seconds.items()}
        run.out.result({"rooms": [_document(item) for item in done], "seconds": seconds}, *lines)
    problems = [exit_of(item.problem) for item in done if item.problem]
    if problems:
        raise typer.Exit(max(problems))


def _watch(run: Invocation, agent: Agent, only: RoomId | None) -> None:
    run.out.say("Watching. Ctrl-C ends it; nothing is lost.")
    told: set[tuple[RoomId, str]] = set()
    for done in _passes(run, agent, only):
        run.bars.clear()
        moment = instant(agent.clock())
        for item in done:
            codes = [item.problem.code] if item.problem else []
            now = {(item.room, word) for word in (*codes, *([item.upgrade.what] if item.upgrade else []))}
            # What stays as it is is told once, not at every pass.
            if item.steps or now - told:
                run.out.line({"at": moment, **_document(item)}, Text(f"{moment}  ") + _line(item))
            told = {known for known in told if known[0] != item.room} | now


def _passes(run: Invocation, agent: Agent, only: RoomId | None) -> Iterator[list[Synced]]:
    """Passes until Ctrl-C. An escrow that goes away later is waited for; one never reached is an error."""
    reached, attempt, asked = False, 0, threading.Event()
    with _interrupts(asked):
        while not asked.is_set():
            try:
                for done in operation.watch(agent, only, stop=asked.is_set):
                    reached, attempt = True, 0
                    yield done
            except EscrowUnreachable as error:
                if not reached:
                    raise
                pause = _PAUSES[min(attempt, len(_PAUSES) - 1)]
                run.bars.clear()
                run.out.say(f"{instant(agent.clock())}  {error} Trying again in {pause} s.")
                attempt += 1
                time.sleep(pause)
    raise KeyboardInterrupt


@contextmanager
def _interrupts(asked: threading.Event) -> Iterator[None]:
    """Remember Ctrl-C: raised inside a callback of some library it may be swallowed, and we would watch on."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        asked.set()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _document(item: Synced) -> dict[str, object]:
    return {
        "room": item.room,
        "title": item.title,
        "steps": list(item.steps),
        "problem": error_document(item.problem) if item.problem else None,
        "upgrade": asdict(item.upgrade) if item.upgrade else None,
    }


def _line(item: Synced) -> Text:
    steps = ", ".join(item.steps) or "nothing to do"
    line = Text(f"{printable(item.title)}: {steps}")
    if item.problem:
        line += Text(f"; stopped: {printable(str(item.problem))}", style="red")
    if item.upgrade:
        line += Text(f"\n  {printable(item.upgrade.what)}", style="bold" if item.upgrade.mine else "")
    return line
