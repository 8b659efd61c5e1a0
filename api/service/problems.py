"""From error to HTTP (RFC 9457). The one table of statuses; a test proves that it is complete."""

from dataclasses import dataclass
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from cleanroom.domain.errors import CleanroomError
from cleanroom.messages.api import Problem
from escrow.errors import NotFound

MEDIA_TYPE: Final = "application/problem+json"

PROBLEMS: Final[dict[str, tuple[int, str]]] = {
    # who asks, and how
    "signature_refused": (401, "The request is not, or not acceptably, signed"),
    "request_replayed": (401, "The request was seen before"),
    "body_too_large": (413, "The body is too large"),
    "request_refused": (422, "The request does not have the form it must have"),
    "method_not_allowed": (405, "This address does not take this method"),
    "not_found": (404, "Nothing is here for you"),
    "conflict": (409, "Something else is at this address"),
    # P1
    "invite_refused": (403, "No such invite, or it has expired"),
    "invite_used": (403, "The invite was used"),
    "enrolment_refused": (422, "The enrolment breaks a rule"),
    "identity_refused": (422, "The identity key is none"),
    "sealing_key_refused": (422, "The sealing key is none"),
    "name_taken": (409, "Another partner has this name"),
    # P2
    "document_refused": (422, "The document is not what its type says, or not signed as it must be"),
    "terms_refused": (422, "The terms break a rule"),
    "terms_pending": (409, "Other terms wait for a signature"),
    "withdrawal_refused": (409, "There is nothing to decline or to leave"),
    "room_not_active": (409, "The room's terms are not in force"),
    "room_closed": (409, "The room was declined or left"),
    "room_expired": (409, "The room's terms have expired"),
    "epoch_not_current": (409, "The epoch has ended or has not begun"),
    "key_refused": (422, "The epoch key is refused"),
    # P3
    "snapshot_refused": (422, "The snapshot breaks a rule"),
    "shape_too_rare": (422, "A shape is too rare"),
    "quota_exceeded": (422, "The list is larger than the quota"),
    "out_of_order": (409, "Something else must come first"),
    "chunks_missing": (409, "The announced chunks are not here"),
    # P4
    "batch_refused": (422, "The bytes are not a batch of rows"),
    "evaluation_refused": (422, "The evaluation does not speak of what is here"),
    "another_root": (409, "Another root was signed before"),
    "root_of_other_side_missing": (409, "The other side's root is not here yet"),
    "rows_refused": (422, "The rows are not sorted, or do not follow from those before"),
    "root_differs": (422, "The rows are not those that were signed"),
    "repeated_tags": (422, "A tag is repeated"),
    "histogram_differs": (422, "The shapes are not those of the snapshot"),
    # P5
    "probes_refused": (422, "The probes are not those of the list's first batch"),
    "counting_refused": (422, "The wish or the allowance does not speak of what is here"),
    "not_stricter": (409, "The mode is not stricter than the one in force"),
    "two_people_needed": (409, "Weaker counting takes two people of every member"),
    "correction_refused": (409, "No correction can be given now"),
    # P6
    "roster_refused": (422, "The roster of users breaks a rule"),
    "allowance_refused": (422, "It takes two people of the member's roster"),
    "policy_chain_refused": (422, "The policy does not follow, or is not approved as it must be"),
    "policy_outdated": (409, "The policy was made for another roster, terms or version"),
    "approval_too_early": (409, "One person alone may approve this later"),
    # P7
    "round_over": (409, "The round takes no openings any more"),
    "opening_refused": (422, "The opening does not hold"),
    # P9
    "release_refused": (422, "The release breaks a rule"),
    "notice_refused": (422, "The notice breaks a rule"),
    # P10
    "checkpoint_refused": (422, "The checkpoint does not hold"),
    # us
    "internal_error": (500, "The escrow failed; nothing was changed"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemResponse:
    """A problem, ready to be sent."""

    status: int
    body: bytes

    def response(self) -> Response:
        """As Starlette sends it."""
        return Response(self.body, status_code=self.status, media_type=MEDIA_TYPE)


def problem(code: str, detail: str) -> ProblemResponse:
    """The problem for a code of the table."""
    status, title = PROBLEMS[code]
    body = Problem(type=f"urn:cleanroom:problem:{code}", title=title, status=status, code=code, detail=detail)
    return ProblemResponse(status=status, body=body.model_dump_json().encode())


def problem_of(error: CleanroomError) -> ProblemResponse:
    """The problem for an error. One that the table does not know is ours, and says nothing."""
    return problem(error.code, str(error)) if error.code in PROBLEMS else internal_error()


def internal_error() -> ProblemResponse:
    """For what should not happen."""
    return problem("internal_error", "Try again later; the operator's log has more.")


def install(app: FastAPI) -> None:
    """Make the application answer all its errors with problems."""
    app.add_exception_handler(CleanroomError, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _unrouted)


def _refused(request: Request, error: Exception) -> Response:
    found = problem_of(error) if isinstance(error, CleanroomError) else internal_error()
    request.state.code = error.code if isinstance(error, CleanroomError) else "internal_error"
    return found.response()


def _malformed(request: Request, error: Exception) -> Response:
    """Names the places that are wrong, never what is there."""
    request.state.code = "request_refused"
    errors = error.errors() if isinstance(error, RequestValidationError) else []
    places = sorted({".".join(str(part) for part in item["loc"] if not _is_from_outside(part)) for item in errors})
    return problem("request_refused", f"not valid at {', '.join(places) or 'the request'}").response()


def _is_from_outside(part: object) -> bool:
    """Whether a part of a place may be the caller's own words: a member that no type knows."""
    return isinstance(part, str) and not part.isidentifier()


def _unrouted(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.status_code == PROBLEMS["method_not_allowed"][0]:
        request.state.code = "method_not_allowed"
        answer = problem("method_not_allowed", "See /openapi.json for what this address takes.").response()
        answer.headers.update(error.headers or {})
        return answer
    if isinstance(error, HTTPException) and error.status_code == PROBLEMS["not_found"][0]:
        request.state.code = "not_found"
        return problem("not_found", str(NotFound())).response()
    request.state.code = "request_refused"
    return problem("request_refused", "not valid at the request").response()
