"""Contexts in words, files, and tables that fit: what needs no room."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from cleanroom.cli.policy_file import moment_of, read_bytes, shell_word
from cleanroom.cli.policy_words import cells_words, form_text, form_words, moment_words, place_words, roles_words
from cleanroom.cli.wide_table import WideTable
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.fields import DEFAULT_CATALOGUE
from cleanroom.domain.vocabulary import Form, Nomination, Role
from cleanroom.policy.places import Place

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
SEGMENTS = ("customers", "open_opportunities", "prospects")
EVERY = [(mine, theirs) for mine in SEGMENTS for theirs in SEGMENTS]
FIELDS = {entry.name: entry for entry in DEFAULT_CATALOGUE}


def test_cells_are_said_row_by_row_and_whole_rows_at_once() -> None:
    assert cells_words(EVERY, SEGMENTS) == "every cell"
    assert cells_words(EVERY[:3], SEGMENTS) == "customers x any"
    assert cells_words(EVERY[1:], SEGMENTS) == "every cell but customers x customers"
    assert cells_words(EVERY[:2], SEGMENTS) == "customers x customers, open opportunities"
    some = [("customers", "prospects"), ("prospects", "customers"), ("prospects", "open_opportunities")]
    assert cells_words(some, SEGMENTS) == "customers x prospects; prospects x customers, open opportunities"
    assert cells_words([("customers", "customers")], ("customers",)) == "every cell"


@pytest.mark.parametrize(
    ("roles", "words"),
    [
        (tuple(Role), ""),
        ((Role.SELLER,), "seller"),
        (tuple(role for role in Role if role is not Role.SELLER), "all but seller"),
        ((Role.SELLER, Role.ADMIN), "admin, seller"),
    ],
)
def test_roles_are_said_the_short_way(roles: tuple[Role, ...], words: str) -> None:
    assert roles_words(roles) == words


def test_a_place_says_only_what_does_not_hold_everywhere() -> None:
    def place(**other: object) -> Place:
        usual = {
            "cells": tuple(EVERY),
            "nominations": tuple(Nomination),
            "roles": tuple(Role),
            "windows": ((NOW, None),),
        }
        return Place(**{**usual, **other})  # type: ignore[arg-type]  # a change of one of them

    later = NOW + timedelta(days=1)
    assert place_words(place(), SEGMENTS, NOW) == "every cell"
    assert place_words(place(windows=((NOW, later),)), SEGMENTS, NOW) == "every cell; until 2026-07-02 12:00 UTC"
    assert place_words(place(windows=((later, None),)), SEGMENTS, NOW) == "every cell; from 2026-07-02 12:00 UTC"
    nominated = place_words(place(nominations=(Nomination.MINE,)), SEGMENTS, NOW)
    assert nominated == "every cell; nominated by the owner"
    assert place_words(place(roles=(Role.SELLER,)), SEGMENTS, NOW) == "every cell; seller"


def test_a_reduced_form_is_named_by_what_is_left_and_hidden_is_a_dash_in_pictures() -> None:
    assert form_words(Form.REDUCED, FIELDS["owner"]) == "initials"
    assert form_words(Form.REDUCED, FIELDS["amount"]) == "band"
    assert form_words(Form.FULL, FIELDS["amount"]) == "full"
    assert form_words(Form.EXISTS, None) == "exists"
    assert form_text(Form.HIDDEN, FIELDS["owner"]).plain == "-"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-12-31", datetime(2026, 12, 31, tzinfo=UTC)),
        ("2026-12-31T17:00:00Z", datetime(2026, 12, 31, 17, tzinfo=UTC)),
        ("2026-12-31T17:00:00.75+02:00", datetime(2026, 12, 31, 15, tzinfo=UTC)),
    ],
)
def test_moments_are_read_as_utc_and_whole_seconds(text: str, moment: datetime) -> None:
    assert moment_of(text) == moment


@pytest.mark.parametrize("text", ["", "tomorrow", "31.12.2026", "2026-13-01"])
def test_other_moments_are_refused_without_repeating_them(text: str) -> None:
    with pytest.raises(InputRefused, match=r"^date: such as 2026-12-31"):
        moment_of(text)


def test_moments_are_said_without_what_is_zero() -> None:
    assert moment_words(datetime(2026, 7, 1, tzinfo=UTC)) == "2026-07-01"
    assert moment_words(NOW) == "2026-07-01 12:00 UTC"
    assert moment_words(NOW + timedelta(seconds=9)) == "2026-07-01 12:00:09 UTC"


def test_a_title_in_a_command_that_is_shown_is_quoted_and_harmless() -> None:
    assert shell_word("Acme x Globex") == "'Acme x Globex'"
    assert shell_word("x'; rm -rf ~ #\x1b") == "'x'\"'\"'; rm -rf ~ #\ufffd'"


def test_a_file_that_cannot_be_read_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match=r"^nothing\.yaml: cannot be read"):
        read_bytes(tmp_path / "nothing.yaml", 10)
    (tmp_path / "long").write_bytes(b"x" * 100)
    assert len(read_bytes(tmp_path / "long", 10)) == 10


@pytest.mark.parametrize(("width", "is_table"), [(200, True), (30, False)])
def test_a_wide_table_becomes_blocks_where_it_does_not_fit(width: int, *, is_table: bool) -> None:
    console = Console(file=io.StringIO(), width=width)
    console.print(WideTable(("Field one", "Field two", "Three"), [("first", "second", ""), ("third", "fourth", "x")]))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert ("╭" in text) == is_table
    assert text.count("Three") == 1  # an empty value is left out of its block
    assert all(value in text for value in ("first", "second", "third", "fourth"))
