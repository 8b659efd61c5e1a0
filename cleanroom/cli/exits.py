"""The one table from errors to exit codes, for scripts. A test proves that every error is in it.

0 done · 1 refused · 2 wrong usage (typer's own) · 3 not possible now, or waiting for somebody · 4 a check of the
protocol failed · 5 the escrow cannot be reached · 6 the home or its vault cannot be opened · 130 interrupted
"""

from enum import IntEnum
from typing import Final

from cleanroom.agent.problems import EscrowProblem
from cleanroom.domain.errors import CleanroomError
from matching.refusal import Refusal


class Exit(IntEnum):
    """How a command ends."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    NOT_NOW = 3
    VERIFICATION = 4
    UNREACHABLE = 5
    VAULT = 6
    INTERRUPTED = 130


EXITS: Final[dict[str, Exit]] = {
    # What the user gave cannot be used, or the escrow says no.
    "error": Exit.REFUSED,
    "input_refused": Exit.REFUSED,
    "passphrase_refused": Exit.REFUSED,
    "passphrase_missing": Exit.REFUSED,
    "file_not_written": Exit.REFUSED,
    "confirmation_missing": Exit.REFUSED,
    "unknown_partner": Exit.REFUSED,
    "unknown_room": Exit.REFUSED,
    "unknown_list": Exit.REFUSED,
    "list_too_small": Exit.REFUSED,
    "over_quota": Exit.REFUSED,
    "insecure_address": Exit.REFUSED,
    "invite_text_refused": Exit.REFUSED,
    "body_too_large": Exit.REFUSED,
    "escrow_problem": Exit.REFUSED,
    "naive_time": Exit.REFUSED,
    "vault_address_refused": Exit.REFUSED,
    "policy_refused": Exit.REFUSED,
    "policy_text_refused": Exit.REFUSED,
    "draft_refused": Exit.REFUSED,
    "user_refused": Exit.REFUSED,
    "unknown_user": Exit.REFUSED,
    "unknown_match": Exit.REFUSED,
    "user_key_refused": Exit.REFUSED,
    "no_receipt": Exit.REFUSED,
    "over_declared": Exit.REFUSED,
    "nothing_held_back": Exit.REFUSED,
    "decoy_refused": Exit.REFUSED,
    "nothing_frozen": Exit.REFUSED,
    # The same command may work later, or after somebody did something.
    "not_possible_now": Exit.NOT_NOW,
    "no_answer_yet": Exit.NOT_NOW,
    "partner_not_confirmed": Exit.NOT_NOW,
    "round_not_ready": Exit.NOT_NOW,
    "openings_wait": Exit.NOT_NOW,
    "checkpoint_stale": Exit.NOT_NOW,
    "nothing_witnessed": Exit.NOT_NOW,
    "opening_unanswered": Exit.NOT_NOW,
    "recipes_differ": Exit.NOT_NOW,
    "nothing_to_upgrade": Exit.NOT_NOW,
    "reviewer_missing": Exit.NOT_NOW,
    "room_not_active": Exit.NOT_NOW,
    "clocks_differ": Exit.NOT_NOW,
    "already_enrolled": Exit.NOT_NOW,
    "home_busy": Exit.NOT_NOW,
    "no_policy": Exit.NOT_NOW,
    "no_draft": Exit.NOT_NOW,
    "not_an_approver": Exit.NOT_NOW,
    "approver_is_author": Exit.NOT_NOW,
    "approval_too_early": Exit.NOT_NOW,
    "not_an_admin": Exit.NOT_NOW,
    "weaker_not_allowed": Exit.NOT_NOW,
    "not_stricter": Exit.NOT_NOW,
    "nothing_to_change": Exit.NOT_NOW,
    "guesses_wait": Exit.NOT_NOW,
    "above_declared": Exit.NOT_NOW,
    "list_quarantined": Exit.NOT_NOW,
    "guess_quota_reached": Exit.NOT_NOW,
    "rows_not_mature": Exit.NOT_NOW,
    "partner_frozen": Exit.NOT_NOW,
    # Somebody sent what must not be believed.
    "verification_failed": Exit.VERIFICATION,
    "words_differ": Exit.VERIFICATION,
    "keys_changed": Exit.VERIFICATION,
    "key_refused": Exit.VERIFICATION,
    "other_side_refused": Exit.VERIFICATION,
    "escrow_not_authentic": Exit.VERIFICATION,
    "document_refused": Exit.VERIFICATION,
    "evaluation_torn": Exit.VERIFICATION,
    "opening_refused": Exit.VERIFICATION,
    "release_refused": Exit.VERIFICATION,
    "notice_refused": Exit.VERIFICATION,
    "bundle_refused": Exit.VERIFICATION,
    "signature_refused": Exit.VERIFICATION,
    "identity_refused": Exit.VERIFICATION,
    "sealing_key_refused": Exit.VERIFICATION,
    "unseal_refused": Exit.VERIFICATION,
    "batch_refused": Exit.VERIFICATION,
    "allowance_refused": Exit.VERIFICATION,
    "policy_chain_refused": Exit.VERIFICATION,
    "own_policy_differs": Exit.VERIFICATION,
    "policy_rolled_back": Exit.VERIFICATION,
    "log_inconsistent": Exit.VERIFICATION,
    "counting_weakened": Exit.VERIFICATION,
    "not_on_record": Exit.VERIFICATION,
    "checkpoint_refused": Exit.VERIFICATION,
    "entry_refused": Exit.VERIFICATION,
    "record_refused": Exit.VERIFICATION,
    "escrow_unreachable": Exit.UNREACHABLE,
    # This home.
    "wrong_passphrase": Exit.VAULT,
    "vault_missing": Exit.VAULT,
    "vault_exists": Exit.VAULT,
    "vault_damaged": Exit.VAULT,
    "vault_newer": Exit.VAULT,
    "vault_rekeyed": Exit.VAULT,
    "vault_busy": Exit.VAULT,
    "vault_unusable": Exit.VAULT,
    "not_enrolled": Exit.VAULT,
    "home_outdated": Exit.VAULT,
    "identity_missing": Exit.VAULT,
    "identity_exists": Exit.VAULT,
}

_CONFLICT: Final = 409
_SERVER: Final = 500


def exit_of(error: CleanroomError | Refusal) -> Exit:
    """How a command that met this error ends.

    A problem that the escrow states ends by what its status says: the state of things does not allow it (409), or
    the escrow itself failed (500 and above).
    """
    if isinstance(error, EscrowProblem) and error.status == _CONFLICT:
        return Exit.NOT_NOW
    if isinstance(error, EscrowProblem) and error.status >= _SERVER:
        return Exit.UNREACHABLE
    if isinstance(error, Refusal):
        return Exit.REFUSED
    return EXITS[error.code]
