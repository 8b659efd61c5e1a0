"""The root of all errors that a person or a script may meet, each with a stable code.

Messages name the place and the rule, never the value. HTTP status codes are the API's business
(`api.service.problems`), exit codes the command line's (`cleanroom.cli.exits`).
"""

from typing import ClassVar


class CleanroomError(Exception):
    """Something was refused or could not be done; nothing is half-done. `code` is stable."""

    code: ClassVar[str] = "error"


class InputRefused(CleanroomError):
    """What the user gave cannot be used: a file, a column, an option, words of a fingerprint."""

    code = "input_refused"


class NotPossibleNow(CleanroomError):
    """The request is well-formed, but the state of things does not allow it."""

    code = "not_possible_now"


class VerificationFailed(CleanroomError):
    """A signature, proof, digest or rule of the protocol does not hold. Treat the sender as hostile or broken."""

    code = "verification_failed"
