"""P9 between honest parties: what each side sees is what both policies give, and nothing else."""

from sharing import deals, grant, opened, policy
from world import World

from cleanroom.domain.vocabulary import Form


def full(agent):
    return policy(agent, grant("all", Form.FULL, "account_name", "amount", "currency", "owner", "close_date"))


def test_fields_arrive_in_their_forms(world: World) -> None:
    def acme(agent):
        return policy(agent, grant("r", Form.REDUCED, "amount", "owner", "owner_email", "close_date", "account_name"), grant("f", Form.FULL, "currency", "stage"))

    room = opened(world, deals(0, 6, prefix="a"), deals(2, 10, prefix="g"), acme=acme, globex=full)
    room.settle()
    seen = room.table(room.globex)
    print(seen.T.to_string())
    print(room.table(room.acme).T.to_string())
    assert len(seen) == 4
