"""P4: the probes that a member put into its list, told once the other side has evaluated them.

An evaluator that puts the tags of one entry's keys under several entries makes one company count several times. Nobody
can see that in tags. A probe is an entry like any other, of points whose tags its owner can compute: if its tags do not
lie together in the evaluation, the evaluator has torn entries apart.
"""

from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from cleanroom.messages.documents import (
    Bytes16,
    Count,
    DigestText,
    Document,
    Instant,
    PartnerName,
    RoomName,
    Wire,
    as_tuple,
)

MOST_PROBES: Final = 1_000


class ProbeRow(Wire):
    """One row of a probe: its kind, as index in the terms, and the tag that an honest evaluator gives it."""

    kind: Annotated[int, Field(ge=0, le=15)]
    tag: Bytes16


class Probe(Wire):
    """One entry that is nobody's."""

    segment: Annotated[int, Field(ge=0, le=15)]
    rows: Annotated[tuple[ProbeRow, ...], BeforeValidator(as_tuple), Field(min_length=2, max_length=100)]


class Probes(Document):
    """The probes in the first batch of a member's list, which the other member has evaluated."""

    type: Literal["probes/1"] = "probes/1"
    room: RoomName
    epoch: Count
    owner: PartnerName
    snapshot: DigestText
    probes: Annotated[tuple[Probe, ...], BeforeValidator(as_tuple), Field(max_length=MOST_PROBES)]
    created: Instant
