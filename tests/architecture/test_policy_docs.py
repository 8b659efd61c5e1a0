"""docs/policy.md teaches by examples: every policy in it is read, every table of decisions is computed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cleanroom.domain.fields import DEFAULT_CATALOGUE, FieldClass, Reduction
from cleanroom.domain.vocabulary import DEFAULT_SEGMENTS, Nomination, PartnerId, Purpose, Role
from cleanroom.messages.policy_chain import ALONE_AFTER
from cleanroom.messages.policy_shape import LONGEST_NOTE, POLICY_KEYS, RULE_KEYS, WHEN_KEYS
from cleanroom.messages.policy_text import PolicyTextRefused, read_policy, write_policy
from cleanroom.policy.evaluate import Sides
from cleanroom.policy.model import Context, Ground, Policy
from cleanroom.policy.presets import Preset, preset
from cleanroom.policy.warnings import Code

DOCUMENT = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
PARTNERS = {"Acme": PartnerId("aa" * 16), "Globex": PartnerId("bb" * 16), "Initech": PartnerId("cc" * 16)}
GROUND = Ground(catalogue=DEFAULT_CATALOGUE, segments=DEFAULT_SEGMENTS)
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
PIECE = re.compile(r"^```(yaml|text)\n(.*?)^```$|((?:^\|[^\n]*\|\n)+)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The policies that stand before a table in its chapter, and its rows by column."""

    chapter: str
    number: int
    rows: tuple[dict[str, str], ...]
    policies: dict[str, Policy] = field(default_factory=dict)


def read(text: str) -> tuple[str, Policy]:
    owner = re.match(r"# (\w+)'s policy\n", text)
    assert owner is not None, "an example begins with whose policy it is"
    return owner[1], read_policy(text, owner=PARTNERS[owner[1]], partners=PARTNERS, ground=GROUND)


def chapters() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", DOCUMENT, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows_of(text: str) -> tuple[dict[str, str], ...]:
    lines = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines()]
    return tuple(dict(zip(lines[0], (cell.strip("`") for cell in line), strict=True)) for line in lines[2:])


def tables() -> Iterator[Table]:
    _, usual = read(next(PIECE.finditer(chapters()["The examples"]))[2])
    for chapter, text in chapters().items():
        policies = {"Globex": usual}
        for number, piece in enumerate(PIECE.finditer(text)):
            if piece[1] == "yaml" and not piece[2].splitlines()[0].endswith("refused"):
                owner, policy = read(piece[2])
                policies[owner] = policy
            elif piece[3] and piece[3].splitlines()[0].endswith("| shown |"):
                yield Table(chapter=chapter, number=number, rows=rows_of(piece[3]), policies=dict(policies))


TABLES = list(tables())
BLOCKS = [piece[2] for piece in PIECE.finditer(DOCUMENT) if piece[1] == "yaml"]


def shown(table: Table, row: dict[str, str]) -> str:
    sides = Sides(
        owner=table.policies["Acme"],
        recipient=table.policies["Globex"],
        owner_id=PARTNERS["Acme"],
        recipient_id=PARTNERS["Globex"],
        ground=GROUND,
        use=Purpose.CO_SELL,
    )
    context = Context(
        mine=row.get("mine", "customers"),
        theirs=row.get("theirs", "prospects"),
        purpose=Purpose.CO_SELL,
        role=Role(row.get("viewer", "seller")),
        at=datetime.fromisoformat(row["when"]) if "when" in row else NOON,
        nomination=Nomination(row.get("nomination", "none")),
    )
    return {"Acme": sides, "Globex": sides.turned()}[row.get("by", "Acme")].form(row["field"], context)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: f"{table.chapter} {table.number}")
def test_what_the_tables_say_is_what_the_policies_decide(table: Table) -> None:
    assert set().union(*table.rows) <= {"by", "field", "mine", "theirs", "viewer", "nomination", "when", "shown"}
    assert [shown(table, row) for row in table.rows] == [row["shown"] for row in table.rows]


def test_every_chapter_about_decisions_has_a_table_of_them() -> None:
    assert {table.chapter for table in TABLES} == {
        "The smallest policy",
        "Grants and denies",
        "Ceilings",
        "What I accept",
        "Segments and purposes",
        "Nominations",
        "Viewer roles",
        "Reciprocity",
        "Dates",
        "Existence is mutual",
    }
    assert all(table.rows for table in TABLES)


@pytest.mark.parametrize("text", BLOCKS)
def test_an_example_is_read_and_written_again_or_refused_as_the_document_says(text: str) -> None:
    if "refused" in text.splitlines()[0]:
        with pytest.raises(PolicyTextRefused) as refusal:
            read(text.replace(", refused\n", "\n", 1))
        assert f"```text\n{refusal.value}\n```" in DOCUMENT
    else:
        owner, policy = read(text)
        assert read_policy(write_policy(policy, partners=PARTNERS), owner=PARTNERS[owner], partners=PARTNERS) == policy


def column(name: str) -> tuple[Sides, Role]:
    """What both sides show each other under a preset, and to whom."""
    words = re.findall(r"`([a-z-]+)`", name)
    end = datetime(2027, 1, 1, tzinfo=UTC)
    mine, theirs = (
        preset(Preset(words[0]), owner=PARTNERS[who], ground=GROUND, expires=end) for who in ("Acme", "Globex")
    )
    sides = Sides(
        owner=mine,
        recipient=theirs,
        owner_id=PARTNERS["Acme"],
        recipient_id=PARTNERS["Globex"],
        ground=GROUND,
        use=Purpose.CO_SELL,
    )
    return sides, Role.SELLER if "seller" in name or words[0] != "co-sell" else Role.PARTNER_MANAGER


def test_the_presets_show_what_their_table_says() -> None:
    rows = rows_of(PIECE.findall(chapters()["Presets"])[0][2])
    columns = [name for name in rows[0] if name != "field"]
    assert {re.findall(r"`([a-z-]+)`", name)[0] for name in columns} == set(Preset)
    for name in columns:
        sides, role = column(name)
        found = [
            sides.form(
                row["field"],
                Context(mine="open_opportunities", theirs="customers", purpose=Purpose.CO_SELL, role=role, at=NOON),
            )
            for row in rows
        ]
        assert found == [row[name] for row in rows], name


def test_every_remark_of_the_check_is_explained() -> None:
    named = re.findall(r"^\| `(\w+)` \|", chapters()["Mistakes that the check finds"], flags=re.MULTILINE)
    assert named == [str(code) for code in Code]


def test_the_hours_that_one_person_waits_are_those_of_the_chain() -> None:
    assert f"{ALONE_AFTER.total_seconds() / 3600:.0f} hours after" in chapters()["Four eyes"]


def test_the_fields_are_those_of_the_default_catalogue() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (\w+) \|$", chapters()["Forms"], flags=re.MULTILINE)
    assert rows == [(entry.name, str(entry.field_class), str(entry.reduced)) for entry in DEFAULT_CATALOGUE]


def test_every_reduced_form_is_explained() -> None:
    named = re.findall(r"^\| `(\w+)` \|", chapters()["Reduced forms"], flags=re.MULTILINE)
    assert sorted(named) == sorted(Reduction)


def test_every_key_and_every_word_of_the_vocabularies_is_named() -> None:
    rows = re.findall(r"^\| (`.+?) \| (.+?) \| (.+) \|$", chapters()["How it is written"], flags=re.MULTILINE)
    keys = [(key, place) for cell, place, _ in rows for key in re.findall(r"`(\w+)`", cell)]
    assert sorted(keys) == sorted(
        [
            *((key, "the policy") for key in POLICY_KEYS),
            *((key, "a rule") for key in RULE_KEYS),
            *((key, "`when`") for key in WHEN_KEYS),
        ]
    )
    for words in (Role, Purpose, Nomination, FieldClass):
        assert all(f"`{word}`" in DOCUMENT for word in words)
    assert f"at most {LONGEST_NOTE:,} characters" in DOCUMENT
