"""How long the exhaustive diff of two policies takes, and a decision: `python -m bench.policy`.

Two sides with 500 rules each, 40 fields, 16 segments, 15 slices of time: 61,440 contexts. The new policy of the owner
differs from the old one in 50 rules. Compiling the rules, the diff itself and the readable places are all in the time.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

from cleanroom.domain.fields import DEFAULT_CATALOGUE, Field, FieldClass
from cleanroom.domain.vocabulary import Form, Nomination, PartnerId, Purpose, Reciprocity, Role
from cleanroom.policy.diff import diff
from cleanroom.policy.evaluate import Sides, cuts
from cleanroom.policy.model import Effect, Ground, Policy, Rule, When
from cleanroom.policy.own_change import own_change
from cleanroom.policy.space import Space

RULES = 500
CHANGED = 50
FIELDS = 40
SEGMENTS = tuple(f"segment_{number}" for number in range(16))
START = datetime(2026, 1, 1, tzinfo=UTC)
OURS, THEIRS = PartnerId("a" * 32), PartnerId("b" * 32)
USE = Purpose.CO_SELL
RUNS = 5


def main() -> None:
    """Print the figures."""
    ground = Ground(catalogue=_catalogue(), segments=SEGMENTS)
    draws = _draws(1)
    old, counterpart = _policy(OURS, draws), _policy(THEIRS, draws)
    new = replace(old, rules=(*old.rules[:-CHANGED], *_rules(CHANGED, draws)))
    before = Sides(owner=old, recipient=counterpart, owner_id=OURS, recipient_id=THEIRS, ground=ground, use=USE)
    after = replace(before, owner=new)
    space = Space.of(SEGMENTS, USE, at=START, cuts=cuts(old, new, counterpart))
    result = diff(before, after, at=START)
    boxes = sum(len(change.places) for change in result.changes)
    print(f"contexts {space.size:,}, fields {FIELDS}, rules {RULES} on each side")
    print(f"changes {len(result.changes)} in {boxes:,} places")
    print(f"diff        {_median(lambda: diff(before, after, at=START)):8.3f} s")
    widest = replace(before, owner=replace(old, rules=()))
    print(f"diff (all)  {_median(lambda: diff(widest, after, at=START)):8.3f} s")
    own = _median(lambda: own_change(old, new, recipient=THEIRS, ground=ground, use=USE, at=START))
    print(f"own change  {own:8.3f} s")
    cells = [(mine, theirs) for mine in SEGMENTS[:4] for theirs in SEGMENTS[:4]]

    def decide() -> None:
        sides = replace(after)
        for mine, theirs in cells:
            sides.cell_forms(mine, theirs, START, Nomination.NONE)

    print(f"cell_forms  {_median(decide) / len(cells):8.3f} s a cell, the first time")


def _median(work: Callable[[], object]) -> float:
    times = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def _draws(seed: int) -> Iterator[int]:
    """The same numbers in every run (a linear congruential generator)."""
    state = seed
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield state >> 33


def _catalogue() -> tuple[Field, ...]:
    numbers = count()
    fields = list(DEFAULT_CATALOGUE)
    while len(fields) < FIELDS:
        number = next(numbers)
        fields.append(replace(DEFAULT_CATALOGUE[number % 10], name=f"field_{number}"))
    return tuple(fields)


def _policy(owner: PartnerId, draws: Iterator[int]) -> Policy:
    existence = Rule(id="existence", effect=Effect.GRANT, fields=frozenset({"account"}), form=Form.EXISTS)
    accepts = {"account": Form.EXISTS, **{str(each): Form.FULL for each in FieldClass}}
    return Policy(owner=owner, rules=(existence, *_rules(RULES - 1, draws)), accepts=accepts)


def _rules(number: int, draws: Iterator[int]) -> Iterator[Rule]:
    """Rules of every sort; one in eight denies, one in three names a class."""
    names = [field.name for field in _catalogue()]
    classes, roles, nominations = list(FieldClass), list(Role), list(Nomination)
    for _ in range(number):
        a, b, c, d, e, f, g, h = (next(draws) for _ in range(8))
        deny = a % 8 == 0
        pairs = frozenset((SEGMENTS[(b + k * 7) % 16], SEGMENTS[(c + k * 5) % 16]) for k in range(b % 5))
        beginning = START + timedelta(days=30 * (1 + d % 7)) if d % 3 == 0 else None
        yield Rule(
            id=f"rule {next(draws)}",
            effect=Effect.DENY if deny else Effect.GRANT,
            form=None if deny else (Form.REDUCED, Form.FULL)[e % 2],
            classes=frozenset({classes[f % 4]}) if f % 3 == 0 else frozenset(),
            fields=frozenset() if f % 3 == 0 else frozenset({names[f % FIELDS], names[g % FIELDS]}),
            when=When(
                segments=pairs,
                roles=frozenset({roles[g % 4], roles[h % 4]}) if g % 2 else frozenset(),
                nominations=frozenset({nominations[h % 4]}) if h % 2 else frozenset(),
                reciprocity=(Reciprocity.NONE, Reciprocity.SAME_FORM, Reciprocity.AT_LEAST)[e % 3],
            ),
            not_before=beginning,
            expires=START + timedelta(days=30 * (8 + e % 7)) if e % 4 else None,
        )


if __name__ == "__main__":
    main()
