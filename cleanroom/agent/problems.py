"""How a conversation with the escrow can fail, and the reading of its problem documents (RFC 9457)."""

import json

from cleanroom.domain.errors import CleanroomError, InputRefused, NotPossibleNow, VerificationFailed

_TEXT_LIMIT = 500


class InsecureAddress(InputRefused):
    """The escrow's address would send requests in the clear, or is no address."""

    code = "insecure_address"


class EscrowUnreachable(NotPossibleNow):
    """No answer of the escrow arrived in time. The call may or may not have taken effect; repeating it is safe."""

    code = "escrow_unreachable"


class EscrowNotAuthentic(VerificationFailed):
    """Something answered, but not the escrow that this agent enrolled with, or not to this request."""

    code = "escrow_not_authentic"


class BodyTooLarge(CleanroomError):
    """A body is over the limit of the transport."""

    code = "body_too_large"


class EscrowProblem(CleanroomError):
    """The escrow, verified, refuses. `problem` is its stable code; the class's own `code` names the kind of error."""

    code = "escrow_problem"

    def __init__(self, problem: str, *, title: str, status: int, detail: str = "") -> None:
        self.problem = problem
        self.title = title
        self.status = status
        self.detail = detail
        super().__init__(f"escrow: {title}" + (f": {detail}" if detail else "") + f" ({problem})")


def problem_from(status: int, body: bytes) -> EscrowProblem:
    """The problem in a verified answer's body; a body that is no problem document gives "unexpected_answer"."""
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("code"), str):
        return EscrowProblem("unexpected_answer", title=f"an answer with status {status}", status=status)
    return EscrowProblem(
        _printable(document["code"]),
        title=_printable(document.get("title")),
        status=status,
        detail=_printable(document.get("detail")),
    )


def _printable(text: object) -> str:
    # It will be shown in a terminal, so control sequences do not pass.
    return "".join(c for c in text if c.isprintable())[:_TEXT_LIMIT] if isinstance(text, str) else ""
