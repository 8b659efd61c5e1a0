"""Long polls: woken by writes of this process and of others, and never holding anything while they wait."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from conftest import Escrow
from partner import AUTHORITY, Partner, code_of, digest_in, make_terms
from sqlalchemy import update
from starlette.testclient import TestClient

from api.service.app import create_app
from api.service.desk import Desk
from escrow.tables import Partner as PartnerRow


@pytest.fixture
def http(desk: Desk) -> Iterator[TestClient]:
    """As the server does it: an event loop in which polls wait, and threads that work."""
    with TestClient(create_app(desk), base_url=f"http://{AUTHORITY}") as client:
        yield client


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(64) as pool:
        yield pool


def change(partner: Partner, after: int, wait: int) -> int:
    answer = partner.get(f"/v1/changes?after={after}&wait={wait}")
    assert answer.status_code == 200, answer.text
    counter: int = answer.json()["change"]
    return counter


def timed(work: Callable[[], int]) -> tuple[int, float]:
    started = time.monotonic()
    return work(), time.monotonic() - started


def test_at_once_if_something_has_changed_and_after_the_wait_if_not(ana: Partner) -> None:
    now = change(ana, 0, 25)
    assert now == 1
    counter, seconds = timed(lambda: change(ana, now, 1))
    assert counter == now
    assert 1 <= seconds < 5
    assert code_of(ana.get("/v1/changes?after=0&wait=26")) == (422, "request_refused")


def test_a_write_wakes_the_other_member(ana: Partner, bo: Partner, pool: ThreadPoolExecutor) -> None:
    now = change(bo, 0, 0)
    waiting: Future[tuple[int, float]] = pool.submit(timed, lambda: change(bo, now, 20))
    time.sleep(0.3)
    assert not waiting.done()
    digest_in(ana.propose(make_terms(ana, bo)))
    counter, seconds = waiting.result(timeout=10)
    assert counter > now
    assert seconds < 5


def test_a_write_of_another_process_wakes_too(escrow: Escrow, bo: Partner, pool: ThreadPoolExecutor) -> None:
    now = change(bo, 0, 0)
    waiting = pool.submit(change, bo, now, 20)
    time.sleep(0.3)
    escrow.desk.database.write(lambda session: session.execute(update(PartnerRow).values(change=now + 1)))
    assert waiting.result(timeout=10) == now + 1


def test_strangers_to_a_room_are_not_woken(escrow: Escrow, ana: Partner, bo: Partner) -> None:
    cy = escrow.partner("Cy")
    now = change(cy, 0, 0)
    digest_in(ana.propose(make_terms(ana, bo)))
    assert change(cy, now, 0) == now


def test_many_waiting_polls_leave_room_for_work(
    escrow: Escrow, ana: Partner, bo: Partner, pool: ThreadPoolExecutor
) -> None:
    now = change(bo, 0, 0)
    waiting = [pool.submit(change, bo, now, 20) for _ in range(60)]  # more than threads and connections there are
    time.sleep(1)
    assert ana.get("/v1/rooms").status_code == 200
    digest_in(ana.propose(make_terms(ana, bo)))
    assert all(poll.result(timeout=15) > now for poll in waiting)
    assert escrow.desk.database.engine.pool.checkedout() == 0
