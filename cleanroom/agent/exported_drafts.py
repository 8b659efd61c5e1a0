"""A draft on its way to its approver: exported here, signed on another machine with a key file, imported again.

The file holds all that the approver needs to judge it without a vault or a network: the policy's text, the one in force
before, the terms, the roster. What it would show differently is computed from these texts by whoever reads the file;
the YAML in it is what its author typed, and proves nothing.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationError

from cleanroom.agent import drafts, policies, users
from cleanroom.agent.drafts import LONGEST_TEXT
from cleanroom.agent.policies import ApproverIsAuthor, NoDraft, NotAnApprover
from cleanroom.agent.rooms import open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.user_keys import UserSession
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages.documents import Wire, as_tuple, digest_of, moment, read_document
from cleanroom.messages.policies import read_policy
from cleanroom.messages.policy_chain import Before, InForce, Owner, Proposed, propose
from cleanroom.messages.rooms import Terms
from cleanroom.messages.signing import Signature, SignedDocument
from cleanroom.messages.users import APPROVERS, Roster
from cleanroom.policy.model import Policy


class DraftRefused(InputRefused):
    """The file is no exported draft, or its parts do not belong together."""

    code = "draft_refused"


class ExportedDraft(Wire):
    """The file. `previous` is the text of the policy in force before; empty for the first."""

    version: Literal[1] = 1
    document: str
    signatures: Annotated[tuple[Signature, ...], BeforeValidator(as_tuple), Field(min_length=2, max_length=3)]
    yaml: Annotated[str, Field(max_length=LONGEST_TEXT)]
    terms: str
    roster: str
    previous: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftToSign:
    """What an approver judges: the policy proposed, and the one in force before. `yaml` is only what was typed."""

    proposed: Proposed
    before: Policy | None
    terms: Terms
    roster: Roster
    yaml: str


def export_draft(agent: Agent, room_id: RoomId) -> bytes:
    """The draft that waits, as a file (JSON) for its approver. Raises NoDraft."""
    room = open_room(agent, room_id)
    record, draft, roster = drafts.load(agent, room_id), policies.pending(agent, room), users.newest_roster(agent)
    if record is None or draft is None or roster is None:
        raise NoDraft("policy: nothing waits for an approval in this room")
    chain = room.policies[agent.me]
    exported = ExportedDraft(
        document=record.document,
        signatures=policies.with_approval(record, draft.document, None).signatures,
        yaml=record.yaml,
        terms=room.terms.text(),
        roster=roster.text(),
        previous=chain[-1].document.text() if chain else "",
    )
    return exported.model_dump_json(indent=1).encode()


def read_draft(data: bytes) -> DraftToSign:
    """What an exported draft says, once its parts are seen to belong together and its author's signature to hold.

    Raises:
        DraftRefused: it is no exported draft.
        DocumentRefused, PolicyChainRefused: naming the rule that it breaks.
    """
    file = _read(data)
    document = read_policy(file.document).document
    terms, roster = read_document(Terms, file.terms), read_document(Roster, file.roster)
    before = read_policy(file.previous) if file.previous else None
    if digest_of(file.terms) != document.terms or digest_of(file.roster) != document.roster:
        raise DraftRefused("draft: its terms or its roster are not those that the policy names")
    signers = {document.owner, document.author}
    proposed = propose(
        SignedDocument(
            document=file.document, signatures=tuple(item for item in file.signatures if item.signer in signers)
        ),
        owner=Owner(
            room=terms.room,
            partner=roster.partner,
            key=bytes.fromhex(terms.member(roster.partner).identity_key),
            terms={document.terms: terms},
            rosters=(roster,),
        ),
        before=Before(read=before, since=moment(before.document.created)) if before else None,
        received=moment(document.created),
    )
    return DraftToSign(
        proposed=proposed,
        before=before.policy if before else None,
        terms=terms,
        roster=roster,
        yaml=file.yaml,
    )


def sign_draft(data: bytes, user: UserSession) -> bytes:
    """The same file with a second person's signature. Needs no vault and no network.

    Raises:
        DraftRefused, DocumentRefused: see `read_draft`.
        NotAnApprover, ApproverIsAuthor: the user may not approve, or not this.
    """
    draft, file = read_draft(data), _read(data)
    document = draft.proposed.document
    entry = draft.roster.user(user.id)
    if entry is None or entry.role not in APPROVERS:
        raise NotAnApprover("policy: this user is not in the roster in a role that may approve policies")
    if user.id == document.author:
        raise ApproverIsAuthor("policy: somebody else has to approve it; its author has signed already")
    kept = tuple(item for item in file.signatures if item.signer in {document.owner, document.author})
    signature = user.signature(document.type, file.document)
    return file.model_copy(update={"signatures": (*kept, signature)}).model_dump_json(indent=1).encode()


def import_draft(agent: Agent, data: bytes) -> InForce:
    """Put the draft that waits in force, with the approval in the file.

    Raises:
        DraftRefused: the file is none, or carries no approval.
        NoDraft: another draft waits by now, or none.
        DocumentRefused, PolicyChainRefused: the approval is not what it must be.
    """
    file = _read(data)
    document = read_policy(file.document).document
    approvals = [item for item in file.signatures if item.signer not in {document.owner, document.author}]
    if len(approvals) != 1:
        raise DraftRefused("draft: nobody but its author has signed it")
    with agent.locked("policies"):
        users.publish(agent)
        room = open_room(agent, document.room)
        room.require_active()
        record, draft = drafts.load(agent, room.id), policies.pending(agent, room)
        if record is None or draft is None or record.document != file.document:
            raise NoDraft("policy: this is not the draft that waits for an approval in its room")
        return policies.enforce(agent, room, policies.with_approval(record, document, approvals[0]))


def _read(data: bytes) -> ExportedDraft:
    try:
        return ExportedDraft.model_validate_json(data)
    except ValidationError:
        raise DraftRefused("draft: this is no exported draft") from None
