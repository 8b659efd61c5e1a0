"""What looking costs: agents look at every pass, so the statements of a look are counted."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from conftest import Escrow, Setting
from partner import Partner, digest_in, make_terms
from sqlalchemy import event

from cleanroom.domain.vocabulary import Digest
from escrow import rooms
from escrow.rooms import EnteredRoom

Statement = tuple[str, str]


@contextmanager
def statements(escrow: Escrow) -> Iterator[list[Statement]]:
    """Every query and write to the database, with its parameters."""
    found: list[Statement] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_more: Any) -> None:  # noqa: ANN401 - SQLAlchemy's
        if not statement.startswith("BEGIN"):
            found.append((statement, repr(parameters)))

    event.listen(escrow.desk.database.engine, "before_cursor_execute", note)
    yield found
    event.remove(escrow.desk.database.engine, "before_cursor_execute", note)


def test_a_look_at_a_room_asks_for_nothing_twice(escrow: Escrow, setting: Setting) -> None:
    a, b = setting.push_both()
    setting.evaluate_both([a], [b])
    path = f"/v1/rooms/{setting.room}"
    assert setting.ana.get(path).json()["answer"] is not None
    with statements(escrow) as seen:
        assert setting.ana.get(path).status_code == 200
    assert len(seen) > 20
    assert sorted(seen) == sorted(set(seen))


def test_a_page_of_many_rooms_takes_as_many_statements_as_one_of_one(escrow: Escrow, ana: Partner, bo: Partner) -> None:
    counts = []
    for many in (1, 4):
        while len(ana.get("/v1/rooms").json()["rooms"]) < many:
            terms = make_terms(ana, bo)
            digest_in(ana.propose(terms))
            digest_in(bo.accept(terms))
        with statements(escrow) as seen:
            assert len(ana.get("/v1/rooms").json()["rooms"]) == many
        counts.append(len(seen))
    assert counts[0] == counts[1] < 5


def test_a_write_asks_again_and_sees_what_it_has_written(escrow: Escrow, ana: Partner, bo: Partner) -> None:
    terms, seen = make_terms(ana, bo), []
    digest_in(ana.propose(terms))

    def work(room: EnteredRoom) -> Digest:
        seen.append(rooms.in_force(room))
        room.versions()[-1].in_force_since = room.now
        seen.append(rooms.in_force(room))
        return Digest("0" * 64)

    escrow.desk.write_room(terms.room, ana.id, work)
    assert [found is not None for found in seen] == [False, True]
