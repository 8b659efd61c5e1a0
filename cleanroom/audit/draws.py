"""The noise of a room's answers, opened by the operator for an outside auditor (`cleanroom-escrow draws`).

Each line is `{"number", "edge", "salt", "draws"}`. It must open the commitment that the log has directly before the
answer, and every cell of every answer that is carried must be one that its draw can give. Whoever has this file and an
answer has the exact counts, rounded: it is for auditors, never for members.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationError

from cleanroom.audit.bundle import Bundle, BundleRefused
from cleanroom.audit.result import Audit, Finding
from cleanroom.messages.documents import Bytes32, Instant, Number, Wire, as_tuple, read_document
from cleanroom.messages.entries import CountsReleased, DrawsCommitted
from cleanroom.messages.lists import Answer, ShownCell, WithheldCell
from matching.disclosure.commitment import opens
from matching.disclosure.modes import MODES, Mode
from matching.disclosure.rule import rounded

MOST_BYTES = 64 << 20
"""Of a file of draws: some ten thousand answers of the largest matrix."""


class Opened(Wire):
    """The salt and the draws of one answer, row by row."""

    number: Number
    edge: Instant
    salt: Bytes32
    draws: Annotated[
        tuple[Annotated[int, Field(ge=-(1 << 63), lt=1 << 63)], ...], BeforeValidator(as_tuple), Field(max_length=256)
    ]


def read_draws(data: bytes) -> tuple[Opened, ...]:
    """What the file opens.

    Raises:
        BundleRefused: it is not lines of such JSON.
    """
    try:
        return tuple(Opened.model_validate_json(line) for line in data.splitlines() if line.strip())
    except ValidationError:
        raise BundleRefused("draws: a line is not number, edge, salt and draws of an answer") from None


def check_draws(audit: Audit, bundle: Bundle, opened: Sequence[Opened]) -> tuple[Finding, ...]:
    """What does not fit. An answer whose draws the file does not have is a finding, not broken."""
    by_number = {item.number: item for item in opened}
    found: list[Finding] = []
    if len(by_number) < len(opened):
        found.append(Finding(broken=True, where="draws", what="an answer repeats"))
    committed = {event.entry.number: event for event in audit.events if isinstance(event.entry, DrawsCommitted)}
    for number, event in committed.items():
        entry, item = event.entry, by_number.pop(number, None)
        if not isinstance(entry, DrawsCommitted):
            continue
        where = f"draws of answer {number}"
        if item is None:
            found.append(Finding(broken=False, where=where, what="the file does not have them"))
        elif item.edge != entry.edge or not opens(
            bytes.fromhex(entry.commitment), bytes.fromhex(item.salt), item.draws
        ):
            found.append(Finding(broken=True, where=where, what="they are not those that the log is committed to"))
        else:
            found += [Finding(broken=True, where=where, what=what) for what in _answers(audit, bundle, item)]
    strangers = [Finding(broken=True, where=f"draws of answer {number}", what="not in the log") for number in by_number]
    return (*found, *strangers)


def _answers(audit: Audit, bundle: Bundle, item: Opened) -> Iterator[str]:
    """Cells of the answers that are carried which these draws cannot have given."""
    entry = next((e.entry for e in audit.events if _is_answer(e.entry, item.number)), None)
    if not isinstance(entry, CountsReleased):
        return
    carried = {signed.digest(): signed for signed in bundle.documents}
    for digest in (entry.first_document, entry.second_document):
        if digest in carried:
            answer, mode = read_document(Answer, carried[digest].document), MODES[entry.mode]
            size = len(answer.segments)
            if len(item.draws) != size * size:
                yield f"they are {len(item.draws)} for {size} x {size} cells"
                return
            for place, noise in enumerate(item.draws):
                i, j = divmod(place, size)
                if not is_possible(answer.cells[i][j], noise, mode):
                    yield f"cell ({i}, {j}) shows what no number of companies gives with its draw"


def is_possible(cell: ShownCell | WithheldCell, noise: int, mode: Mode) -> bool:
    """Whether some number of companies, at least 0, is shown (or not) like this with this draw."""
    if isinstance(cell, ShownCell):
        near = range(cell.companies - mode.step, cell.companies + mode.step + 1)
        return any(
            noisy - noise >= 0 and noisy >= mode.threshold and rounded(noisy, mode.step) == cell.companies
            for noisy in near
        )
    # Withheld by the threshold: no company at all is the least that there can be.
    return cell.withheld != "below_threshold" or noise < mode.threshold


def _is_answer(entry: object, number: int) -> bool:
    return isinstance(entry, CountsReleased) and entry.number == number
