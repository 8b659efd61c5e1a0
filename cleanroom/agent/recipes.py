"""Which recipes of match keys and which rule the terms of a room pin, what this agent has, and who upgrades what.

An agent makes keys by the recipes of two editions of its tables (`matching.normalise.tables`). A room stays on those
that its terms name until both sides have signed an upgrade, so that a new release stops no room.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cleanroom.agent.room_policies import ENDED
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.agent.waiting import Waiting
from cleanroom.domain.errors import NotPossibleNow
from cleanroom.domain.vocabulary import Kind
from cleanroom.messages.rooms import KindRecipe, Terms
from cleanroom.messages.terms_chain import begins_epoch
from matching import rule
from matching.keys import LOCAL_KINDS
from matching.normalise import tables
from matching.normalise.tables import Recipe, Tables

_EDITION: Final = re.compile(r"[0-9]{4}-[0-9]{2}(?![0-9])")
_NO_TABLES: Final = "none"
_SAME_RELEASE: Final = "Both sides need the same release of the agent"
_THIS_AGENT: Final = "This agent has to be upgraded"
_THE_PROPOSER: Final = "The other side has to upgrade its agent, and propose again"
_THE_ROOM: Final = "The room has to be upgraded: cleanroom room upgrade"


_OTHER_RULE: Final = f"the terms name a version of the rule of matches that this agent does not have. {_SAME_RELEASE}"


class RecipesDiffer(NotPossibleNow):
    """The terms name versions of a normaliser, its tables or the rule of matches that this agent does not have."""

    code = "recipes_differ"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomTables:
    """The editions of the tables that a room's keys are made with, as people read them.

    `now`: by the terms, "-" where none of their kinds needs any. `proposed`: by a change that is proposed, "" where
    none changes them. `upgrade`: what has to be upgraded, the room or an agent, and whose turn it is.
    """

    now: str
    proposed: str
    upgrade: Waiting | None


def of_terms(terms: Terms) -> tuple[Recipe, ...]:
    """The recipes that the terms pin, in their order."""
    return tuple(
        Recipe(kind=str(item.kind), normaliser=item.normaliser, tables="" if item.tables == _NO_TABLES else item.tables)
        for item in terms.kinds
    )


def newest(kinds: Iterable[Kind], known: Tables) -> tuple[KindRecipe, ...]:
    """The newest recipes of these kinds, as terms name them.

    Raises Refusal `recipe_unknown` for a kind that no keys are made of.
    """
    made = {recipe.kind: recipe for recipe in tables.current(known)}
    return tuple(
        KindRecipe(kind=kind, normaliser=made[kind].normaliser, tables=made[kind].tables or _NO_TABLES)
        for kind in map(Kind, kinds)
    )


def pinned(agent: Agent, terms: Terms) -> tuple[Recipe, ...]:
    """The recipes of terms in force, in their order, all of which this agent can make.

    Raises:
        RecipesDiffer: naming the kinds of which it cannot, or the rule, and what has to be upgraded.
    """
    _require(agent, terms, if_older=_THE_ROOM)
    return of_terms(terms)


def to_merge(agent: Agent, terms: Terms) -> tuple[Recipe, ...]:
    """`pinned`, and then the recipes of kinds that stay in the agent: those that merging needs, of the same edition.

    Raises:
        RecipesDiffer: as there.
    """
    found = pinned(agent, terms)
    outlines = [recipe for recipe in found if recipe.kind == Kind.NAME_OUTLINE]
    beside = agent.tables.edition(outlines[0]).recipes if outlines else ()
    return found + tuple(recipe for recipe in beside if recipe.kind in LOCAL_KINDS)


def require_proposed(agent: Agent, terms: Terms) -> None:
    """Refuse to sign terms under which this agent and the other would silently make different keys.

    Raises:
        RecipesDiffer: naming the kinds, and which side has to upgrade its agent.
    """
    _require(agent, terms, if_older=_THE_PROPOSER)


def require_rule(terms: Terms) -> None:
    """Refuse terms under which the two agents and the escrow would not call the same pairs a match.

    Raises:
        RecipesDiffer: if they name a rule that this agent does not have.
    """
    if terms.rule != rule.VERSION:
        raise RecipesDiffer(_OTHER_RULE)


def is_newest(agent: Agent, terms: Terms) -> bool:
    """Whether the terms pin the newest recipes that this agent can make, and its rule."""
    return terms.rule == rule.VERSION and frozenset(of_terms(terms)) <= frozenset(tables.current(agent.tables))


def upgrade_waits(agent: Agent, room: Room) -> Waiting | None:
    """What has to be upgraded, and whose turn it is: this agent, the other side's, or the room. None if nothing has."""
    if not room.in_force or room.state in ENDED:
        return None
    if room.pending is not None and begins_epoch(room.terms, room.pending):
        return _proposed(agent, room, room.pending)
    if room.terms.rule != rule.VERSION:
        return _mine(f"{_OTHER_RULE}; then: cleanroom room upgrade {room.id[:8]}")
    unknown = _unknown(room.terms, agent.tables)
    if unknown:
        return _mine(_differs(unknown, agent.tables, if_older=f"{_THE_ROOM} {room.id[:8]}"))
    if is_newest(agent, room.terms):
        return None
    older = [recipe for recipe in of_terms(room.terms) if recipe not in tables.current(agent.tables)]
    return _mine(
        f"This room's keys are made with the tables of {_editions(older, agent.tables)}, for: {_kinds(older)}; the "
        f"next release of the agent drops them: cleanroom room upgrade {room.id[:8]}"
    )


def room_tables(agent: Agent, room: Room) -> RoomTables:
    """The tables of a room, of a change that is proposed, and what has to be upgraded."""
    return RoomTables(
        now=_words(agent, room.terms),
        proposed=_words(agent, room.pending) if room.pending and begins_epoch(room.terms, room.pending) else "",
        upgrade=upgrade_waits(agent, room),
    )


def _words(agent: Agent, terms: Terms) -> str:
    return _editions((recipe for recipe in of_terms(terms) if recipe.tables), agent.tables) or "-"


def _proposed(agent: Agent, room: Room, proposed: Terms) -> Waiting:
    to = f"tables of {_words(agent, proposed)}"
    accept = f"cleanroom room accept {room.id[:8]}"
    if room.me in room.pending_signers:
        name = room.other.name
        what = f"{name} has not accepted the upgrade to the {to}; its agent has to be of this release or a newer one."
        return Waiting(what=what, mine=False, since=None)
    unknown = _unknown(proposed, agent.tables)
    if unknown or proposed.rule != rule.VERSION:
        problem = _differs(unknown, agent.tables, if_older=_THE_PROPOSER) if unknown else _OTHER_RULE
        return _mine(f"{room.other.name} proposes other tables: {problem}")
    return _mine(f"{room.other.name} proposes an upgrade to the {to}: {accept}")


def _mine(what: str) -> Waiting:
    return Waiting(what=what, mine=True, since=None)


def _require(agent: Agent, terms: Terms, *, if_older: str) -> None:
    require_rule(terms)
    unknown = _unknown(terms, agent.tables)
    if unknown:
        raise RecipesDiffer(_differs(unknown, agent.tables, if_older=if_older))


def _unknown(terms: Terms, known: Tables) -> tuple[Recipe, ...]:
    made = tables.recipes(known)
    return tuple(recipe for recipe in of_terms(terms) if recipe not in made.get(recipe.kind, ()))


def _differs(unknown: tuple[Recipe, ...], known: Tables, *, if_older: str) -> str:
    made = tables.recipes(known)
    ages = {_age(recipe, made.get(recipe.kind, ())) for recipe in unknown}
    who = {frozenset({1}): _THIS_AGENT, frozenset({-1}): if_older}.get(frozenset(ages), _SAME_RELEASE)
    return (
        f"the terms name versions of normaliser or tables that this agent does not have, for: {_kinds(unknown)}. {who}"
    )


def _age(recipe: Recipe, made: tuple[Recipe, ...]) -> int:
    """1 for a recipe that is newer than all that are made, -1 for one that is older, 0 where that cannot be told."""
    if not made:
        return 1
    ranks = [_rank(item) for item in made]
    if _rank(recipe) > max(ranks):
        return 1
    return -1 if _rank(recipe) < min(ranks) else 0


def _rank(recipe: Recipe) -> tuple[int, str]:
    number = recipe.normaliser.rpartition("/")[2]
    return int(number) if number.isdecimal() else 1, _edition(recipe)


def _edition(recipe: Recipe) -> str:
    found = _EDITION.match(recipe.tables)
    return found.group() if found else ""


def _editions(recipes: Iterable[Recipe], known: Tables) -> str:
    """The name of each edition once; of one that this agent does not have, what its version says."""
    return ", ".join(dict.fromkeys(_name(recipe, known) for recipe in recipes))


def _name(recipe: Recipe, known: Tables) -> str:
    for edition in (known.current, known.previous):
        if edition is not None and recipe in edition.recipes:
            return edition.name
    return _edition(recipe) or recipe.tables or recipe.normaliser


def _kinds(recipes: Iterable[Recipe]) -> str:
    return ", ".join(recipe.kind for recipe in recipes)
