"""Everything the escrow refuses, each with a stable code. HTTP statuses are `api.service.problems`' business."""

from cleanroom.domain.errors import CleanroomError


class EscrowError(CleanroomError):
    """Base of the escrow's refusals."""

    code = "escrow_error"


class NotFound(EscrowError):
    """There is no such thing, or it is not the caller's: nobody can tell which."""

    code = "not_found"

    def __init__(self) -> None:
        super().__init__("There is nothing at this address that you may see or change.")


class Conflict(EscrowError):
    """Something else is already at this address."""

    code = "conflict"

    def __init__(self) -> None:
        super().__init__("Something else was put at this address before; it stays.")


class RequestReplayed(EscrowError):
    """A signed request was sent a second time."""

    code = "request_replayed"


class InviteRefused(EscrowError):
    """No such invite, or it has expired."""

    code = "invite_refused"


class InviteUsed(EscrowError):
    """The invite was used for another enrolment."""

    code = "invite_used"


class EnrolmentRefused(EscrowError):
    """An enrolment breaks a rule."""

    code = "enrolment_refused"


class NameTaken(EscrowError):
    """Another partner has this name."""

    code = "name_taken"


class TermsRefused(EscrowError):
    """Terms break a rule."""

    code = "terms_refused"


class TermsPending(EscrowError):
    """Other terms wait for a signature; they are signed or declined first."""

    code = "terms_pending"


class RoomNotActive(EscrowError):
    """Not every member has signed the terms yet."""

    code = "room_not_active"


class RoomClosed(EscrowError):
    """The room was declined or left."""

    code = "room_closed"


class RoomExpired(EscrowError):
    """The terms in force have expired; only their renewal or leaving is possible."""

    code = "room_expired"


class WithdrawalRefused(EscrowError):
    """There is nothing to decline or to leave."""

    code = "withdrawal_refused"


class EpochNotCurrent(EscrowError):
    """The epoch has ended or has not begun."""

    code = "epoch_not_current"


class KeyRefused(EscrowError):
    """An epoch key is nobody's, known already, or without proof."""

    code = "key_refused"


class SnapshotRefused(EscrowError):
    """A snapshot breaks a rule."""

    code = "snapshot_refused"


class ShapeTooRare(EscrowError):
    """A visible shape is shared by fewer entries than the room's minimum population."""

    code = "shape_too_rare"


class QuotaExceeded(EscrowError):
    """A list holds more entries than the terms allow."""

    code = "quota_exceeded"


class OutOfOrder(EscrowError):
    """Something must come first: an earlier batch, or an earlier snapshot."""

    code = "out_of_order"


class ChunksMissing(EscrowError):
    """Not all the chunks that were announced are here, or others are."""

    code = "chunks_missing"


class EvaluationRefused(EscrowError):
    """An evaluation does not speak of what is here."""

    code = "evaluation_refused"


class AnotherRoot(EscrowError):
    """The evaluator signed another root for the same batch before."""

    code = "another_root"


class RootOfOtherSideMissing(EscrowError):
    """Rows may come only after both sides signed their roots for the same pair of snapshots."""

    code = "root_of_other_side_missing"


class RowsRefused(EscrowError):
    """Evaluated rows are not sorted, or do not follow from the batches before."""

    code = "rows_refused"


class RootDiffers(EscrowError):
    """The rows are not those whose root was signed."""

    code = "root_differs"


class RepeatedTags(EscrowError):
    """Two rows of a list carry the same tag."""

    code = "repeated_tags"


class HistogramDiffers(EscrowError):
    """The evaluated rows do not show the shapes that the list's owner committed to."""

    code = "histogram_differs"


class CountingRefused(EscrowError):
    """A wish or an allowance speaks of another room, partner, number or terms, or comes from the future."""

    code = "counting_refused"


class NotStricter(EscrowError):
    """A member wishes for a mode of counting that is not stricter than the one in force."""

    code = "not_stricter"


class ProbesRefused(EscrowError):
    """Probes are not what they must be."""

    code = "probes_refused"


class TwoPeopleNeeded(EscrowError):
    """Terms that count in a weaker way come into force only if two people of every member have allowed them."""

    code = "two_people_needed"


class CorrectionRefused(EscrowError):
    """A correction cannot be given; the message says why, and who can change that."""

    code = "correction_refused"


class RosterRefused(EscrowError):
    """A roster of users speaks of another version, or comes from the future."""

    code = "roster_refused"


class PolicyOutdated(EscrowError):
    """A policy names an older roster, older terms or another version than it must, or comes from the future."""

    code = "policy_outdated"


class RoundOver(EscrowError):
    """A round of opening takes no openings any more, or stands on what is no longer in force."""

    code = "round_over"


class ReleaseRefused(EscrowError):
    """A release does not speak of what is here."""

    code = "release_refused"


class NoticeRefused(EscrowError):
    """A notice, or its sealed words, are not what they must be."""

    code = "notice_refused"


class SchemaMissing(EscrowError):
    """The database has not been migrated to this version."""

    code = "schema_missing"
