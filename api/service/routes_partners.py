"""P1 over HTTP: the escrow itself, enrolment, the directory; and waiting for changes."""

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Body, Query
from starlette.concurrency import run_in_threadpool

from api.service import examples
from api.service.desk import Caller, PartnerPath, TheDesk, ThePage
from cleanroom.messages.api import Accepted, Changes, EnrolRequest, EscrowInfo, PartnerPage
from cleanroom.messages.documents import instant
from escrow import partners
from escrow.errors import NotFound

LONGEST_WAIT_SECONDS: Final = 25
ASK_AGAIN_SECONDS: Final = 1.0
"""How often a long poll looks for what another process of this service has written."""

router = APIRouter(tags=["partners"])


@router.get("/v1/escrow", summary="The escrow's key and clock")
def read_escrow(desk: TheDesk) -> EscrowInfo:
    """Needs no signature. Trust comes from the key in the invite, not from here."""
    return EscrowInfo(host=desk.host, key=desk.key.public.hex(), now=instant(desk.clock()))


@router.put("/v1/partners/{partner}", summary="Enrol with an invite")
def put_partner(
    desk: TheDesk,
    caller: Caller,
    partner: PartnerPath,
    request: Annotated[EnrolRequest, Body(openapi_examples=examples.ENROLMENT)],
) -> Accepted:
    """Signed with the key that the enrolment introduces. An invite works once."""
    if partner != caller:
        raise NotFound
    return desk.write(
        lambda session: partners.enrol(session, partner, request, escrow_key=desk.key.public, now=desk.clock())
    )


@router.get("/v1/partners", summary="The directory")
def read_partners(desk: TheDesk, page: ThePage) -> PartnerPage:
    """Enrolments as their partners signed them, oldest first."""
    return desk.read(lambda session: partners.directory(session, page))


@router.get("/v1/changes", summary="Wait until something of mine changes")
async def read_changes(
    desk: TheDesk,
    caller: Caller,
    after: Annotated[int, Query(ge=0, le=2**53 - 1, description="the counter that I know")],
    wait: Annotated[int, Query(ge=0, le=LONGEST_WAIT_SECONDS, description="seconds")] = 0,
) -> Changes:
    """My counter, at once if it is beyond `after`, else when it moves, or as it is after `wait` seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait
    with desk.bell.listening() as rung:
        while True:
            rung.clear()
            change = await run_in_threadpool(desk.read, lambda session: partners.change(session, caller))
            left = deadline - loop.time()
            if change > after or left <= 0 or desk.bell.is_closed:
                return Changes(change=change)
            try:
                await asyncio.wait_for(rung.wait(), min(left, ASK_AGAIN_SECONDS))
            except TimeoutError:
                continue
