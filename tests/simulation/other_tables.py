"""Tables of other releases: editions made of the current one, with a suffix below which every name is its owner's."""

from dataclasses import replace

from cleanroom.agent.session import Agent
from matching.normalise.tables import NEED_TABLES, Edition, Tables

SHOPS = "shops.com"
"""In an edition that knows it, every name right below is a registrable domain; in others all of it is one."""


def edition(agent: Agent, name: str, *, below: str = "") -> Edition:
    """An edition of another name, in which every name right below the domain `below` is a registrable domain."""
    now = agent.tables.current
    known = now.registrable_domain

    def registrable_domain(host: str) -> str:
        if below and host.endswith(f".{below}"):
            return ".".join(host.split(".")[-below.count(".") - 2 :])
        return known(host)

    return replace(
        now,
        name=name,
        recipes=tuple(
            replace(recipe, tables=f"{name}-{below or 'plain'}") if recipe.kind in NEED_TABLES else recipe
            for recipe in now.recipes
        ),
        registrable_domain=registrable_domain,
        private_domain=registrable_domain,
    )


def release(agent: Agent, current: Edition, previous: Edition | None = None) -> Agent:
    """The same partner, after its agent was upgraded to a release with these tables."""
    return replace(agent, tables=Tables(current=current, previous=previous))


def tenants(word: str, start: int, stop: int) -> list[dict[str, str]]:
    """Accounts known by a website below `SHOPS` alone: names begin with a word of one's own."""
    return [
        {
            "account_id": f"{word}\x1fshop{i}",
            "name": f"{word}{i}",
            "website": f"tenant{i}.{SHOPS}",
            "segment": "customers",
        }
        for i in range(start, stop)
    ]
