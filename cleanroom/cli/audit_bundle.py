"""A bundle read and checked, for the commands that look at one: no home, no passphrase, no network."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from cleanroom.agent.progress import Progress
from cleanroom.audit.budgets import recounted
from cleanroom.audit.bundle import Bundle, read
from cleanroom.audit.draws import MOST_BYTES, check_draws, read_draws
from cleanroom.audit.result import Audit, Finding
from cleanroom.audit.verify import verify
from cleanroom.cli.exits import Exit
from cleanroom.cli.invocation import Invocation
from cleanroom.cli.policy_file import read_bytes
from cleanroom.domain.errors import InputRefused

BundleArgument = Annotated[Path, typer.Argument(metavar="BUNDLE", help="A file that `cleanroom audit export` wrote.")]
BundlesArgument = Annotated[
    list[Path], typer.Argument(metavar="BUNDLE...", help="Files of `cleanroom audit export`, each of another room.")
]
MOST_RECEIPT_BYTES = 1 << 20


def audited(
    run: Invocation,
    path: Path,
    *,
    previous: Path | None = None,
    receipts: Sequence[Path] = (),
    draws: Path | None = None,
) -> Audit:
    """What an audit of the bundle finds, also against an older bundle, receipts, and the draws of its noise.

    Raises:
        InputRefused: a file cannot be read.
        BundleRefused: one is not a bundle.
    """
    texts = [receipt_text(receipt) for receipt in receipts]
    progress = Progress(run.bars.show)
    try:
        with progress.stage("reading"):
            bundle, before = _read(path), _read(previous) if previous else None
            opened = read_draws(read_bytes(draws, MOST_BYTES)) if draws else None
        with progress.stage("checking"):
            audit = verify(bundle, previous=before, receipts=texts, now=run.environment.clock())
            more = check_draws(audit, bundle, opened) if opened is not None else ()
            return replace(audit, findings=(*audit.findings, *more))
    finally:
        run.bars.clear()


def audited_together(run: Invocation, paths: Sequence[Path]) -> tuple[tuple[Audit, ...], tuple[Finding, ...]]:
    """What audits of the bundles find, and what is broken over all of them. Raises as `audited`."""
    audits = tuple(audited(run, path) for path in paths)
    return audits, recounted(audits)


def receipt_text(path: Path) -> str:
    """The text of a receipt's file.

    Raises:
        InputRefused: it cannot be read, is too long, or is no text.
    """
    data = read_bytes(path, MOST_RECEIPT_BYTES + 1)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise InputRefused(f"{path.name}: not a text in UTF-8") from None
    if len(data) > MOST_RECEIPT_BYTES:
        raise InputRefused(f"{path.name}: longer than a receipt can be")
    return text


def end_as(audit: Audit) -> None:
    """End the command as a failed check, if the log does not hold.

    Raises:
        typer.Exit: then.
    """
    if not audit.holds:
        raise typer.Exit(Exit.VERIFICATION)


def _read(path: Path) -> Bundle:
    if not path.is_file():
        raise InputRefused(f"{path.name}: no such file")
    return read(path)
