"""A room's terms as people read them, and in plain words what each weak setting gives away."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Final, assert_never

from rich.console import RenderableType
from rich.text import Text

from cleanroom.agent.agreements import LIMITS, NEW_TOKENS, Proposal
from cleanroom.agent.recipes import RoomTables
from cleanroom.agent.rooms import Room
from cleanroom.cli.counting_view import rule_words
from cleanroom.cli.output import bullets, facts, printable, table
from cleanroom.cli.words import counted, interval_words, label_words, until
from cleanroom.domain.fields import Field, Reduction
from cleanroom.domain.vocabulary import ChangeMode, CountingMode, Form, Kind, PartnerId, Tier
from cleanroom.messages.rooms import Terms

FLOOR: Final = 10
POPULATION: Final = 25
INTERVAL: Final = 86_400
DECLARED: Final = max(Proposal(title="-", purpose="-").declared)
PROBES: Final = Proposal(title="-", purpose="-").probes
"""The recommended values (`agreements.Proposal`); what is weaker is pointed out."""

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
    found += _counting_weaknesses(terms)
    found += _list_weaknesses(terms)
    if terms.minimum_population < POPULATION:
        found.append(
            f"Only {counted(terms.minimum_population, 'entry', 'entries')} instead of {POPULATION} must look alike: "
            "rare combinations of keys stand out more."
        )
    return tuple(found)


def _counting_weaknesses(terms: Terms) -> list[str]:
    """What the way of counting gives away."""
    found, counting = [], terms.counting
    if terms.host:
        found.append(
            f"{terms.member(PartnerId(terms.host)).name} operates the escrow. Disclosure control does not bind it: it "
            "can see exact counts whenever it likes, without noise, threshold or budget, though not which companies "
            "they are."
        )
    if counting.caps == "unsafe_none":
        found.append(
            "UNSAFE: no budget of answers. Whoever changes its list by one company and looks again has asked whether "
            "the other side has it, as often as it likes. For demos and benches only."
        )
    if counting.mode is CountingMode.EXACT:
        found.append(
            "Exact counts are an oracle: two answers with one company between them say whether the other side has it. "
            "They protect against a partner that pushes its real list, not against one that chooses its list to find "
            "something out. Modes standard and confidential bound that."
        )
        if counting.floor < FLOOR:
            found.append(
                f"The floor is {counting.floor} instead of {FLOOR}: smaller numbers are shown, and a small number "
                "says nearly which companies they are."
            )
    return found


def _list_weaknesses(terms: Terms) -> list[str]:
    """What the limits to lists let a partner guess."""
    found, limits, new = [], terms.limits, terms.new_tokens
    if max(terms.declared) > DECLARED:
        found.append(
            f"A list is declared with {max(terms.declared):,} entries, more than {DECLARED:,}: so many companies can "
            "be guessed by whoever has fewer. Declare what the list has."
        )
    if limits.distinct_percent > LIMITS.distinct_percent:
        found.append(
            f"In 30 days {limits.distinct_percent:,} % of the declared entries may be new keys instead of "
            f"{LIMITS.distinct_percent} %: more guesses."
        )
    grown = limits.growth_percent > LIMITS.growth_percent or limits.growth_entries > LIMITS.growth_entries
    if grown or limits.churn_percent > LIMITS.churn_percent:
        found.append(
            f"A list may grow by {limits.growth_entries:,} entries or {limits.growth_percent:,} % in a week and change "
            f"by {limits.churn_percent:,} % in 30 days before the other side is asked: more than recommended."
        )
    if new.count_from == "next_answer":
        found.append(
            "Entries that are added count in the next answer, not from the next epoch on: what was added can be told "
            "from the difference."
        )
    if new.open_after_hours < NEW_TOKENS.open_after_hours or new.open_after_snapshots < NEW_TOKENS.open_after_snapshots:
        found.append(
            f"Matches of added entries are opened after {counted(new.open_after_hours, 'hour')} and "
            f"{counted(new.open_after_snapshots, 'snapshot')} instead of {NEW_TOKENS.open_after_hours} and "
            f"{NEW_TOKENS.open_after_snapshots}: a guess is answered sooner."
        )
    if terms.probes < PROBES and len(terms.kinds) > 1:
        found.append(
            f"Only {counted(terms.probes, 'probe')} instead of {PROBES}: an agent that puts the keys of one company "
            "under several, so that it counts several times, is seen less surely."
        )
    return found


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
        ("Counting", rule_words(terms.counting)),
        *_in_force(room),
        ("Minimum population", f"{terms.minimum_population} entries of a shape"),
        ("Answers", interval_words(terms.answer_interval)),
        ("Changes", terms.changes),
        ("Epoch", f"{counted(terms.epoch_days, 'day')}; now in number {room.epoch}"),
        ("Declared", _declared(terms)),
        ("Guessing", _limits(terms)),
        ("Added entries", _added(terms)),
        ("Probes", f"{terms.probes:,} entries that are nobody's in each list, to see whether it is evaluated as it is"),
        ("Escrow", _host(terms)),
        ("Fields", f"{len(terms.fields)} in the catalogue below; none leaves before both sides' policies show it"),
        ("In force", f"from {terms.starts} until {expires}"),
        ("Terms", f"version {terms.version}, {terms.digest()[:16]}"),
    ]
    parts: list[RenderableType] = [facts(rows), *fields_screen(terms)]
    parts += sources_screen(room)
    if room.pending:
        change = f"Proposed change: version {room.pending.version}, until {room.pending.expires}."
        if room.pending.counting != terms.counting:
            change += f" Counting: {rule_words(room.pending.counting)}."
        parts.append(Text(change + _new_keys(tables), style="bold"))
    if tables.upgrade:
        parts.append(bullets([printable(tables.upgrade.what)], "bold" if tables.upgrade.mine else ""))
    parts.append(Text("\nWhat to know before you sign", style="bold"))
    parts += [bullets([line], "red" if line.startswith("UNSAFE") else "") for line in weaknesses(terms)]
    return parts


def _in_force(room: Room) -> list[tuple[str, RenderableType]]:
    rule = room.counting.rule
    if rule is None or rule == room.terms.counting:
        return []
    return [("In force now", f"{rule_words(rule)} (a member has asked for it)")]


def _declared(terms: Terms) -> str:
    sizes = "; ".join(
        f"{printable(member.name)} at most {counted(size, 'entry', 'entries')}"
        for member, size in zip(terms.members, terms.declared, strict=True)
    )
    return f"{sizes} (never more than {terms.quota:,})"


def _limits(terms: Terms) -> str:
    limits = terms.limits
    return (
        f"at most {limits.distinct_percent:,} % of the declared entries in new keys of each kind in 30 days; growth of "
        f"more than {limits.growth_entries:,} entries or {limits.growth_percent:,} % a week, or change of more than "
        f"{limits.churn_percent:,} % in 30 days, waits for the other side"
    )


def _added(terms: Terms) -> str:
    new = terms.new_tokens
    counts = "count from the next epoch on" if new.count_from == "next_epoch" else "count in the next answer"
    return (
        f"{counts}; their matches are opened after {counted(new.open_after_hours, 'hour')} and "
        f"{counted(new.open_after_snapshots, 'snapshot')}"
    )


def _host(terms: Terms) -> str:
    if not terms.host:
        return "operated by neither member"
    name = printable(terms.member(PartnerId(terms.host)).name)
    return f"operated by {name}, a member of this room: disclosure control does not bind it"


def sources_screen(room: Room) -> list[RenderableType]:
    """Where both lists come from, as their owners have signed it with the newest batch."""
    shown = table("List of", "Comes from", "Which rows", "Rows", "Taken out by", right=(3,))
    for member in room.terms.members:
        head = room.head(member.partner)
        for item in head.sources if head else ():
            cells = (member.name, item.system, item.query)
            shown.add_row(*map(printable, cells), f"{item.rows:,}", printable(item.who))
    if not shown.row_count:
        return []
    return [Text("\nWhere the lists come from, as their owners state it", style="bold"), shown]


def sources_document(room: Room) -> dict[str, object]:
    """The same for scripts, by partner."""
    heads = {member.partner: room.head(member.partner) for member in room.terms.members}
    return {
        partner: [item.model_dump(mode="json") for item in (head.sources if head else ())]
        for partner, head in heads.items()
    }


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
        "counting": room.counting.rule.model_dump(mode="json") if room.counting.rule else None,
        "sources": sources_document(room),
        "weaknesses": list(weaknesses(room.terms)),
    }
