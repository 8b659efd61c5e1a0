"""P5 over HTTP: what members ask of disclosure control. Nothing here gives a count, or the noise of one."""

from typing import Annotated

from fastapi import APIRouter, Body, Path

from api.service import examples
from api.service.desk import Caller, PartnerPath, RoomPath, TheDesk
from cleanroom.domain.vocabulary import Digest
from cleanroom.messages.api import Accepted
from cleanroom.messages.signing import SignedDocument
from escrow import allowances, corrections, counting, overlaps
from escrow.rooms import EnteredRoom

router = APIRouter(tags=["counting"])

Signed = Annotated[SignedDocument, Body(openapi_examples=examples.DOCUMENT)]
NumberPath = Annotated[int, Path(ge=1, le=2**31 - 1, description="number, from 1")]


@router.put("/v1/rooms/{room}/wishes/{partner}/{number}", summary="Make counts stricter")
def put_wish(  # noqa: PLR0913, PLR0917 - the parts of an address are parameters
    desk: TheDesk, caller: Caller, room: RoomPath, partner: PartnerPath, number: NumberPath, signed: Signed
) -> Accepted:
    """A member does it alone, from now on. Weaker takes terms, and two people of every member."""
    return desk.write_room(room, caller, lambda entered: counting.put(entered, partner, number, signed))


@router.put("/v1/rooms/{room}/allowances/{partner}/{number}", summary="Allow weaker counting, or answers more")
def put_allowance(  # noqa: PLR0913, PLR0917 - the parts of an address are parameters
    desk: TheDesk, caller: Caller, room: RoomPath, partner: PartnerPath, number: NumberPath, signed: Signed
) -> Accepted:
    """Signed by the partner, the author and an approver."""
    return desk.write_room(room, caller, lambda entered: allowances.put(entered, partner, number, signed))


@router.put("/v1/rooms/{room}/corrections/{partner}", summary="Ask for a correction")
def put_correction(desk: TheDesk, caller: Caller, room: RoomPath, partner: PartnerPath, signed: Signed) -> Accepted:
    """One answer more in the first month. It is given at once if both lists are evaluated."""

    def work(entered: EnteredRoom) -> Digest:
        digest = corrections.put(entered, partner, signed)
        overlaps.settle(entered, escrow_key=desk.key)
        return digest

    return desk.write_room(room, caller, work)
