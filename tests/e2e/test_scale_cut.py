"""A cut of real host lists, through the whole path: the overlap is what a plain intersection of the keys says."""

import gzip
from itertools import islice
from pathlib import Path

import pytest
from ground import Ground, in_a_room, opened, running, shown

from cleanroom.agent import lists, sync
from cleanroom.agent.reading.accounts import read_accounts
from cleanroom.agent.reading.files import read_table
from cleanroom.agent.reading.guessing import guess_mapping
from cleanroom.agent.session import Agent
from cleanroom.agent.tables import load_tables
from cleanroom.domain.vocabulary import Kind

SCALE = Path(__file__).parents[2].parent / "shared" / "data" / "scale"
ROWS = 20_000


def domains(side: str) -> set[str]:
    """Registrable domains of the first hosts that have one, by cleanroom's own tables."""
    registrable = load_tables().current.registrable_domain
    with gzip.open(SCALE / f"partner_{side}_hosts.txt.gz", "rt", encoding="utf-8") as lines:
        found = (name for line in lines if (name := registrable(line.strip())))
        return set(islice(dict.fromkeys(found), ROWS))


def put(agent: Agent, ground: Ground, name: str, websites: set[str]) -> set[str]:
    """Keep the list as a push would; its normalised domain keys."""
    path = ground.folder / f"{name}.csv"
    path.write_text("Website\n" + "".join(f"{website}\n" for website in sorted(websites)), encoding="utf-8")
    table = read_table(path)
    read = read_accounts(table, guess_mapping(table), segment="customers", segment_from=None, list_name=name)
    keyed = lists.keyed(agent, name, read.accounts)
    lists.store(agent, keyed, (ground.room,))
    of_domains = keyed.keys["kind"] == list(Kind).index(Kind.DOMAIN)
    return set(keyed.keys["key"][of_domains])


@pytest.mark.soak
@pytest.mark.skipif(not SCALE.is_dir(), reason="the shared scale data is not on this machine")
def test_real_hosts_meet_in_the_intersection_of_their_keys(tmp_path: Path) -> None:
    with running(tmp_path / "escrow") as escrow:
        ground = in_a_room(tmp_path, escrow, segments=("customers",), kinds=(Kind.DOMAIN,))
        with opened(ground.acme) as acme, opened(ground.globex) as globex:
            first, second = put(acme, ground, "a", domains("a")), put(globex, ground, "b", domains("b"))
            assert min(len(first), len(second)) > 0.99 * ROWS
            for agent in (acme, globex, acme, globex):
                (done,) = sync.sync(agent)
                assert done.problem is None
            common = len(first & second)
            assert common > 100
            assert shown(acme, ground.room) == shown(globex, ground.room) == ((common,),)
