"""How counting stands in a room, on the screen and for scripts: the gauge, and what answers can tell."""

from datetime import datetime
from fractions import Fraction
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from cleanroom.agent.counting import Look, Told
from cleanroom.agent.rooms import Room
from cleanroom.cli.output import bullets, facts, printable
from cleanroom.cli.words import counted, day, until
from cleanroom.domain.vocabulary import CountingMode, PartnerId
from cleanroom.messages.api import GaugeView
from cleanroom.messages.counting import Allowance
from cleanroom.messages.rooms import CappedCounting
from matching.disclosure.meaning import best_guess, bits, epsilon, percent, spread
from matching.disclosure.modes import MODES, Mode

PRIORS: Final = (Fraction(1, 10), Fraction(1, 2))
_BAR: Final = 24
_WEEK: Final = 7 * 86_400


def rule_words(rule: CappedCounting) -> str:
    """A counting rule in a sentence's part."""
    mode = MODES[rule.mode]
    if mode.scale:
        return (
            f"{rule.mode}: numbers with noise (95 % within {spread(mode)}), from {mode.threshold} on, in steps of "
            f"{mode.step}; an answer {_interval(mode)}, {mode.yearly} a year"
        )
    if rule.caps == "budget":
        return f"exact: numbers from {rule.floor} on; an answer {_interval(mode)}, {mode.yearly} a year"
    return f"exact: numbers from {rule.floor} on, and no budget: as many answers as pushes"


def counting_screen(found: Look, now: datetime, *, reviewer: bool) -> list[RenderableType]:
    """The gauge and what stands around it; `reviewer`: also what answers can tell about one company."""
    room = found.room
    title = Text(f"\n{printable(room.terms.title)} with {printable(room.other.name)}", style="bold")
    rows: list[tuple[str, RenderableType]] = [
        ("Counting", rule_words(found.rule) if found.rule else "no terms are in force yet")
    ]
    rows += [("Stricter", words) for words in _wishes(room)]
    rows += [(_direction(room, gauge), _gauge(room, gauge, now)) for gauge in room.gauges]
    rows += [("Your list, to all", _owners(gauge)) for gauge in room.gauges if gauge.owner_left is not None]
    rows.append(("Next answer", next_answer_words(room, now)))
    notes = _notes(found)
    parts: list[RenderableType] = [title, facts(rows), *([bullets(notes)] if notes else [])]
    return [*parts, *reviewer_screen(found)] if reviewer else parts


def next_answer_words(room: Room, now: datetime) -> str:
    """When the next answer comes, or why none is in sight."""
    if room.next_answer is not None:
        return f"{day(room.next_answer)} ({until(room.next_answer, now)}), if either list changes"
    if room.terms.counting.caps != "budget":
        return "after the next push of either side"
    return "none is in sight before the terms expire"


def reason_words(room: Room, gauge: GaugeView) -> str:
    """Why the next answer about a list is not given at once, as a partner manager would say it."""
    mine, other = gauge.owner == room.me, printable(room.other.name)
    whose, to = ("your", other) if mine else (f"{other}'s", "you")
    mode = MODES[room.counting.rule.mode] if room.counting.rule else MODES[room.terms.counting.mode]
    match gauge.reason:
        case "":
            return "an answer can be given as soon as a list changes"
        case "too_soon":
            return f"an answer comes {_interval(mode)} at most, and the last one is not so long ago"
        case "pair_spent":
            return f"all {gauge.of} answers of a year about {whose} list to {to} are used; {_when_one_falls_out(gauge)}"
        case "owner_spent":
            used = f"your list has given all answers that it may give to all partners in a year ({gauge.owner_of})"
            return f"{used}: partners may put together what they are told"
        case "their_list_spent":
            return f"{other}'s list has given all answers that it may give to all its partners in a year"


def two_people_words(found: Look) -> str:
    """Who has allowed the weaker terms that wait, and who has to."""
    room = found.room
    missing = [member for member in room.terms.members if member.partner not in found.allowed_by]
    if not missing:
        return "Two people of each side have allowed the weaker way of counting."
    names = " and ".join("your side" if item.partner == room.me else printable(item.name) for item in missing)
    return (
        f"It is weaker than now. Two people of each side have to allow it; of {names} they have not yet: "
        f"cleanroom counting allow-weaker {room.id[:8]} --user NAME, then approve"
    )


def allowance_words(allowance: Allowance, room: Room) -> str:
    """What an allowance allows."""
    other = printable(room.other.name)
    if allowance.act == "refill":
        more = counted(allowance.units, "answer")
        return f"{more} more about your list, to {other}, for a year from when it is on record."
    waiting = room.pending or room.terms
    rule = rule_words(waiting.counting)
    return f"the terms that wait (version {waiting.version}) may weaken how counts are shown: {rule}."


def reviewer_screen(found: Look) -> list[RenderableType]:
    """What all answers so far can tell about one company, and what each mode means."""
    other = printable(found.room.other.name)
    told = found.told
    spent = ", ".join(f"{units} {mode}" for mode, units in sorted(told.units.items())) or "none"
    lost = epsilon(told.units)
    rows: list[tuple[str, RenderableType]] = [
        (f"Answers to and from {other}", f"{told.answers:,} in all rooms that this home has witnessed; units: {spent}"),
        ("Epsilon spent", f"{lost} ({decimals(lost)}), for one entry, over all of them"),
    ]
    rows += [
        (f"Sure to {percent(prior)}", f"at most {percent(best_guess(prior, lost))} sure afterwards, whoever it is")
        for prior in PRIORS
    ]
    if told.exact_cells:
        rows.append(("Exact numbers", exact_words(told, found.largest)))
    modes = bullets([mode_words(mode) for mode in MODES.values()])
    heading, meaning = "\nWhat answers can tell about one company", "\nWhat the modes mean"
    return [Text(heading, style="bold"), facts(rows), Text(meaning, style="bold"), modes]


def exact_words(told: Told, largest: int) -> str:
    """What exact numbers have revealed at most."""
    each = bits(largest)
    return (
        f"{told.exact_cells:,} numbers of up to {each} bits: {told.exact_cells * each:,} bits at most. No epsilon "
        "bounds them: two exact answers with one company between them say whether it is there"
    )


def decimals(number: Fraction) -> str:
    """A fraction with two decimals, rounded up: "2.17"."""
    hundredths = -(-100 * number.numerator // number.denominator)
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def counting_document(found: Look) -> dict[str, object]:
    """The same for scripts, with what a reviewer asks."""
    room, told = found.room, found.told
    lost = epsilon(told.units)
    return {
        "room": room.id,
        "rule": found.rule.model_dump(mode="json") if found.rule else None,
        "next_answer": room.next_answer,
        "gauges": [{**gauge.model_dump(mode="json"), "why": reason_words(room, gauge)} for gauge in room.gauges],
        "wishes": {owner: [str(item.mode) for item in items] for owner, items in room.counting.wishes.items()},
        "weaker_terms": found.weaker.version if found.weaker else None,
        "allowed_by": sorted(found.allowed_by),
        "draft": found.draft.model_dump(mode="json") if found.draft else None,
        "reviewer": {
            "answers": told.answers,
            "units": dict(told.units),
            "epsilon": str(lost),
            "epsilon_rounded_up": decimals(lost),
            "best_guess": {percent(prior): percent(best_guess(prior, lost)) for prior in PRIORS},
            "exact_cells": told.exact_cells,
            "bits_at_most": told.exact_cells * bits(found.largest),
        },
    }


def mode_words(mode: Mode) -> str:
    """What a mode means, and what a year of its answers can tell."""
    if not mode.scale:
        return (
            f"{mode.name}: no noise; an answer {_interval(mode)}, {mode.yearly} a year and a correction, "
            f"{mode.owner_yearly} to all partners. What was thought to be 10 % sure can become sure"
        )
    year = best_guess(PRIORS[0], epsilon({mode.name: mode.yearly + 1}))
    return (
        f"{mode.name}: noise of scale {mode.scale}, within {spread(mode)} 95 times of 100; shown from "
        f"{mode.threshold} on, in steps of {mode.step}; an answer {_interval(mode)}, {mode.yearly} a year and a "
        f"correction, {mode.owner_yearly} to all partners. Who was 10 % sure is at most {percent(year)} sure after a "
        "year of them"
    )


def _interval(mode: Mode) -> str:
    return "every week" if mode.interval_seconds == _WEEK else "every month"


def _direction(room: Room, gauge: GaugeView) -> str:
    other = printable(room.other.name)
    return f"Your list, to {other}" if gauge.owner == room.me else f"{other}'s list, to you"


def _gauge(room: Room, gauge: GaugeView, now: datetime) -> RenderableType:
    lines = [f"{gauge.left} of {gauge.of} answers left this year; {reason_words(room, gauge)}"]
    if gauge.reason and gauge.next_answer:
        lines.append(f"next answer {day(gauge.next_answer)} ({until(gauge.next_answer, now)})")
    if gauge.reason in {"pair_spent", "owner_spent", "their_list_spent"}:
        who = "Two people of yours" if gauge.owner == room.me else f"Two people of {printable(room.other.name)}"
        lines.append(f"{who} can refill it before: cleanroom counting refill {room.id[:8]} --answers N --user NAME")
    return _bar(gauge.left, gauge.of) + Text("\n" + "\n".join(lines))


def _owners(gauge: GaugeView) -> RenderableType:
    left, of = gauge.owner_left or 0, gauge.owner_of or 0
    return _bar(left, of) + Text(f"\n{left} of {of} answers left this year, to all partners together")


def _bar(left: int, of: int) -> Text:
    """What is left, as a bar."""
    full = _BAR * min(left, of) // max(of, 1)
    style = "green" if full * 2 > _BAR else "yellow" if left else "red"
    return Text("█" * full, style=style) + Text("░" * (_BAR - full), style="dim")


def _when_one_falls_out(gauge: GaugeView) -> str:
    return "the oldest of them is a year old then" if gauge.next_answer else "none of them is a year old before the end"


def _wishes(room: Room) -> list[str]:
    """Who has made it stricter than the terms say."""
    rule, found = room.counting.rule, []
    for member in room.terms.members:
        wishes = room.counting.wishes.get(PartnerId(member.partner), ())
        if wishes and rule and wishes[-1].mode is rule.mode and room.terms.counting.mode.is_weaker_than(rule.mode):
            who = "you" if member.partner == room.me else printable(member.name)
            found.append(f"{who} asked for {wishes[-1].mode}, on {day(wishes[-1].created)}; the terms say less")
    return found


def _notes(found: Look) -> list[str]:
    room, notes = found.room, []
    if found.draft:
        what = allowance_words(found.draft, room)
        notes.append(f"Waits for a second person of yours: {what} cleanroom counting approve {room.id[:8]} --user NAME")
    if found.weaker:
        rule = rule_words(found.weaker.counting)
        notes.append(f"Terms that wait (version {found.weaker.version}): {rule}. {two_people_words(found)}")
    if found.rule and found.rule.mode is CountingMode.EXACT:
        notes.append(
            "Exact numbers: whoever changes its list by one company between two answers reads from the difference "
            "whether you have it. Stricter at once: cleanroom counting tighten"
        )
    if room.terms.host:
        notes.append(host_words(room.terms.member(PartnerId(room.terms.host)).name))
    return notes


def host_words(name: str) -> str:
    """What a host that is a member means."""
    return (
        f"{printable(name)} operates the escrow: thresholds, noise and budgets do not bind it. It can see exact counts "
        "whenever it likes, though not which companies they are."
    )
