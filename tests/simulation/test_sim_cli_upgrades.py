"""The commands of an upgrade: who runs on older tables is told, and by what it moves to the newer ones."""

from other_tables import SHOPS, edition, release
from test_sim_cli_sharing import command, document
from world import World

from cleanroom.agent.session import Agent
from cleanroom.cli.exits import Exit


def older(agent: Agent) -> Agent:
    return release(agent, edition(agent, "2026-05"))


def newer(agent: Agent) -> Agent:
    return release(agent, edition(agent, "2026-11", below=SHOPS), edition(agent, "2026-05"))


def test_a_room_on_older_tables_says_so_until_it_is_upgraded(world: World, acme: Agent, globex: Agent) -> None:
    room = world.room(older(acme), older(globex))
    acme, globex = newer(acme), newer(globex)
    hint = f"cleanroom room upgrade {room[:8]}"
    for words in (("room", "show", room), ("status",), ("sync", "--room", room)):
        assert hint in command(globex, *words).text, words
    assert document(globex, "room", "show", room)["tables"]["now"] == "2026-05"
    assert "2026-05" in document(globex, "sync", "--room", room)["rooms"][0]["upgrade"]["what"]

    upgraded = command(globex, "room", "upgrade", room)
    assert upgraded.code == Exit.DONE, upgraded.err
    assert f"tables of 2026-11. Acme accepts with: cleanroom room accept {room[:8]}" in upgraded.text
    waits = document(globex, "room", "show", room)["tables"]["upgrade"]
    assert (waits["mine"], "has not accepted the upgrade to the tables of 2026-11" in waits["what"]) == (False, True)
    shown = command(acme, "room", "show", room).text
    assert "Keys are made with the tables of 2026-11 instead of 2026-05: a new epoch begins" in shown
    assert f"Globex proposes an upgrade to the tables of 2026-11: cleanroom room accept {room[:8]}" in shown

    assert command(acme, "room", "accept", room).code == Exit.DONE
    after = document(acme, "room", "show", room)
    assert (after["epoch"], after["tables"]) == (1, {"now": "2026-11", "proposed": "", "upgrade": None})
    again = command(acme, "room", "upgrade", room)
    assert again.code == Exit.NOT_NOW
    assert "its terms name the newest recipes" in again.err + again.out


def test_an_agent_that_is_too_old_for_the_upgrade_is_told_to_upgrade_itself(
    world: World, acme: Agent, globex: Agent
) -> None:
    room = world.room(older(acme), older(globex))
    acme, globex = older(acme), newer(globex)
    assert command(globex, "room", "upgrade", room).code == Exit.DONE
    refused = command(acme, "room", "accept", room)
    assert refused.code == Exit.NOT_NOW
    assert "This agent has to be upgraded" in " ".join((refused.err + refused.out).split())
    assert document(acme, "room", "show", room)["terms"]["version"] == 1
    for words in (("status",), ("sync", "--room", room)):
        assert "This agent has to be upgraded" in command(acme, *words).text
