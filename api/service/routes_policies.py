"""P6 over HTTP: rosters of users, policies and their proposals."""

from typing import Annotated

from fastapi import APIRouter, Body, Path

from api.service import examples
from api.service.desk import Caller, PartnerPath, RoomPath, TheDesk
from cleanroom.messages.api import Accepted
from cleanroom.messages.signing import SignedDocument
from escrow import policies, rosters
from escrow.errors import NotFound

POLICY = "/v1/rooms/{room}/policies/{partner}/{version}"

router = APIRouter(tags=["policies"])

Signed = Annotated[SignedDocument, Body(openapi_examples=examples.DOCUMENT)]
VersionPath = Annotated[int, Path(ge=1, le=2**31 - 1, description="version, from 1")]


@router.put("/v1/partners/{partner}/rosters/{version}", summary="Publish a roster of users")
def put_roster(desk: TheDesk, caller: Caller, partner: PartnerPath, version: VersionPath, signed: Signed) -> Accepted:
    """Keys and roles, no names. From version 2 on also signed by an admin of the version before."""
    if partner != caller:
        raise NotFound
    return desk.write(lambda session: rosters.put(session, partner, version, signed, now=desk.clock()))


@router.put(POLICY + "/proposal", summary="Propose a policy")
def put_proposal(  # noqa: PLR0913, PLR0917 - the parts of an address are parameters
    desk: TheDesk, caller: Caller, room: RoomPath, partner: PartnerPath, version: VersionPath, signed: Signed
) -> Accepted:
    """Signed by the partner and the author. It takes the place of the proposal before; nobody else sees it."""
    return desk.write_room(
        room, caller, lambda entered: policies.put_proposal(entered, partner, version, signed, escrow_key=desk.key)
    )


@router.put(POLICY, summary="Put a policy in force")
def put_policy(  # noqa: PLR0913, PLR0917 - the parts of an address are parameters
    desk: TheDesk, caller: Caller, room: RoomPath, partner: PartnerPath, version: VersionPath, signed: Signed
) -> Accepted:
    """Signed by the partner, the author and, where it widens, an approver."""
    return desk.write_room(
        room, caller, lambda entered: policies.put(entered, partner, version, signed, escrow_key=desk.key)
    )
