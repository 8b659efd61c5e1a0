"""docs/architecture.md says what a vault holds: every address is in its table, and none is made of account data."""

import re
from pathlib import Path

from consent import staff
from sharing import Sharing, deals, grant, opened, policy
from world import World

from cleanroom.agent import decoys, matches, notices, policies, suppress
from cleanroom.agent.looked import look
from cleanroom.agent.notices import Match
from cleanroom.agent.session import Agent
from cleanroom.agent.verified import verified
from cleanroom.domain.vocabulary import Form
from cleanroom.policy.model import Policy

DOCUMENT = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text(encoding="utf-8")
NAMES = {
    "room": "[0-9a-f]{32}",
    "partner": "[0-9a-f]{32}",
    "user": "[0-9a-f]{32}",
    "K": "[0-9a-f]{64}",
    "epoch": "[0-9]+",
    "n": "[0-9]+",
    "number": "[0-9]+",
    "version": "[0-9]+",
    "digest": "[0-9a-f]{64}",
    "release": "[0-9a-f]{64}",
    "signatures": "[1-8]",
}
SELDOM = {
    "enrolment",
    "lists/newest/...",
    "lists/{n}/reading",
    "lists/{n}/source",
    "guesses/restored",
    "copied",
    "room/{room}/{epoch}/theirs/retired",
    "room/{room}/{epoch}/out/...",
    "room/{room}/{epoch}/releasing/...",
    "policies/{room}/unanswered",
    "allowances/{room}/draft",
}
"""Not there between steps, or made by the command only."""


def documented() -> list[str]:
    chapter = DOCUMENT.split("\n## The vault\n")[1].split("\n## ")[0]
    cells = [line.split(" | ")[0] for line in chapter.splitlines() if line.startswith("| `")]
    return [address for cell in cells for address in re.findall(r"`([^`]+)`", cell)]


def pattern(address: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", address.removesuffix("..."))
    text = "".join(NAMES[part] if i % 2 else re.escape(part) for i, part in enumerate(parts))
    return re.compile(text + (".+" if address.endswith("...") else ""))


def full(agent: Agent) -> Policy:
    return policy(agent, grant("stage", Form.FULL, "stage", "account_name"))


def wider(agent: Agent) -> Policy:
    return policy(agent, grant("all", Form.FULL, "stage", "account_name", "region"))


def busy(world: World) -> Sharing:
    """A room in which everything has happened that leaves something in a vault."""
    decoys.add(world.agents["Acme"], website="brindlecove.com", segment="customers")
    room = opened(world, deals(0, 6, prefix="v"), deals(2, 9, prefix="w"), acme=full, globex=full)
    room.settle()
    acme, view = room.acme, room.view(room.acme)
    look(acme, room.room)
    match = verified(acme, view)[0]
    notices.dispute(acme, view, Match(epoch=match.epoch, mine=match.mine, theirs=match.theirs), "not the same")
    matches.say(acme, view, matches.matches(acme, view)[:1], confirmed=True, by=staff(acme)[0])
    suppress.suppress(acme, ["v\x1f00000"], "a lawsuit")
    draft = policies.propose(acme, room.room, wider(acme), staff(acme)[0], yaml="")
    assert isinstance(draft, policies.Draft)
    return room


def test_every_address_of_a_vault_is_documented_and_every_documented_one_is_there(world: World) -> None:
    room = busy(world)
    addresses = set(room.acme.vault.addresses("")) | set(room.globex.vault.addresses(""))
    known = {address: pattern(address) for address in documented()}
    assert [one for one in addresses if not any(found.fullmatch(one) for found in known.values())] == []
    unused = {name for name, found in known.items() if not any(found.fullmatch(one) for one in addresses)}
    assert unused <= SELDOM
    suppress.unsuppress(room.acme, ["v\x1f00000"])


def test_no_address_is_made_of_account_data(world: World) -> None:
    agents = world.agents.values()
    text = " ".join(address for agent in agents for address in agent.vault.addresses(""))
    assert not re.search(r"company|example|brindlecove|(?<!0)0{3}02|v\x1f", text, flags=re.IGNORECASE)
