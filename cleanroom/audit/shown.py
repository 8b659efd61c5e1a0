"""What the records that hold add up to, for screens and reports. Nothing is checked here."""

from collections import Counter
from collections.abc import Iterator, Sequence

from cleanroom.audit.replay import Recorded
from cleanroom.audit.result import Shown, Touched
from cleanroom.domain.fields import ACCOUNT
from cleanroom.domain.vocabulary import Form
from cleanroom.messages.records import Record


def touched(records: Sequence[tuple[Recorded, Record]]) -> Iterator[Touched]:
    """Each match that a release speaks of, in the order of the log."""
    for release, record in records:
        yield Touched(
            index=release.index,
            sender=record.sender,
            recipient=record.recipient,
            cell=(release.segments[record.cell[0]], release.segments[record.cell[1]]),
            accounts=record.accounts,
        )


def shown(records: Sequence[tuple[Recorded, Record]], delivered: frozenset[str]) -> Iterator[Shown]:
    """How many accounts each release showed, by cell, field and form."""
    releases: dict[int, Recorded] = {}
    counts: Counter[tuple[int, tuple[int, int], str, Form]] = Counter()
    for release, record in records:
        releases[release.index] = release
        for account in record.accounts:
            for name, form in ((ACCOUNT, Form.EXISTS), *account.items()):
                counts[release.index, record.cell, name, form] += 1
    for (index, cell, name, form), accounts in sorted(counts.items()):
        entry, labels = releases[index].entry, releases[index].segments
        yield Shown(
            index=index,
            release=entry.document,
            number=entry.number,
            sender=entry.sender,
            recipient=entry.recipient,
            cell=(labels[cell[0]], labels[cell[1]]),
            field=name,
            form=form,
            accounts=accounts,
            sender_version=releases[index].versions[0],
            recipient_version=releases[index].versions[1],
            handed_over=entry.document in delivered,
        )
