"""The gauge and what stands around it: what a partner manager reads, and what a reviewer does."""

import io
from datetime import UTC, datetime
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console, RenderableType

from cleanroom.agent.counting import Look, Told
from cleanroom.agent.room_counting import RoomCounting, Stage, Wished
from cleanroom.cli.counting_view import counting_document, counting_screen, decimals, exact_words, rule_words
from cleanroom.cli.words import day
from cleanroom.domain.vocabulary import CountingMode, Digest, PartnerId
from cleanroom.messages.api import GaugeView
from cleanroom.messages.rooms import CappedCounting

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ME, THEM = PartnerId("0a" * 16), PartnerId("0b" * 16)
STANDARD = CappedCounting(mode=CountingMode.STANDARD, floor=10, caps="budget")
EXACT = CappedCounting(mode=CountingMode.EXACT, floor=10, caps="budget")


def gauge(owner: PartnerId, left: int, reason: str, next_answer: str | None = "2026-11-30T09:00:00Z") -> GaugeView:
    mine = owner == ME
    return GaugeView(
        owner=owner,
        left=left,
        of=12,
        next_answer=next_answer,
        reason=reason,  # type: ignore[arg-type]  # one of the literals
        owner_left=left + 4 if mine else None,
        owner_of=14 if mine else None,
    )


def look(*gauges: GaugeView, rule: CappedCounting = STANDARD, host: str = "", **told: Any) -> Look:  # noqa: ANN401 - any figure
    """A room of Acme (me) and Globex; only what the screen reads is in it."""
    members = [SimpleNamespace(partner=ME, name="Acme"), SimpleNamespace(partner=THEM, name="Globex")]
    terms = SimpleNamespace(
        title="Acme x Globex",
        members=members,
        counting=rule,
        host=host,
        member=lambda partner: next(item for item in members if item.partner == partner),
    )
    stage = Stage(digest=Digest("00" * 32), counting=rule, wishes=(Wished(mode=rule.mode, at=""),))
    none: dict[PartnerId, Any] = {ME: (), THEM: ()}
    counting = RoomCounting(wishes=none, allowances=none, corrections=none, stages=(stage,))
    following = next((item.next_answer for item in gauges), None)
    room: Any = SimpleNamespace(
        id="ab" * 16,
        me=ME,
        terms=terms,
        other=members[1],
        gauges=gauges,
        counting=counting,
        next_answer=following,
        pending=None,
    )
    figures = Told(**{"units": {"standard": 13}, "answers": 13, "exact_cells": 0, **told})
    return Look(room=room, rule=rule, weaker=None, allowed_by=frozenset(), draft=None, told=figures, largest=800)


def text(parts: list[RenderableType]) -> str:
    console = Console(file=io.StringIO(), width=300, markup=False, emoji=False, highlight=False)
    for part in parts:
        console.print(part)
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().split())


def test_the_gauge_says_what_is_left_and_when_the_next_answer_comes() -> None:
    shown = text(counting_screen(look(gauge(ME, 9, "too_soon"), gauge(THEM, 9, "too_soon")), NOW, reviewer=False))
    assert "Your list, to Globex " + "█" * 18 + "░" * 6 in shown
    assert "9 of 12 answers left this year; an answer comes every month at most" in shown
    assert "next answer Monday 30 November 2026 (in 9 days)" in shown
    assert "13 of 14 answers left this year, to all partners together" in shown
    assert "Epsilon" not in shown


@pytest.mark.parametrize(
    ("owner", "reason", "words"),
    [
        (ME, "pair_spent", "all 12 answers of a year about your list to Globex are used"),
        (THEM, "pair_spent", "all 12 answers of a year about Globex's list to you are used"),
        (ME, "owner_spent", "your list has given all answers that it may give to all partners in a year (14)"),
        (THEM, "their_list_spent", "Globex's list has given all answers that it may give to all its partners"),
    ],
)
def test_why_nothing_is_given_and_who_can_lift_it(owner: PartnerId, reason: str, words: str) -> None:
    shown = text(counting_screen(look(gauge(owner, 0, reason)), NOW, reviewer=False))
    assert words in shown
    who = "Two people of yours" if owner == ME else "Two people of Globex"
    assert f"{who} can refill it before: cleanroom counting refill abababab --answers N" in shown
    assert "░" * 24 in shown


def test_a_reviewer_reads_the_epsilon_and_the_best_guess() -> None:
    shown = text(counting_screen(look(), NOW, reviewer=True))
    assert "Epsilon spent 13/6 (2.17), for one entry" in shown
    assert "Sure to 10 % at most 50 % sure afterwards" in shown
    assert "Sure to 50 % at most 90 % sure afterwards" in shown
    assert "confidential: noise of scale 16, within 48 95 times of 100; shown from 50 on" in shown
    found: Any = counting_document(look())["reviewer"]
    assert (found["epsilon"], found["epsilon_rounded_up"], found["best_guess"]) == (
        "13/6",
        "2.17",
        {"10 %": "50 %", "50 %": "90 %"},
    )


def test_exact_numbers_are_told_in_bits() -> None:
    exact = look(rule=EXACT, units={"exact": 2}, answers=2, exact_cells=18)
    shown = text(counting_screen(exact, NOW, reviewer=True))
    assert "18 numbers of up to 10 bits: 180 bits at most" in shown
    assert "reads from the difference whether you have it" in shown
    assert "1 bits" not in exact_words(exact.told, 800)


def test_a_host_that_is_a_member_is_not_bound() -> None:
    shown = text(counting_screen(look(host=THEM), NOW, reviewer=False))
    assert "Globex operates the escrow: thresholds, noise and budgets do not bind it." in shown


def test_rules_and_days_in_words() -> None:
    assert rule_words(EXACT) == "exact: numbers from 10 on; an answer every week, 52 a year"
    assert "as many answers as pushes" in rule_words(EXACT.model_copy(update={"caps": "unsafe_none"}))
    assert decimals(Fraction(13, 6)) == "2.17"
    assert decimals(Fraction(2)) == "2.00"
    assert day("2026-11-30T09:00:00Z") == "Monday 30 November 2026"
