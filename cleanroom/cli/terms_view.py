"""A room's terms as people read them, and in plain words what each weak setting gives away."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Final, assert_never

from rich.console import RenderableType
from rich.text import Text

from cleanroom.agent.recipes import RoomTables
from cleanroom.agent.rooms import Room
from cleanroom.cli.output import bullets, facts, printable, table
from cleanroom.cli.words import counted, interval_words, label_words, until
from cleanroom.domain.fields import Field, Reduction
from cleanroom.domain.vocabulary import ChangeMode, Form, Kind, Tier
from cleanroom.messages.rooms import Terms

FLOOR: Final = 10
POPULATION: Final = 25
INTERVAL: Final = 86_400
"""The recommended values (`agreements.Proposal`); what is below them is pointed out."""

_KINDS: Final = {
    Kind.LEI: "LEI",
    Kind.DUNS: "D-U-N-S",
    Kind.VAT: "VAT",
    Kind.REGISTER: "company register",
    Kind.CIK: "CIK",
    Kind.ISIN: "ISIN",
    Kind.TICKER: "ticker",
    Kind.DOMAIN: "domain",
    Kind.SITE_NAME: "name of the website",
    Kind.NAME_COUNTRY: "name + country",
    Kind.NAME: "name",
    Kind.NAME_OUTLINE: "name in outline",
}
_TIERS: Final = {
    (Tier.CERTAIN,): "certain ones only",
    (Tier.CERTAIN, Tier.LIKELY): "certain and likely ones; a likely one is released once a person of its owner says so",
}


def kind_words(kind: str) -> str:
    """A kind of match key as people read it."""
    return _KINDS[Kind(kind)]


def weaknesses(terms: Terms) -> tuple[str, ...]:
    """What these terms give away beyond the recommended ones, and what exact counts never protect against."""
    found = []
    if isinstance(terms.answer_interval, str):
        found.append(
            "UNSAFE: an answer after every push. Whoever pushes twice with one company more or less sees in the "
            "difference whether the other side has that company. For demos and benches only."
        )
    elif terms.answer_interval < INTERVAL:
        found.append(
            f"An answer {interval_words(terms.answer_interval)} instead of every day: more answers a day, so more "
            "differences to learn from."
        )
    if terms.changes is ChangeMode.IMMEDIATE:
        found.append(
            "Changes leave at once: a change of few entries is seen as such, when and of which shape, "
            "by the escrow and by the other agent. Batched changes wait until enough look alike."
        )
    if terms.counting.floor < FLOOR:
        found.append(
            f"The floor is {terms.counting.floor} instead of {FLOOR}: smaller numbers are shown, and a small number "
            "says nearly which companies they are."
        )
    if terms.minimum_population < POPULATION:
        found.append(
            f"Only {counted(terms.minimum_population, 'entry', 'entries')} instead of {POPULATION} must look alike: "
            "rare combinations of keys stand out more."
        )
    found.append(
        "Exact counts protect against a partner that pushes its real list, not against one that chooses its list "
        "to find something out."
    )
    return tuple(found)


def room_screen(room: Room, tables: RoomTables, now: datetime) -> list[RenderableType]:
    """The terms of a room, of a change that is proposed, and what has to be upgraded."""
    terms = room.terms
    expires = f"{terms.expires} ({until(terms.expires, now)})"
    rows: list[tuple[str, RenderableType]] = [
        ("Room", Text(printable(terms.title), style="bold")),
        ("Id", room.id),
        ("State", room.state),
        ("With", printable(room.other.name)),
        ("Proposed by", printable(terms.members[0].name)),
        ("Purpose", printable(terms.purpose)),
        ("Used for", label_words(terms.use)),
        ("Segments", ", then ".join(label_words(segment) for segment in terms.segments)),
        ("Match keys", ", ".join(kind_words(name) for name in room.kind_names)),
        ("Tables", tables.now),
        ("Matches", f"{_TIERS[terms.tiers]} ({terms.rule})"),
        ("Counting", f"{terms.counting.mode}; numbers below {terms.counting.floor} are withheld"),
        ("Minimum population", f"{terms.minimum_population} entries of a shape"),
        ("Answers", interval_words(terms.answer_interval)),
        ("Changes", terms.changes),
        ("Epoch", f"{counted(terms.epoch_days, 'day')}; now in number {room.epoch}"),
        ("Quota", f"{terms.quota:,} entries each"),
        ("Fields", f"{len(terms.fields)} in the catalogue below; none leaves before both sides' policies show it"),
        ("In force", f"from {terms.starts} until {expires}"),
        ("Terms", f"version {terms.version}, {terms.digest()[:16]}"),
    ]
    parts: list[RenderableType] = [facts(rows), *fields_screen(terms)]
    if room.pending:
        change = f"Proposed change: version {room.pending.version}, until {room.pending.expires}."
        parts.append(Text(change + _new_keys(tables), style="bold"))
    if tables.upgrade:
        parts.append(bullets([printable(tables.upgrade.what)], "bold" if tables.upgrade.mine else ""))
    parts.append(Text("\nWhat to know before you sign", style="bold"))
    parts += [bullets([line], "red" if line.startswith("UNSAFE") else "") for line in weaknesses(terms)]
    return parts


def _new_keys(tables: RoomTables) -> str:
    if not tables.proposed:
        return ""
    return (
        f" Keys are made with the tables of {tables.proposed} instead of {tables.now}: a new epoch begins, and both "
        "lists are committed again."
    )


def fields_screen(terms: Terms) -> list[RenderableType]:
    """The catalogue: what policies may speak of, and in which form at most."""
    shown = table("Field", "Type", "Class", "Reduced to", "At most")
    for field in terms.catalogue:
        most = "" if field.ceiling is Form.FULL else str(field.ceiling)
        shown.add_row(
            printable(field.name), field.type, label_words(field.field_class), reduction_words(field), most or "full"
        )
    return [Text("\nFields that policies may speak of", style="bold"), shown]


def reduction_words(field: Field) -> str:
    """What is left of a field in its reduced form; "-" if it has none."""
    match field.reduced:
        case Reduction.NONE:
            return "-"
        case Reduction.BANDED:
            return "bands: " + "; ".join(_edges_words(currency, edges) for currency, edges in field.bands)
        case Reduction.EMAIL_DOMAIN:
            return "the domain"
        case Reduction.INITIALS:
            return "initials"
        case Reduction.QUARTER:
            return "the quarter"
        case Reduction.HASHED:
            return "a keyed hash"
        case _:
            assert_never(field.reduced)


def _edges_words(currency: str, edges: Sequence[int]) -> str:
    return f"{currency or 'any'} {' | '.join(f'{edge:,}' for edge in edges)}"


def room_document(room: Room, tables: RoomTables) -> dict[str, object]:
    """A room for scripts."""
    return {
        "room": room.id,
        "state": room.state.value,
        "partner": {"id": room.other.partner, "name": room.other.name},
        "in_force": room.in_force,
        "epoch": room.epoch,
        "next_answer": room.next_answer,
        "terms": room.terms.model_dump(mode="json"),
        "terms_digest": room.terms.digest(),
        "pending": room.pending.model_dump(mode="json") if room.pending else None,
        "tables": asdict(tables),
        "weaknesses": list(weaknesses(room.terms)),
    }
