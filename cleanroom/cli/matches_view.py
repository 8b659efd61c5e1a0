"""Matches on the screen and for scripts: my accounts, how sure it is, why, and what becomes of them."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cleanroom.agent.account_names import in_list, spoken
from cleanroom.agent.matches import Listed, MatchState, MyAccount
from cleanroom.cli.output import facts, printable, table
from cleanroom.cli.terms_view import kind_words
from cleanroom.cli.words import counted, label_words

MOST_ROWS: Final = 100
ID_CHARACTERS: Final = 8
_STYLE: Final = {MatchState.WAITING: "yellow", MatchState.REJECTED: "red", MatchState.DISPUTED: "red"}


def match_document(item: Listed) -> dict[str, object]:
    """A match for scripts. Of keys only the kinds."""
    said = item.decision
    return {
        "match": item.id,
        "tier": item.tier.value,
        "state": item.state.value,
        "segment": item.segment,
        "their_segment": item.their_segment,
        "evidence": list(item.evidence),
        "differ": list(item.differ),
        "why": item.why,
        "accounts": [
            {"account": spoken(account.id), "name": account.name, "tier": account.tier.value}
            for account in item.accounts
        ],
        "decision": {"at": said.at, "by": said.by or None, "reason": said.reason} if said else None,
    }


def matches_screen(found: Sequence[Listed], room: str, *, limit: int = MOST_ROWS) -> list[RenderableType]:
    """The table of the first `limit`, and how to go on."""
    if not found:
        return [Text("No match is opened and verified in this epoch. What waits: cleanroom status")]
    states = Counter(item.state for item in found)
    summed = ", ".join(f"{states[state]:,} {label_words(state)}" for state in MatchState if states[state])
    parts: list[RenderableType] = [Text(f"{counted(len(found), 'match', 'matches')}: {summed}"), _table(found[:limit])]
    if len(found) > limit:
        parts.append(Text(f"{len(found) - limit:,} more: --limit N, --state STATE, --csv FILE, --json", style="dim"))
    if states[MatchState.WAITING]:
        parts.append(Text(f"Next: cleanroom matches review {room}"))
    return parts


def question_screen(item: Listed) -> list[RenderableType]:
    """One match, with all that a person needs to say whether it is the same company."""
    agree = "; ".join(f"{kind_words(kind)}: {printable(key)}" for kind, key in item.keys)
    rows: list[tuple[str, RenderableType]] = [(_heading(account), _account(account)) for account in item.accounts]
    rows += [
        ("Segments", f"{label_words(item.segment)} x {label_words(item.their_segment)}"),
        ("Agrees", Text(agree)),
        ("Differs", ", ".join(map(kind_words, item.differ)) or "nothing that both have"),
        ("Because", f"{item.tier}: {item.why}"),
        ("Match", item.id[:ID_CHARACTERS]),
    ]
    return [facts(rows)]


def _table(found: Sequence[Listed]) -> Table:
    made = table("Match", "Mine", "Segments", "Tier", "Agrees in", "Because", "State")
    for item in found:
        made.add_row(
            item.id[:ID_CHARACTERS],
            "\n".join(printable(account.name or in_list(account.id)) for account in item.accounts),
            f"{label_words(item.segment)} x {label_words(item.their_segment)}",
            item.tier,
            ", ".join(map(kind_words, item.evidence)),
            item.why,
            Text(label_words(item.state), style=_STYLE.get(item.state, "")),
        )
    return made


def _heading(account: MyAccount) -> str:
    return printable(f"My {in_list(account.id)}")


def _account(account: MyAccount) -> Text:
    parts = (account.name, account.website, account.country)
    return Text(printable(", ".join(part for part in parts if part)), style="bold")
