"""Numbers of an overlap as people read them: what is exact, what is about so many, and what is withheld.

What both sides know by name is exact; the rest carries the noise of the mode. "412 opened + ~85" keeps them apart.
"""

from cleanroom.agent.overlap import Overlap, Total
from cleanroom.cli.words import counted
from cleanroom.domain.vocabulary import CountingMode


def cell_words(item: Overlap, i: int, j: int) -> str:
    """A cell's number in its shortest form: "1,234", "~85", "412 opened + ~85"; "" where it is withheld."""
    number, known = item.cells[i][j], item.opened_in(i, j)
    return "" if number is None else _known(known, _rest(item, number - known))


def withheld_cell_words(item: Overlap, i: int, j: int) -> str:
    """Why a cell has no number, in its shortest form: "below 20", "withheld", "by policy"."""
    why = "by policy" if (i, j) in item.by_policy else "withheld" if not item.rule.scale else below_words(item)
    return _known(item.opened_in(i, j), why)


def below_words(item: Overlap) -> str:
    """That a noisy number is below the mode's threshold."""
    return f"below {item.rule.threshold:,}"


def range_words(low: int, high: int) -> str:
    """Between which numbers the truth lies, 95 times of 100."""
    return f"95 % between {low:,} and {high:,}"


def detail_words(item: Overlap, i: int, j: int) -> str:
    """What a cell's number means: "about 85 (95 % between 67 and 103)". Only of a cell that is shown."""
    number, known = item.cells[i][j] or 0, item.opened_in(i, j)
    between = item.between(i, j)
    if not item.rule.scale or between is None:
        return _known(known, f"{number - known:,}")
    low, high = between
    return _known(known, f"about {number - known:,} ({range_words(low - known, high - known)})")


def total_words(item: Overlap, total: Total) -> str:
    """What cells add up to, in its shortest form; "-" where none is shown."""
    if not total.cells:
        return f"{total.opened:,} opened" if total.opened else "-"
    return _known(total.opened, _rest(item, total.number - total.opened))


def sum_words(item: Overlap) -> str:
    """What the shown cells add up to, and how sure that is. Not of companies: one may match in two segments."""
    total = item.total()
    if item.rule.scale and total.cells:
        rest = total.number - total.opened
        low, high = total.low - total.opened, total.high - total.opened
        shown = _known(total.opened, f"about {rest:,} ({range_words(low, high)})") + " in the cells that are shown"
    else:
        shown = f"{total.number:,} in the cells that are shown"
        if total.opened:
            shown += f", {total.opened:,} of them opened"
    return f"{shown}; {counted(item.withheld, 'cell')} withheld" if item.withheld else shown


def change_words(item: Overlap, i: int, j: int) -> str:
    """What changed since the answer before: "+12", "within noise"; "" where that cannot be said or nothing did."""
    if (i, j) in item.within_noise:
        return "within noise"
    change = item.change[i][j]
    return f"{change:+,}" if change else ""


def mode_words(item: Overlap) -> str:
    """How the numbers of an answer were made, in a sentence."""
    rule = item.rule
    if item.mode is CountingMode.EXACT:
        caps = "" if item.caps == "budget" else ", and no budget limits how often: whoever asks twice sees each change"
        return f"exact numbers from {item.floor:,} on{caps}"
    return (
        f"{item.mode}: noise is added to each number (scale {rule.scale}), which is shown from {rule.threshold:,} on, "
        f"in steps of {rule.step}"
    )


def meaning_words(item: Overlap) -> list[str]:
    """What a reader of noisy numbers has to know; nothing for exact ones."""
    if not item.rule.scale:
        return []
    words = [
        (
            "~85 means about 85: the true number is in the range that is given, 95 times of 100. The same question "
            "gets the same answer until the next one, so asking again does not narrow it."
        ),
        (
            "Sums are of the numbers as shown; their range adds up the noise of the single cells (the square root of "
            "their number times one cell's width, rounded up)."
        ),
    ]
    if item.within_noise:
        words.append("Within noise: the difference to the answer before is no larger than two draws of noise explain.")
    return words


def _rest(item: Overlap, number: int) -> str:
    return f"~{number:,}" if item.rule.scale else f"{number:,}"


def _known(known: int, rest: str) -> str:
    return f"{known:,} opened + {rest}" if known else rest
