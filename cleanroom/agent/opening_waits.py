"""Why nothing is opened now."""

from cleanroom.domain.errors import NotPossibleNow


class RoundNotReady(NotPossibleNow):
    """A round cannot be opened yet: something of it is not what this agent stands on now."""

    code = "round_not_ready"


class OpeningsWait(NotPossibleNow):
    """Nothing is opened before the next epoch, or before somebody does something about it."""

    code = "openings_wait"
