"""An escrow shows more than was agreed, charges less than it gave, or forgets what members wished: the audit says so.

All entries that come later fit the lie: only the one check that the test is of can tell."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from counted_room import CONFIDENTIAL, DRAWS, EXACT, MONTH, STANDARD, Counted, counted
from lies import broken, requires
from log_made import Twist, altered
from partners_made import ANA, BO, digest, granting
from room_made import Life

from cleanroom.audit.budgets import recounted, table
from cleanroom.audit.bundle import BundleRefused
from cleanroom.audit.draws import Opened, check_draws, is_possible, read_draws
from cleanroom.audit.verify import verify
from cleanroom.domain.vocabulary import CountingMode, RoomId
from cleanroom.messages import entries as log
from cleanroom.messages.counting import Allowance
from cleanroom.messages.documents import Document, instant
from cleanroom.messages.entries import Entry
from cleanroom.messages.lists import ShownCell, WithheldCell
from matching.disclosure.modes import STANDARD as STANDARD_MODE

BUDGET = "the budget does not allow it at its edge"


def full(twist: Twist | None = None) -> Counted:
    """Everything that can happen to counting, honestly."""
    life = counted(twist)
    life.ask(ANA, 1)
    life.answer(2, correction=True, edge=instant(life.now))
    life.wish(BO, "confidential")
    life.answer(3, after=MONTH)
    life.allow(ANA, "refill", life.terms, 2)
    life.allow(BO, "refill", life.terms, 1)
    life.answer(4, after=timedelta(days=1))
    weaker = life.propose(EXACT)
    life.allow(ANA, "weaker_counting", weaker)
    life.allow(BO, "weaker_counting", weaker)
    life.sign(weaker)
    life.answer(5, after=MONTH)
    return life


def test_an_honest_room_with_all_of_it_holds() -> None:
    audit = verify(full().bundle())
    assert [f"{item.where}: {item.what}" for item in audit.findings if item.broken] == []
    assert audit.checked["answers recounted"] == 5
    assert [(item.number, str(item.mode), item.cost, item.correction) for item in audit.charges] == [
        (1, "standard", 1, False),
        (2, "standard", 1, True),
        (3, "confidential", 1, False),
        (4, "confidential", 1, False),
        (5, "exact", 1, False),
    ]
    ana, bo = sorted(table([audit]), key=lambda line: line.owner != ANA.id)
    assert (ana.owner, ana.units, ana.of, ana.corrections, ana.refilled) == (ANA.id, 4, 54, 1, 2)
    assert (bo.refilled, bo.answers) == (1, {"exact": 1, "standard": 2, "confidential": 2})


@dataclass(frozen=True)
class Lie:
    kind: type[Entry]
    changes: dict[str, Any]
    what: str


LIES = [
    Lie(
        log.CountsReleased,
        {"mode": CountingMode.EXACT},
        "its mode or caps are not what terms, wishes and allowances give",
    ),
    Lie(log.CountsReleased, {"mode": CountingMode.EXACT}, "noise was committed to before it, and its mode has none"),
    Lie(log.CountsReleased, {"mode": CountingMode.EXACT}, "its document has another mode, caps or recipient"),
    Lie(log.CountsReleased, {"caps": "unsafe_none"}, "its mode or caps are not what terms, wishes and allowances give"),
    Lie(log.CountsReleased, {"cost": 2}, "its cost is 2; the openings since the last answer make it 1"),
    Lie(log.CountsReleased, {"cost": 2}, "`cost` is not what its document says"),
    Lie(log.CountsReleased, {"cost": 0}, "it costs nothing in a room with budgets"),
    Lie(log.CountsReleased, {"correction": True}, "it is a correction that nobody has asked for"),
    Lie(log.CountsReleased, {"correction": True}, "`correction` is not what its document says"),
    Lie(log.CountsReleased, {"edge": "2026-04-01T00:00:00Z"}, "its edge is later than its moment"),
    Lie(log.CountsReleased, {"number": 2}, "its number does not follow"),
    Lie(log.DrawsCommitted, {"number": 2}, "the noise that was committed to before it is of another answer"),
    Lie(log.DrawsCommitted, {"epoch": 1}, "the noise that was committed to before it is of another answer"),
    Lie(log.DrawsCommitted, {"edge": "2026-03-01T00:00:00Z"}, "committed to before it is of another answer"),
    Lie(log.CountingTightened, {"mode": CountingMode.STANDARD}, "it wishes for no stricter mode than the one in force"),
    Lie(log.CountingTightened, {"mode": CountingMode.STANDARD}, "`mode` is not what its document says"),
    Lie(log.CountingTightened, {"partner": ANA.id}, "sign"),
    Lie(log.AllowanceGiven, {"units": 9}, "`units` is not what its document says"),
    Lie(log.AllowanceGiven, {"approver": ANA.admin.id}, "`approver` is not what its document says"),
    Lie(log.AllowanceGiven, {"author": ANA.manager.id}, "`author` is not what its document says"),
    Lie(log.AllowanceGiven, {"partner": "00" * 16}, "of nobody in the room"),
    Lie(log.AllowanceGiven, {"document": digest("none")}, "its document is not carried"),
    Lie(log.CorrectionAsked, {"partner": BO.id}, "sign"),
]


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: f"{lie.kind.__name__}-{lie.what}-{lie.changes}")
def test_an_entry_of_counting_that_says_something_else_is_named(lie: Lie) -> None:
    found = broken(full(Twist(entry=altered(lie.kind, **lie.changes))).bundle())
    requires(
        found, f"({lie.kind.model_fields['type'].default})" if lie.kind is not log.DrawsCommitted else "(", lie.what
    )


def dropped(kind: type[Entry]) -> Twist:
    done: list[Entry] = []

    def drop(entry: Entry) -> Entry | None:
        if isinstance(entry, kind) and not done:
            done.append(entry)
            return None
        return entry

    return Twist(entry=drop)


@pytest.mark.parametrize(
    ("kind", "where", "what"),
    [
        (log.DrawsCommitted, "(counts-released/1)", "no noise was committed to directly before it"),
        (log.CountsReleased, "(draws-committed/1)", ""),
        (log.CountingTightened, "(counts-released/1)", "its mode or caps are not what"),
        (log.AllowanceGiven, "(counts-released/1)", BUDGET),
        (log.CorrectionAsked, "(counts-released/1)", "it is a correction that nobody has asked for"),
    ],
)
def test_what_counting_needs_and_was_never_entered_is_missed(kind: type[Entry], where: str, what: str) -> None:
    if what:
        requires(broken(full(dropped(kind)).bundle()), where, what)
    else:
        requires(broken(full(dropped(kind)).bundle()), "entry", "between the noise that was drawn and its answer")


def refused(change: Callable[[Counted], None]) -> dict[str, set[str]]:
    life = counted()
    change(life)
    return broken(life.bundle())


@pytest.mark.parametrize(
    ("found", "named"), [((True, True), False), ((True, False), True), ((True,), True), ((), True)]
)
def test_an_answer_over_entries_that_were_torn_apart_is_named(found: tuple[bool, ...], *, named: bool) -> None:
    life = Counted()
    life.probes = 16
    life.begun()
    for partner, holds in zip((ANA, BO), found, strict=False):
        life.add(log.ProbesChecked, document=digest("probes", partner.number), epoch=0, holds=holds, owner=partner.id)
    life.answer(1)
    what = "the probes of both members were not found whole in its epoch before it"
    assert (what in {item.what for item in verify(life.bundle()).findings if item.broken}) == named


def test_an_answer_before_the_interval_is_over_is_named() -> None:
    assert refused(lambda life: life.answer(2, after=MONTH)) == {}
    found = refused(lambda life: life.answer(2, after=MONTH - timedelta(seconds=61)))
    requires(found, "(counts-released/1)", f"{BUDGET}: it comes before the interval")


def test_the_thirteenth_answer_of_a_year_is_named() -> None:
    life = counted()
    for number in range(2, 13):
        life.answer(number, after=timedelta(days=30, seconds=36_000))
    assert broken(life.bundle()) == {}
    life.allow(ANA, "refill", life.terms, 1)  # not about Bo's list
    life.answer(13, after=timedelta(days=20))
    found = broken(life.bundle())
    assert all("12 of 12 spent, 1 asked for" in what for rules in found.values() for what in rules)
    assert len(found) == 1


def test_a_second_correction_is_named() -> None:
    def twice(life: Counted) -> None:
        for number in (2, 3):
            life.ask(ANA, number - 1)
            life.answer(number, correction=True, edge=instant(life.now))

    found = refused(twice)
    requires(found, "(correction-asked/1)", "no correction was left")
    requires(found, "(counts-released/1)", "no correction was left")
    assert not any("was asked for before" in what for rules in found.values() for what in rules)


def test_a_correction_that_is_asked_for_twice_is_named() -> None:
    def again(life: Counted) -> None:
        life.ask(ANA, 1)
        life.ask(BO, 1)

    requires(refused(again), "(correction-asked/1)", "a correction was asked for before, and not given yet")


def test_a_correction_of_another_answer_is_named() -> None:
    requires(refused(lambda life: life.ask(ANA, 2)), "(correction-asked/1)", "of another answer than the last one")


def test_weaker_terms_without_two_people_of_every_member_are_named() -> None:
    def weakened(life: Counted) -> None:
        life.wish(BO, "confidential")
        weaker = life.propose(STANDARD | {"floor": 11})
        life.allow(ANA, "weaker_counting", weaker)
        life.sign(weaker)

    requires(refused(weakened), "(terms-signed/1)", "not two people of every member have allowed it")


def test_stricter_terms_take_nobodys_allowance() -> None:
    def stricter(life: Counted) -> None:
        life.sign(life.propose(CONFIDENTIAL))
        life.answer(2, after=MONTH)

    assert refused(stricter) == {}


def test_an_allowance_of_other_terms_or_too_late_is_named() -> None:
    found = refused(lambda life: life.allow(ANA, "weaker_counting", life.terms))
    requires(found, "(allowance-given/1)", "it allows terms that do not wait for signatures")


def test_an_allowance_that_one_person_has_signed_is_named() -> None:
    twist = Twist(signers=lambda document, honest: honest[:2] if isinstance(document, Allowance) else honest)
    requires(broken(full(twist).bundle()), "(allowance-given/1)", "it takes two people")


def test_documents_of_counting_that_are_not_numbered_are_named() -> None:
    def later(document: Document) -> Document:
        numbered = document.type in {"counting-wish/1", "allowance/1"}
        return document.model_copy(update={"number": 7}) if numbered else document

    found = broken(full(Twist(document=later)).bundle())
    requires(found, "(counting-tightened/1)", "its number does not follow")
    requires(found, "(allowance-given/1)", "its number does not follow")


def opened_room(cost: int) -> dict[str, set[str]]:
    """A round opens two cells before the second answer; seven others are still counted."""
    life = Counted()
    life.begun()
    life.policy(ANA, granting(ANA), ANA.manager)
    life.policy(BO, granting(BO), BO.manager)
    life.answer(1)
    Life.opened(life)
    life.answer(2, after=MONTH, cost=cost)
    life.answer(3, after=MONTH)
    return broken(life.bundle())


def test_what_openings_add_to_other_cells_is_charged() -> None:
    assert opened_room(2) == {}
    requires(opened_room(1), "(counts-released/1)", "its cost is 1; the openings since the last answer make it 2")


def test_budgets_are_recounted_over_several_rooms() -> None:
    """Each room alone holds; together they gave two answers in one month."""
    one = counted()
    other = counted(room=RoomId("6b" * 16), begins=one.now + timedelta(days=3))
    audits = [verify(life.bundle()) for life in (one, other)]
    assert all(audit.holds for audit in audits)
    why = "it comes before the interval after the answer before is over (1 of 12 spent, 1 asked for)"
    assert [item.what for item in recounted(audits)] == [f"over all bundles, {BUDGET}: {why}"]
    later = counted(room=RoomId("6b" * 16), begins=one.now + MONTH)
    assert recounted([audits[0], verify(later.bundle())]) == ()
    assert [line.units for line in table([audits[0], verify(later.bundle())])] == [2, 2]


def test_a_refill_that_came_later_does_not_pay_for_what_was_given() -> None:
    one = counted()
    other = counted(room=RoomId("6b" * 16), begins=one.now + timedelta(days=3))
    other.allow(ANA, "refill", other.terms, 1)
    other.allow(BO, "refill", other.terms, 1)
    audits = [verify(life.bundle()) for life in (one, other)]
    assert all(audit.holds for audit in audits)
    assert len(recounted(audits)) == 1


def test_a_room_made_anew_is_no_way_to_weaker_counting() -> None:
    one = counted()
    weaker = Counted(Twist(), RoomId("6b" * 16))
    weaker.now = one.now + MONTH
    weaker.begun(EXACT)
    audits = [verify(life.bundle()) for life in (one, weaker)]
    assert [item.what for item in recounted(audits)] == [
        "mode exact is weaker than standard of the year before, and not two people of every member have allowed it"
    ]


def test_bundles_of_one_room_or_of_two_escrows_are_not_added_up() -> None:
    audit = verify(counted().bundle())
    assert [item.what for item in recounted([audit, audit])] == ["two of them are of the same room"]
    other = replace(audit, room="6b" * 16, escrow="00" * 32)
    assert [item.what for item in recounted([audit, other])] == ["they are of several escrows, and budgets are of one"]


# ---- draws


def found_in(*opened: Opened, life: Counted | None = None) -> list[tuple[bool, str]]:
    bundle = (life or counted()).bundle()
    return [(item.broken, item.what) for item in check_draws(verify(bundle), bundle, opened)]


def test_draws_open_their_commitment_and_give_what_is_shown() -> None:
    life = full()
    lines = "\n".join(item.model_dump_json() for item in life.draws).encode()
    assert found_in(*read_draws(lines), life=life) == []
    assert len(life.draws) == 4  # none of the exact answer


def test_draws_that_are_not_those_are_named() -> None:
    honest = counted().draws[0]
    not_those = (True, "they are not those that the log is committed to")
    assert found_in(honest.model_copy(update={"salt": "00" * 32})) == [not_those]
    assert found_in(honest.model_copy(update={"draws": (*DRAWS[:-1], 3)})) == [not_those]
    assert found_in(honest.model_copy(update={"edge": "2026-03-01T00:00:00Z"})) == [not_those]
    assert found_in() == [(False, "the file does not have them")]
    assert found_in(honest, honest.model_copy(update={"number": 9})) == [(True, "not in the log")]
    assert (True, "an answer repeats") in found_in(honest, honest)


def test_a_number_that_its_draw_cannot_give_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten draws of 200 would need fewer than no companies."""
    impossible = (200, *DRAWS[1:])
    monkeypatch.setattr("counted_room.DRAWS", impossible)
    life = counted()
    assert found_in(*life.draws, life=life) == [
        (True, "cell (0, 0) shows what no number of companies gives with its draw")
    ]


def test_a_file_that_is_no_draws_is_refused() -> None:
    with pytest.raises(BundleRefused, match="a line is not number, edge, salt and draws"):
        read_draws(b'{"number": 1}')


@pytest.mark.parametrize(
    ("cell", "noise", "possible"),
    [
        (ShownCell(companies=20), 20, True),  # nobody, and a draw of 20
        (ShownCell(companies=20), 22, True),
        (ShownCell(companies=20), 23, False),  # at least 23, which is shown as 25
        (ShownCell(companies=20), -500, True),
        (ShownCell(companies=15), 0, False),  # below the threshold
        (ShownCell(companies=21), 0, False),  # not a step
        (WithheldCell(withheld="below_threshold"), 19, True),
        (WithheldCell(withheld="below_threshold"), 20, False),
        (WithheldCell(withheld="by_policy"), 500, True),
    ],
)
def test_what_a_draw_can_give(*, cell: ShownCell | WithheldCell, noise: int, possible: bool) -> None:
    assert is_possible(cell, noise, STANDARD_MODE) is possible
